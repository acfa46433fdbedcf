//! The status of refused calls about checkpoints.

use annals_proto::v1::{self as pb, ErrorReason};
use annals_services::checkpoints::CheckpointError;
use annals_store::Position;
use tonic::Code;
use tonic_types::pb as rpc;

use super::{Builder, store_to_rpc};

pub(super) fn checkpoint_to_rpc(error: &CheckpointError) -> rpc::Status {
    let builder = match error {
        CheckpointError::Conflict {
            name,
            expected,
            actual,
        } => {
            let detail = pb::CheckpointConflict {
                name: name.to_string(),
                expected_position: expected.map(|position| position.0),
                actual_position: actual.map(|position| position.0),
            };
            Builder::new(Code::Aborted, ErrorReason::CheckpointConflict)
                .value("name", name)
                .value("expected", words(*expected))
                .value("actual", words(*actual))
                .detail("annals.v1.CheckpointConflict", &detail)
        }
        CheckpointError::NotFound(name) => {
            Builder::new(Code::NotFound, ErrorReason::CheckpointNotFound).value("name", name)
        }
        CheckpointError::Store(error) => return store_to_rpc(error),
    };
    builder.build(error.to_string())
}

/// Displays a position, or `absent` if there is no checkpoint.
fn words(position: Option<Position>) -> String {
    position.map_or_else(|| "absent".to_owned(), |position| position.to_string())
}
