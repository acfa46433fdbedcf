//! Settings of the engine, and what it reports.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::loss::AcceptLoss;

/// Called by the writer with the duration of each durable commit, fdatasync included. It must return quickly: other
/// commits wait.
pub type OnSync = Arc<dyn Fn(Duration) + Send + Sync>;

/// Called with the disk space that was reclaimed, or the error that prevented it.
pub type OnReclaim = Arc<dyn Fn(annals_engine::Result<Reclaimed>) + Send + Sync>;

/// The result of reclaiming disk space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reclaimed {
    /// Bytes of files before.
    pub bytes_before: u64,
    /// Bytes of files after.
    pub bytes_after: u64,
    /// How long it took.
    pub took: Duration,
}

/// Settings with which a store is opened.
#[derive(Clone)]
pub struct Settings {
    /// The size of the cache of blocks read from disk, in bytes.
    pub cache_bytes: u64,
    /// Bytes of entries under bulk prefixes that collect in memory before they are written to a table, at least 64
    /// KiB; for other keys the limit is half of that. Usually there is one such memtable of each kind in memory,
    /// rarely two; writers block at more than five. Only read when the store is created.
    pub memtable_bytes: u64,
    /// Keys that begin with one of these hold large values that are written once and in order, and are stored
    /// accordingly. The prefixes are part of the store: it opens only with those it was created with. At most 65,535
    /// bytes each.
    pub bulk_prefixes: Vec<Bytes>,
    /// Size of a log segment at which the log continues in a new file, in bytes; at most 1 GiB.
    pub segment_bytes: u64,
    /// Number of key changes in memory at which they are folded into the tree in one batch. The commit that reaches
    /// the limit waits for that.
    pub fold_entries: usize,
    /// Approximate bytes of changes in memory at which they are folded, in the same way.
    pub fold_bytes: usize,
    /// Called for every durable commit, for metrics.
    pub on_sync: Option<OnSync>,
    /// Space is reclaimed when a fifth of all keys were removed, and they take at least about this many bytes.
    pub reclaim_bytes_min: u64,
    /// Called whenever space was reclaimed or that failed, for logs.
    pub on_reclaim: Option<OnReclaim>,
    /// A key whose value states how far the caller's data extend. It is kept beside the log, so that a loss can be
    /// reported in the caller's own terms ([`crate::Loss`]). Set it in durable commits only. A value of more than 460
    /// bytes is not kept.
    pub head_key: Option<Bytes>,
    /// Called when durable records of the log are missing. Without it such a store is not opened.
    pub accept_loss: Option<AcceptLoss>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cache_bytes: 256 * 1_024 * 1_024,
            memtable_bytes: 32 * 1_024 * 1_024,
            bulk_prefixes: Vec::new(),
            segment_bytes: 64 * 1_024 * 1_024,
            fold_entries: 2_048,
            fold_bytes: 16 * 1_024 * 1_024,
            on_sync: None,
            reclaim_bytes_min: 4 * 1_024 * 1_024,
            on_reclaim: None,
            head_key: None,
            accept_loss: None,
        }
    }
}
