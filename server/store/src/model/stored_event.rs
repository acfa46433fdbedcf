//! Events of the log, with the fields that a retry is compared with.

use uuid::Uuid;

use crate::values::{
    name::StreamName,
    position::{Position, Revision, Timestamp},
};

/// An event of the log: its id, stream, revision, position and recorded time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredEvent {
    pub id: Uuid,
    pub stream: StreamName,
    pub revision: Revision,
    pub position: Position,
    pub recorded_at: Timestamp,
}
