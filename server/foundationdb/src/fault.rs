//! Errors of opening a store, and the mapping of FoundationDB's errors to the engine's.
//!
//! The codes are those of <https://apple.github.io/foundationdb/api-error-codes.html>.
//!
//! 1. Unless an error is known to leave a commit without effect, the outcome is unknown. Only codes that a proxy or
//!    the client itself returns *instead* of committing are treated as refusals.
//! 2. Every error is logged with FoundationDB's own code and message, which are also in the text that callers get.

use std::path::PathBuf;

use annals_engine::Error;
use foundationdb::FdbError;
use tracing::{debug, warn};

pub(crate) const TRANSACTION_TOO_OLD: i32 = 1_007;
pub(crate) const NOT_COMMITTED: i32 = 1_020;
pub(crate) const TRANSACTION_TOO_LARGE: i32 = 2_101;
pub(crate) const KEY_TOO_LARGE: i32 = 2_102;
pub(crate) const VALUE_TOO_LARGE: i32 = 2_103;

/// Why a store in a cluster cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The cluster file cannot be read, or is invalid. Use another one, or fix it.
    #[error("the cluster file {} cannot be used: {message}", .path.display())]
    ClusterFile {
        /// The file.
        path: PathBuf,
        /// The problem with the file.
        message: String,
    },
    /// The cluster does not respond. Start it, or use another cluster file; then open again.
    #[error(
        "the cluster of {} did not respond within {timeout_ms} ms; check that its coordinators {coordinators} \
         can be reached from here and that its database is configured (`fdbcli -C {} --exec status`)",
        .path.display(), .path.display()
    )]
    Unreachable {
        /// The cluster file.
        path: PathBuf,
        /// The coordinators it names.
        coordinators: String,
        /// How long opening waited, in milliseconds.
        timeout_ms: u64,
    },
    /// FoundationDB's client library cannot be used, or refuses to open the database. The message states the reason.
    #[error("{0}")]
    Refused(String),
}

/// A step that FoundationDB refused. Nothing was changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The error for the caller.
    pub(crate) error: Error,
    /// True if the same step may succeed soon.
    pub(crate) passing: bool,
}

impl Refusal {
    pub(crate) fn lasting(error: Error) -> Self {
        Self {
            error,
            passing: false,
        }
    }
}

/// The outcome of a failed commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was not applied, and never will be.
    Refused(Refusal),
    /// It may have been applied, or may still be. The text states the reason.
    Unknown(String),
}

/// Maps the error of an operation that changes nothing: a read, a read version, a watch.
pub(crate) fn of_read(doing: &str, error: FdbError) -> Refusal {
    let text = text(doing, error);
    if error.code() == TRANSACTION_TOO_OLD {
        debug!(code = error.code(), "{text}");
        return Refusal::lasting(Error::TooOld);
    }
    if error.is_retryable() {
        debug!(code = error.code(), "{text}");
        return Refusal {
            error: Error::Unavailable(text),
            passing: true,
        };
    }
    refused(error, text)
}

/// Maps the error of a commit.
pub(crate) fn of_commit(error: FdbError) -> Outcome {
    let text = text("committing", error);
    match error.code() {
        NOT_COMMITTED => {
            debug!(code = error.code(), "{text}");
            Outcome::Refused(Refusal::lasting(Error::Conflict))
        }
        _ if error.is_retryable_not_committed() => {
            debug!(code = error.code(), "{text}");
            Outcome::Refused(Refusal {
                error: Error::Unavailable(text),
                passing: true,
            })
        }
        // Errors that the client returns before it sends anything, and errors of missing permission.
        2_000..3_000 | 6_000..7_000 => Outcome::Refused(refused(error, text)),
        code => {
            warn!(code, "{text}");
            Outcome::Unknown(text)
        }
    }
}

/// Logs, and returns the message for the caller, when there was no response in time.
pub(crate) fn no_answer(doing: &str, timeout_ms: u64) -> String {
    let text = format!("FoundationDB did not respond within {timeout_ms} ms while {doing}");
    warn!("{text}");
    text
}

fn refused(error: FdbError, text: String) -> Refusal {
    warn!(code = error.code(), "{text}");
    Refusal::lasting(match error.code() {
        TRANSACTION_TOO_LARGE | KEY_TOO_LARGE | VALUE_TOO_LARGE => Error::TooLarge(text),
        _ => Error::Unavailable(text),
    })
}

pub(crate) fn text(doing: &str, error: FdbError) -> String {
    format!(
        "FoundationDB's error {} while {doing}: {}",
        error.code(),
        error.message()
    )
}
