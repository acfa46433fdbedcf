//! Appends as messages of a session, and its results as what became of them.

use annals_proto::v1::{self as pb, expected_revision, session_append, session_result};
use annals_store::{
    Append, Appended, Expected, HandedOver, NewEvent, Position, Rejection, Revision, StreamName, Timestamp,
};
use prost::Message;
use tonic::Code;
use uuid::Uuid;

use crate::grpc::{self, MESSAGE_APPENDS_MAX};

/// Messages with all appends, in their order. None has more than `bytes_max` of events, unless one append has.
pub(super) fn requests(appends: &[&Append], bytes_max: usize) -> Vec<pb::AppendSessionRequest> {
    let mut messages = Vec::new();
    let mut message = pb::AppendSessionRequest::default();
    let mut bytes = 0;
    for append in appends {
        if !message.appends.is_empty()
            && (bytes + append.bytes() > bytes_max || message.appends.len() == MESSAGE_APPENDS_MAX)
        {
            messages.push(std::mem::take(&mut message));
            bytes = 0;
        }
        bytes += append.bytes();
        message.appends.push(session_append(append));
    }
    messages.push(message);
    messages
}

fn session_append(append: &Append) -> pb::SessionAppend {
    use expected_revision::Expected as OneOf;

    let expected = match append.expected() {
        Expected::Any => OneOf::Any(()),
        Expected::NoStream => OneOf::NoStream(()),
        Expected::StreamExists => OneOf::StreamExists(()),
        Expected::Exactly(revision) => OneOf::Revision(revision.0),
    };
    let request = pb::AppendToStreamRequest {
        stream: append.stream().to_string(),
        expected: Some(pb::ExpectedRevision {
            expected: Some(expected),
        }),
        events: append.events().map(new_event).collect(),
        recorded_at: append.given_time().map(grpc::timestamp),
    };
    pb::SessionAppend {
        append: Some(session_append::Append::AppendToStream(request)),
    }
}

fn new_event(event: NewEvent) -> pb::NewEvent {
    pb::NewEvent {
        id: event.id.to_string(),
        r#type: event.kind.to_string(),
        data: event.data,
        metadata: event.metadata,
        tags: event.tags.iter().map(ToString::to_string).collect(),
    }
}

/// What a result says of an append.
pub(super) fn outcome(result: pb::SessionResult, append: &Append) -> HandedOver {
    match result.result {
        Some(session_result::Result::Appended(answer)) => HandedOver::Answered(Ok(appended(&answer))),
        Some(session_result::Result::Error(status)) => match Code::from(status.code) {
            Code::Aborted => rejection(&status, append).map_or(HandedOver::Unknown, |rejection| {
                HandedOver::Answered(Err(rejection))
            }),
            // That server does not take recorded times from clients, or not this one: nothing was written there.
            Code::FailedPrecondition => out_of_range(&status).map_or(HandedOver::Refused, |rejection| {
                HandedOver::Answered(Err(rejection))
            }),
            // Over a limit of that server, or not a request that it takes: it was never given to its store.
            Code::ResourceExhausted | Code::InvalidArgument => HandedOver::Refused,
            _ => HandedOver::Unknown,
        },
        Some(session_result::Result::AppendedToMany(_)) | None => HandedOver::Unknown,
    }
}

fn timestamp(at: prost_types::Timestamp) -> Timestamp {
    let micros = u64::try_from(at.seconds)
        .unwrap_or(0)
        .saturating_mul(1_000_000)
        .saturating_add(u64::try_from(at.nanos).unwrap_or(0) / 1_000);
    Timestamp::from_micros(micros)
}

fn appended(answer: &pb::AppendToStreamResponse) -> Appended {
    Appended {
        first_revision: Revision(answer.first_revision),
        last_revision: Revision(answer.last_revision),
        first_position: Position(answer.first_position),
        last_position: Position(answer.last_position),
        recorded_at: timestamp(answer.recorded_at.unwrap_or_default()),
        already_appended: answer.already_appended,
    }
}

/// The conflict that a status tells of; `None` if it is one that this version does not know.
fn rejection(status: &tonic_types::pb::Status, append: &Append) -> Option<Rejection> {
    if let Some(conflict) = detail::<pb::RevisionConflict>(status, "annals.v1.RevisionConflict") {
        return Some(Rejection::RevisionConflict {
            stream: append.stream().clone(),
            expected: append.expected(),
            actual: conflict.actual_revision.map(Revision),
        });
    }
    let conflict = detail::<pb::EventIdConflict>(status, "annals.v1.EventIdConflict")?;
    Some(Rejection::EventIdConflict {
        id: Uuid::try_parse(&conflict.id).ok()?,
        stream: StreamName::new(&conflict.stream).ok()?,
        revision: Revision(conflict.revision),
        position: Position(conflict.position),
    })
}

/// That the time which an append gave can't be the next of the log.
fn out_of_range(status: &tonic_types::pb::Status) -> Option<Rejection> {
    let told = detail::<pb::RecordedTimeOutOfRange>(status, "annals.v1.RecordedTimeOutOfRange")?;
    Some(Rejection::RecordedTimeOutOfRange {
        recorded_at: timestamp(told.recorded_at?),
        earliest: told.earliest.map(timestamp),
        latest: timestamp(told.latest?),
    })
}

fn detail<M: Message + Default>(status: &tonic_types::pb::Status, name: &str) -> Option<M> {
    let any = status
        .details
        .iter()
        .find(|any| any.type_url.rsplit('/').next() == Some(name))?;
    M::decode(&*any.value).ok()
}
