//! What can go wrong, sorted by what the caller does about it. Projections have errors of their own, in
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

/// Why a command had no effect. `R` is what the rules of the domain refuse it with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError<R> {
    /// The rules refuse it, as the aggregate or the models are now. Tell whoever gave it.
    #[error("{0}")]
    Rejected(R),
    /// The event store failed; or, with [`annals_client::Error::is_conflict`], others were faster each time. Whether a
    /// command whose answer was lost had its effect is found out by giving it again with the same id.
    #[error("{0}")]
    Store(#[from] annals_client::Error),
    /// An event can't be read or written.
    #[error("{0}")]
    Schema(#[from] SchemaError),
}

impl<R> CommandError<R> {
    /// What the rules of the domain refused it with, if that is why.
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

/// Whether an error, or what led to it, is the event store's and of the moment.
pub(crate) fn is_of_the_moment(error: &(dyn std::error::Error + 'static)) -> bool {
    chain(error).any(|cause| {
        cause
            .downcast_ref::<annals_client::Error>()
            .is_some_and(annals_client::Error::is_retryable)
    })
}

/// The error, what led to it, and so on.
pub(crate) fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}
