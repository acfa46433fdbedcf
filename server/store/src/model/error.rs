//! Errors of the store, by how the caller handles them.

use annals_engine as engine;

use crate::{
    format::wire::Malformed,
    model::rejection::Rejection,
    values::{
        limits::PREFIXES_MAX,
        name::{ScopeName, StreamName, StreamPrefix},
        position::{Position, Revision},
    },
};

/// Result of an operation of the store.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the store, by how the caller handles it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The append was rejected; the caller decides how to continue.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Nothing was ever appended to the stream, or nothing since it was deleted.
    #[error("stream {0:?} does not exist")]
    StreamNotFound(StreamName),
    /// The stream was permanently deleted.
    #[error("stream {0:?} was permanently deleted; use another name")]
    StreamTombstoned(StreamName),
    /// The retention of the stream was changed since the caller read it.
    #[error(
        "the retention of stream {stream:?} was expected at version {expected} but is at version {actual}; read it \
         again"
    )]
    VersionConflict {
        /// The stream.
        stream: StreamName,
        /// The version that was expected.
        expected: u64,
        /// The actual version.
        actual: u64,
    },
    /// The retention of the prefix was changed since the caller read it.
    #[error(
        "the retention of prefix {prefix:?} was expected at version {expected} but is at version {actual}; read it \
         again"
    )]
    PrefixVersionConflict {
        /// The prefix.
        prefix: StreamPrefix,
        /// The version that was expected.
        expected: u64,
        /// The actual version.
        actual: u64,
    },
    /// The maximum number of prefixes already have a retention.
    #[error(
        "a retention is set for {PREFIXES_MAX} prefixes, which is the maximum; remove one that is not needed, or \
         set one for a shorter prefix"
    )]
    TooManyPrefixes,
    /// The stream has no such snapshot. Begin with its first event.
    #[error("stream {0:?} has no such snapshot; begin with its first event")]
    SnapshotNotFound(StreamName),
    /// A snapshot is of a revision that was removed when the stream was deleted.
    #[error(
        "revision {revision} of stream {stream:?} was removed when the stream was deleted; the stream now begins \
         with revision {first}, read it again"
    )]
    SnapshotOfDeleted {
        /// The stream.
        stream: StreamName,
        /// Revision of the snapshot.
        revision: Revision,
        /// The first revision after the deletion.
        first: Revision,
    },
    /// No event has this position yet: the caller's checkpoint is from another store, or from this one before it was
    /// restored from an older backup.
    #[error("position {position} is beyond the head of the log, which is {head}")]
    PositionBeyondHead {
        /// The requested position.
        position: Position,
        /// The last position of the log.
        head: Position,
    },
    /// No event of the stream has this revision yet, for the same reasons as with [`Self::PositionBeyondHead`].
    #[error("revision {revision} is beyond the end of stream {stream:?}, {}", end_words(*.last))]
    RevisionBeyondEnd {
        /// The stream.
        stream: StreamName,
        /// The requested revision.
        revision: Revision,
        /// The last revision of the stream; `None` if it has no events.
        last: Option<Revision>,
    },
    /// Deletions after this version of a scope are no longer known, so it can't be followed from there.
    #[error(
        "deletions in scope {scope:?} after version {version} are no longer known; forget its entries and start \
         without a version"
    )]
    StateVersionExpired {
        /// The scope.
        scope: ScopeName,
        /// The requested version.
        version: u64,
        /// The earliest version after which the scope can be followed.
        first: u64,
        /// The scope's last version.
        last: u64,
    },
    /// The scope has no change with this version yet, for the same reasons as with [`Self::PositionBeyondHead`].
    #[error("version {version} is beyond the last version of scope {scope:?}, which is {last}")]
    StateVersionBeyondEnd {
        /// The scope.
        scope: ScopeName,
        /// The requested version.
        version: u64,
        /// The earliest version after which the scope can be followed.
        first: u64,
        /// The scope's last version.
        last: u64,
    },
    /// The log of another store can't be moved to this one.
    #[error("{0}")]
    MoveRefused(String),
    /// The data of a move is not a valid part of the log, or not the next one.
    #[error("{0}")]
    MoveInvalid(String),
    /// A log is being moved to this store, and the import is not complete.
    #[error(
        "a log is being moved to this store, which accepts no appends until the import is complete; finish the \
         import, or start again with an empty store"
    )]
    MoveUnfinished,
    /// The server is at one of its limits. Retry with backoff.
    #[error("the server is at its limit of {0}; retry later")]
    Overloaded(&'static str),
    /// The store is stopping. Retry when it is back.
    #[error("the server is stopping; retry when it is back")]
    Closed,
    /// The engine does not respond. Retry with backoff.
    #[error("the storage engine does not answer: {0}")]
    Unavailable(String),
    /// The storage refused a write; the process must stop.
    #[error("the storage failed and the server stops: {0}")]
    Failed(String),
    /// The data that was read can't have been written by the store; an operator must investigate.
    #[error("the storage is corrupt: {0}")]
    Corrupt(String),
    /// A bug in the store.
    #[error("internal error: {0}")]
    Internal(String),
}

fn end_words(last: Option<Revision>) -> String {
    match last {
        None => "which has no events".to_owned(),
        Some(last) => format!("whose last revision is {last}"),
    }
}

impl Error {
    /// Whether nothing more can be written or trusted until an operator has investigated.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Corrupt(_))
    }
}

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::Unavailable(_) | engine::Error::TooOld | engine::Error::MaybeCommitted(_) => {
                Self::Unavailable(error.to_string())
            }
            engine::Error::Corrupt(reason) => Self::Corrupt(reason),
            engine::Error::Failed(reason) => Self::Failed(reason),
            engine::Error::Conflict | engine::Error::TooLarge(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::Corrupt(malformed.to_string())
    }
}
