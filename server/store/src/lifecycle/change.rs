//! Changing what is set for a stream `S`: an ordinary append to `$$S`, which expects the version that the new state was made
//! from and checks what else it rests on. The appender makes it again if that is no longer so (`pending`); if it does not
//! apply any more, all of it is looked at again here.
//!
//! An operation that finds what it would bring about says so and writes nothing. So each can be sent again when it is not
//! known what became of it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use parking_lot::Mutex;
use uuid::Uuid;

use super::{
    KIND_DELETED, KIND_RETENTION, KIND_TOMBSTONED, Lifecycle, Marked, Retention, gone,
    pending::{AsOf, Change, Made, Now, Wish},
    prefix::unchanged_since,
};
use crate::{
    append::{Append, Appended, Expected, NewEvent},
    check::Check,
    error::{Error, Result},
    limits::Limits,
    name::{EventType, StreamName},
    position::{Position, Revision},
    read::ends,
    rejection::Rejection,
    shared::Shared,
    store::Store,
};

/// How often a change is tried when the stream is no longer as it must be for it. Each time, another change of the same
/// stream or of a prefix was first, or an append that makes it one that is refused; an append alone is no reason (`pending`).
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
    shared.fresh_head().await?;
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

/// The append to a stream of the store's own by which a state is set, as the change after `version`.
pub(super) fn setting(
    stream: StreamName,
    version: u64,
    (id, kind): (Uuid, &'static str),
    lifecycle: Lifecycle,
    checks: Vec<Check>,
) -> Result<Append> {
    let event = NewEvent {
        id,
        kind: EventType::trusted(kind),
        data: lifecycle.to_json(),
        metadata: Bytes::new(),
        tags: Vec::new(),
    };
    let expected = match version.checked_sub(1) {
        None => Expected::NoStream,
        Some(last) => Expected::Exactly(Revision(last)),
    };
    Append::new(stream, expected, vec![event], &Limits::default())
        .and_then(|append| append.with_checks(checks))
        .map_err(|error| Error::Internal(error.to_string()))
}

/// Appends it; `None` if something that it rests on has changed.
pub(super) async fn set(store: &Store, append: Append) -> Result<Option<Appended>> {
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

    /// That the stream is still as it is.
    fn as_it_is(&self) -> Expected {
        self.present().map_or(Expected::NoStream, Expected::Exactly)
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
        let appended = set(store, append).await?;
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

impl Change {
    /// Its append, as it is made now.
    pub(super) fn append(&self, made: Made) -> Result<Append> {
        let Made {
            from: now, lifecycle, ..
        } = made;
        let (kind, expected_of_stream) = match self.wish {
            // What is removed by count rests on the last revision.
            Wish::Retention { wanted, .. }
                if now.holds().retention.max_count.is_some()
                    && now.lifecycle.needs_floor(&wanted, now.rule.as_ref()) =>
            {
                (KIND_RETENTION, now.as_it_is())
            }
            Wish::Retention { .. } => (KIND_RETENTION, Expected::Any),
            Wish::Deletion(_) => (KIND_DELETED, now.as_it_is()),
            Wish::Tombstone(expected) => (KIND_TOMBSTONED, expected),
        };
        let mut checks = vec![Check::Stream {
            stream: self.stream.clone(),
            expected: expected_of_stream,
        }];
        if matches!(self.wish, Wish::Retention { .. }) {
            // What is removed now rests on what is set for prefixes, too.
            checks.push(unchanged_since(made.prefixes_to));
        }
        let event = (self.id, kind);
        let mut append = setting(self.stream.own(), now.version, event, lifecycle, checks)?;
        *self.made.lock() = made;
        append.change = Some(Box::new(self.clone()));
        Ok(append)
    }
}

/// Ids of the events that change what is set. They differ, so that of two servers which change the same stream at the same
/// time the second one sees that it was not first.
#[derive(Debug)]
pub(crate) struct ChangeIds {
    seed: u64,
    next: AtomicU64,
}

impl ChangeIds {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            seed,
            next: AtomicU64::new(0),
        }
    }

    pub(crate) fn next(&self) -> Uuid {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        // All of the seed's bits: those that a UUID does not keep are told apart by what is mixed into the other half.
        let mixed = count ^ self.seed.rotate_left(32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let bytes = u128::from(self.seed) << 64 | u128::from(mixed);
        uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
    }
}
