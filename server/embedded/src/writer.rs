//! What a commit does; one at a time.
//!
//! On the thread of whoever commits, which waits for the disk meanwhile: handing commits to a thread of their own and the
//! answers back costs two changes of threads each, a tenth of what a commit takes on a busy machine. Commits that wait are
//! not joined into one batch: the store above groups its appends already.
//!
//! Durability (contract point 4), read in fjall 3.1.13:
//! 1. Every batch is appended to the same journal, under one lock, in the order of commits (`WriteBatch::commit`). A
//!    relaxed one is passed to the operating system (`PersistMode::Buffer`), so it survives the process.
//! 2. A durable one flushes the writer's buffer and calls fdatasync on that file (`Writer::persist`), which covers all that
//!    was written to it before, relaxed batches too.
//! 3. When a journal is sealed, it is synced whole before the next one is created (`Writer::rotate`), so no later journal
//!    holds a durable batch while an earlier one has unsynced ones.
//! 4. Before a memtable is flushed to a table, the journal is synced (`worker_tick`), so a table is never ahead of it.
//! 5. After a crash the journal is replayed up to the first batch that is not complete, and cut there. So a batch is lost
//!    with all that came after it, never alone.
//!
//! Visibility (point 6): a batch enters the memtables after its sync returned (`WriteBatch::commit`), and readers see it
//! when it is published, after that ([`Store::publish`]).

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Instant;

use annals_engine::{Commit, Error, KeyRange, Mutation, Result, limits};
use bytes::Bytes;
use fjall::{OwnedWriteBatch, PersistMode, Readable, Snapshot};

use crate::fault;
use crate::layout::Place;
use crate::settings::OnSync;
use crate::store::Store;

/// What a commit leaves in each key it touches; `None`: nothing. fjall gives all entries of a batch one sequence number, so
/// a key must be in it once.
type Changes = BTreeMap<Bytes, Option<Bytes>>;

pub(crate) struct Writer {
    pub(crate) store: Arc<Store>,
    pub(crate) on_sync: Option<OnSync>,
}

impl Writer {
    pub(crate) fn apply(&self, commit: Commit) -> Result<()> {
        self.store.check_health()?;
        let now = self.store.current();
        for check in &commit.checks {
            if self.store.get(&now, &check.key)? != check.expected {
                return Err(Error::Conflict);
            }
        }
        let changes = self.changes(&now, commit.mutations)?;
        self.write(changes, commit.durable)
            .map_err(|error| {
                let reason = fault::words(&error);
                self.store.fail(format!(
                    "a commit could not be written: {reason}; look at the disk, then start again: what was acknowledged is there"
                ))
            })
    }

    /// Moves on without changing anything, and shows it to readers, so that what is older can be let go of.
    pub(crate) fn step(&self) -> Result<()> {
        self.store.check_health()?;
        // Removes what is not there: it is longer than a key may be.
        let removed = self
            .store
            .keyspace(Place::Index)
            .remove([0; limits::KEY_BYTES_MAX + 1]);
        removed.map_err(|error| self.store.fail(fault::words(&error)))?;
        self.store.publish();
        Ok(())
    }

    fn changes(&self, now: &Snapshot, mutations: Vec<Mutation>) -> Result<Changes> {
        let mut changes = Changes::new();
        for mutation in mutations {
            match mutation {
                Mutation::Set(key, value) => drop(changes.insert(key, Some(value))),
                Mutation::Clear(key) => {
                    // Also if it is set again: what it had is no longer needed.
                    self.store.removed(self.store.layout.place(&key)).add(1);
                    drop(changes.insert(key, None));
                }
                Mutation::ClearRange(range) => self.clear_range(now, &range, &mut changes)?,
            }
        }
        Ok(changes)
    }

    fn clear_range(&self, now: &Snapshot, range: &KeyRange, changes: &mut Changes) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let bounds: (Bound<&[u8]>, Bound<&[u8]>) =
            (Bound::Included(&range.start), Bound::Excluded(&range.end));
        changes
            .range_mut::<[u8], _>(bounds)
            .for_each(|(_, value)| *value = None);
        for (place, part) in self.store.layout.parts(range) {
            let keyspace = self.store.keyspace(place);
            for entry in now.range::<&[u8], _>(keyspace, &part.start[..]..&part.end[..]) {
                let key = entry.key().map_err(|error| fault::of_read(&error))?;
                self.store.removed(place).add(1);
                changes.insert(Bytes::from(key), None);
            }
        }
        Ok(())
    }

    fn write(&self, changes: Changes, durable: bool) -> fjall::Result<()> {
        let started = Instant::now();
        let mode = if durable {
            PersistMode::SyncData
        } else {
            PersistMode::Buffer
        };
        if changes.is_empty() {
            // Nothing to write, but a durable commit promises that what came before is durable too.
            self.store.database.persist(mode)?;
        } else {
            let mut batch = OwnedWriteBatch::with_capacity(self.store.database.clone(), changes.len())
                .durability(Some(mode));
            for (key, value) in changes {
                let keyspace = self.store.keyspace(self.store.layout.place(&key));
                match value {
                    Some(value) => batch.insert(keyspace, key, value),
                    None => batch.remove(keyspace, key),
                }
            }
            batch.commit()?;
        }
        if let Some(on_sync) = self.on_sync.as_ref().filter(|_| durable) {
            on_sync(started.elapsed());
        }
        self.store.publish();
        Ok(())
    }
}
