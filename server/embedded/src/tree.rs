//! The tree: fjall with its keyspaces.
//!
//! `index` holds keys with their values, `log` bulk keys with the locations of their values in the log (`location`),
//! and `state` how much of the log the tree has (`state`).

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use annals_engine::{Error, Result};
use fjall::{AbstractTree, Database, Keyspace, OwnedWriteBatch};

use crate::fault::{self, OpenError};
use crate::layout::{self, Layout, Place};
use crate::salvage;
use crate::settings::Settings;

pub(crate) struct Tree {
    pub(crate) layout: Layout,
    pub(crate) index: Keyspace,
    pub(crate) log: Keyspace,
    pub(crate) state: Keyspace,
    removed_index: Removed,
    removed_log: Removed,
    pub(crate) database: Database,
}

/// Number of keys that were removed from a keyspace and are still on disk.
#[derive(Debug, Default)]
pub(crate) struct Removed(AtomicU64);

impl Removed {
    /// Starts with the number of tombstones in a keyspace.
    fn of(keyspace: &Keyspace) -> Self {
        Self(AtomicU64::new(keyspace.tree.tombstone_count()))
    }

    /// Subtracts the keys that were counted `before` a compaction, and adds those that it kept.
    pub(crate) fn compacted(&self, before: u64, keyspace: &Keyspace) {
        self.add(keyspace.tree.tombstone_count());
        self.0.fetch_sub(before, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, keys: u64) {
        self.0.fetch_add(keys, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tree {
    /// Opens the tree in `folder`, or creates it. `path`: the store's directory, for errors.
    pub(crate) fn open(
        path: &Path,
        folder: &Path,
        settings: &Settings,
    ) -> std::result::Result<Self, OpenError> {
        let open = || {
            let database = Database::builder(folder)
                .cache_size(settings.cache_bytes)
                // Journal contents soon reach tables too, where they are compressed; compressing them here would only
                // cost time.
                .journal_compression(fjall::CompressionType::None)
                .max_journaling_size(layout::JOURNAL_BYTES_MAX)
                .max_cached_files(Some(layout::OPEN_FILES_MAX))
                // With several threads, one of them only flushes: a long compaction must not block writers.
                .worker_threads(layout::worker_threads())
                .open()?;
            let index = database.keyspace("index", || layout::index_options(settings))?;
            let log = database.keyspace("log", || layout::log_options(settings))?;
            Ok(Self {
                layout: Layout::new(&settings.bulk_prefixes),
                removed_index: Removed::of(&index),
                removed_log: Removed::of(&log),
                index,
                log,
                state: database.keyspace("state", layout::state_options)?,
                database,
            })
        };
        salvage::open(folder, open).map_err(|error| OpenError::from_fjall(path, &error))
    }

    pub(crate) fn keyspace(&self, place: Place) -> &Keyspace {
        match place {
            Place::Index => &self.index,
            Place::Log => &self.log,
        }
    }

    /// The number of keys that were removed from a keyspace and are still on disk.
    pub(crate) fn removed(&self, place: Place) -> &Removed {
        match place {
            Place::Index => &self.removed_index,
            Place::Log => &self.removed_log,
        }
    }

    /// All keyspaces: fjall deletes a journal when the data that it holds of each is in tables.
    pub(crate) fn keyspaces(&self) -> [&Keyspace; 3] {
        [&self.log, &self.index, &self.state]
    }

    pub(crate) fn batch(&self, entries: usize) -> OwnedWriteBatch {
        OwnedWriteBatch::with_capacity(self.database.clone(), entries)
            // Passed to the operating system only; `syncing` syncs it.
            .durability(Some(fjall::PersistMode::Buffer))
    }

    /// The greatest key of the `log` keyspace.
    pub(crate) fn greatest(&self) -> Result<Option<bytes::Bytes>> {
        let last = self.log.last_key_value().map(fjall::Guard::key);
        let last = last
            .transpose()
            .map_err(|error: fjall::Error| fault::of_read(&error))?;
        Ok(last.map(bytes::Bytes::from))
    }
}

/// Maps the error of an operation that fjall refused while reclaiming space.
pub(crate) fn refused(error: &fjall::Error) -> Error {
    Error::Unavailable(format!("space could not be reclaimed: {}", fault::words(error)))
}
