//! The writer, which executes commits one at a time.
//!
//! A commit runs on its caller's thread, which waits for the disk meanwhile: passing commits to a dedicated thread
//! and the results back would cost two thread switches each, a tenth of the time of a commit on a busy machine.
//! Waiting commits are not merged into one batch, because the store above already groups its appends.
//!
//! Durability (contract point 4):
//! 1. A durable commit is one record of the log, written and synced (`log`), and it depends only on relaxed commits
//!    that are synced too (`fold`).
//! 2. A relaxed commit is a fold. A relaxed commit that sets a bulk key is written as if it were durable, because
//!    bulk values exist only in the log.
//! 3. After a crash the log is replayed from where the tree ends, up to the first record that is not intact, or that
//!    depends on a relaxed commit that the tree has lost (`recovery`). So a commit is only lost together with all
//!    later ones.
//! 4. Before a durable commit is acknowledged, the durable mark is moved to its record (`durable`), which costs no
//!    sync.
//!
//! Visibility (contract point 6): a durable commit is published after all of these steps.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Instant;

use annals_engine::{Commit, Error, KeyRange, Mutation, Result};
use bytes::Bytes;

use crate::change::{self, Change, Changes};
use crate::durable::Mark;
use crate::layout::Place;
use crate::log::Log;
use crate::moment::Moment;
use crate::segment::Segments;
use crate::settings::OnSync;
use crate::space::Space;
use crate::state::Applied;
use crate::store::Store;
use crate::syncing::Syncing;

/// Limit on the bytes of keys in a record. Only clearing a range can reach it.
const KEYS_BYTES_MAX: usize = 256 << 20;

pub(crate) struct Writer {
    pub(crate) store: Arc<Store>,
    pub(crate) on_sync: Option<OnSync>,
    pub(crate) log: Log,
    pub(crate) segments: Segments,
    pub(crate) space: Space,
    pub(crate) syncing: Arc<Syncing>,
    /// How much of the log is in the tree.
    pub(crate) applied: Applied,
    /// Number of relaxed commits so far.
    pub(crate) relaxed: u64,
    /// Number of the batch of the last relaxed commit.
    pub(crate) relaxed_batch: u64,
    /// Number of the last batch.
    pub(crate) last_batch: u64,
    pub(crate) fold_entries: usize,
    pub(crate) fold_bytes: usize,
    /// The key whose value is kept in the durable mark.
    pub(crate) head_key: Option<Bytes>,
    pub(crate) head: Option<Bytes>,
}

impl Writer {
    pub(crate) fn apply(&mut self, commit: Commit) -> Result<()> {
        self.store.check_health()?;
        let now = self.store.current();
        for check in &commit.checks {
            if now.get(&self.store.tree, &check.key)? != check.expected {
                return Err(Error::Conflict);
            }
        }
        let changes = self.changes(&now, commit.mutations)?;
        drop(now);
        if commit.durable {
            let started = Instant::now();
            self.write(changes)?;
            if let Some(on_sync) = &self.on_sync {
                on_sync(started.elapsed());
            }
        } else if changes
            .iter()
            .any(|(key, value)| value.is_some() && self.is_bulk(key))
        {
            self.write(changes)?;
        } else if !changes.is_empty() {
            self.fold_relaxed(changes)?;
        }
        self.fold_if_full()
    }

    /// Writes a record, syncs it, and publishes it.
    pub(crate) fn write(&mut self, changes: Changes) -> Result<()> {
        if changes.is_empty() {
            // Nothing to write, but a durable commit promises that all earlier commits are durable too.
            return self.syncing.wait(self.relaxed_batch);
        }
        let bytes: usize = changes.iter().map(|(key, _)| key.len()).sum();
        if bytes > KEYS_BYTES_MAX {
            return Err(Error::TooLarge(format!(
                "a commit changes keys of {bytes} bytes, over the limit of {KEYS_BYTES_MAX}: \
                 clear fewer keys at a time"
            )));
        }
        let store = Arc::clone(&self.store);
        let written = self.log.append(changes, self.relaxed);
        let changes = written.map_err(|error| store.fail_write(&error.to_string()))?;
        self.log
            .sync()
            .map_err(|error| store.fail_write(&error.to_string()))?;
        self.syncing.wait(self.relaxed_batch)?;
        self.mark_durable(&changes)?;
        self.remember(changes);
        Ok(())
    }

    /// Moves the durable mark to the record at the end of the log, which contains these changes.
    fn mark_durable(&mut self, changes: &[Change]) -> Result<()> {
        if let Some(head_key) = &self.head_key
            && let Ok(nth) = changes.binary_search_by(|(key, _)| key.cmp(head_key))
        {
            self.head = changes[nth].1.as_ref().map(|(value, _)| value.clone());
        }
        let marked = self.store.durable.get();
        let marked = marked.map_or(Ok(()), |durable| durable.advance(&self.mark()));
        marked.map_err(|error| self.store.fail_write(&error.to_string()))
    }

    /// The mark for the current end of the log.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            tip: self.log.tip,
            head: self.head.clone(),
            unsettled: false,
        }
    }

    /// Reads the value of the head key.
    pub(crate) fn find_head(&mut self) -> Result<()> {
        if let Some(key) = &self.head_key {
            self.head = self.store.current().get(&self.store.tree, key)?;
        }
        Ok(())
    }

    /// Publishes the changes of the record at the end of the log.
    pub(crate) fn remember(&mut self, changes: Vec<Change>) {
        self.take_in_active();
        let now = self.store.current();
        let sequence = self.log.tip.sequence;
        now.generation.add(sequence, changes);
        self.store.publish(Moment {
            base: Arc::clone(&now.base),
            generation: Arc::clone(&now.generation),
            sequence,
            segments: Segments::clone(&self.segments),
        });
    }

    pub(crate) fn fold_if_full(&mut self) -> Result<()> {
        let generation = Arc::clone(&self.store.current().generation);
        if generation.is_full(self.fold_entries, self.fold_bytes) {
            self.fold()?;
        }
        Ok(())
    }

    /// Ends the active segment, and flushes all in-memory changes to the tree.
    pub(crate) fn begin_segment(&mut self) -> Result<()> {
        let begun = self.log.roll_over().and_then(|()| self.log.sync());
        begun.map_err(|error| self.store.fail_write(&error.to_string()))?;
        self.take_in_active();
        self.fold()
    }

    fn take_in_active(&mut self) {
        let active = &self.log.active;
        if !self.segments.contains_key(&active.number) {
            Arc::make_mut(&mut self.segments).insert(active.number, Arc::clone(active));
            self.space.begin(active.number);
        }
    }

    fn is_bulk(&self, key: &[u8]) -> bool {
        self.store.tree.layout.place(key) == Place::Log
    }

    fn changes(&self, now: &Moment, mutations: Vec<Mutation>) -> Result<Changes> {
        for mutation in &mutations {
            if let Mutation::Clear(key) = mutation {
                // Even if the key is set again: its old value is no longer needed.
                self.store.tree.removed(self.store.tree.layout.place(key)).add(1);
            }
        }
        if change::is_in_order(&mutations) {
            return Ok(Changes::in_order(mutations));
        }
        let mut changes = BTreeMap::new();
        for mutation in mutations {
            match mutation {
                Mutation::Set(key, value) => drop(changes.insert(key, Some(value))),
                Mutation::Clear(key) => drop(changes.insert(key, None)),
                Mutation::ClearRange(range) => self.clear_range(now, &range, &mut changes)?,
            }
        }
        Ok(changes.into())
    }

    fn clear_range(
        &self,
        now: &Moment,
        range: &KeyRange,
        changes: &mut BTreeMap<Bytes, Option<Bytes>>,
    ) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let bounds: (Bound<&[u8]>, Bound<&[u8]>) =
            (Bound::Included(&range.start), Bound::Excluded(&range.end));
        changes
            .range_mut::<[u8], _>(bounds)
            .for_each(|(_, value)| *value = None);
        for key in now.keys(&self.store.tree, range)? {
            self.store.tree.removed(self.store.tree.layout.place(&key)).add(1);
            changes.insert(key, None);
        }
        Ok(())
    }
}
