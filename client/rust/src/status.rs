//! Maps a gRPC status to an [`Error`]. The reason in its `google.rpc.ErrorInfo` selects the variant, and the typed
//! detail fills it. A status without a reason of the `annals` domain does not come from an Annals server but from the
//! transport, a proxy or another kind of server; its code selects the variant.
//!
//! A missing or malformed detail never hides the failure: the variant without detail, or the status itself, is
//! returned instead.

use std::error::Error as _;

use annals_proto::{ERROR_DOMAIN, v1 as pb};
use prost::Message;
use tonic::Code;
use tonic_types::pb as rpc;

use crate::error::{Error, FailedCheck, FieldViolation, Found, Unavailability};
use crate::{ExpectedRevision, event};

/// Decodes the failure of a call to `endpoint`.
pub(crate) fn from_status(status: &tonic::Status, endpoint: &str) -> Error {
    let details = rpc::Status::decode(status.details())
        .map(|decoded| decoded.details)
        .unwrap_or_default();
    if let Some(error) = from_reason(status.message(), &details) {
        return error;
    }
    let local = status.source().is_some();
    let message = transport_message(status);
    match status.code() {
        // A broken connection is reported with any of these, depending on the layer that noticed first; servers send
        // none of them without a reason. `Internal` comes from the transport only if it contains the transport's
        // error.
        Code::Unavailable | Code::Unknown | Code::Cancelled => Error::Unreachable {
            endpoint: endpoint.to_owned(),
            message,
        },
        Code::Internal if local => Error::Unreachable {
            endpoint: endpoint.to_owned(),
            message,
        },
        // This is not the client's own deadline, which never gets here: a proxy timed out.
        Code::DeadlineExceeded => Error::Unavailable {
            reason: Unavailability::Unknown,
            message,
        },
        code => Error::Status { code, message },
    }
}

/// Decodes the failure of one append of a pipeline.
pub(crate) fn from_result(status: &rpc::Status) -> Error {
    from_reason(&status.message, &status.details).unwrap_or_else(|| match Code::from(status.code) {
        Code::Unavailable => Error::Unavailable {
            reason: Unavailability::Unknown,
            message: status.message.clone(),
        },
        code => Error::Status {
            code,
            message: status.message.clone(),
        },
    })
}

/// The status message with the innermost cause, which users can act on (`Connection refused`).
fn transport_message(status: &tonic::Status) -> String {
    let mut message = status.message().to_owned();
    let mut cause = status.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !message.contains(&text) && !text.contains(status.message()) {
            message = if message.is_empty() {
                text
            } else {
                format!("{message}: {text}")
            };
        }
        cause = inner.source();
    }
    message
}

fn from_reason(message: &str, details: &[prost_types::Any]) -> Option<Error> {
    let info: rpc::ErrorInfo = detail(details, "google.rpc.ErrorInfo")?;
    if info.domain != ERROR_DOMAIN {
        return None;
    }
    use pb::ErrorReason as Reason;
    let message = message.to_owned();
    let unavailable = |reason| {
        Some(Error::Unavailable {
            reason,
            message: message.clone(),
        })
    };
    let named = |key: &str| info.metadata.get(key).cloned().unwrap_or_default();
    match Reason::from_str_name(&format!("ERROR_REASON_{}", info.reason))? {
        Reason::Unspecified => None,
        Reason::InvalidField => Some(Error::InvalidField(violations(&message, details))),
        Reason::TooLarge => Some(Error::TooLarge(violations(&message, details))),
        Reason::RevisionConflict => revision_conflict(details),
        Reason::EventIdConflict => event_id_conflict(details),
        Reason::StreamNotFound => {
            let found: pb::StreamNotFound = detail(details, "annals.v1.StreamNotFound")?;
            Some(Error::StreamNotFound { stream: found.stream })
        }
        Reason::PositionBeyondHead => {
            let found: pb::PositionBeyondHead = detail(details, "annals.v1.PositionBeyondHead")?;
            Some(Error::PositionBeyondHead {
                position: found.position.into(),
                head: found.head.into(),
            })
        }
        Reason::RevisionBeyondEnd => {
            let found: pb::RevisionBeyondEnd = detail(details, "annals.v1.RevisionBeyondEnd")?;
            Some(Error::RevisionBeyondEnd {
                stream: found.stream,
                revision: found.revision.into(),
                last_revision: found.last_revision.map(Into::into),
            })
        }
        Reason::ShuttingDown => unavailable(Unavailability::ShuttingDown),
        Reason::EngineUnavailable => unavailable(Unavailability::Engine),
        Reason::StorageFailed => unavailable(Unavailability::StorageFailed),
        Reason::Overloaded => Some(Error::Overloaded { message }),
        Reason::RecordedTimeNotAccepted => Some(Error::RecordedTimeNotAccepted { message }),
        Reason::RecordedTimeOutOfRange => recorded_time_out_of_range(details),
        Reason::ChecksFailed => checks_failed(details),
        Reason::StreamTombstoned => {
            let found: pb::StreamTombstoned = detail(details, "annals.v1.StreamTombstoned")?;
            Some(Error::StreamTombstoned { stream: found.stream })
        }
        Reason::VersionConflict => {
            let found: pb::VersionConflict = detail(details, "annals.v1.VersionConflict")?;
            let (expected, actual) = (found.expected_version, found.actual_version);
            Some(if !found.group.is_empty() {
                Error::GroupVersionConflict {
                    group: found.group,
                    expected,
                    actual,
                }
            } else if !found.prefix.is_empty() {
                Error::PrefixVersionConflict {
                    prefix: found.prefix,
                    expected,
                    actual,
                }
            } else {
                Error::VersionConflict {
                    stream: found.stream,
                    expected,
                    actual,
                }
            })
        }
        Reason::SnapshotNotFound => {
            let found: pb::SnapshotNotFound = detail(details, "annals.v1.SnapshotNotFound")?;
            Some(Error::SnapshotNotFound { stream: found.stream })
        }
        Reason::StateIdConflict => Some(Error::StateIdConflict { message }),
        Reason::StateVersionExpired => {
            let found: pb::StateVersionOutOfRange = detail(details, "annals.v1.StateVersionOutOfRange")?;
            Some(Error::StateVersionExpired {
                scope: found.scope,
                version: found.version,
                first: found.first_version,
                last: found.last_version,
            })
        }
        Reason::StateVersionBeyondEnd => {
            let found: pb::StateVersionOutOfRange = detail(details, "annals.v1.StateVersionOutOfRange")?;
            Some(Error::StateVersionBeyondEnd {
                scope: found.scope,
                version: found.version,
                last: found.last_version,
            })
        }
        Reason::CheckpointConflict => {
            let found: pb::CheckpointConflict = detail(details, "annals.v1.CheckpointConflict")?;
            Some(Error::CheckpointConflict {
                name: found.name,
                expected: found.expected_position.map(Into::into),
                actual: found.actual_position.map(Into::into),
            })
        }
        Reason::CheckpointNotFound => Some(Error::CheckpointNotFound { message }),
        Reason::MoveRefused => Some(Error::MoveRefused { message }),
        Reason::MoveUnfinished => Some(Error::MoveUnfinished { message }),
        Reason::Corrupt => Some(Error::Corrupt { message }),
        Reason::Internal => Some(Error::Internal { message }),
        Reason::GroupUnavailable => unavailable(Unavailability::Group),
        Reason::GroupNotFound => Some(Error::GroupNotFound {
            group: named("group"),
        }),
        Reason::GroupExists => Some(Error::GroupExists {
            group: named("group"),
        }),
        Reason::UnknownDelivery => Some(Error::UnknownDelivery { message }),
        Reason::ConsumerReplaced => Some(Error::ConsumerReplaced {
            consumer: named("consumer"),
        }),
    }
}

fn revision_conflict(details: &[prost_types::Any]) -> Option<Error> {
    let found: pb::RevisionConflict = detail(details, "annals.v1.RevisionConflict")?;
    Some(Error::RevisionConflict {
        expected: expected(&found)?,
        stream: found.stream,
        actual: found.actual_revision.map(Into::into),
    })
}

fn expected(found: &pb::RevisionConflict) -> Option<ExpectedRevision> {
    use pb::expected_revision::Expected;
    Some(match found.expected?.expected? {
        Expected::Revision(revision) => ExpectedRevision::Exactly(revision.into()),
        Expected::NoStream(()) => ExpectedRevision::NoStream,
        Expected::StreamExists(()) => ExpectedRevision::StreamExists,
        Expected::Any(()) => ExpectedRevision::Any,
    })
}

fn checks_failed(details: &[prost_types::Any]) -> Option<Error> {
    let found: pb::ChecksFailed = detail(details, "annals.v1.ChecksFailed")?;
    let failed: Option<Vec<FailedCheck>> = found.failed.into_iter().map(failed_check).collect();
    Some(Error::ChecksFailed {
        failed: failed.filter(|failed| !failed.is_empty())?,
        count: found.count,
    })
}

fn failed_check(failed: pb::FailedCheck) -> Option<FailedCheck> {
    use pb::failed_check::Found as OneOf;
    let found = match failed.found? {
        OneOf::Stream(conflict) => Found::Stream {
            expected: expected(&conflict)?,
            stream: conflict.stream,
            actual: conflict.actual_revision.map(Into::into),
        },
        OneOf::Match(found) => Found::Match {
            after: found.after.into(),
            position: found.position.into(),
        },
        OneOf::State(conflict) => Found::State {
            scope: conflict.scope,
            key: conflict.key,
            expected: conflict.expected_version,
            actual: conflict.actual_version,
        },
    };
    Some(FailedCheck {
        index: failed.index as usize,
        found,
    })
}

fn event_id_conflict(details: &[prost_types::Any]) -> Option<Error> {
    let found: pb::EventIdConflict = detail(details, "annals.v1.EventIdConflict")?;
    Some(Error::EventIdConflict {
        id: event::parse_id(&found.id).ok()?,
        stream: found.stream,
        revision: found.revision.map(Into::into),
        position: found.position.into(),
    })
}

fn recorded_time_out_of_range(details: &[prost_types::Any]) -> Option<Error> {
    let found: pb::RecordedTimeOutOfRange = detail(details, "annals.v1.RecordedTimeOutOfRange")?;
    let time = |time: Option<prost_types::Timestamp>| event::parse_time(time.as_ref(), "a time").ok();
    Some(Error::RecordedTimeOutOfRange {
        recorded_at: time(found.recorded_at)?,
        earliest: time(found.earliest),
        latest: time(found.latest)?,
    })
}

fn violations(message: &str, details: &[prost_types::Any]) -> Vec<FieldViolation> {
    let listed: Option<rpc::BadRequest> = detail(details, "google.rpc.BadRequest");
    let listed = listed.map(|bad| bad.field_violations).unwrap_or_default();
    if listed.is_empty() {
        return vec![FieldViolation {
            field: String::new(),
            description: message.to_owned(),
        }];
    }
    let violation = |one: rpc::bad_request::FieldViolation| FieldViolation {
        field: one.field,
        description: one.description,
    };
    listed.into_iter().map(violation).collect()
}

fn detail<M: Message + Default>(details: &[prost_types::Any], name: &str) -> Option<M> {
    let named = |any: &&prost_types::Any| any.type_url.rsplit('/').next() == Some(name);
    M::decode(details.iter().find(named)?.value.as_slice()).ok()
}

#[cfg(test)]
mod tests;
