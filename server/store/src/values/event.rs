//! Events to be appended, as clients send them.

use bytes::Bytes;
use uuid::Uuid;

use crate::values::{
    content_type::ContentType,
    name::{EventType, Tag},
};

/// An event to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Id of the event; appends are idempotent by it.
    pub id: Uuid,
    /// Type of the event: what happened.
    pub kind: EventType,
    /// Payload of the event.
    pub data: Bytes,
    /// Metadata about the event, such as correlation ids.
    pub metadata: Bytes,
    /// Tags of the event.
    pub tags: Vec<Tag>,
    /// Encoding of `data`.
    pub content_type: ContentType,
    /// Encoded fields of `annals.v1.NewEvent` that this version does not know. They are stored and returned unchanged.
    pub unknown: Bytes,
}
