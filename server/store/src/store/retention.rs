//! Changes the settings of a stream `S`: an ordinary append to `$$S`, which expects the version that the new state
//! was derived from and checks everything else that it depends on. If one of these changes before the commit, the
//! appender derives the state again (`appender/stream_change.rs`); if the change no longer applies then, it is
//! retried here from the start.
//!
//! An operation whose result is already in place reports so and writes nothing. So each can be retried if its outcome
//! is unknown.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{Store, Submission};
use crate::{
    lifecycle::{Lifecycle, Marked, Retention},
    model::{
        append::Appended,
        error::{Error, Result},
        rejection::Rejection,
    },
    read::{ends, follow::fresh_head, gone},
    shared::Shared,
    tasks::appender::stream_change::{AsOf, Change, Made, Now, Wish},
    values::{
        expected::Expected,
        name::StreamName,
        position::{Position, Revision},
    },
};

/// Maximum number of attempts at a change whose conditions no longer hold. Each further attempt means that another
/// change of the same stream or of a prefix was first, or an append after which this change is refused. An append
/// alone causes no further attempt (`appender/stream_change.rs`).
pub(super) const TRIES_MAX: usize = 64;

/// How much of a stream is kept, as of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionInfo {
    /// Limits that are set for the stream.
    pub retention: Retention,
    /// Number of changes so far, deletions included. 0: never changed, everything is kept.
    pub version: u64,
    /// Whether the stream was permanently deleted.
    pub tombstoned: bool,
    /// The prefix whose retention applies because the stream has no count and no age of its own, with that retention.
    pub from_prefix: Option<(String, Retention)>,
}

impl RetentionInfo {
    fn of(marked: Option<Marked>, from_prefix: Option<(String, Retention)>) -> Self {
        let lifecycle = marked.map(|marked| marked.lifecycle).unwrap_or_default();
        Self {
            retention: lifecycle.retention,
            version: marked.map_or(0, |marked| marked.version),
            tombstoned: lifecycle.tombstoned,
            from_prefix,
        }
    }
}

/// Result of deleting a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Last revision of the stream; the next append gets the one after it.
    pub last_revision: Revision,
    /// Position of the event that records the deletion.
    pub position: Position,
    /// Whether it was already deleted, with no append since.
    pub already_deleted: bool,
}

/// Result of permanently deleting a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstoned {
    /// Position of the event that records the deletion.
    pub position: Position,
    /// Whether it was already permanently deleted.
    pub already_tombstoned: bool,
}

/// Returns how much of a stream is kept.
pub(crate) async fn retention(shared: &Shared, stream: &StreamName) -> Result<RetentionInfo> {
    fresh_head(shared).await?;
    let lifecycles = shared.tail.lifecycles();
    Ok(RetentionInfo::of(
        lifecycles.get(stream.as_str()),
        lifecycles.governing(stream.as_str()),
    ))
}

/// Sets how much of a stream is kept.
pub(crate) async fn set_retention(
    store: &Store,
    stream: &StreamName,
    wanted: Retention,
    expected_version: Option<u64>,
) -> Result<RetentionInfo> {
    for _ in 0..TRIES_MAX {
        let (now, as_of) = Now::look(store, stream).await?;
        if now.lifecycle.tombstoned {
            return Err(Error::StreamTombstoned(stream.clone()));
        }
        if wanted.truncate_before > Revision::after(now.last) {
            return Err(Error::RevisionBeyondEnd {
                stream: stream.clone(),
                revision: wanted.truncate_before,
                last: now.last,
            });
        }
        let needs_floor = now.lifecycle.needs_floor(&wanted, now.rule.as_ref());
        let floor = if needs_floor {
            gone::first_not_removed(store.shared(), stream, now.last).await?
        } else {
            Revision::FIRST
        };
        let lifecycle = now.lifecycle.with_retention(wanted, floor);
        let is_set = lifecycle == now.lifecycle;
        if let Some(expected) = expected_version
            && !is_version(expected, now.version, is_set)
        {
            return Err(Error::VersionConflict {
                stream: stream.clone(),
                expected,
                actual: now.version,
            });
        }
        if is_set {
            return Ok(now.info(store.shared(), stream));
        }
        let wish = Wish::Retention {
            wanted,
            expected_version,
            version: now.version,
            floor,
        };
        if let Some(written) = now.write(store, stream, wish, lifecycle, as_of).await? {
            let set = Now {
                lifecycle: written.lifecycle,
                version: written.before.version + 1,
                ..now
            };
            return Ok(set.info(store.shared(), stream));
        }
    }
    Err(BUSY)
}

/// Deletes a stream.
pub(crate) async fn delete(store: &Store, stream: &StreamName, expected: Expected) -> Result<Deleted> {
    for _ in 0..TRIES_MAX {
        let (now, as_of) = Now::look(store, stream).await?;
        if now.lifecycle.tombstoned {
            return Err(Error::StreamTombstoned(stream.clone()));
        }
        let Some(last) = now.present() else {
            return now.not_present(stream, expected);
        };
        now.check(stream, expected)?;
        let lifecycle = now.lifecycle.after_deletion(last);
        let wish = Wish::Deletion(expected);
        if let Some(written) = now.write(store, stream, wish, lifecycle, as_of).await? {
            return Ok(Deleted {
                last_revision: written.before.last.unwrap_or(last),
                position: written.position,
                already_deleted: false,
            });
        }
    }
    Err(BUSY)
}

/// Deletes a stream permanently.
pub(crate) async fn tombstone(store: &Store, stream: &StreamName, expected: Expected) -> Result<Tombstoned> {
    for _ in 0..TRIES_MAX {
        let (now, as_of) = Now::look(store, stream).await?;
        if now.lifecycle.tombstoned {
            return Ok(Tombstoned {
                position: now.position,
                already_tombstoned: true,
            });
        }
        now.check(stream, expected)?;
        let lifecycle = now.lifecycle.after_tombstone();
        let wish = Wish::Tombstone(expected);
        if let Some(written) = now.write(store, stream, wish, lifecycle, as_of).await? {
            return Ok(Tombstoned {
                position: written.position,
                already_tombstoned: false,
            });
        }
    }
    Err(BUSY)
}

/// Whether a change that expects a version may be made. `is_set`: the requested settings are already in place. A
/// retry is then accepted if the version is the one after the expected one, as the first attempt left it.
pub(super) fn is_version(expected: u64, version: u64, is_set: bool) -> bool {
    expected == version || is_set && expected.checked_add(1) == Some(version)
}

/// Writes the append; `None` if something that it depends on has changed.
pub(super) async fn set(store: &Store, append: impl Into<Submission>) -> Result<Option<Appended>> {
    match store.append(append).await {
        Ok(appended) => Ok(Some(appended)),
        Err(Error::Rejected(Rejection::RevisionConflict { .. } | Rejection::ChecksFailed { .. })) => {
            tokio::task::yield_now().await;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

pub(super) const BUSY: Error =
    Error::Overloaded("attempts to change a stream that other clients keep changing");

impl Now {
    /// Reads the stream's current state, and as of when it holds.
    async fn look(store: &Store, stream: &StreamName) -> Result<(Self, AsOf)> {
        let shared = store.shared();
        let (head, last) = ends(shared, stream).await?;
        let known = shared.tail.lifecycles().get_with_rule(stream.as_str());
        let as_of = AsOf {
            head,
            prefix_changes: known.prefix_changes,
        };
        Ok((Self::of(last, known), as_of))
    }

    fn info(&self, shared: &Shared, stream: &StreamName) -> RetentionInfo {
        let limited = self.lifecycle.retention.is_limited();
        let from_prefix = || shared.tail.lifecycles().governing(stream.as_str());
        RetentionInfo {
            retention: self.lifecycle.retention,
            version: self.version,
            tombstoned: self.lifecycle.tombstoned,
            from_prefix: if limited { None } else { from_prefix() },
        }
    }

    /// Returns an error if the stream is not as the caller expects.
    fn check(&self, stream: &StreamName, expected: Expected) -> Result<()> {
        let actual = self.present();
        if expected.holds(actual) {
            return Ok(());
        }
        Err(Error::Rejected(Rejection::RevisionConflict {
            stream: stream.clone(),
            expected,
            actual,
        }))
    }

    /// Result of a delete if there is nothing to delete: already deleted, if the expectation held at the time of the
    /// deletion.
    fn not_present(&self, stream: &StreamName, expected: Expected) -> Result<Deleted> {
        let Some(last) = self.last else {
            return Err(match expected {
                Expected::Exactly(_) => self.check(stream, expected).err(),
                _ => None,
            }
            .unwrap_or_else(|| Error::StreamNotFound(stream.clone())));
        };
        if !expected.holds(Some(last)) {
            self.check(stream, expected)?;
        }
        Ok(Deleted {
            last_revision: last,
            position: self.position,
            already_deleted: true,
        })
    }

    /// Writes a state. Returns the stream's state just before, the state written, and the position of the event that
    /// records it; `None` if the change no longer applies.
    async fn write(
        self,
        store: &Store,
        stream: &StreamName,
        wish: Wish,
        lifecycle: Lifecycle,
        as_of: AsOf,
    ) -> Result<Option<Written>> {
        let made = Made {
            from: self,
            lifecycle,
            prefixes_to: as_of.head,
        };
        let change = Change {
            stream: stream.clone(),
            wish,
            as_of,
            id: store.shared().change_ids.next(),
            made: Arc::new(Mutex::new(made)),
        };
        let append = change.append(made)?;
        let appended = set(store, Submission::of_change(append, change.clone())).await?;
        Ok(appended.map(|appended| {
            let made = *change.made.lock();
            Written {
                before: made.from,
                lifecycle: made.lifecycle,
                position: appended.first_position,
            }
        }))
    }
}

/// Result of a change.
struct Written {
    before: Now,
    lifecycle: Lifecycle,
    position: Position,
}
