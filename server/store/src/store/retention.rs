//! Changing what is set for a stream `S`: an ordinary append to `$$S`, which expects the version that the new state was made
//! from and checks what else it rests on. The appender makes it again if that is no longer so (`appender/stream_change.rs`); if it does not
//! apply any more, all of it is looked at again here.
//!
//! An operation that finds what it would bring about says so and writes nothing. So each can be sent again when it is not
//! known what became of it.

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

/// How often a change is tried when the stream is no longer as it must be for it. Each time, another change of the same
/// stream or of a prefix was first, or an append that makes it one that is refused; an append alone is no reason (`appender/stream_change.rs`).
pub(super) const TRIES_MAX: usize = 64;

/// How much of a stream is kept, as of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionInfo {
    /// What is kept.
    pub retention: Retention,
    /// How often it was changed, deletions included. 0: never, everything is kept.
    pub version: u64,
    /// Whether the stream was deleted for ever.
    pub tombstoned: bool,
    /// The prefix whose retention holds, and what that is, because the stream has no count and no age of its own.
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

/// A stream that was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Its last revision; an append to it gets the next.
    pub last_revision: Revision,
    /// Where the log says that it is deleted.
    pub position: Position,
    /// Whether it was before, and nothing was appended since.
    pub already_deleted: bool,
}

/// A stream that was deleted for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstoned {
    /// Where the log says so.
    pub position: Position,
    /// Whether it was before.
    pub already_tombstoned: bool,
}

/// What is kept of a stream.
pub(crate) async fn retention(shared: &Shared, stream: &StreamName) -> Result<RetentionInfo> {
    fresh_head(shared).await?;
    let lifecycles = shared.tail.lifecycles();
    Ok(RetentionInfo::of(
        lifecycles.get(stream.as_str()),
        lifecycles.governing(stream.as_str()),
    ))
}

/// Sets what is kept of a stream.
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
            gone::first_kept(store.shared(), stream, now.last).await?
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

/// Deletes a stream for ever.
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

/// Whether a change that expects a version may be made. `is_set`: what is wanted is set already; the second time that it is
/// asked for, it is as the first time left it.
pub(super) fn is_version(expected: u64, version: u64, is_set: bool) -> bool {
    expected == version || is_set && expected.checked_add(1) == Some(version)
}

/// Appends it; `None` if something that it rests on has changed.
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

pub(super) const BUSY: Error = Error::Overloaded("changes of a stream that is changed all the time");

impl Now {
    /// The stream, and as of when it is so.
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

    /// Refuses if the stream is not as the caller expects.
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

    /// The answer to a delete if there is nothing to delete: that it was deleted before, if what the caller expects was so
    /// then.
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

    /// Brings a state about. Returns what the stream was like just before, what it is set to, and where the log says so;
    /// `None` if the wish no longer applies.
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

/// A change that was written.
struct Written {
    before: Now,
    lifecycle: Lifecycle,
    position: Position,
}
