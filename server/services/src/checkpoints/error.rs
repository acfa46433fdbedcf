//! Errors of checkpoints.

use annals_store::Position;

use super::CheckpointName;

/// An error of the checkpoints, by how the caller handles it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The checkpoint does not have the expected position: another instance reports it, too.
    #[error("checkpoint {name:?} was expected {} but {}", expected_words(*.expected), actual_words(*.actual))]
    Conflict {
        /// Name of the checkpoint.
        name: CheckpointName,
        /// The position that was expected; `None`: no checkpoint.
        expected: Option<Position>,
        /// Its position; `None` if it does not exist.
        actual: Option<Position>,
    },
    /// There is no checkpoint of this name.
    #[error("checkpoint {0:?} does not exist")]
    NotFound(CheckpointName),
    /// The store failed or refused a request.
    #[error(transparent)]
    Store(#[from] annals_store::Error),
}

fn expected_words(expected: Option<Position>) -> String {
    match expected {
        Some(position) => format!("at position {position}"),
        None => "to be absent".to_owned(),
    }
}

fn actual_words(actual: Option<Position>) -> String {
    match actual {
        Some(position) => format!("is at position {position}"),
        None => "is absent".to_owned(),
    }
}
