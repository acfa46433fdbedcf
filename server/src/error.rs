//! Errors that keep a server from starting or stop it. `grpc/status/` has the errors that clients get.

use crate::config::ListenAddress;

/// The result of starting and running a server.
pub type Result<T> = std::result::Result<T, Error>;

/// An error that keeps a server from starting or stops it, by what its operator does about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is invalid. Fix it.
    #[error("{0}")]
    Config(String),
    /// An address can't be listened on: another process uses it, or it does not belong to this machine.
    #[error(
        "can't listen on {address} ({option}): {source}; stop the process that uses it or choose another address"
    )]
    Bind {
        /// The option that set it.
        option: &'static str,
        /// The address that can't be bound.
        address: ListenAddress,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The store can't be opened. The message states what to check.
    #[error("can't open the store: {0}")]
    Open(String),
    /// The storage does not answer. Check that it runs and can be reached; a server that was started waits for it.
    #[error("{0}")]
    Unreachable(String),
    /// The storage failed or is damaged, and its content can't be trusted any more. After a failed write, check the
    /// disk and start the server again: acknowledged events are on it. Damage requires a backup.
    #[error("{0}")]
    Storage(String),
    /// The network side stopped on its own.
    #[error("can't continue serving: {0}")]
    Serve(String),
}

impl Error {
    /// Returns the exit code of the process: 2 for an invalid setting, 3 when the storage failed, 1 for all other
    /// errors.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 2,
            Self::Storage(_) => 3,
            Self::Bind { .. } | Self::Open(_) | Self::Unreachable(_) | Self::Serve(_) => 1,
        }
    }
}

impl From<annals_store::Error> for Error {
    fn from(error: annals_store::Error) -> Self {
        match error {
            annals_store::Error::Unavailable(reason) => Self::Unreachable(reason),
            error if error.is_fatal() => Self::Storage(error.to_string()),
            error => Self::Open(error.to_string()),
        }
    }
}
