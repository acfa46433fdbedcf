//! State shared by the writer and the readers.
//!
//! 1. Readers use only the moment published last, and only the writer publishes, after its record is synced or its
//!    batch is complete.
//! 2. A store that failed stays failed.
//!
//! Why readers do not open fjall's snapshots themselves (fjall 3.1.13): `WriteBatch::commit` takes its sequence
//! number, writes and syncs the journal, only then inserts into the memtables, and then publishes the number. That
//! order would be right, but a flush or a compaction that ends meanwhile takes the next number and publishes it
//! (`SuperVersions::upgrade_version` in lsm-tree) without waiting for the batch. A snapshot opened at that moment
//! would be beyond the batch, whose entries would then appear in it one by one. The writer has no batch in progress
//! when it opens the snapshot that it publishes, so that snapshot cannot be beyond one.
//!
//! Why a store is never empty: `SnapshotTracker::gc` in fjall 3.1.13 treats a snapshot with sequence number 0 as no
//! snapshot, and then drops data that it and its neighbours still need; reading that data panics. The beginning of
//! the log is recorded when the store is created, so the numbers start from 1.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use annals_engine::{Error, Result};
use fjall::PersistMode;
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::durable::Durable;
use crate::fault;
use crate::latency::RecentLatency;
use crate::moment::Moment;
use crate::tree::Tree;

pub(crate) struct Store {
    current: RwLock<Arc<Moment>>,
    /// Counts publications, to wake watchers.
    published: watch::Sender<u64>,
    failure: OnceLock<String>,
    /// Latency of small reads.
    pub(crate) latency: RecentLatency,
    pub(crate) tree: Tree,
    /// The durable mark. Set when the log was replayed.
    pub(crate) durable: OnceLock<Durable>,
    /// The folder of the store's files.
    pub(crate) folder: PathBuf,
    /// Held until all of the above is closed: fields are dropped in order.
    _lock: File,
}

impl Store {
    /// A store in `folder`, of which readers see `moment`.
    pub(crate) fn new(tree: Tree, moment: Moment, folder: PathBuf, lock: File) -> Self {
        Self {
            current: RwLock::new(Arc::new(moment)),
            published: watch::Sender::new(0),
            failure: OnceLock::new(),
            latency: RecentLatency::default(),
            tree,
            durable: OnceLock::new(),
            folder,
            _lock: lock,
        }
    }

    /// The moment published last.
    pub(crate) fn current(&self) -> Arc<Moment> {
        Arc::clone(&self.current.read())
    }

    /// Publishes a moment to readers. Only the writer calls this, with no fjall batch in progress.
    pub(crate) fn publish(&self, moment: Moment) {
        let next = Arc::new(moment);
        let last = std::mem::replace(&mut *self.current.write(), next);
        // Closing a snapshot may collect garbage, so do not do it while readers wait for the lock.
        drop(last);
        self.published.send_modify(|count| *count += 1);
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    /// Records that a write failed, and returns the error for all later calls.
    pub(crate) fn fail(&self, message: String) -> Error {
        let message = self.failure.get_or_init(|| message);
        self.published.send_modify(|count| *count += 1);
        Error::Failed(message.clone())
    }

    /// Like [`Self::fail`], with a message for operators.
    pub(crate) fn fail_write(&self, reason: &str) -> Error {
        self.fail(format!(
            "a commit could not be written: {reason}; check the disk and restart the server: \
             acknowledged commits are safe"
        ))
    }

    /// # Errors
    /// [`Error::Failed`] if a write has failed.
    pub(crate) fn check_health(&self) -> Result<()> {
        self.failure
            .get()
            .map_or(Ok(()), |message| Err(Error::Failed(message.clone())))
    }

    /// Like [`Self::check_health`], but also asks fjall, whose own threads may have failed. Waits for the journal's
    /// lock, up to the duration of a sync.
    pub(crate) fn ask_health(&self) -> Result<()> {
        self.check_health()?;
        // Every batch already flushes the buffer, so this writes nothing; but it fails if fjall has given up.
        self.tree.database.persist(PersistMode::Buffer).map_err(|error| {
            self.fail(format!(
                "fjall gave up after a failed write: {}",
                fault::words(&error)
            ))
        })
    }

    /// Syncs fjall's journal, and then the durable mark.
    pub(crate) fn sync_tree(&self) -> Result<()> {
        let synced = self.tree.database.persist(PersistMode::SyncData);
        synced.map_err(|error| self.fail_write(&fault::words(&error)))?;
        self.sync_mark()
    }

    /// Syncs the durable mark, so that after a power failure it is at least this recent.
    pub(crate) fn sync_mark(&self) -> Result<()> {
        let synced = self.durable.get().map_or(Ok(()), Durable::sync);
        synced.map_err(|error| self.fail_write(&error.to_string()))
    }
}
