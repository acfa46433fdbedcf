//! Errors of groups, by how the caller handles them.

use annals_store::Position;

use super::settings::SettingsError;

/// Result of an operation on groups.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of a group, by how the caller handles it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such group, or it was deleted.
    #[error("group {0:?} does not exist; create it")]
    NotFound(String),
    /// A group of this name exists with other settings.
    #[error("group {0:?} exists with other settings; update it, or use another name")]
    Exists(String),
    /// The group was changed since the caller read it.
    #[error("group {name:?} was expected at version {expected} but is at version {actual}; read it again")]
    VersionConflict {
        /// The group.
        name: String,
        /// The version that was expected.
        expected: u64,
        /// The actual version.
        actual: u64,
    },
    /// A setting is out of its range.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// No event has this position yet.
    #[error("position {position} is beyond the head of the log, which is {head}")]
    PositionBeyondHead {
        /// The requested position.
        position: Position,
        /// The last position of the log.
        head: Position,
    },
    /// The server that leads the group does not answer, or has lost the lead. Retry.
    #[error("group {0:?} has no leader at the moment; retry later")]
    Unavailable(String),
    /// The consumer settles a delivery that it never had.
    #[error("delivery {0} was never given to this consumer on this call; use the ids of its deliveries")]
    UnknownDelivery(u64),
    /// Another consumer with the same name has opened.
    #[error("another consumer with the name {0:?} has opened; give each consumer its own name")]
    Replaced(String),
    /// The server is at one of its limits. Retry with backoff.
    #[error("the server is at its limit of {0}; retry later")]
    Overloaded(&'static str),
    /// The server is stopping.
    #[error("the server is stopping; retry when it is back")]
    Closing,
    /// An error of the store.
    #[error(transparent)]
    Store(#[from] annals_store::Error),
}
