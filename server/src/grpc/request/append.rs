//! Parses appends.

use annals_proto::v1::{self as pb, check};
use annals_store::{
    Append, AppendError, Check, ContentType, EventType, Limits, NewEvent, Position, Tag, Timestamp, Write,
    limits::CHECKS_MAX, unknown_fields,
};
use bytes::Bytes;
use prost::Message;
use uuid::Uuid;

use super::{MESSAGE_APPENDS_MAX, expected::expected, parse_stream, plain, query::query, state::with_state};
use crate::grpc::{
    generated::internal,
    status::Invalid,
    wire::{
        encoded::{self, message},
        malformed::malformed,
    },
};

/// The last second of the year 9999, the maximum of `google.protobuf.Timestamp`.
const SECONDS_MAX: u64 = 253_402_300_799;

/// Parses an append to one stream.
pub(crate) fn append_to_stream(
    request: &encoded::AppendToStreamRequest,
    limits: &Limits,
) -> Result<Append, Invalid> {
    match plain::append_to_stream(request.bytes(), limits) {
        Some(append) => Ok(append),
        None => decoded_to_stream(request.decode()?, limits),
    }
}

/// Parses the appends of a pipeline's message. Fails as a whole if the message is malformed, or has no appends or too
/// many; otherwise each append succeeds or fails on its own.
pub(crate) fn pipelined_appends(
    request: &encoded::AppendPipelineRequest,
    limits: &Limits,
) -> Result<Vec<Result<Append, Invalid>>, Invalid> {
    if let Some(appends) = plain::pipelined_appends(request.bytes())
        && let Some(appends) = each_of_pipeline(appends, limits)?
    {
        return Ok(appends);
    }
    let appends = request.decode()?.appends;
    check_count(appends.len())?;
    Ok(appends
        .into_iter()
        .map(|append| pipelined_append(append, limits))
        .collect())
}

/// Returns `None` if one of the appends is malformed.
fn each_of_pipeline<'a>(
    appends: impl Iterator<Item = &'a [u8]> + Clone,
    limits: &Limits,
) -> Result<Option<Vec<Result<Append, Invalid>>>, Invalid> {
    let count = appends.clone().count();
    check_count(count)?;
    let mut taken = Vec::with_capacity(count);
    for encoded in appends {
        taken.push(match plain::pipelined_append(encoded, limits) {
            Some(append) => Ok(append),
            None => match message::PipelinedAppend::decode(encoded) {
                Ok(decoded) => pipelined_append(decoded, limits),
                Err(_) => return Ok(None),
            },
        });
    }
    Ok(Some(taken))
}

fn check_count(appends: usize) -> Result<(), Invalid> {
    match appends {
        1..=MESSAGE_APPENDS_MAX => Ok(()),
        appends => Err(Invalid::field(
            "appends",
            format!("has {appends} appends; a message of a pipeline must have 1 to {MESSAGE_APPENDS_MAX}"),
        )),
    }
}

/// Parses a decoded append to one stream.
pub(super) fn decoded_to_stream(
    request: message::AppendToStreamRequest,
    limits: &Limits,
) -> Result<Append, Invalid> {
    let stream = parse_stream("stream", &request.stream)?;
    let expected = expected(request.expected)?;
    let events = new_events(request.events)?;
    let append = Append::new(stream, expected, events, limits)
        .map_err(|error| refused(&error, "events", |index| format!("events[{index}]")))?;
    with_time(append, request.recorded_at)
}

/// Parses an append to any number of streams, with checks.
pub(crate) fn append_to_many(
    request: message::AppendToManyRequest,
    limits: &Limits,
) -> Result<Append, Invalid> {
    let expecting: Vec<usize> = (0..request.writes.len())
        .filter(|write| request.writes[*write].expected.is_some())
        .collect();
    let mut checks = parse_checks(request.checks, expecting.len())?;
    let own_checks = checks.len();
    let mut writes = Vec::with_capacity(request.writes.len());
    for (index, wanted) in request.writes.into_iter().enumerate() {
        let under = |invalid: Invalid| invalid.under(&format!("writes[{index}]"));
        let wanted_state = wanted.expected;
        let write = write(&wanted.stream, wanted.events).map_err(under)?;
        if wanted_state.is_some() {
            checks.push(Check::Stream {
                stream: write.stream.clone(),
                expected: expected(wanted_state).map_err(under)?,
            });
        }
        writes.push(write);
    }
    let events: Vec<usize> = writes.iter().map(|write| write.events.len()).collect();
    let append = Append::to_many(writes, checks, limits).map_err(|error| match error {
        AppendError::RepeatedCheck { index, .. } if index >= own_checks => {
            let write = expecting[index - own_checks];
            Invalid::field(format!("writes[{write}].expected"), error.to_string())
        }
        error => refused(&error, "writes", |index| path_in_writes(&events, index)),
    })?;
    let append = with_state(append, request.state_changes, request.state_checks, limits)?;
    with_time(append, request.recorded_at)
}

/// Parses checks. `others`: how many more checks the append has.
fn parse_checks(wanted: Vec<pb::Check>, others: usize) -> Result<Vec<Check>, Invalid> {
    // Checked before the checks are parsed.
    let count = wanted.len() + others;
    if count > CHECKS_MAX {
        let error = AppendError::TooManyChecks {
            checks: count,
            checks_max: CHECKS_MAX,
        };
        return Err(Invalid::field("checks", error.to_string()));
    }
    let mut checks = Vec::with_capacity(count);
    for (index, wanted) in wanted.into_iter().enumerate() {
        checks.push(check(wanted).map_err(|invalid| invalid.under(&format!("checks[{index}]")))?);
    }
    Ok(checks)
}

fn write(stream: &str, events: Vec<Bytes>) -> Result<Write, Invalid> {
    Ok(Write {
        stream: parse_stream("stream", stream)?,
        events: new_events(events)?,
    })
}

/// Parses an append that another server forwards.
pub(crate) fn forwarded_append(
    request: internal::ForwardedAppend,
    limits: &Limits,
) -> Result<Append, Invalid> {
    let checks = parse_checks(request.checks, 0)?;
    let mut writes = Vec::with_capacity(request.writes.len());
    for forwarded in request.writes {
        writes.push(write(&forwarded.stream, forwarded.events)?);
    }
    let append = match (request.expected, writes.as_slice()) {
        (Some(_), writes) if writes.len() != 1 => {
            return Err(Invalid::field("expected", "is set beside several writes"));
        }
        (Some(wanted), _) => {
            let write = writes.remove(0);
            Append::new(write.stream, expected(Some(wanted))?, write.events, limits)
                .and_then(|append| append.with_checks(checks))
        }
        (None, _) => Append::to_many(writes, checks, limits),
    };
    let append = append.map_err(|error| Invalid::field("writes", error.to_string()))?;
    let append = with_state(append, request.state_changes, request.state_checks, limits)?;
    let searched_to = Position(request.searched_to_position);
    let append = append.searched_to(searched_to, request.searched_prefix_changes);
    with_time(append, request.recorded_at)
}

/// Parses the appends of a message with forwarded appends, like those of a pipeline.
pub(crate) fn forwarded_appends(
    request: internal::ForwardRequest,
    limits: &Limits,
) -> Result<Vec<Result<Append, Invalid>>, Invalid> {
    check_count(request.appends.len())?;
    let appends = request.appends.into_iter();
    Ok(appends.map(|append| forwarded_append(append, limits)).collect())
}

fn check(check: pb::Check) -> Result<Check, Invalid> {
    match check.check {
        Some(check::Check::Stream(check)) => {
            let stream = parse_stream("stream.stream", &check.stream)?;
            if check.expected.is_none() {
                return Err(Invalid::field(
                    "stream.expected",
                    "is not set; set one of revision, no_stream, stream_exists or any",
                ));
            }
            let expected = expected(check.expected).map_err(|invalid| invalid.under("stream"))?;
            Ok(Check::Stream { stream, expected })
        }
        Some(check::Check::NoMatch(check)) => Ok(Check::NoMatch {
            query: query(check.query).map_err(|invalid| invalid.under("no_match"))?,
            after: Position(check.after),
        }),
        None => Err(Invalid::field(
            "check",
            "is not set; set one of stream or no_match",
        )),
    }
}

/// Returns the path of an event, given its index over all writes and the number of events in each write.
fn path_in_writes(events: &[usize], mut index: usize) -> String {
    for (write, events) in events.iter().enumerate() {
        if index < *events {
            return format!("writes[{write}].events[{index}]");
        }
        index -= events;
    }
    "writes".to_owned()
}

fn with_time(append: Append, time: Option<prost_types::Timestamp>) -> Result<Append, Invalid> {
    match time {
        Some(time) => Ok(append.recorded_at(recorded_at(&time)?)),
        None => Ok(append),
    }
}

/// Parses the recorded time of an event; the store keeps times in microseconds.
pub(super) fn recorded_at(time: &prost_types::Timestamp) -> Result<Timestamp, Invalid> {
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
            "is not a time from 1970 to 9999 in whole microseconds; leave it out to use the server's time",
        )
    })
}

/// Parses one append of a pipeline.
pub(crate) fn pipelined_append(
    request: message::PipelinedAppend,
    limits: &Limits,
) -> Result<Append, Invalid> {
    match request.append {
        Some(message::OneAppend::ToStream(request)) => decoded_to_stream(request, limits),
        Some(message::OneAppend::ToMany(request)) => append_to_many(request, limits),
        None => Err(Invalid::field(
            "append",
            "is not set; set one of append_to_stream or append_to_many",
        )),
    }
}

fn new_events(encoded: Vec<Bytes>) -> Result<Vec<NewEvent>, Invalid> {
    let mut events = Vec::with_capacity(encoded.len());
    for (index, encoded) in encoded.into_iter().enumerate() {
        events.push(new_event(index, encoded)?);
    }
    Ok(events)
}

fn new_event(index: usize, encoded: Bytes) -> Result<NewEvent, Invalid> {
    let event = pb::NewEvent::decode(encoded.clone())
        .map_err(|error| malformed(&error).under(&format!("events[{index}]")))?;
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
    let content_type = ContentType::new(&event.content_type)
        .map_err(|error| Invalid::field(path(index, "content_type"), error.to_string()))?;
    let unknown = unknown_fields(&encoded)
        .map_err(|error| Invalid::field(format!("events[{index}]"), error.to_string()))?;
    Ok(NewEvent {
        id,
        kind,
        data: event.data,
        metadata: event.metadata,
        tags,
        content_type,
        unknown,
    })
}

fn parse_id(index: usize, id: &str) -> Result<Uuid, Invalid> {
    // `Uuid` also parses forms that the protocol does not allow; they differ in length.
    let parsed = if id.len() == uuid::fmt::Hyphenated::LENGTH {
        Uuid::try_parse(id).ok()
    } else {
        None
    };
    parsed.ok_or_else(|| {
        Invalid::field(
            path(index, "id"),
            "is not a UUID in its 36-character form, such as 0190a3c2-7d5e-7b3a-9c1f-2e4d6f8a0b1c; leave it empty to \
             let the server generate one",
        )
    })
}

fn path(index: usize, field: &str) -> String {
    format!("events[{index}].{field}")
}

/// Converts an error to an invalid field. `events` is the field with all events; `path` returns the path of one
/// event.
fn refused(error: &AppendError, events: &str, path: impl Fn(usize) -> String) -> Invalid {
    let problem = error.to_string();
    let of_event = |index: &usize, field: &str| format!("{}.{field}", path(*index));
    match error {
        AppendError::NoEvents => Invalid::field(events, problem),
        AppendError::EmptyWrite { write } => Invalid::field(format!("writes[{write}].events"), problem),
        AppendError::TooManyWrites { .. }
        | AppendError::TooManyEvents { .. }
        | AppendError::AppendTooLarge { .. } => Invalid::too_large(events, problem),
        AppendError::DataTooLarge { index, .. } => Invalid::too_large(of_event(index, "data"), problem),
        AppendError::MetadataTooLarge { index, .. } => {
            Invalid::too_large(of_event(index, "metadata"), problem)
        }
        AppendError::TooManyTags { index, .. } | AppendError::RepeatedTag { index, .. } => {
            Invalid::field(of_event(index, "tags"), problem)
        }
        AppendError::RepeatedId { index, .. } => Invalid::field(of_event(index, "id"), problem),
        AppendError::TooManyChecks { .. } => Invalid::field("checks", problem),
        AppendError::RepeatedCheck { index, .. } => {
            Invalid::field(format!("checks[{index}].stream.stream"), problem)
        }
        AppendError::CheckNotListed { index } => {
            Invalid::field(format!("checks[{index}].no_match.query"), problem)
        }
    }
}
