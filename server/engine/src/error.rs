//! Errors of an engine, by what the caller does about them.

/// The result of an engine's operation.
pub type Result<T> = std::result::Result<T, Error>;

/// An error, by what the caller does about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A check did not hold; nothing was changed. Read again and decide again.
    #[error("a check of the commit did not hold")]
    Conflict,
    /// The commit may or may not have been applied, but will not be applied after this error. Read, then decide.
    #[error("the outcome of the commit is unknown: {0}")]
    MaybeCommitted(String),
    /// The snapshot is older than the engine retains. Open a new one.
    #[error("the snapshot is too old to be read")]
    TooOld,
    /// A limit of [`crate::limits`] is exceeded; nothing was changed. This is a bug of the caller.
    #[error("too large: {0}")]
    TooLarge(String),
    /// The engine does not respond at the moment; nothing was changed. Retry with backoff.
    #[error("the engine does not answer: {0}")]
    Unavailable(String),
    /// The stored data are not what the engine wrote. Stop, and alert an operator.
    #[error("corrupt storage: {0}")]
    Corrupt(String),
    /// The storage refused a write or a sync, and its contents are now unknown. The engine accepts no further
    /// commits. Stop the process: after a failed sync, a later one that succeeds proves nothing
    /// (<https://www.usenix.org/conference/atc20/presentation/rebello>).
    #[error("the storage failed: {0}")]
    Failed(String),
}
