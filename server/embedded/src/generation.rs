//! The memtable: all changes committed since the last fold, with every version, in front of the tree.
//!
//! 1. The writer adds versions in the order of their sequence numbers. Nothing is ever removed: a fold starts a new
//!    generation, and this one is dropped with the last snapshot that reads it.
//! 2. A reader sees versions with its sequence number or a smaller one. So additions by the writer change no
//!    snapshot.
//! 3. Its size is bounded: the writer folds it when it is [full](Generation::is_full).

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};

use annals_engine::{Direction, KeyRange, PageLimit};
use bytes::Bytes;
use parking_lot::RwLock;

use crate::change::{Change, Left};

/// Approximate memory per entry, besides its key and its value.
const ENTRY_BYTES: usize = 128;

#[derive(Default)]
pub(crate) struct Generation {
    /// The versions of a key are ascending, and there is at least one.
    keys: RwLock<BTreeMap<Bytes, Vec<(u64, Left)>>>,
    versions: AtomicUsize,
    bytes: AtomicUsize,
}

impl Generation {
    /// Adds the changes of commit `sequence`. Only the writer calls this.
    pub(crate) fn add(&self, sequence: u64, changes: Vec<Change>) {
        self.versions.fetch_add(changes.len(), Ordering::Relaxed);
        let bytes = changes
            .iter()
            .map(|(key, left)| ENTRY_BYTES + key.len() + left.as_ref().map_or(0, |(value, _)| value.len()));
        self.bytes.fetch_add(bytes.sum(), Ordering::Relaxed);
        let mut keys = self.keys.write();
        for (key, left) in changes {
            keys.entry(key).or_default().push((sequence, left));
        }
    }

    pub(crate) fn is_full(&self, entries_max: usize, bytes_max: usize) -> bool {
        self.versions.load(Ordering::Relaxed) >= entries_max
            || self.bytes.load(Ordering::Relaxed) >= bytes_max
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.versions.load(Ordering::Relaxed) == 0
    }

    /// The state of a key after commit `sequence`; `None`: no commit up to it touched the key.
    pub(crate) fn get(&self, key: &[u8], sequence: u64) -> Option<Left> {
        seen(self.keys.read().get(key)?, sequence).cloned()
    }

    /// The first keys of a range in a direction, as many as a page with this limit can need.
    pub(crate) fn page(
        &self,
        range: &KeyRange,
        direction: Direction,
        limit: PageLimit,
        sequence: u64,
    ) -> Vec<(Bytes, Option<Bytes>)> {
        if range.is_empty() || self.is_empty() {
            return Vec::new();
        }
        let bounds: (Bound<&[u8]>, Bound<&[u8]>) =
            (Bound::Included(&range.start), Bound::Excluded(&range.end));
        let keys = self.keys.read();
        let visible = keys.range::<[u8], _>(bounds).filter_map(|(key, versions)| {
            let left = seen(versions, sequence)?;
            Some((key.clone(), left.as_ref().map(|(value, _)| value.clone())))
        });
        match direction {
            Direction::Forwards => within(visible, limit),
            Direction::Backwards => within(visible.rev(), limit),
        }
    }

    /// The latest state of each key, in key order.
    pub(crate) fn last(&self) -> Vec<Change> {
        let keys = self.keys.read();
        keys.iter()
            .filter_map(|(key, versions)| Some((key.clone(), seen(versions, u64::MAX)?.clone())))
            .collect()
    }
}

/// Collects a page. Removed keys do not count towards the limit but are included: they hide keys in the tree.
fn within(
    entries: impl Iterator<Item = (Bytes, Option<Bytes>)>,
    limit: PageLimit,
) -> Vec<(Bytes, Option<Bytes>)> {
    let (mut taken, mut bytes) = (0, 0);
    let mut page = Vec::new();
    for (key, value) in entries {
        if taken > 0 && (taken >= limit.entries || bytes >= limit.bytes) {
            break;
        }
        if let Some(value) = &value {
            taken += 1;
            bytes += key.len() + value.len();
        }
        page.push((key, value));
    }
    page
}

fn seen(versions: &[(u64, Left)], sequence: u64) -> Option<&Left> {
    let visible = versions.partition_point(|(written, _)| *written <= sequence);
    visible.checked_sub(1).map(|newest| &versions[newest].1)
}
