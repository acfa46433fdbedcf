//! What the writer and the readers share.
//!
//! 1. Readers use only the moment published last, and only the writer publishes, after its record is synced or its batch
//!    complete.
//! 2. A store that failed stays failed.
//!
//! Why readers do not open fjall's snapshots themselves (fjall 3.1.13): `WriteBatch::commit` takes its sequence number,
//! writes and syncs the journal, only then inserts into the memtables, and then publishes the number, so far in the order
//! one would wish. But a flush or a compaction that ends meanwhile takes the next number and publishes that
//! (`SuperVersions::upgrade_version` in lsm-tree), without waiting for the batch. A snapshot opened at that moment would be
//! beyond the batch, and its entries would appear in it one by one. The writer has no batch under way when it opens the
//! snapshot it publishes, so it cannot be beyond one.
//!
//! Why a store is never empty: `SnapshotTracker::gc` in fjall 3.1.13 takes a snapshot with sequence number 0 for no snapshot
//! at all, and then drops what it and its neighbours still need; reading them panics. Where the log begins is written when
//! the store is made, so the numbers start from 1.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use annals_engine::{Error, Pace, Result};
use fjall::PersistMode;
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::directory::Marked;
use crate::durable::Durable;
use crate::generation::Generation;
use crate::layout::Place;
use crate::moment::Moment;
use crate::reclaim::Removed;
use crate::recovery::{self, Found, Known, rebuild};
use crate::tree::Tree;
use crate::{OpenError, Settings, directory, fault};

/// Places in a segment are told with 32 bits, and the last record may go beyond its size.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;

pub(crate) struct Store {
    current: RwLock<Arc<Moment>>,
    /// Counts what was published, to wake whoever watches.
    published: watch::Sender<u64>,
    failure: OnceLock<String>,
    /// Of small reads.
    pub(crate) pace: Pace,
    removed_index: Removed,
    removed_log: Removed,
    pub(crate) tree: Tree,
    /// Up to where the log is durable. Set when the log was replayed.
    pub(crate) durable: OnceLock<Durable>,
    /// Where the store has its files.
    pub(crate) folder: PathBuf,
    /// Held until all above is closed: fields are dropped in their order.
    _lock: std::fs::File,
}

impl Store {
    /// Opens the tree, and finds what it knows of the log. The rest of the log is still to be replayed.
    pub(crate) fn open(
        path: &Path,
        settings: &Settings,
    ) -> std::result::Result<(Self, Known, Marked), OpenError> {
        let directory::Opened {
            mut tree,
            marked,
            lock,
        } = directory::open(path, settings)?;
        let folder = directory::store(path);
        let log_folder = directory::log_folder(&folder);
        let segment_bytes = settings.segment_bytes.min(SEGMENT_BYTES_MAX);
        let known = loop {
            match recovery::known(path, &log_folder, &tree, segment_bytes)? {
                Found::Known(known) => break known,
                Found::TooShort(found) => tree = rebuild::without_lost(path, tree, found, settings)?,
            }
        };
        let moment = Moment {
            base: Arc::new(tree.database.snapshot()),
            generation: Arc::new(Generation::default()),
            sequence: known.applied.tip.sequence,
            segments: Arc::clone(&known.segments),
        };
        let store = Self {
            current: RwLock::new(Arc::new(moment)),
            published: watch::Sender::new(0),
            failure: OnceLock::new(),
            pace: Pace::default(),
            removed_index: Removed::of(&tree.index),
            removed_log: Removed::of(&tree.log),
            tree,
            durable: OnceLock::new(),
            folder,
            _lock: lock,
        };
        Ok((store, *known, marked))
    }

    /// What is committed now.
    pub(crate) fn current(&self) -> Arc<Moment> {
        Arc::clone(&self.current.read())
    }

    /// Shows a moment to readers. Called by the writer alone, with no batch of fjall under way.
    pub(crate) fn publish(&self, moment: Moment) {
        let next = Arc::new(moment);
        let last = std::mem::replace(&mut *self.current.write(), next);
        // Closing a snapshot may collect garbage, so not while readers wait for the lock.
        drop(last);
        self.published.send_modify(|count| *count += 1);
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    /// How many keys were removed from a keyspace, and are still on disk.
    pub(crate) fn removed(&self, place: Place) -> &Removed {
        match place {
            Place::Index => &self.removed_index,
            Place::Log => &self.removed_log,
        }
    }

    /// Notes that a write failed, and returns what to answer from now on.
    pub(crate) fn fail(&self, message: String) -> Error {
        let message = self.failure.get_or_init(|| message);
        self.published.send_modify(|count| *count += 1);
        Error::Failed(message.clone())
    }

    /// As [`Self::fail`], in words for an operator.
    pub(crate) fn fail_write(&self, reason: &str) -> Error {
        self.fail(format!(
            "a commit could not be written: {reason}; look at the disk, then start again: what was acknowledged is there"
        ))
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
        // The buffer is passed on at every batch, so there is nothing to write here; but fjall says if it gave up.
        self.tree.database.persist(PersistMode::Buffer).map_err(|error| {
            self.fail(format!(
                "fjall gave up after a failed write: {}",
                fault::words(&error)
            ))
        })
    }
}
