//! Information about a server.

use annals_proto::v1 as pb;
use jiff::Timestamp;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::event;
use crate::position::Position;

/// Version, engine and head of a server's store, and the limits in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// The server's version.
    pub version: String,
    /// The storage engine: `embedded`, `memory` or `foundationdb`.
    pub engine: String,
    /// The store's identity. A checkpoint is only valid in the store that it came from.
    pub store_id: Uuid,
    /// The log's last position; 0 when it is empty.
    pub head: Position,
    /// The position up to which the indexes are on disk.
    pub indexed: Position,
    /// The time at which the server started.
    pub started_at: Timestamp,
    /// The limits in force.
    pub limits: Limits,
}

/// Limits in force on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum size of an event's data, in bytes.
    pub max_event_bytes: u32,
    /// Maximum size of an append as it is stored, in bytes: for each event its data, metadata, type, id and tags, the
    /// stream's name, and up to 60 bytes more.
    pub max_append_bytes: u32,
    /// Maximum size of an event's metadata, in bytes.
    pub max_metadata_bytes: u32,
    /// Maximum number of events in an append.
    pub max_append_events: u32,
    /// Maximum length of a stream name, in bytes.
    pub max_stream_name_bytes: u32,
    /// Maximum length of an event type, in bytes.
    pub max_event_type_bytes: u32,
    /// Maximum length of a tag, in bytes.
    pub max_tag_bytes: u32,
    /// Maximum number of tags on an event.
    pub max_tags: u32,
    /// Maximum number of open subscriptions.
    pub max_subscriptions: u32,
    /// Maximum number of checks in an append.
    pub max_append_checks: u32,
    /// Maximum size of a snapshot, in bytes.
    pub max_snapshot_bytes: u32,
    /// Maximum number of prefixes with a retention.
    pub max_prefix_retentions: u32,
    /// Maximum bytes of the name of a scope of state.
    pub max_state_scope_bytes: u32,
    /// Maximum bytes of the key of an entry of state.
    pub max_state_key_bytes: u32,
    /// Maximum bytes of the value of an entry of state.
    pub max_state_value_bytes: u32,
    /// Maximum changes of state in a write or an append, and maximum checks of state.
    pub max_state_changes: u32,
}

impl TryFrom<pb::GetServerInfoResponse> for ServerInfo {
    type Error = Error;

    fn try_from(info: pb::GetServerInfoResponse) -> Result<Self> {
        let limits = info.limits.ok_or_else(|| Error::protocol("limits are missing"))?;
        Ok(ServerInfo {
            version: info.version,
            engine: info.engine,
            store_id: event::parse_id(&info.store_id)?,
            head: info.head.into(),
            indexed: info.indexed.into(),
            started_at: event::parse_time(info.started_at.as_ref(), "started_at")?,
            limits: Limits {
                max_event_bytes: limits.max_event_bytes,
                max_append_bytes: limits.max_append_bytes,
                max_metadata_bytes: limits.max_metadata_bytes,
                max_append_events: limits.max_append_events,
                max_stream_name_bytes: limits.max_stream_name_bytes,
                max_event_type_bytes: limits.max_event_type_bytes,
                max_tag_bytes: limits.max_tag_bytes,
                max_tags: limits.max_tags,
                max_subscriptions: limits.max_subscriptions,
                max_append_checks: limits.max_append_checks,
                max_snapshot_bytes: limits.max_snapshot_bytes,
                max_prefix_retentions: limits.max_prefix_retentions,
                max_state_scope_bytes: limits.max_state_scope_bytes,
                max_state_key_bytes: limits.max_state_key_bytes,
                max_state_value_bytes: limits.max_state_value_bytes,
                max_state_changes: limits.max_state_changes,
            },
        })
    }
}
