//! What can go wrong in the store, by what the caller does about it.

use annals_engine as engine;

use crate::{
    format::wire::Malformed,
    model::rejection::Rejection,
    values::{
        limits::PREFIXES_MAX,
        name::{StreamName, StreamPrefix},
        position::{Position, Revision},
    },
};

/// The result of the store's work.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, by what the caller does about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The append was not written, for a reason that the caller decides about.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Nothing was ever appended to the stream, or nothing since it was deleted.
    #[error("stream {0:?} does not exist")]
    StreamNotFound(StreamName),
    /// The stream was deleted for ever.
    #[error("stream {0:?} was deleted for ever; use another name")]
    StreamTombstoned(StreamName),
    /// What is kept of the stream was changed since the caller looked.
    #[error(
        "what is kept of stream {stream:?} was expected at version {expected} but is at version {actual}; look at it again"
    )]
    VersionConflict {
        /// The stream.
        stream: StreamName,
        /// The version that was expected.
        expected: u64,
        /// The version that it has.
        actual: u64,
    },
    /// What is kept of the streams of a prefix was changed since the caller looked.
    #[error(
        "the retention of prefix {prefix:?} was expected at version {expected} but is at version {actual}; read it again"
    )]
    PrefixVersionConflict {
        /// The prefix.
        prefix: StreamPrefix,
        /// The version that was expected.
        expected: u64,
        /// The version that it has.
        actual: u64,
    },
    /// A retention is set for as many prefixes as can be.
    #[error(
        "a retention is set for {PREFIXES_MAX} prefixes, which is the most; remove one that is not needed, or set one for a \
         shorter prefix"
    )]
    TooManyPrefixes,
    /// The stream has no such snapshot. Begin with its first event.
    #[error("stream {0:?} has no such snapshot; begin with its first event")]
    SnapshotNotFound(StreamName),
    /// A snapshot is to be saved of what was lost when the stream was deleted.
    #[error(
        "revision {revision} of stream {stream:?} was lost when it was deleted, it begins with revision {first} now; read it \
         again"
    )]
    SnapshotOfDeleted {
        /// The stream.
        stream: StreamName,
        /// What the snapshot is of.
        revision: Revision,
        /// The first revision after the deletion.
        first: Revision,
    },
    /// The position has not been given to an event yet: the caller's checkpoint is of another store, or of one that was
    /// restored from an older backup.
    #[error("position {position} is beyond the head of the log, which is {head}")]
    PositionBeyondHead {
        /// What was asked for.
        position: Position,
        /// The last position there is.
        head: Position,
    },
    /// The same for a revision.
    #[error("revision {revision} is beyond the end of stream {stream:?}, {}", end_words(*.last))]
    RevisionBeyondEnd {
        /// The stream.
        stream: StreamName,
        /// What was asked for.
        revision: Revision,
        /// The last revision there is.
        last: Option<Revision>,
    },
    /// The log of another store can't be moved to this one.
    #[error("{0}")]
    MoveRefused(String),
    /// What is to be moved here can't be a part of the log, or not the next one.
    #[error("{0}")]
    MoveInvalid(String),
    /// A log is moved here, and not all of it has come.
    #[error(
        "a log is being moved to this store, which takes no appends before all of it has come; finish the import, or begin \
         again with an empty store"
    )]
    MoveUnfinished,
    /// A bound of the server is reached. Retry with backoff.
    #[error("the server is at its limit of {0}; retry later")]
    Overloaded(&'static str),
    /// The store is stopping. Retry when it is back.
    #[error("the server is stopping; retry when it is back")]
    Closed,
    /// The engine does not answer. Retry with backoff.
    #[error("the storage engine does not answer: {0}")]
    Unavailable(String),
    /// The storage refused a write; the process must stop.
    #[error("the storage failed and the server stops: {0}")]
    Failed(String),
    /// What was read is not what can have been written; an operator must look.
    #[error("the storage is corrupt: {0}")]
    Corrupt(String),
    /// A fault of the store itself.
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
    /// Whether nothing more can be written, or trusted, until an operator looked.
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
