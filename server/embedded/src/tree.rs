//! The tree: fjall with its keyspaces.
//!
//! `index` holds keys with their values, `log` bulk keys with the locations of their values in the log (`location`),
//! and `state` how much of the log the tree has (`state`).

use annals_engine::{Error, Result};
use fjall::{Database, Keyspace, OwnedWriteBatch};

use crate::fault;
use crate::layout::{Layout, Place};

pub(crate) struct Tree {
    pub(crate) layout: Layout,
    pub(crate) index: Keyspace,
    pub(crate) log: Keyspace,
    pub(crate) state: Keyspace,
    pub(crate) database: Database,
}

impl Tree {
    pub(crate) fn keyspace(&self, place: Place) -> &Keyspace {
        match place {
            Place::Index => &self.index,
            Place::Log => &self.log,
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
