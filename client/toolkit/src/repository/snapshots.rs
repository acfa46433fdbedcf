//! Snapshots of aggregates: when they are saved, in which form, and in the background.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use annals_client::{Client, json};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;

/// When snapshots are saved, and which form they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshots {
    /// A snapshot is saved when so many events came after the last one. 50 unless set.
    pub every: u64,
    /// Which form the aggregate has: raise it when its fields or the meaning of its events change, and older snapshots are
    /// passed over. 1 unless set. Programs that share streams must not share a number for forms that differ.
    pub schema_version: u32,
    /// How many are kept for each stream, 1 to 100. 2 unless set.
    pub keep: u32,
}

impl Default for Snapshots {
    fn default() -> Self {
        Snapshots {
            every: 50,
            schema_version: 1,
            keep: 2,
        }
    }
}

/// Between an aggregate and the bytes of a snapshot. Functions, so that only those who want snapshots need serde.
pub(super) struct Form<A> {
    pub(super) write: fn(&A) -> serde_json::Result<Vec<u8>>,
    pub(super) read: fn(&[u8]) -> serde_json::Result<A>,
}

impl<A: Serialize + DeserializeOwned> Form<A> {
    pub(super) fn json() -> Self {
        Form {
            write: |state| json::to_vec(state),
            read: |data| serde_json::from_slice(data),
        }
    }
}

impl<A> Clone for Form<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Form<A> {}

/// The snapshots that are being saved, by stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Saving(Arc<Mutex<HashMap<String, JoinHandle<()>>>>);

impl Saving {
    /// Saves a snapshot in the background, unless one of the stream is being saved.
    pub(super) fn begin(
        &self,
        client: &Client,
        snapshots: Snapshots,
        stream: &str,
        revision: u64,
        data: Vec<u8>,
    ) {
        let mut saving = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        saving.retain(|_, task| !task.is_finished());
        if saving.contains_key(stream) {
            return;
        }
        let save = client
            .save_snapshot(stream, revision, Bytes::from(data))
            .schema_version(snapshots.schema_version)
            .keep(snapshots.keep);
        let name = stream.to_owned();
        let task = tokio::spawn(async move {
            if let Err(error) = save.await {
                tracing::warn!(stream = name, revision, %error, "a snapshot was not saved");
            }
        });
        saving.insert(stream.to_owned(), task);
    }

    pub(super) async fn settle(&self) {
        let tasks = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks.into_values() {
            // A task that panicked has said so.
            drop(task.await);
        }
    }
}
