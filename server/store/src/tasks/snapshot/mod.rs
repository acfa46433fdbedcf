//! Snapshots: what clients made of a stream's events up to a revision, so that they need not begin with the first one.
//!
//! A snapshot is no event. It stands beside the log, can be made again from it, and the log knows nothing of it.
//!
//! 1. A snapshot is whole or not there: it is saved, replaced and removed in one commit.
//! 2. Of a stream's snapshots, those with the greatest revisions are kept, as many as the last save said. Saves of one
//!    stream take turns, by a key that each of them changes.
//! 3. A snapshot never outlives a tombstone or a deletion: none is given of what is gone, whatever is stored, and a save
//!    that was overtaken by either takes its snapshot back. What is left over (a server was killed in between) is removed
//!    by [`remove_dead`].
//!
//! Limits: a snapshot has at most [`Limits::snapshot_bytes_max`](crate::Limits::snapshot_bytes_max) bytes, which one commit
//! can carry; a stream has at most [`SNAPSHOTS_MAX`](crate::values::limits::SNAPSHOTS_MAX).

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
    /// The stream.
    pub stream: StreamName,
    /// The last revision that it holds.
    pub revision: Revision,
    /// Which form it has, in the client's own counting.
    pub schema_version: u32,
    /// The state, in any encoding.
    pub data: Bytes,
    /// When it was saved.
    pub saved_at: Timestamp,
}

/// A snapshot to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveSnapshot {
    /// The stream.
    pub stream: StreamName,
    /// The last revision that it holds, which the stream must have reached and not lost by deletion.
    pub revision: Revision,
    /// Which form it has. One with the same revision and form is replaced.
    pub schema_version: u32,
    /// The state, within the limit.
    pub data: Bytes,
    /// How many of the stream's snapshots to keep, those with the greatest revisions: 1 or more.
    pub keep: usize,
}

/// Which snapshot is wanted: the latest of those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadSnapshot {
    /// The stream.
    pub stream: StreamName,
    /// At this revision or before. `None`: at any.
    pub at_or_before: Option<Revision>,
    /// Of this form. `None`: of any.
    pub schema_version: Option<u32>,
}
