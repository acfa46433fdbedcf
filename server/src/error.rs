//! Why a server does not start, or stopped. What callers of its API get is in `grpc/status.rs`.

use crate::config::ListenAddress;

/// The result of starting and running a server.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a server does not start, or stopped, by what its operator does about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is wrong. Mend it.
    #[error("{0}")]
    Config(String),
    /// An address can't be listened on: another process has it, or it is not of this machine.
    #[error(
        "can't listen on {address} ({option}): {source}; stop what listens there or choose another address"
    )]
    Bind {
        /// The option that named it.
        option: &'static str,
        /// The address.
        address: ListenAddress,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The store can't be opened. The message says what to look at.
    #[error("can't open the store: {0}")]
    Open(String),
    /// The storage does not answer. See that it runs and can be reached; a server that was started waits for it.
    #[error("{0}")]
    Unreachable(String),
    /// The storage failed or is damaged, and nothing it says can be trusted any more. After a failed write look at the
    /// disk, then start the server again: what was acknowledged is there. Damage needs a backup.
    #[error("{0}")]
    Storage(String),
    /// The network side stopped by itself.
    #[error("can't go on serving: {0}")]
    Serve(String),
}

impl Error {
    /// What the process exits with: 2 for a wrong setting, 3 when the storage failed, 1 for all else.
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
