//! Snapshots: the state of a stream up to a revision, saved by a client so that it need not read all events again.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1 as pb;
use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::connection::Stub;
use crate::error::{Error, Result};
use crate::event;
use crate::position::Revision;
use crate::retry::Shared;

/// A snapshot of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream.
    pub stream: String,
    /// The last revision included in the state: continue with the events after it.
    pub revision: Revision,
    /// The version of the state's format, in the program's own numbering.
    pub schema_version: u32,
    /// The state as it was saved.
    pub data: Bytes,
    /// The time at which it was saved.
    pub saved_at: Timestamp,
}

impl Snapshot {
    /// Decodes a state that was saved as JSON ([`json::to_vec`](crate::json::to_vec)). Fails with [`Error::Json`] if
    /// it is not the JSON of a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        event::decode(&self.data, || {
            format!(
                "the snapshot of stream {:?} at revision {}",
                self.stream, self.revision
            )
        })
    }
}

impl TryFrom<pb::LoadSnapshotResponse> for Snapshot {
    type Error = Error;

    fn try_from(response: pb::LoadSnapshotResponse) -> Result<Self> {
        let snapshot = response
            .snapshot
            .ok_or_else(|| Error::protocol("a snapshot without content"))?;
        snapshot.try_into()
    }
}

impl TryFrom<pb::Snapshot> for Snapshot {
    type Error = Error;

    fn try_from(snapshot: pb::Snapshot) -> Result<Self> {
        Ok(Snapshot {
            stream: snapshot.stream,
            revision: snapshot.revision.into(),
            schema_version: snapshot.schema_version,
            data: snapshot.data,
            saved_at: event::parse_time(snapshot.saved_at.as_ref(), "saved_at")?,
        })
    }
}

/// A snapshot to be saved: add options, then await it to get the time at which it was saved.
#[derive(Debug, Clone)]
#[must_use = "nothing is saved until it is awaited"]
pub struct SaveSnapshot {
    shared: Arc<Shared>,
    timeout: Duration,
    request: pb::SaveSnapshotRequest,
}

impl SaveSnapshot {
    pub(crate) fn new(
        shared: Arc<Shared>,
        timeout: Duration,
        stream: String,
        revision: Revision,
        data: Bytes,
    ) -> Self {
        let request = pb::SaveSnapshotRequest {
            stream,
            revision: revision.into(),
            data,
            ..Default::default()
        };
        SaveSnapshot {
            shared,
            timeout,
            request,
        }
    }

    /// Sets the version of the state's format, in the program's own numbering. Increase it when the format changes;
    /// snapshots with another version are then skipped. 0 unless set.
    pub fn schema_version(mut self, version: u32) -> Self {
        self.request.schema_version = version;
        self
    }

    /// Sets how many snapshots of the stream to keep, those with the greatest revisions: 1 to 100. 3 unless set.
    pub fn keep(mut self, keep: u32) -> Self {
        self.request.keep = Some(keep);
        self
    }
}

impl IntoFuture for SaveSnapshot {
    type Output = Result<Timestamp>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            // Retrying is safe: saving the same snapshot twice has the same effect as once.
            let call = |mut stub: Stub| {
                let request = self.request.clone();
                async move { stub.save_snapshot(request).await }
            };
            let saved = self.shared.call(self.timeout, call).await?.into_inner();
            event::parse_time(saved.saved_at.as_ref(), "saved_at")
        })
    }
}

/// A load of the latest snapshot: add options, then await it. The result is `None` if there is no such snapshot.
#[derive(Debug, Clone)]
#[must_use = "nothing is loaded until it is awaited"]
pub struct LoadSnapshot {
    shared: Arc<Shared>,
    timeout: Duration,
    request: pb::LoadSnapshotRequest,
}

impl LoadSnapshot {
    pub(crate) fn new(shared: Arc<Shared>, timeout: Duration, stream: String) -> Self {
        let request = pb::LoadSnapshotRequest {
            stream,
            ..Default::default()
        };
        LoadSnapshot {
            shared,
            timeout,
            request,
        }
    }

    /// Loads the latest snapshot at or before this revision.
    pub fn at_or_before(mut self, revision: impl Into<Revision>) -> Self {
        self.request.at_or_before = Some(revision.into().0);
        self
    }

    /// Loads the latest snapshot with this format version. Any version unless set.
    pub fn schema_version(mut self, version: u32) -> Self {
        self.request.schema_version = Some(version);
        self
    }
}

impl IntoFuture for LoadSnapshot {
    type Output = Result<Option<Snapshot>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let call = |mut stub: Stub| {
                let request = self.request.clone();
                async move { stub.load_snapshot(request).await }
            };
            match self.shared.call(self.timeout, call).await {
                Ok(loaded) => loaded.into_inner().try_into().map(Some),
                Err(Error::SnapshotNotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }
}
