//! What an engine can be told when it is opened.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::loss::AcceptLoss;
use crate::reclaim::Reclaimed;

/// Called by the writer with the time a durable commit took, fdatasync included. It must return quickly: commits wait.
pub type OnSync = Arc<dyn Fn(Duration) + Send + Sync>;

/// Called with what was given back to the disk, or why it could not be.
pub type OnReclaim = Arc<dyn Fn(annals_engine::Result<Reclaimed>) + Send + Sync>;

/// How a store is opened.
#[derive(Clone)]
pub struct Settings {
    /// The size of the cache of blocks read from disk, in bytes.
    pub cache_bytes: u64,
    /// How many bytes under bulk prefixes gather in memory before they are written to a table, from 64 KiB on; of other keys
    /// half as many. Usually one such part of each kind is in memory, rarely two; writers wait when it would be more than
    /// five. Read when the store is created, not later.
    pub memtable_bytes: u64,
    /// Keys that begin with one of these hold large values that are written once and in order, and are laid out for that.
    /// They are part of the store: it opens only with the prefixes it was created with. At most 65,535 bytes each.
    pub bulk_prefixes: Vec<Bytes>,
    /// The log goes on in a new file when one would get larger than this, 1 GiB at most.
    pub segment_bytes: u64,
    /// What is committed stands in memory over the tree until it is so many changes of keys…
    pub fold_entries: usize,
    /// … or about so many bytes. Then it goes into the tree in one batch, while the commit that was one too many waits.
    pub fold_bytes: usize,
    /// Told of every durable commit, for metrics.
    pub on_sync: Option<OnSync>,
    /// Space is given back to the disk when a fifth of all keys were removed, and they take about so many bytes or more.
    pub reclaim_bytes_min: u64,
    /// Told whenever that was done or failed, for logs.
    pub on_reclaim: Option<OnReclaim>,
    /// A key whose value states how far the caller's data reach. It is kept beside the log, so that a loss can be reported in
    /// the caller's own terms ([`crate::Loss`]). Set it in durable commits only. A value of more than 460 bytes is not kept.
    pub head_key: Option<Bytes>,
    /// Asked when durable records of the log are missing. Without it such a store is refused.
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
