//! Parses requests about checkpoints.

use annals_proto::v1::{self as pb, set_checkpoint_request::Expected};
use annals_services::checkpoints::{
    CHECKPOINTS_PAGE_MAX, CheckpointName, ExpectedCheckpoint, Label, ListCheckpoints, SetCheckpoint,
};
use annals_store::Position;

use super::Invalid;

/// Number of checkpoints in a page unless the client sets it.
const PAGE_DEFAULT: usize = 100;

/// Parses a checkpoint to set.
pub(crate) fn set_checkpoint(request: pb::SetCheckpointRequest) -> Result<SetCheckpoint, Invalid> {
    Ok(SetCheckpoint {
        name: checkpoint_name("name", &request.name)?,
        position: Position(request.position),
        consumer: label("consumer", request.consumer)?,
        instance: label("instance", request.instance)?,
        expected: match request.expected {
            None => ExpectedCheckpoint::Any,
            Some(Expected::Absent(())) => ExpectedCheckpoint::Absent,
            Some(Expected::ExpectedPosition(position)) => ExpectedCheckpoint::At(Position(position)),
        },
    })
}

/// Parses the selection of a page of checkpoints.
pub(crate) fn list_checkpoints(request: pb::ListCheckpointsRequest) -> Result<ListCheckpoints, Invalid> {
    let limit = request.page_size.map_or(PAGE_DEFAULT, |size| size as usize);
    if !(1..=CHECKPOINTS_PAGE_MAX).contains(&limit) {
        let problem =
            format!("is {limit}; it must be 1 to {CHECKPOINTS_PAGE_MAX}; leave it out for {PAGE_DEFAULT}");
        return Err(Invalid::field("page_size", problem));
    }
    CheckpointName::check_prefix(&request.name_prefix)
        .map_err(|error| Invalid::name("name_prefix", &error))?;
    let after = (!request.after_name.is_empty()).then(|| checkpoint_name("after_name", &request.after_name));
    Ok(ListCheckpoints {
        prefix: request.name_prefix,
        after: after.transpose()?,
        limit,
    })
}

/// Parses the name of a checkpoint, in this field.
pub(crate) fn checkpoint_name(field: &str, name: &str) -> Result<CheckpointName, Invalid> {
    CheckpointName::new(name).map_err(|error| Invalid::name(field, &error))
}

fn label(field: &str, text: String) -> Result<Label, Invalid> {
    Label::new(text).map_err(|error| Invalid::name(field, &error))
}
