//! Snapshots: states that clients derived from a stream's events up to a revision, so that they need not start with
//! the first event.
//!
//! A snapshot is not an event. It is stored outside the log and can be derived again from it; the log does not refer
//! to it.
//!
//! 1. A snapshot is complete or does not exist: it is saved, replaced and removed in one commit.
//! 2. Of a stream's snapshots, those with the greatest revisions are kept, as many as the last save requested. Saves
//!    for one stream take turns, by a key that each of them changes.
//! 3. A snapshot never outlives a tombstone or a deletion: a snapshot of removed events is never returned, even if it
//!    is stored, and a save that was overtaken by either removes its snapshot again. Leftovers (a server was killed
//!    in between) are removed by [`remove_dead`].
//!
//! Limits: a snapshot has at most [`Limits::snapshot_bytes_max`](crate::Limits::snapshot_bytes_max) bytes, which fit
//! into one commit; a stream has at most [`SNAPSHOTS_MAX`](crate::values::limits::SNAPSHOTS_MAX).

mod entry;
mod load;
mod removal;
mod save;
#[cfg(test)]
mod tests;
mod transfer;

use bytes::Bytes;

use crate::values::{
    name::StreamName,
    position::{Revision, Timestamp},
};

pub(crate) use load::load;
pub(crate) use removal::remove_dead;
pub(crate) use save::save;
pub(crate) use transfer::{next, restore};

/// A snapshot of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Stream of the snapshot.
    pub stream: StreamName,
    /// Revision of the last event that it includes.
    pub revision: Revision,
    /// Version of the data's schema, as numbered by the client.
    pub schema_version: u32,
    /// State of the stream, in any encoding.
    pub data: Bytes,
    /// Time when it was saved.
    pub saved_at: Timestamp,
}

/// Request to save a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveSnapshot {
    /// Stream of the snapshot.
    pub stream: StreamName,
    /// Revision of the last event that it includes. The stream must have reached it and not lost it by deletion.
    pub revision: Revision,
    /// Version of the data's schema. A snapshot with the same revision and schema version is replaced.
    pub schema_version: u32,
    /// State of the stream, within the limit.
    pub data: Bytes,
    /// Number of the stream's snapshots to keep, those with the greatest revisions: 1 or more.
    pub keep: usize,
}

/// Request to load the latest snapshot that meets all conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadSnapshot {
    /// Stream of the snapshot.
    pub stream: StreamName,
    /// Greatest revision that the snapshot may have. `None`: any.
    pub at_or_before: Option<Revision>,
    /// Schema version that the snapshot must have. `None`: any.
    pub schema_version: Option<u32>,
}
