//! Maps errors to `google.rpc.Status`. No other module does.
//!
//! 1. Every status has an `ErrorInfo` first, with a reason of `annals/v1/errors.proto`, and then the typed detail
//!    that is documented there for the reason, if any.
//! 2. The match over the store's errors is exhaustive: a new error does not compile until its status is decided.
//! 3. Details are small, whatever the request: they are sent in a trailer, which clients limit to about 8 KiB.

mod checkpoint;
mod checks;
mod invalid;
#[cfg(test)]
mod tests;
mod too_large;

use annals_proto::{
    ERROR_DOMAIN,
    v1::{self as pb, ErrorReason},
};
use annals_services::{checkpoints::CheckpointError, groups::Error as GroupError};
use annals_store::{Error, Expected, Position, Rejection, Revision, ScopeName, StreamName};
use prost::Message;
use prost_types::Any;
use tonic::{Code, Status};
use tonic_types::pb as rpc;

pub(crate) use invalid::{Fault, Invalid};
pub(super) use too_large::{explain, explained};

use super::response;

/// The reason why a call, or one append of a pipeline, fails.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// The request is invalid.
    Request(Invalid),
    /// The store failed or refused the request.
    Store(Error),
    /// A consumer group refused the request.
    Group(GroupError),
    /// Another server refused the request.
    Forwarded(Box<rpc::Status>),
    /// The checkpoints refused the request.
    Checkpoint(CheckpointError),
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Self::Request(invalid)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<GroupError> for Refusal {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::Store(error) => Self::Store(error),
            GroupError::Settings(error) => {
                Self::Request(Invalid::field(format!("settings.{}", error.field), error.problem))
            }
            error => Self::Group(error),
        }
    }
}

impl From<CheckpointError> for Refusal {
    fn from(error: CheckpointError) -> Self {
        Self::Checkpoint(error)
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        from_rpc(&to_rpc(&refusal))
    }
}

impl From<Invalid> for Status {
    fn from(invalid: Invalid) -> Self {
        Refusal::Request(invalid).into()
    }
}

/// Returns the status of a call that failed in the store.
pub(super) fn of_store(error: Error) -> Status {
    Refusal::Store(error).into()
}

/// Converts a refusal to the `google.rpc.Status` that results of a pipeline contain.
pub(crate) fn to_rpc(refusal: &Refusal) -> rpc::Status {
    match refusal {
        Refusal::Request(invalid) => invalid_to_rpc(invalid),
        Refusal::Store(error) => store_to_rpc(error),
        Refusal::Group(error) => group_to_rpc(error),
        Refusal::Forwarded(status) => (**status).clone(),
        Refusal::Checkpoint(error) => checkpoint::checkpoint_to_rpc(error),
    }
}

/// Returns the refusal with which another server has answered, or `None` if it has not answered.
pub(crate) fn forwarded(status: Status) -> Option<Refusal> {
    let details = rpc::Status::decode(status.details()).ok()?;
    // Without details the status is not from the server, but about the connection.
    let is_answer = !details.details.is_empty();
    is_answer.then(|| Refusal::Forwarded(Box::new(details)))
}

fn group_to_rpc(error: &GroupError) -> rpc::Status {
    let named = |code, reason, name: &str| Builder::new(code, reason).value("group", name);
    let builder = match error {
        GroupError::NotFound(name) => named(Code::NotFound, ErrorReason::GroupNotFound, name),
        GroupError::Exists(name) => named(Code::AlreadyExists, ErrorReason::GroupExists, name),
        GroupError::VersionConflict {
            name,
            expected,
            actual,
        } => {
            let detail = pb::VersionConflict {
                stream: String::new(),
                expected_version: *expected,
                actual_version: *actual,
                prefix: String::new(),
                group: name.clone(),
            };
            named(Code::Aborted, ErrorReason::VersionConflict, name)
                .value("expected", expected)
                .value("actual", actual)
                .detail("annals.v1.VersionConflict", &detail)
        }
        GroupError::PositionBeyondHead { position, head } => position_beyond_head(*position, *head),
        GroupError::Unavailable(name) => named(Code::Unavailable, ErrorReason::GroupUnavailable, name),
        GroupError::UnknownDelivery(id) => {
            Builder::new(Code::InvalidArgument, ErrorReason::UnknownDelivery).value("delivery", id)
        }
        GroupError::Replaced(name) => {
            Builder::new(Code::Aborted, ErrorReason::ConsumerReplaced).value("consumer", name)
        }
        GroupError::Overloaded(_) => Builder::new(Code::ResourceExhausted, ErrorReason::Overloaded),
        GroupError::Closing => Builder::new(Code::Unavailable, ErrorReason::ShuttingDown),
        GroupError::Settings(_) | GroupError::Store(_) => unreachable!("converted to other refusals"),
    };
    builder.build(error.to_string())
}

fn invalid_to_rpc(invalid: &Invalid) -> rpc::Status {
    let reason = match invalid.fault {
        Fault::Invalid => ErrorReason::InvalidField,
        Fault::TooLarge => ErrorReason::TooLarge,
    };
    let violation = rpc::bad_request::FieldViolation {
        field: invalid.field.clone(),
        description: invalid.problem.clone(),
        reason: short_name(reason).to_owned(),
        localized_message: None,
    };
    Builder::new(Code::InvalidArgument, reason)
        .value("field", &invalid.field)
        .detail(
            "google.rpc.BadRequest",
            &rpc::BadRequest {
                field_violations: vec![violation],
            },
        )
        .build(invalid.to_string())
}

fn store_to_rpc(error: &Error) -> rpc::Status {
    let builder = match error {
        Error::Rejected(rejection) => rejection_to_rpc(rejection),
        Error::StreamNotFound(stream) => Builder::new(Code::NotFound, ErrorReason::StreamNotFound)
            .value("stream", stream)
            .detail(
                "annals.v1.StreamNotFound",
                &pb::StreamNotFound {
                    stream: stream.to_string(),
                },
            ),
        Error::StreamTombstoned(stream) => tombstoned(stream),
        Error::VersionConflict {
            stream,
            expected,
            actual,
        } => {
            let detail = pb::VersionConflict {
                group: String::new(),
                stream: stream.to_string(),
                expected_version: *expected,
                actual_version: *actual,
                prefix: String::new(),
            };
            Builder::new(Code::Aborted, ErrorReason::VersionConflict)
                .value("stream", stream)
                .value("expected", expected)
                .value("actual", actual)
                .detail("annals.v1.VersionConflict", &detail)
        }
        Error::PrefixVersionConflict {
            prefix,
            expected,
            actual,
        } => {
            let detail = pb::VersionConflict {
                group: String::new(),
                stream: String::new(),
                expected_version: *expected,
                actual_version: *actual,
                prefix: prefix.to_string(),
            };
            Builder::new(Code::Aborted, ErrorReason::VersionConflict)
                .value("prefix", prefix)
                .value("expected", expected)
                .value("actual", actual)
                .detail("annals.v1.VersionConflict", &detail)
        }
        Error::TooManyPrefixes => {
            return invalid_to_rpc(&Invalid::field("prefix", error.to_string()));
        }
        Error::SnapshotNotFound(stream) => Builder::new(Code::NotFound, ErrorReason::SnapshotNotFound)
            .value("stream", stream)
            .detail(
                "annals.v1.SnapshotNotFound",
                &pb::SnapshotNotFound {
                    stream: stream.to_string(),
                },
            ),
        Error::SnapshotOfDeleted { .. } => {
            return invalid_to_rpc(&Invalid::field("revision", error.to_string()));
        }
        Error::PositionBeyondHead { position, head } => position_beyond_head(*position, *head),
        Error::RevisionBeyondEnd {
            stream,
            revision,
            last,
        } => {
            let last_revision = last.map(|last| last.0);
            let detail = pb::RevisionBeyondEnd {
                stream: stream.to_string(),
                revision: revision.0,
                last_revision,
            };
            Builder::new(Code::OutOfRange, ErrorReason::RevisionBeyondEnd)
                .value("stream", stream)
                .value("revision", revision)
                .value("last_revision", words(*last))
                .detail("annals.v1.RevisionBeyondEnd", &detail)
        }
        Error::StateVersionExpired {
            scope,
            version,
            first,
            last,
        } => state_version(ErrorReason::StateVersionExpired, scope, [*version, *first, *last]),
        Error::StateVersionBeyondEnd {
            scope,
            version,
            first,
            last,
        } => state_version(
            ErrorReason::StateVersionBeyondEnd,
            scope,
            [*version, *first, *last],
        ),
        Error::MoveRefused(_) => Builder::new(Code::FailedPrecondition, ErrorReason::MoveRefused),
        Error::MoveUnfinished => Builder::new(Code::FailedPrecondition, ErrorReason::MoveUnfinished),
        Error::MoveInvalid(problem) => {
            return invalid_to_rpc(&Invalid::field("part", problem.as_str()));
        }
        Error::Overloaded(bound) => {
            Builder::new(Code::ResourceExhausted, ErrorReason::Overloaded).value("bound", bound)
        }
        Error::Closed => Builder::new(Code::Unavailable, ErrorReason::ShuttingDown),
        Error::Unavailable(_) => Builder::new(Code::Unavailable, ErrorReason::EngineUnavailable),
        Error::Failed(_) => Builder::new(Code::Unavailable, ErrorReason::StorageFailed),
        Error::Corrupt(_) => Builder::new(Code::DataLoss, ErrorReason::Corrupt),
        Error::Internal(_) => Builder::new(Code::Internal, ErrorReason::Internal),
    };
    builder.build(error.to_string())
}

fn rejection_to_rpc(rejection: &Rejection) -> Builder {
    match rejection {
        Rejection::RevisionConflict {
            stream,
            expected,
            actual,
        } => {
            let detail = revision_conflict(stream, *expected, *actual);
            let expected = match expected {
                Expected::Any => "any".to_owned(),
                Expected::NoStream => "no_stream".to_owned(),
                Expected::StreamExists => "stream_exists".to_owned(),
                Expected::Exactly(revision) => revision.to_string(),
            };
            Builder::new(Code::Aborted, ErrorReason::RevisionConflict)
                .value("stream", stream)
                .value("expected", expected)
                .value("actual", words(*actual))
                .detail("annals.v1.RevisionConflict", &detail)
        }
        Rejection::EventIdConflict {
            id,
            stream,
            revision,
            position,
        } => {
            let detail = pb::EventIdConflict {
                id: id.to_string(),
                stream: stream.to_string(),
                revision: revision.map(|revision| revision.0),
                position: position.0,
            };
            let builder = Builder::new(Code::Aborted, ErrorReason::EventIdConflict)
                .value("id", id)
                .value("stream", stream)
                .value("position", position);
            match revision {
                Some(revision) => builder.value("revision", revision),
                None => builder,
            }
            .detail("annals.v1.EventIdConflict", &detail)
        }
        Rejection::StateIdConflict { id } => {
            Builder::new(Code::Aborted, ErrorReason::StateIdConflict).value("id", id)
        }
        Rejection::CheckBeyondHead { after, head } => position_beyond_head(*after, *head),
        Rejection::ChecksFailed { failed, unlisted } => checks::failed(failed, *unlisted),
        Rejection::Tombstoned { stream } => tombstoned(stream),
        Rejection::RecordedTimeNotAccepted => {
            Builder::new(Code::FailedPrecondition, ErrorReason::RecordedTimeNotAccepted)
        }
        Rejection::RecordedTimeOutOfRange {
            recorded_at,
            earliest,
            latest,
        } => {
            let detail = pb::RecordedTimeOutOfRange {
                recorded_at: Some(response::timestamp(*recorded_at)),
                earliest: earliest.map(response::timestamp),
                latest: Some(response::timestamp(*latest)),
            };
            Builder::new(Code::FailedPrecondition, ErrorReason::RecordedTimeOutOfRange)
                .value("recorded_at", recorded_at)
                .value("earliest", earliest.unwrap_or_default())
                .value("latest", latest)
                .detail("annals.v1.RecordedTimeOutOfRange", &detail)
        }
    }
}

fn revision_conflict(
    stream: &StreamName,
    expected: Expected,
    actual: Option<Revision>,
) -> pb::RevisionConflict {
    pb::RevisionConflict {
        stream: stream.to_string(),
        expected: Some(response::expected(expected)),
        actual_revision: actual.map(|actual| actual.0),
    }
}

fn tombstoned(stream: &StreamName) -> Builder {
    let detail = pb::StreamTombstoned {
        stream: stream.to_string(),
    };
    Builder::new(Code::FailedPrecondition, ErrorReason::StreamTombstoned)
        .value("stream", stream)
        .detail("annals.v1.StreamTombstoned", &detail)
}

fn position_beyond_head(position: Position, head: Position) -> Builder {
    let detail = pb::PositionBeyondHead {
        position: position.0,
        head: head.0,
    };
    Builder::new(Code::OutOfRange, ErrorReason::PositionBeyondHead)
        .value("position", position)
        .value("head", head)
        .detail("annals.v1.PositionBeyondHead", &detail)
}

fn state_version(reason: ErrorReason, scope: &ScopeName, [version, first, last]: [u64; 3]) -> Builder {
    let detail = pb::StateVersionOutOfRange {
        scope: scope.to_string(),
        version,
        first_version: first,
        last_version: last,
    };
    Builder::new(Code::OutOfRange, reason)
        .value("scope", scope)
        .value("version", version)
        .value("last_version", last)
        .detail("annals.v1.StateVersionOutOfRange", &detail)
}

/// Displays a last revision, or `no_stream` if there is none.
fn words(last: Option<Revision>) -> String {
    last.map_or_else(|| "no_stream".to_owned(), |last| last.to_string())
}

/// Returns a reason as `ErrorInfo` contains it.
fn short_name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

struct Builder {
    code: Code,
    info: rpc::ErrorInfo,
    detail: Option<Any>,
}

impl Builder {
    fn new(code: Code, reason: ErrorReason) -> Self {
        let info = rpc::ErrorInfo {
            reason: short_name(reason).to_owned(),
            domain: ERROR_DOMAIN.to_owned(),
            ..rpc::ErrorInfo::default()
        };
        Self {
            code,
            info,
            detail: None,
        }
    }

    fn value(mut self, key: &str, value: impl ToString) -> Self {
        self.info.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    fn detail(mut self, name: &str, detail: &impl Message) -> Self {
        self.detail = Some(any(name, detail));
        self
    }

    fn build(self, message: String) -> rpc::Status {
        let mut details = vec![any("google.rpc.ErrorInfo", &self.info)];
        details.extend(self.detail);
        rpc::Status {
            code: self.code.into(),
            message,
            details,
        }
    }
}

fn any(name: &str, message: &impl Message) -> Any {
    Any {
        type_url: format!("type.googleapis.com/{name}"),
        value: message.encode_to_vec(),
    }
}

fn from_rpc(status: &rpc::Status) -> Status {
    Status::with_details(
        status.code.into(),
        status.message.clone(),
        status.encode_to_vec().into(),
    )
}
