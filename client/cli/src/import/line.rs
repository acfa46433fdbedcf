//! Converts a line to an event.
//!
//! Keys: stream, type, data (any JSON, kept as written) or data_base64; optionally id, time, metadata or
//! metadata_base64, tags, content_type. position and revision, which `annals export` writes, are ignored. A line with
//! any other key is bad, because its content would be lost.
//!
//! `time` is added to the metadata as `original_time`, unless that is already present. Metadata that is not an object
//! can't hold it: the line is bad, except if it was exported (it has a position), because its time is then only the
//! recorded time.
//!
//! In a log that is moved ([`Times::Kept`]), the time remains the recorded time, and the metadata is unchanged.

use annals_client::{Event, Limits, Position, Revision, Timestamp, Uuid};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde_json::value::RawValue;

/// The use of an event's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// It is stored in the metadata; the server sets the recorded time.
    InMetadata,
    /// It remains the recorded time.
    Kept,
}

impl Times {
    /// Returns whether recorded times are kept.
    pub fn of(kept: bool) -> Self {
        if kept { Times::Kept } else { Times::InMetadata }
    }
}

/// An event and its stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Parsed {
    pub stream: String,
    pub event: Event,
    /// The recorded time, if it is kept.
    pub recorded_at: Option<Timestamp>,
    /// The event's position in the log from which it was exported.
    pub position: Option<Position>,
    /// The event's revision in the log from which it was exported.
    pub revision: Option<Revision>,
}

/// The problem with a line.
#[derive(Debug, thiserror::Error)]
pub enum Bad {
    #[error("not a valid line: {0}")]
    Json(#[from] serde_json::Error),
    #[error("\"{0}\" is missing")]
    Missing(&'static str),
    #[error("both \"{0}\" and \"{0}_base64\" are given; keep one")]
    Both(&'static str),
    #[error("\"{0}\" is not base64: {1}")]
    Base64(&'static str, base64::DecodeError),
    #[error("\"id\" {0:?} is not a UUID: {1}")]
    Id(String, annals_client::UuidError),
    #[error(
        "\"time\" {0:?} is not a time such as 2024-05-01T09:30:00.123456Z, with at most six fractional digits"
    )]
    Time(String),
    #[error("\"metadata\" is not an object, so it can't hold the \"time\"; remove one of them")]
    NoPlaceForTime,
    #[error(
        "event type {0:?} is not one that the store writes to its own streams, whose names start with $$"
    )]
    NotOfTheStore(String),
    #[error("the data is not a valid retention setting: {0}")]
    Setting(serde_json::Error),
    #[error("{0}")]
    Order(String),
    #[error("the line has {0} bytes; at most {max} are accepted", max = super::lines::LINE_BYTES_MAX)]
    TooLong(u64),
    #[error("{what} has {bytes} bytes; the server takes at most {max}")]
    TooLarge {
        what: &'static str,
        bytes: usize,
        max: u32,
    },
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys<'a> {
    stream: Option<String>,
    r#type: Option<String>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    data_base64: Option<String>,
    id: Option<String>,
    time: Option<String>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    metadata_base64: Option<String>,
    tags: Option<Vec<String>>,
    content_type: Option<String>,
    position: Option<Position>,
    revision: Option<Revision>,
}

/// Distinguishes `null` from a missing key.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Parses a line. `id` generates one for a line without, from its stream and its bytes; it is only called if the line
/// is good.
pub fn parse(line: &[u8], times: Times, id: impl FnOnce(&str, &[u8]) -> Uuid) -> Result<Parsed, Bad> {
    let keys: Keys<'_> = serde_json::from_slice(line)?;
    let stream = keys.stream.ok_or(Bad::Missing("stream"))?;
    let event_type = keys.r#type.ok_or(Bad::Missing("type"))?;
    let data = bytes("data", keys.data, keys.data_base64)?.ok_or(Bad::Missing("data"))?;
    let mut metadata = bytes("metadata", keys.metadata, keys.metadata_base64)?.unwrap_or_default();
    let mut recorded_at = None;
    match (times, keys.time) {
        (Times::Kept, Some(time)) => recorded_at = Some(recorded(time)?),
        (Times::Kept, None) => return Err(Bad::Missing("time")),
        (Times::InMetadata, Some(time)) => match with_time(&metadata, &time) {
            Some(kept) => metadata = kept,
            None if keys.position.is_some() => {}
            None => return Err(Bad::NoPlaceForTime),
        },
        (Times::InMetadata, None) => {}
    }
    let id = match keys.id {
        Some(given) => Uuid::try_parse(&given).map_err(|error| Bad::Id(given, error))?,
        None => id(&stream, line),
    };
    let mut event = Event::new(event_type, data).with_id(id).with_metadata(metadata);
    event.tags = keys.tags.unwrap_or_default();
    event.content_type = keys.content_type.unwrap_or_default();
    Ok(Parsed {
        stream,
        event,
        recorded_at,
        position: keys.position,
        revision: keys.revision,
    })
}

/// Parses a time that a store can have recorded.
fn recorded(time: String) -> Result<Timestamp, Bad> {
    match time.parse::<Timestamp>() {
        Ok(parsed) if parsed.subsec_nanosecond() % 1_000 == 0 => Ok(parsed),
        _ => Err(Bad::Time(time)),
    }
}

/// Number of bytes of an event that are provided by the client.
pub fn size(event: &Event) -> usize {
    let names = event.event_type.len() + event.tags.iter().map(String::len).sum::<usize>();
    event.data.len() + event.metadata.len() + names
}

/// Rejects events that the server would only reject by ending the whole pipeline.
pub fn check_size(event: &Event, limits: &Limits) -> Result<(), Bad> {
    let whole = size(event);
    let parts = [
        ("data", event.data.len(), limits.max_event_bytes),
        ("metadata", event.metadata.len(), limits.max_metadata_bytes),
        ("the event", whole, limits.max_append_bytes),
    ];
    match parts.into_iter().find(|(_, bytes, max)| *bytes > *max as usize) {
        Some((what, bytes, max)) => Err(Bad::TooLarge { what, bytes, max }),
        None => Ok(()),
    }
}

fn bytes(key: &'static str, json: Option<&RawValue>, base64: Option<String>) -> Result<Option<Vec<u8>>, Bad> {
    match (json, base64) {
        (Some(_), Some(_)) => Err(Bad::Both(key)),
        (Some(json), None) => Ok(Some(json.get().as_bytes().to_vec())),
        (None, Some(text)) => BASE64
            .decode(text)
            .map(Some)
            .map_err(|error| Bad::Base64(key, error)),
        (None, None) => Ok(None),
    }
}

/// Returns the metadata with the time added; `None` if it can't hold one. The text is edited in place, so that the
/// rest of it does not change.
fn with_time(metadata: &[u8], time: &str) -> Option<Vec<u8>> {
    let entry = format!("\"original_time\":{}", serde_json::Value::from(time));
    if metadata.is_empty() {
        return Some(format!("{{{entry}}}").into_bytes());
    }
    let keys: std::collections::HashMap<String, IgnoredAny> = serde_json::from_slice(metadata).ok()?;
    if keys.contains_key("original_time") {
        return Some(metadata.to_vec());
    }
    let open = metadata.trim_ascii_end().strip_suffix(b"}")?.trim_ascii_end();
    let comma = if keys.is_empty() { "" } else { "," };
    Some([open, comma.as_bytes(), entry.as_bytes(), b"}"].concat())
}

#[cfg(test)]
mod tests;
