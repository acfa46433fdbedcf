//! Errors of opening a store, and the mapping of fjall's errors to the engine's.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use annals_engine::Error;

use crate::loss::Loss;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another engine has it open, in this process or another. Stop that one, or choose another directory.
    #[error(
        "the data directory {} is in use by another server; stop that one or choose another directory",
        .0.display()
    )]
    InUse(PathBuf),
    /// The directory cannot be created, read or written. Choose another, or fix what the operating system reports.
    #[error("the data directory {} cannot be used: {message}", .path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// The operation that failed, with the operating system's error.
        message: String,
    },
    /// The store was created by another version or with other bulk prefixes. Open it with those.
    #[error("the data directory {} cannot be opened by this version: {message}", .path.display())]
    OtherFormat {
        /// The directory.
        path: PathBuf,
        /// The difference.
        message: String,
    },
    /// The stored bytes are not what this engine wrote. Keep a copy of the directory, and restore a backup.
    #[error("the data directory {} is damaged: {message}; keep a copy of it and restore a backup", .path.display())]
    Corrupt {
        /// The directory.
        path: PathBuf,
        /// Description of the damage.
        message: String,
    },
    /// Durable records are missing from the log. Keep a copy of the directory, then restore a backup or accept the
    /// loss ([`crate::Settings::accept_loss`]).
    #[error("the data directory {} lost data: {loss}", .path.display())]
    Lost {
        /// The directory.
        path: PathBuf,
        /// The missing records.
        loss: Box<Loss>,
    },
}

impl OpenError {
    pub(crate) fn unusable(path: &Path, doing: &str, error: &std::io::Error) -> Self {
        Self::Unusable {
            path: path.to_owned(),
            message: format!("{doing}: {error}"),
        }
    }

    pub(crate) fn from_fjall(path: &Path, error: &fjall::Error) -> Self {
        let path = path.to_owned();
        match error {
            fjall::Error::Locked => Self::InUse(path),
            fjall::Error::InvalidVersion(_) => Self::OtherFormat {
                path,
                message: error.to_string(),
            },
            _ if is_damage(error) => Self::Corrupt {
                path,
                message: error.to_string(),
            },
            _ => Self::Unusable {
                path,
                message: error.to_string(),
            },
        }
    }
}

/// Maps the error of a read. A failed read changes nothing.
pub(crate) fn of_read(error: &fjall::Error) -> Error {
    if is_damage(error) {
        Error::Corrupt(error.to_string())
    } else {
        Error::Unavailable(format!("a read from disk failed: {error}"))
    }
}

/// Maps the error of a read from a file of the log.
pub(crate) fn of_log(path: &Path, error: &std::io::Error) -> Error {
    let message = format!("{} cannot be read: {error}", path.display());
    match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::NotFound => Error::Corrupt(message),
        _ => Error::Unavailable(message),
    }
}

/// True if the error means damaged or missing data, rather than a failing system.
fn is_damage(error: &fjall::Error) -> bool {
    let is_io_damage = |error: &std::io::Error| {
        matches!(
            error.kind(),
            ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::NotFound
        )
    };
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => is_io_damage(error),
        fjall::Error::Storage(_)
        | fjall::Error::JournalRecovery(_)
        | fjall::Error::InvalidVersion(_)
        | fjall::Error::Decompress(_)
        | fjall::Error::InvalidTrailer
        | fjall::Error::InvalidTag(_)
        | fjall::Error::Unrecoverable => true,
        _ => false,
    }
}

/// Describes an error for people: some of fjall's own texts are Rust's debug format.
pub(crate) fn words(error: &fjall::Error) -> String {
    match error {
        fjall::Error::Io(error) => error.to_string(),
        fjall::Error::Poisoned => "an earlier write failed".to_owned(),
        other => other.to_string(),
    }
}
