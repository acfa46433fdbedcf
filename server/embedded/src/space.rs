//! Tracks how much of each segment is in use.
//!
//! 1. Only values whose location is in the tree are counted. So the counts are exact at every fold, and are stored
//!    with it.
//! 2. The rest of a record (header, keys, values of keys that are not bulk keys) is needed until it is folded, and
//!    never after.

use std::collections::{BTreeMap, BTreeSet};

use annals_engine::Result;
use bytes::Bytes;

use crate::change::Left;
use crate::layout::Place;
use crate::location::Location;
use crate::moment::Moment;
use crate::state::Live;
use crate::tree::Tree;

/// Approximate overhead in bytes of a value that is rewritten in a batch with many others.
const COPY_BYTES: u64 = 40;

pub(crate) struct Space {
    segments: BTreeMap<u32, Live>,
    /// Segments whose counts changed since the last fold.
    changed: BTreeSet<u32>,
    /// The greatest bulk key in the tree. Most new keys come after it, and need no look-up.
    greatest: Option<Bytes>,
}

impl Space {
    pub(crate) fn new(segments: Vec<(u32, Live)>, greatest: Option<Bytes>) -> Self {
        Self {
            segments: segments.into_iter().collect(),
            changed: BTreeSet::new(),
            greatest,
        }
    }

    /// Updates the counts for a new value of a bulk key. `now`: the state before that.
    pub(crate) fn replace(&mut self, tree: &Tree, now: &Moment, key: &Bytes, left: &Left) -> Result<()> {
        let is_new = self.greatest.as_ref().is_none_or(|greatest| key > greatest);
        let old = if is_new { None } else { below(tree, now, key)? };
        if let Some(old) = old {
            let live = self.segments.entry(old.segment).or_default();
            live.values = live.values.saturating_sub(1);
            live.bytes = live.bytes.saturating_sub(u64::from(old.bytes));
            self.changed.insert(old.segment);
        }
        if let Some((_, location)) = left {
            let live = self.segments.entry(location.segment).or_default();
            live.values += 1;
            live.bytes += u64::from(location.bytes);
            self.changed.insert(location.segment);
            if is_new {
                self.greatest = Some(key.clone());
            }
        }
        Ok(())
    }

    /// Registers a segment that now has records.
    pub(crate) fn begin(&mut self, segment: u32) {
        self.segments.entry(segment).or_default();
        self.changed.insert(segment);
    }

    /// The counts that changed since the last call.
    pub(crate) fn take_changed(&mut self) -> Vec<(u32, Live)> {
        let changed = std::mem::take(&mut self.changed);
        let known = changed.into_iter();
        known
            .filter_map(|number| Some((number, *self.segments.get(&number)?)))
            .collect()
    }

    pub(crate) fn remove(&mut self, segment: u32) {
        self.segments.remove(&segment);
        self.changed.remove(&segment);
    }

    /// True if so little of a segment of `bytes` bytes is in use that rewriting it pays.
    pub(crate) fn is_mostly_dead(&self, segment: u32, bytes: u64) -> bool {
        let live = self.segments.get(&segment).copied().unwrap_or_default();
        (live.bytes + live.values * COPY_BYTES) * 2 < bytes
    }

    /// The counts of a segment.
    pub(crate) fn live(&self, segment: u32) -> Live {
        self.segments.get(&segment).copied().unwrap_or_default()
    }
}

/// The location of a bulk key's value in the tree, ignoring the generation.
fn below(tree: &Tree, now: &Moment, key: &[u8]) -> Result<Option<Location>> {
    use fjall::Readable;
    let location = now.base.get(tree.keyspace(Place::Log), key);
    let location = location.map_err(|error| crate::fault::of_read(&error))?;
    location.map(|location| Location::decode(&location)).transpose()
}
