//! What the writer and the readers share.
//!
//! 1. Readers use only the snapshot published last, and only the writer publishes, after its batch is complete and, if it
//!    is durable, synced.
//! 2. A store that failed stays failed.
//!
//! Why readers do not open fjall's snapshots themselves (fjall 3.1.13): `WriteBatch::commit` takes its sequence number,
//! writes and syncs the journal, only then inserts into the memtables, and then publishes the number, so far in the order
//! one would wish. But a flush or a compaction that ends meanwhile takes the next number and publishes that
//! (`SuperVersions::upgrade_version` in lsm-tree), without waiting for the batch. A snapshot opened at that moment would be
//! beyond the batch, and its entries would appear in it one by one. The writer has no batch under way when it opens the
//! snapshot it publishes, so it cannot be beyond one.
//!
//! Why an empty store is written to when it is opened: `SnapshotTracker::gc` in fjall 3.1.13 takes a snapshot with sequence
//! number 0 for no snapshot at all, and then drops what it and its neighbours still need; reading them panics. After one
//! write the numbers start from 1.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use annals_engine::{Error, Result};
use bytes::Bytes;
use fjall::{Database, Keyspace, PersistMode, Readable, Snapshot};
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::layout::{Layout, Place};
use crate::reclaim::Removed;
use crate::{OpenError, Settings, directory, fault};

pub(crate) struct Store {
    pub(crate) layout: Layout,
    current: RwLock<Arc<Snapshot>>,
    /// Counts what was published, to wake whoever watches.
    published: watch::Sender<u64>,
    failure: OnceLock<String>,
    removed_index: Removed,
    removed_log: Removed,
    index: Keyspace,
    log: Keyspace,
    pub(crate) filler: Keyspace,
    pub(crate) database: Database,
    /// Where fjall has its files.
    pub(crate) folder: PathBuf,
    /// Held until all above is closed: fields are dropped in their order.
    _lock: std::fs::File,
}

impl Store {
    pub(crate) fn open(path: &Path, settings: &Settings) -> std::result::Result<Self, OpenError> {
        let directory::Opened {
            index,
            log,
            filler,
            database,
            lock,
        } = directory::open(path, settings)?;
        if index.first_key_value().is_none() && log.first_key_value().is_none() {
            // Removes what is not there.
            index
                .remove([0])
                .map_err(|error| OpenError::from_fjall(path, &error))?;
        }
        Ok(Self {
            layout: Layout::new(&settings.bulk_prefixes),
            current: RwLock::new(Arc::new(database.snapshot())),
            published: watch::Sender::new(0),
            failure: OnceLock::new(),
            removed_index: Removed::of(&index),
            removed_log: Removed::of(&log),
            index,
            log,
            filler,
            database,
            folder: directory::fjall_folder(path),
            _lock: lock,
        })
    }

    /// What is committed now.
    pub(crate) fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read())
    }

    /// Shows what is written now to readers. Called by the writer alone, between two batches.
    pub(crate) fn publish(&self) {
        let next = Arc::new(self.database.snapshot());
        let last = std::mem::replace(&mut *self.current.write(), next);
        // Closing a snapshot may collect garbage, so not while readers wait for the lock.
        drop(last);
        self.published.send_modify(|count| *count += 1);
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    pub(crate) fn keyspace(&self, place: Place) -> &Keyspace {
        match place {
            Place::Index => &self.index,
            Place::Log => &self.log,
        }
    }

    /// How many keys were removed from a keyspace, and are still on disk.
    pub(crate) fn removed(&self, place: Place) -> &Removed {
        match place {
            Place::Index => &self.removed_index,
            Place::Log => &self.removed_log,
        }
    }

    /// The value of a key in a snapshot.
    pub(crate) fn get(&self, snapshot: &Snapshot, key: &[u8]) -> Result<Option<Bytes>> {
        let value = snapshot.get(self.keyspace(self.layout.place(key)), key);
        Ok(value.map_err(|error| fault::of_read(&error))?.map(Bytes::from))
    }

    /// Notes that a write failed, and returns what to answer from now on.
    pub(crate) fn fail(&self, message: String) -> Error {
        let message = self.failure.get_or_init(|| message);
        self.published.send_modify(|count| *count += 1);
        Error::Failed(message.clone())
    }

    /// # Errors
    /// [`Error::Failed`] if a write has failed.
    pub(crate) fn check_health(&self) -> Result<()> {
        self.failure
            .get()
            .map_or(Ok(()), |message| Err(Error::Failed(message.clone())))
    }

    /// As [`Self::check_health`], but asks fjall too, whose own threads may have failed. Waits for the journal's lock, up to
    /// the time of a sync.
    pub(crate) fn ask_health(&self) -> Result<()> {
        self.check_health()?;
        // The buffer is passed on at every commit, so there is nothing to write here; but fjall says if it gave up.
        self.database
            .persist(PersistMode::Buffer)
            .map_err(|error| self.fail(format!("fjall gave up after a failed write: {error}")))
    }
}
