//! What can go wrong while opening, and what FoundationDB's errors mean to callers.
//!
//! The codes are those of <https://apple.github.io/foundationdb/api-error-codes.html>.
//!
//! 1. What is not known to leave a commit without effect is an unknown outcome. Only codes that a proxy or the client itself
//!    answers with *instead* of committing are taken for refusals.
//! 2. Every error is logged with FoundationDB's own code and words, which are also in the text that callers get.

use std::path::PathBuf;

use annals_engine::Error;
use foundationdb::FdbError;
use tracing::{debug, warn};

pub(crate) const TRANSACTION_TOO_OLD: i32 = 1_007;
pub(crate) const NOT_COMMITTED: i32 = 1_020;
pub(crate) const TRANSACTION_TOO_LARGE: i32 = 2_101;
pub(crate) const KEY_TOO_LARGE: i32 = 2_102;
pub(crate) const VALUE_TOO_LARGE: i32 = 2_103;

/// Why a store in a cluster can't be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The cluster file can't be read, or is not one. Give another, or mend it.
    #[error("the cluster file {} cannot be used: {message}", .path.display())]
    ClusterFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The cluster does not answer. Start it, or give another cluster file; then open again.
    #[error(
        "the cluster of {} does not answer within {timeout_ms} ms; see that its coordinators {coordinators} can be reached \
         from here and that its database is configured (`fdbcli -C {} --exec status`)", .path.display(), .path.display()
    )]
    Unreachable {
        /// The cluster file.
        path: PathBuf,
        /// The coordinators it names.
        coordinators: String,
        /// For how long it was waited, in milliseconds.
        timeout_ms: u64,
    },
    /// FoundationDB's client library can't be used, or refuses to open the database. The message says why.
    #[error("{0}")]
    Refused(String),
}

/// A step that FoundationDB refused. Nothing was changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What the caller is told.
    pub(crate) error: Error,
    /// Whether the same step may succeed in a moment.
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

/// What became of a commit that failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was not applied, and never will be.
    Refused(Refusal),
    /// It may have been applied, or may still be. The text says why.
    Unknown(String),
}

/// What an error means where nothing is changed by what was done: a read, a read version, a watch.
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

/// What an error of a commit means.
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
        // What the client says of a call before anything is sent, and that it may not call.
        2_000..3_000 | 6_000..7_000 => Outcome::Refused(refused(error, text)),
        code => {
            warn!(code, "{text}");
            Outcome::Unknown(text)
        }
    }
}

/// What the caller is told when there was no answer in time.
pub(crate) fn no_answer(doing: &str, timeout_ms: u64) -> String {
    let text = format!("FoundationDB did not answer within {timeout_ms} ms while {doing}");
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
