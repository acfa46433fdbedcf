//! How a command fails: what people are told, and the exit code.

use std::io;
use std::process::ExitCode;

use annals_client::{Error, Found};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The server, or the way to it, said so.
    #[error(transparent)]
    Client(#[from] Error),
    /// A value on the command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A file, or standard input or output, could not be read or written.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, with the file's name.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
    /// An import is over, and had bad lines, each of which was reported.
    #[error("{0} of the lines were not imported; the reasons are above. mend them and import the file again")]
    BadLines(u64),
    /// A line of a log that is moved can't be imported, so that nothing behind it was.
    #[error(
        "line {line}: {reason}; what is before it was imported, and nothing behind it can be until it is mended"
    )]
    MoveStopped {
        /// The line.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A whole log can't be moved as it is.
    #[error("the log was not moved: {0}")]
    NotMoved(String),
    /// An import stopped in the middle.
    #[error("import stopped before line {line} was written: {source}")]
    ImportStopped {
        /// The first line that is not known to be written.
        line: u64,
        /// Why.
        source: Error,
    },
}

impl Failure {
    pub fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Failure::Io {
            doing: doing.into(),
            source,
        }
    }

    /// Tells people, and gives the exit code.
    pub fn report(&self) -> ExitCode {
        // Whoever read the output has seen enough, as in `annals read --all | head`.
        if let Failure::Io { source, .. } = self
            && source.kind() == io::ErrorKind::BrokenPipe
        {
            return ExitCode::SUCCESS;
        }
        eprintln!("error: {self}");
        if let Some(advice) = self.advice() {
            eprintln!("  {advice}");
        }
        ExitCode::from(self.exit_code())
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Io { .. }
            | Failure::BadLines(_)
            | Failure::MoveStopped { .. }
            | Failure::NotMoved(_) => 1,
            Failure::Client(error) | Failure::ImportStopped { source: error, .. } => match error {
                Error::InvalidEndpoint { .. } | Error::NotGrpc { .. } | Error::InvalidField(_) => 2,
                Error::StreamNotFound { .. }
                | Error::PositionBeyondHead { .. }
                | Error::RevisionBeyondEnd { .. }
                | Error::StreamTombstoned { .. }
                | Error::SnapshotNotFound { .. } => 3,
                Error::RevisionConflict { .. }
                | Error::ChecksFailed { .. }
                | Error::VersionConflict { .. }
                | Error::PrefixVersionConflict { .. }
                | Error::EventIdConflict { .. }
                | Error::RecordedTimeOutOfRange { .. } => 4,
                Error::Unreachable { .. } | Error::Unavailable { .. } | Error::DeadlineExceeded { .. } => 5,
                _ => 1,
            },
        }
    }

    /// What to do about it.
    fn advice(&self) -> Option<String> {
        let error = match self {
            Failure::Client(Error::RecordedTimeNotAccepted { .. })
            | Failure::ImportStopped {
                source: Error::RecordedTimeNotAccepted { .. },
                ..
            } => {
                return Some(
                    "start the server with --accept-recorded-times for as long as the import takes"
                        .to_owned(),
                );
            }
            Failure::ImportStopped {
                source: Error::RecordedTimeOutOfRange { .. },
                ..
            } => {
                return Some(
                    "a log is moved to an empty store, from its beginning, while nobody else appends"
                        .to_owned(),
                );
            }
            Failure::Client(error) => error,
            Failure::ImportStopped { .. } => {
                return Some("import the file again: what is already there is not written twice".to_owned());
            }
            _ => return None,
        };
        match error {
            Error::Unreachable { .. } => {
                Some("is annals-server running there? name it with --endpoint or ANNALS_ENDPOINT".to_owned())
            }
            Error::StreamNotFound { .. } => Some("`annals streams` lists what there is".to_owned()),
            Error::RevisionConflict { stream, .. } => Some(format!(
                "look at it with `annals read {stream:?} --backwards --limit 5` and decide anew"
            )),
            Error::ChecksFailed { failed, .. } => failed.first().map(|failed| match &failed.found {
                Found::Stream { stream, .. } => {
                    format!("look at it with `annals read {stream:?} --backwards --limit 5` and decide anew")
                }
                Found::Match { position, .. } => {
                    format!("look at it with `annals read --all --from {position} --limit 1` and decide anew")
                }
            }),
            Error::SnapshotNotFound { stream } => {
                Some(format!("begin with its first event: `annals read {stream:?}`"))
            }
            Error::VersionConflict { stream, .. } => Some(format!(
                "look at it with `annals retention {stream:?}` and decide anew"
            )),
            Error::PrefixVersionConflict { prefix, .. } => Some(format!(
                "look at it with `annals retention --prefix {prefix:?}` and decide anew"
            )),
            Error::PositionBeyondHead { .. } => Some("`annals info` shows the head".to_owned()),
            Error::RevisionBeyondEnd { stream, .. } => {
                Some(format!("`annals stream {stream:?}` shows its last revision"))
            }
            Error::TooLarge(_) => Some("`annals info` shows the limits".to_owned()),
            Error::DeadlineExceeded { .. } => Some("give it longer with --timeout SECONDS".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
