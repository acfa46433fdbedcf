//! What a server tells about itself.

use annals_proto::v1 as pb;
use jiff::Timestamp;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::event;

/// What runs at the endpoint, up to where its log goes, and the limits in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// The server's version.
    pub version: String,
    /// The engine: `embedded`, `memory` or `foundationdb`.
    pub engine: String,
    /// The store's identity. A checkpoint is only worth something in the store it came from.
    pub store_id: Uuid,
    /// The log's last position; 0 when it is empty.
    pub head: u64,
    /// The position up to which the indexes are on disk.
    pub indexed: u64,
    /// When the server started.
    pub started_at: Timestamp,
    /// The limits in force.
    pub limits: Limits,
}

/// Limits in force on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of data in an event.
    pub max_event_bytes: u32,
    /// The most bytes in an append: data, metadata, types, ids and tags of its events, added up.
    pub max_append_bytes: u32,
    /// The most bytes of metadata in an event.
    pub max_metadata_bytes: u32,
    /// The most events in an append.
    pub max_append_events: u32,
    /// The most bytes in a stream's name.
    pub max_stream_name_bytes: u32,
    /// The most bytes in an event's type.
    pub max_event_type_bytes: u32,
    /// The most bytes in a tag.
    pub max_tag_bytes: u32,
    /// The most tags on an event.
    pub max_tags: u32,
    /// The most subscriptions open at a time.
    pub max_subscriptions: u32,
    /// The most checks in an append.
    pub max_append_checks: u32,
    /// The most bytes in a snapshot.
    pub max_snapshot_bytes: u32,
    /// The most prefixes for which a retention can be set.
    pub max_prefix_retentions: u32,
}

impl TryFrom<pb::GetServerInfoResponse> for ServerInfo {
    type Error = Error;

    fn try_from(info: pb::GetServerInfoResponse) -> Result<Self> {
        let limits = info.limits.ok_or_else(|| Error::protocol("limits are missing"))?;
        Ok(ServerInfo {
            version: info.version,
            engine: info.engine,
            store_id: event::parse_id(&info.store_id)?,
            head: info.head,
            indexed: info.indexed,
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
            },
        })
    }
}
