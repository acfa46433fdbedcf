//! Events: to append, and as recorded in the store.
//!
//! An event gets its id when it is created, before the first attempt to append it, so every retry sends the same id
//! and the store can distinguish a retry from a second event.

use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1 as pb;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::json;
use crate::position::{Position, Revision};

/// An event to append.
///
/// ```
/// use annals_client::Event;
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct OrderPlaced { total: u32 }
///
/// let event = Event::json("OrderPlaced", &OrderPlaced { total: 42 })?
///     .with_tag("customer:7")
///     .with_json_metadata(&serde_json::json!({"user": "ada"}))?;
/// assert_eq!(event.data, r#"{"total":42}"#);
/// # Ok::<_, annals_client::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Identifies the event. Appends are idempotent by id. It is not a unique key: an append that expects a revision
    /// is written even if its ids occur in other events.
    pub id: Uuid,
    /// The event's type, in the terms of the domain: `OrderPlaced`. 1 to 256 bytes, not starting with `$`.
    pub event_type: String,
    /// The payload, in any encoding. At most 1 MiB unless the server is configured otherwise.
    pub data: Bytes,
    /// Metadata about the event, such as correlation ids or trace context; JSON by convention. At most 64 KiB.
    pub metadata: Bytes,
    /// Indexed labels, at most 32 of at most 256 bytes each, without duplicates.
    pub tags: Vec<String>,
    /// The media type of `data`, such as `application/protobuf`. Empty: `application/json`.
    pub content_type: String,
}

impl Event {
    /// Creates an event of type `event_type` with this data and a new id (UUIDv7). If the data is not JSON, add
    /// [`Event::with_content_type`].
    pub fn new(event_type: impl Into<String>, data: impl Into<Bytes>) -> Self {
        Event {
            id: Uuid::now_v7(),
            event_type: event_type.into(),
            data: data.into(),
            metadata: Bytes::new(),
            tags: Vec::new(),
            content_type: String::new(),
        }
    }

    /// Creates an event of type `event_type` with `value` as JSON.
    ///
    /// Fails with [`Error::InvalidValue`] if JSON can't represent the value: NaN or an infinity, a map whose keys are
    /// not text, or arrays and objects nested more deeply than [`json::DEPTH_MAX`].
    pub fn json(event_type: impl Into<String>, value: &(impl Serialize + ?Sized)) -> Result<Self> {
        let event_type = event_type.into();
        let data = json::to_vec(value).map_err(|reason| Error::InvalidValue {
            of: format!("an event of type {event_type:?}"),
            reason: Arc::new(reason),
        })?;
        Ok(Event::new(event_type, data))
    }

    /// Sets the id. An id derived from the command that led to the event makes the whole command idempotent, if the
    /// event is appended with an expected revision or without checks. An append with
    /// [`expect_no_match`](crate::Append::expect_no_match) must be retried unchanged, because the store only looks
    /// for ids after its position.
    #[must_use]
    pub fn with_id(mut self, id: Uuid) -> Self {
        self.id = id;
        self
    }

    /// Sets the media type of the data.
    ///
    /// ```
    /// # use annals_client::Event;
    /// let event = Event::new("PhotoTaken", vec![0xFF, 0xD8]).with_content_type("image/jpeg");
    /// ```
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = content_type.into();
        self
    }

    /// Sets the metadata.
    #[must_use]
    pub fn with_metadata(mut self, metadata: impl Into<Bytes>) -> Self {
        self.metadata = metadata.into();
        self
    }

    /// Sets the metadata to `value` as JSON. Fails with [`Error::InvalidValue`], like [`Event::json`].
    pub fn with_json_metadata(self, value: &(impl Serialize + ?Sized)) -> Result<Self> {
        let metadata = json::to_vec(value).map_err(|reason| Error::InvalidValue {
            of: format!("the metadata of an event of type {:?}", self.event_type),
            reason: Arc::new(reason),
        })?;
        Ok(self.with_metadata(metadata))
    }

    /// Adds a tag.
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }
}

impl From<Event> for pb::NewEvent {
    fn from(event: Event) -> Self {
        pb::NewEvent {
            id: event.id.to_string(),
            r#type: event.event_type,
            data: event.data,
            metadata: event.metadata,
            tags: event.tags,
            content_type: event.content_type,
        }
    }
}

/// An event as recorded in the store. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Identifies the event.
    pub id: Uuid,
    /// The stream it was appended to.
    pub stream: String,
    /// Its index in the stream, from 0 without gaps.
    pub revision: Revision,
    /// Its index in the whole log, from 1 without gaps.
    pub position: Position,
    /// The event's type.
    pub event_type: String,
    /// The payload.
    pub data: Bytes,
    /// Metadata about the event.
    pub metadata: Bytes,
    /// Its tags, in the order in which they were given.
    pub tags: Vec<String>,
    /// The media type of the data; `application/json` unless the event was appended with another.
    pub content_type: String,
    /// The time at which the store recorded it (microseconds). Never decreases along the log.
    pub recorded_at: Timestamp,
}

impl RecordedEvent {
    /// Decodes the data from JSON. Fails with [`Error::Json`] if the content type is not JSON, or the data is not the
    /// JSON of a `T`.
    ///
    /// ```no_run
    /// # use annals_client::RecordedEvent;
    /// # fn handle(event: RecordedEvent) -> Result<(), annals_client::Error> {
    /// let order: serde_json::Value = event.json()?;
    /// # Ok(()) }
    /// ```
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let of = || format!("the data of {}", self.place());
        if !json::is_content_type(&self.content_type) {
            let reason = json::refusal(format!("its content type is {}", self.content_type));
            return Err(Error::Json {
                of: of(),
                reason: Arc::new(reason),
            });
        }
        decode(&self.data, of)
    }

    /// Decodes the metadata from JSON. Fails with [`Error::Json`] if it is not the JSON of a `T`, or is empty.
    pub fn json_metadata<T: DeserializeOwned>(&self) -> Result<T> {
        decode(&self.metadata, || format!("the metadata of {}", self.place()))
    }

    /// The event as error texts name it.
    fn place(&self) -> String {
        format!(
            "event {:?} at revision {} of stream {:?} (position {})",
            self.event_type, self.revision, self.stream, self.position
        )
    }
}

/// Decodes JSON; `of` names the data in errors.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8], of: impl FnOnce() -> String) -> Result<T> {
    let decoded = match bytes.is_empty() {
        true => Err(json::refusal("it is empty")),
        false => serde_json::from_slice(bytes),
    };
    decoded.map_err(|reason| Error::Json {
        of: of(),
        reason: Arc::new(reason),
    })
}

impl TryFrom<pb::RecordedEvent> for RecordedEvent {
    type Error = Error;

    fn try_from(event: pb::RecordedEvent) -> Result<Self> {
        Ok(RecordedEvent {
            id: parse_id(&event.id)?,
            stream: event.stream,
            revision: event.revision.into(),
            position: event.position.into(),
            event_type: event.r#type,
            data: event.data,
            metadata: event.metadata,
            tags: event.tags,
            content_type: json::or_json(event.content_type),
            recorded_at: parse_time(event.recorded_at.as_ref(), "recorded_at")?,
        })
    }
}

pub(crate) fn parse_id(text: &str) -> Result<Uuid> {
    Uuid::try_parse(text).map_err(|error| Error::protocol(format!("id {text:?} is not a UUID: {error}")))
}

pub(crate) fn to_time(time: Timestamp) -> prost_types::Timestamp {
    let (mut seconds, mut nanos) = (time.as_second(), time.subsec_nanosecond());
    // Before 1970 both are negative here, but the protocol requires nanoseconds to be non-negative.
    if nanos < 0 {
        seconds -= 1;
        nanos += 1_000_000_000;
    }
    prost_types::Timestamp { seconds, nanos }
}

pub(crate) fn parse_time(time: Option<&prost_types::Timestamp>, field: &str) -> Result<Timestamp> {
    let time = time.ok_or_else(|| Error::protocol(format!("{field} is missing")))?;
    Timestamp::new(time.seconds, time.nanos)
        .map_err(|error| Error::protocol(format!("{field} is not a valid time: {error}")))
}

pub(crate) fn to_duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        // A value that does not fit exceeds every maximum of the server, which rejects it.
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: duration.subsec_nanos().try_into().unwrap_or_default(),
    }
}

pub(crate) fn parse_duration(duration: Option<prost_types::Duration>, field: &str) -> Result<Duration> {
    Duration::try_from(duration.unwrap_or_default())
        .map_err(|error| Error::protocol(format!("{field} is not a duration of 0 or more: {error}")))
}

#[cfg(test)]
mod tests;
