//! What can go wrong in an engine, by what the caller does about it.

/// The result of an engine's work.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, by what the caller does about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A check did not hold; nothing was changed. Read again and decide anew.
    #[error("a check of the commit did not hold")]
    Conflict,
    /// The commit may have been applied or not, but will not be applied later than this answer. Look, then decide.
    #[error("the outcome of the commit is unknown: {0}")]
    MaybeCommitted(String),
    /// The snapshot is older than the engine remembers. Open a new one.
    #[error("the snapshot is too old to be read")]
    TooOld,
    /// A limit of [`crate::limits`] is exceeded; nothing was changed. A fault of the caller.
    #[error("too large: {0}")]
    TooLarge(String),
    /// The engine does not answer now; nothing was changed. Retry with backoff.
    #[error("the engine does not answer: {0}")]
    Unavailable(String),
    /// What was read is not what can have been written. Stop, and tell an operator.
    #[error("corrupt storage: {0}")]
    Corrupt(String),
    /// The storage refused a write or a sync, and what it holds now is unknown. The engine takes no further commits.
    /// Stop the process: after a failed sync, a later one that succeeds proves nothing
    /// (<https://www.usenix.org/conference/atc20/presentation/rebello>).
    #[error("the storage failed: {0}")]
    Failed(String),
}
