//! Snapshots of aggregates: when they are saved, their format, and saving them in the background.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use annals_client::{Client, Revision, json};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;

/// When snapshots are saved, and the version of their format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshots {
    /// A snapshot is saved when this many events follow the last one. 50 unless set.
    pub every: u64,
    /// The version of the aggregate's format. Increase it when its fields or the meaning of its events change; older
    /// snapshots are then skipped. 1 unless set. Programs that share streams must not use the same number for
    /// different formats.
    pub schema_version: u32,
    /// The number of snapshots kept for each stream, 1 to 100. 2 unless set.
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

/// Converts between an aggregate and the bytes of a snapshot. Plain functions, so that serde is only required for
/// snapshots.
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
    /// Saves a snapshot in the background, unless one of the stream is already being saved.
    pub(super) fn begin(
        &self,
        client: &Client,
        snapshots: Snapshots,
        stream: &str,
        revision: Revision,
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
                tracing::warn!(stream = name, revision = revision.0, %error, "saving a snapshot failed");
            }
        });
        saving.insert(stream.to_owned(), task);
    }

    pub(super) async fn settle(&self) {
        let tasks = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks.into_values() {
            // A task that panicked has already reported it.
            drop(task.await);
        }
    }
}
