//! Appends.

use annals_proto::v1::{self as pb, expected_revision, session_append::Append as OneOf};
use annals_store::{Append, AppendError, EventType, Expected, Limits, NewEvent, Revision, Tag, Timestamp};
use uuid::Uuid;

use super::{Invalid, parse_stream};

/// The last second of the year 9999, with which `google.protobuf.Timestamp` ends.
const SECONDS_MAX: u64 = 253_402_300_799;

/// An append to one stream.
pub(crate) fn append(request: pb::AppendToStreamRequest, limits: &Limits) -> Result<Append, Invalid> {
    let stream = parse_stream("stream", &request.stream)?;
    let expected = expected(request.expected)?;
    let mut events = Vec::with_capacity(request.events.len());
    for (index, event) in request.events.into_iter().enumerate() {
        events.push(new_event(index, event)?);
    }
    let append = Append::new(stream, expected, events, limits).map_err(|error| refused(&error))?;
    match request.recorded_at {
        Some(time) => Ok(append.recorded_at(recorded_at(&time)?)),
        None => Ok(append),
    }
}

/// A time of an event; the store has them to the microsecond.
fn recorded_at(time: &prost_types::Timestamp) -> Result<Timestamp, Invalid> {
    let micros = || {
        let seconds = u64::try_from(time.seconds)
            .ok()
            .filter(|seconds| *seconds <= SECONDS_MAX)?;
        let nanos = u64::try_from(time.nanos)
            .ok()
            .filter(|nanos| *nanos < 1_000_000_000)?;
        (nanos % 1_000 == 0).then_some(seconds * 1_000_000 + nanos / 1_000)
    };
    micros().map(Timestamp::from_micros).ok_or_else(|| {
        Invalid::field(
            "recorded_at",
            "is not a time from 1970 to 9999 in whole microseconds; leave it out to have the server's",
        )
    })
}

/// One append of a session.
pub(crate) fn session_append(request: pb::SessionAppend, limits: &Limits) -> Result<Append, Invalid> {
    match request.append {
        Some(OneOf::AppendToStream(request)) => append(request, limits),
        Some(OneOf::AppendToMany(_)) | None => {
            Err(Invalid::field("append", "is not set; set append_to_stream"))
        }
    }
}

fn expected(expected: Option<pb::ExpectedRevision>) -> Result<Expected, Invalid> {
    use expected_revision::Expected as OneOf;

    let Some(expected) = expected else {
        return Ok(Expected::Any);
    };
    match expected.expected {
        Some(OneOf::Revision(revision)) => Ok(Expected::Exactly(Revision(revision))),
        Some(OneOf::NoStream(())) => Ok(Expected::NoStream),
        Some(OneOf::StreamExists(())) => Ok(Expected::StreamExists),
        Some(OneOf::Any(())) => Ok(Expected::Any),
        None => Err(Invalid::field(
            "expected",
            "is empty; set one of revision, no_stream, stream_exists or any, or leave it out for any",
        )),
    }
}

fn new_event(index: usize, event: pb::NewEvent) -> Result<NewEvent, Invalid> {
    let id = if event.id.is_empty() {
        Uuid::now_v7()
    } else {
        parse_id(index, &event.id)?
    };
    let kind = EventType::new(&event.r#type).map_err(|error| Invalid::name(path(index, "type"), &error))?;
    let mut tags = Vec::with_capacity(event.tags.len());
    for (n, tag) in event.tags.iter().enumerate() {
        tags.push(
            Tag::new(tag).map_err(|error| Invalid::name(format!("events[{index}].tags[{n}]"), &error))?,
        );
    }
    Ok(NewEvent {
        id,
        kind,
        data: event.data,
        metadata: event.metadata,
        tags,
    })
}

fn parse_id(index: usize, id: &str) -> Result<Uuid, Invalid> {
    // `Uuid` also reads forms that the protocol does not have; they differ in length.
    let parsed = if id.len() == uuid::fmt::Hyphenated::LENGTH {
        Uuid::try_parse(id).ok()
    } else {
        None
    };
    parsed.ok_or_else(|| {
        Invalid::field(
            path(index, "id"),
            "is not a UUID in its 36-character form, such as 0190a3c2-7d5e-7b3a-9c1f-2e4d6f8a0b1c; leave it empty to \
             have one made",
        )
    })
}

fn path(index: usize, field: &str) -> String {
    format!("events[{index}].{field}")
}

fn refused(error: &AppendError) -> Invalid {
    let problem = error.to_string();
    match error {
        AppendError::NoEvents => Invalid::field("events", problem),
        AppendError::TooManyEvents { .. } | AppendError::AppendTooLarge { .. } => {
            Invalid::too_large("events", problem)
        }
        AppendError::DataTooLarge { index, .. } => Invalid::too_large(path(*index, "data"), problem),
        AppendError::MetadataTooLarge { index, .. } => Invalid::too_large(path(*index, "metadata"), problem),
        AppendError::TooManyTags { index, .. } | AppendError::RepeatedTag { index, .. } => {
            Invalid::field(path(*index, "tags"), problem)
        }
        AppendError::TooManyChecks { .. } => Invalid::field("checks", problem),
        AppendError::CheckNotListed { index } => Invalid::field(format!("checks[{index}].query"), problem),
        AppendError::RepeatedId { index, .. } => Invalid::field(path(*index, "id"), problem),
    }
}
