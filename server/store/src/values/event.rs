//! Events that are to be appended, as clients give them.

use bytes::Bytes;
use uuid::Uuid;

use crate::values::name::{EventType, Tag};

/// An event to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its identity; appends are idempotent by it.
    pub id: Uuid,
    /// What happened.
    pub kind: EventType,
    /// The event itself.
    pub data: Bytes,
    /// What is said about it.
    pub metadata: Bytes,
    /// Its labels.
    pub tags: Vec<Tag>,
}
