//! An event as one line of JSON: printed by `--format ndjson`, written by `export` and read by `import`.
//!
//! 1. Keys, in this order: position, stream, revision, id, type, time, data, metadata, tags, and
//!    content_type if it is not application/json.
//! 2. Data that is JSON is written unchanged, which preserves numbers and the order of keys; only line breaks in it
//!    become spaces, so that the event is on one line. Other bytes, and empty data, are base64 under `data_base64`.
//! 3. An export preserves every byte: data in which a line break or surrounding white space would be lost is also
//!    base64.
//! 4. The same rules apply to metadata, except that empty metadata is `null` (and metadata that is itself `null` is
//!    base64).

use annals_client::RecordedEvent;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

/// An event, written as a line for humans and programs.
pub struct Record<'a>(pub &'a RecordedEvent);

/// An event, written as a line from which exactly the same event can be imported.
pub struct Exact<'a>(pub &'a RecordedEvent);

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.0, json, serializer)
    }
}

impl Serialize for Exact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let exact = |bytes: &[u8]| json(bytes).filter(|json| json.get().as_bytes() == bytes);
        serialize(self.0, exact, serializer)
    }
}

fn serialize<S: Serializer>(
    event: &RecordedEvent,
    json: impl Fn(&[u8]) -> Option<Box<RawValue>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("position", &event.position)?;
    map.serialize_entry("stream", &event.stream)?;
    map.serialize_entry("revision", &event.revision)?;
    map.serialize_entry("id", &event.id.to_string())?;
    map.serialize_entry("type", &event.event_type)?;
    map.serialize_entry("time", &time(event.recorded_at))?;
    match json(&event.data) {
        Some(data) => map.serialize_entry("data", &data)?,
        None => map.serialize_entry("data_base64", &BASE64.encode(&event.data))?,
    }
    match json(&event.metadata) {
        _ if event.metadata.is_empty() => map.serialize_entry("metadata", &())?,
        Some(metadata) if metadata.get() != "null" => map.serialize_entry("metadata", &metadata)?,
        _ => map.serialize_entry("metadata_base64", &BASE64.encode(&event.metadata))?,
    }
    map.serialize_entry("tags", &event.tags)?;
    if event.content_type != annals_client::json::CONTENT_TYPE {
        map.serialize_entry("content_type", &event.content_type)?;
    }
    map.end()
}

/// Formats a time as RFC 3339 in UTC, to the microsecond.
pub fn time(time: annals_client::Timestamp) -> String {
    format!("{time:.6}")
}

/// Returns the bytes as JSON on one line, if they are JSON.
pub fn json(bytes: &[u8]) -> Option<Box<RawValue>> {
    let raw: &RawValue = serde_json::from_slice(bytes).ok()?;
    let text = raw.get();
    // Line breaks in JSON strings are escaped, so unescaped ones are between tokens.
    let line = match text.contains(['\n', '\r']) {
        true => text.replace(['\n', '\r'], " "),
        false => text.to_owned(),
    };
    RawValue::from_string(line).ok()
}

#[cfg(test)]
pub mod tests;
