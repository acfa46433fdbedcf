//! Events of the log, as far as a retry is compared with them.

use uuid::Uuid;

use crate::values::{
    name::StreamName,
    position::{Position, Revision, Timestamp},
};

/// An event of the log: its identity and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredEvent {
    pub id: Uuid,
    pub stream: StreamName,
    pub revision: Revision,
    pub position: Position,
    pub recorded_at: Timestamp,
}
