//! Failures of commands: the text for the user, and the exit code.

use std::io;
use std::process::ExitCode;

use annals_client::{Error, Found};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// An error of the server, or of the connection to it.
    #[error(transparent)]
    Client(#[from] Error),
    /// A value on the command line is not valid.
    #[error("{0}")]
    Usage(String),
    /// There is no such entry of state.
    #[error("scope {scope:?} has no entry {key:?}")]
    EntryNotFound {
        /// The scope.
        scope: String,
        /// The key.
        key: String,
    },
    /// A file, or standard input or output, could not be read or written.
    #[error("{doing}: {source}")]
    Io {
        /// The operation that failed, with the file's name.
        doing: String,
        /// The reason.
        source: io::Error,
    },
    /// An import has finished, with bad lines, each of which was reported.
    #[error("{0} of the lines were not imported, for the reasons above; fix them and import the file again")]
    BadLines(u64),
    /// A line of a log that is being moved can't be imported, so nothing after it was imported.
    #[error("line {line}: {reason}; the lines before it were imported; fix it to import the rest")]
    MoveStopped {
        /// The line.
        line: u64,
        /// The problem with it.
        reason: String,
    },
    /// A whole log can't be moved unchanged.
    #[error("the log was not moved: {0}")]
    NotMoved(String),
    /// An import stopped in the middle.
    #[error("import stopped before line {line} was written: {source}")]
    ImportStopped {
        /// The first line that is not known to be written.
        line: u64,
        /// The reason.
        source: Error,
    },
}

impl Failure {
    /// Returns the failure of an I/O operation, such as "writing to standard output".
    pub fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Failure::Io {
            doing: doing.into(),
            source,
        }
    }

    /// Prints the failure, and returns the exit code.
    pub fn report(&self) -> ExitCode {
        // The reader of the output has closed it, as in `annals read --all | head`.
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

    /// Returns the exit code, as documented in `annals --help`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::EntryNotFound { .. } => 3,
            Failure::Io { .. }
            | Failure::BadLines(_)
            | Failure::MoveStopped { .. }
            | Failure::NotMoved(_) => 1,
            Failure::Client(error) | Failure::ImportStopped { source: error, .. } => match error {
                Error::InvalidEndpoint { .. } | Error::NotGrpc { .. } | Error::InvalidField(_) => 2,
                Error::StreamNotFound { .. }
                | Error::PositionBeyondHead { .. }
                | Error::RevisionBeyondEnd { .. }
                | Error::StateVersionBeyondEnd { .. }
                | Error::StateVersionExpired { .. }
                | Error::StreamTombstoned { .. }
                | Error::SnapshotNotFound { .. }
                | Error::CheckpointNotFound { .. }
                | Error::GroupNotFound { .. } => 3,
                Error::RevisionConflict { .. }
                | Error::ChecksFailed { .. }
                | Error::VersionConflict { .. }
                | Error::PrefixVersionConflict { .. }
                | Error::CheckpointConflict { .. }
                | Error::GroupExists { .. }
                | Error::GroupVersionConflict { .. }
                | Error::EventIdConflict { .. }
                | Error::StateIdConflict { .. }
                | Error::RecordedTimeOutOfRange { .. } => 4,
                Error::Unreachable { .. } | Error::Unavailable { .. } | Error::DeadlineExceeded { .. } => 5,
                _ => 1,
            },
        }
    }

    /// Returns advice on what to do about it.
    fn advice(&self) -> Option<String> {
        let error = match self {
            Failure::Client(Error::RecordedTimeNotAccepted { .. })
            | Failure::ImportStopped {
                source: Error::RecordedTimeNotAccepted { .. },
                ..
            } => {
                return Some(
                    "start the server with --accept-recorded-times while the import runs".to_owned(),
                );
            }
            Failure::ImportStopped {
                source: Error::RecordedTimeOutOfRange { .. },
                ..
            } => {
                return Some(
                    "move a log to an empty store, from its beginning, while no other client appends"
                        .to_owned(),
                );
            }
            Failure::Client(error) => error,
            Failure::ImportStopped { .. } => {
                return Some(
                    "import the file again: events that are already stored are not written twice".to_owned(),
                );
            }
            _ => return None,
        };
        match error {
            Error::Unreachable { .. } => Some(
                "is annals-server running there? set its address with --endpoint or ANNALS_ENDPOINT"
                    .to_owned(),
            ),
            Error::StreamNotFound { .. } => Some("`annals streams` lists the existing streams".to_owned()),
            Error::RevisionConflict { stream, .. } => Some(format!(
                "read it with `annals read {stream:?} --backwards --limit 5` and decide again"
            )),
            Error::ChecksFailed { failed, .. } => failed.first().map(|failed| match &failed.found {
                Found::Stream { stream, .. } => {
                    format!("read it with `annals read {stream:?} --backwards --limit 5` and decide again")
                }
                Found::Match { position, .. } => {
                    format!("read it with `annals read --all --from {position} --limit 1` and decide again")
                }
                Found::State { scope, key, .. } => {
                    format!("read it with `annals state get {scope:?} {key:?}` and decide again")
                }
            }),
            Error::SnapshotNotFound { stream } => {
                Some(format!("start with its first event: `annals read {stream:?}`"))
            }
            Error::VersionConflict { stream, .. } => Some(format!(
                "show it with `annals retention {stream:?}` and decide again"
            )),
            Error::PrefixVersionConflict { prefix, .. } => Some(format!(
                "show it with `annals retention --prefix {prefix:?}` and decide again"
            )),
            Error::PositionBeyondHead { .. } => Some("`annals info` shows the head".to_owned()),
            Error::RevisionBeyondEnd { stream, .. } => {
                Some(format!("`annals stream {stream:?}` shows its last revision"))
            }
            Error::TooLarge(_) => Some("`annals info` shows the limits".to_owned()),
            Error::DeadlineExceeded { .. } => Some("allow more time with --timeout SECONDS".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
