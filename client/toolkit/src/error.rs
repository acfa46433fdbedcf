//! Errors, grouped by what the caller does about them. The errors of projections are in
//! [`projection`](crate::projection).

use crate::schema::SchemaError;

/// Why events could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The event store failed.
    #[error("{0}")]
    Store(#[from] annals_client::Error),
    /// An event is not one of the program's types.
    #[error("{0}")]
    Schema(#[from] SchemaError),
}

/// Why a command had no effect. `R` is the type of the rejection by the rules of the domain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError<R> {
    /// The rules reject it in the current state of the aggregate or the models. Report it to the user.
    #[error("{0}")]
    Rejected(R),
    /// The event store failed; or, if [`annals_client::Error::is_conflict`] is true, every attempt conflicted with
    /// another client. To find out whether a command whose result was lost took effect, execute it again with the
    /// same id.
    #[error("{0}")]
    Store(#[from] annals_client::Error),
    /// An event can't be read or written.
    #[error("{0}")]
    Schema(#[from] SchemaError),
}

impl<R> CommandError<R> {
    /// Returns the rejection, if the rules of the domain rejected the command.
    pub fn rejection(self) -> Option<R> {
        match self {
            CommandError::Rejected(rejection) => Some(rejection),
            _ => None,
        }
    }
}

impl<R> From<ReadError> for CommandError<R> {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Store(error) => CommandError::Store(error),
            ReadError::Schema(error) => CommandError::Schema(error),
        }
    }
}

/// Whether an error, or one of its causes, is a transient error of the event store.
pub(crate) fn is_of_the_moment(error: &(dyn std::error::Error + 'static)) -> bool {
    chain(error).any(|cause| {
        cause
            .downcast_ref::<annals_client::Error>()
            .is_some_and(annals_client::Error::is_retryable)
    })
}

/// The error, its cause, and so on.
pub(crate) fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}
