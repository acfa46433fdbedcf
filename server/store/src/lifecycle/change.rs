//! Changing what is set for a stream `S`: an ordinary append to `$$S`, which expects the version that the new state was made
//! from and checks what else it rests on. If that is no longer so, all of it is looked at again.
//!
//! An operation that finds what it would bring about says so and writes nothing. So each can be sent again when it is not
//! known what became of it.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use uuid::Uuid;

use super::{KIND_DELETED, KIND_RETENTION, KIND_TOMBSTONED, Lifecycle, Marked, Retention, gone};
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

/// How often a change is tried when others change the same stream meanwhile. A delete loses to every append to its stream
/// that comes between its look and its write, but not to one that waits for an answer.
const TRIES_MAX: usize = 64;

/// How much of a stream is kept, as of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionInfo {
    /// What is kept.
    pub retention: Retention,
    /// How often it was changed, deletions included. 0: never, everything is kept.
    pub version: u64,
    /// Whether the stream was deleted for ever.
    pub tombstoned: bool,
}

impl RetentionInfo {
    fn of(marked: Option<Marked>) -> Self {
        let lifecycle = marked.map(|marked| marked.lifecycle).unwrap_or_default();
        Self {
            retention: lifecycle.retention,
            version: marked.map_or(0, |marked| marked.version),
            tombstoned: lifecycle.tombstoned,
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
    Ok(RetentionInfo::of(shared.tail.lifecycles().get(stream.as_str())))
}

/// Sets what is kept of a stream.
pub(crate) async fn set_retention(
    store: &Store,
    stream: &StreamName,
    wanted: Retention,
    expected_version: Option<u64>,
) -> Result<RetentionInfo> {
    for _ in 0..TRIES_MAX {
        let now = Now::look(store, stream).await?;
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
        let floor = if now.lifecycle.needs_floor(&wanted) {
            gone::first_kept(store.shared(), stream, now.last).await?
        } else {
            Revision::FIRST
        };
        let lifecycle = now.lifecycle.with_retention(wanted, floor);
        let is_set = lifecycle == now.lifecycle;
        if let Some(expected) = expected_version
            && expected != now.version
            // The second time that it is asked for, it is as the first time left it.
            && !(is_set && expected.checked_add(1) == Some(now.version))
        {
            return Err(Error::VersionConflict {
                stream: stream.clone(),
                expected,
                actual: now.version,
            });
        }
        if is_set {
            return Ok(now.info());
        }
        // What is gone by count rests on the last revision.
        let rests_on_last = now.lifecycle.retention.max_count.is_some() && now.lifecycle.needs_floor(&wanted);
        let checks = rests_on_last.then(|| now.as_it_is(stream));
        if now
            .write(store, stream, KIND_RETENTION, lifecycle, checks)
            .await?
            .is_some()
        {
            return Ok(RetentionInfo {
                retention: lifecycle.retention,
                version: now.version + 1,
                tombstoned: false,
            });
        }
    }
    Err(BUSY)
}

/// Deletes a stream.
pub(crate) async fn delete(store: &Store, stream: &StreamName, expected: Expected) -> Result<Deleted> {
    for _ in 0..TRIES_MAX {
        let now = Now::look(store, stream).await?;
        if now.lifecycle.tombstoned {
            return Err(Error::StreamTombstoned(stream.clone()));
        }
        let Some(last) = now.present() else {
            return now.not_present(stream, expected);
        };
        now.check(stream, expected)?;
        let lifecycle = now.lifecycle.after_deletion(last);
        let check = Some(now.as_it_is(stream));
        if let Some(appended) = now.write(store, stream, KIND_DELETED, lifecycle, check).await? {
            return Ok(Deleted {
                last_revision: last,
                position: appended.first_position,
                already_deleted: false,
            });
        }
    }
    Err(BUSY)
}

/// Deletes a stream for ever.
pub(crate) async fn tombstone(store: &Store, stream: &StreamName, expected: Expected) -> Result<Tombstoned> {
    for _ in 0..TRIES_MAX {
        let now = Now::look(store, stream).await?;
        if now.lifecycle.tombstoned {
            return Ok(Tombstoned {
                position: now.position,
                already_tombstoned: true,
            });
        }
        now.check(stream, expected)?;
        let lifecycle = now.lifecycle.after_tombstone();
        let check = (expected != Expected::Any).then(|| Check::Stream {
            stream: stream.clone(),
            expected,
        });
        if let Some(appended) = now
            .write(store, stream, KIND_TOMBSTONED, lifecycle, check)
            .await?
        {
            return Ok(Tombstoned {
                position: appended.first_position,
                already_tombstoned: false,
            });
        }
    }
    Err(BUSY)
}

const BUSY: Error = Error::Overloaded("changes of a stream that is appended to or changed all the time");

/// A stream as it is.
struct Now {
    last: Option<Revision>,
    lifecycle: Lifecycle,
    version: u64,
    /// Where the log says so.
    position: Position,
}

impl Now {
    async fn look(store: &Store, stream: &StreamName) -> Result<Self> {
        let shared = store.shared();
        let (_, last) = ends(shared, stream).await?;
        let marked = shared.tail.lifecycles().get(stream.as_str());
        Ok(Self {
            last,
            lifecycle: marked.map(|marked| marked.lifecycle).unwrap_or_default(),
            version: marked.map_or(0, |marked| marked.version),
            position: marked.map_or(Position::START, |marked| marked.position),
        })
    }

    fn present(&self) -> Option<Revision> {
        self.lifecycle.present(self.last)
    }

    fn info(&self) -> RetentionInfo {
        RetentionInfo {
            retention: self.lifecycle.retention,
            version: self.version,
            tombstoned: self.lifecycle.tombstoned,
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
    fn as_it_is(&self, stream: &StreamName) -> Check {
        Check::Stream {
            stream: stream.clone(),
            expected: self.present().map_or(Expected::NoStream, Expected::Exactly),
        }
    }

    /// Writes a state; `None` if something that it rests on has changed.
    async fn write(
        &self,
        store: &Store,
        stream: &StreamName,
        kind: &str,
        lifecycle: Lifecycle,
        check: Option<Check>,
    ) -> Result<Option<Appended>> {
        let event = NewEvent {
            id: store.shared().change_ids.next(),
            kind: EventType::trusted(kind),
            data: lifecycle.to_json(),
            metadata: Bytes::new(),
            tags: Vec::new(),
        };
        let expected = match self.version.checked_sub(1) {
            None => Expected::NoStream,
            Some(last) => Expected::Exactly(Revision(last)),
        };
        let append = Append::new(stream.own(), expected, vec![event], &Limits::default())
            .and_then(|append| append.with_checks(check.into_iter().collect()))
            .map_err(|error| Error::Internal(error.to_string()))?;
        match store.append(append).await {
            Ok(appended) => Ok(Some(appended)),
            Err(Error::Rejected(Rejection::RevisionConflict { .. } | Rejection::ChecksFailed { .. })) => {
                tokio::task::yield_now().await;
                Ok(None)
            }
            Err(error) => Err(error),
        }
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
