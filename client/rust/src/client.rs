//! The client: one handle for all operations on a store.

use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1 as pb;
use bytes::Bytes;
use futures::Stream;
use jiff::Timestamp;
use uuid::Uuid;

use crate::append::{self, Appended, ExpectedRevision};
use crate::append_to_many::{Append, AppendedToMany};
use crate::builder::ClientBuilder;
use crate::connection::Stub;
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::pipeline::{AppendPipeline, PipelineLimits};
use crate::position::{Position, Revision};
use crate::read::Read;
use crate::retention::{Deleted, Retention, RetentionInfo, Tombstoned};
use crate::retry::Shared;
use crate::scavenge::Scavenge;
use crate::server::ServerInfo;
use crate::snapshot::{LoadSnapshot, SaveSnapshot};
use crate::stream::{StreamInfo, Streams};
use crate::subscription::Subscribe;
use crate::target::{OneStream, WholeLog};
use crate::transfer::{self, Export, TransferPart};

/// A handle on an Annals store. Cheap to clone; clones share their connections.
///
/// Connects at the first call, and reconnects after a connection breaks. All methods must be called within a tokio
/// runtime.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) timeout: Duration,
}

impl Client {
    /// Creates a client of one endpoint, such as `http://127.0.0.1:2113` (see [`ClientBuilder::endpoint`]), with the
    /// default options.
    ///
    /// Fails with [`Error::InvalidEndpoint`] if that is not a host with or without a port.
    pub fn new(endpoint: impl Into<String>) -> Result<Self> {
        Client::builder().endpoint(endpoint).build()
    }

    /// Starts building a client with options.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    pub(crate) fn new_shared(shared: Arc<Shared>, timeout: Duration) -> Self {
        Client { shared, timeout }
    }

    /// Returns a client on the same connections with another deadline for the calls made through it.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(client: annals_client::Client) -> Result<(), annals_client::Error> {
    /// let info = client.with_timeout(Duration::from_millis(200)).server_info().await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Client {
            shared: self.shared.clone(),
            timeout,
        }
    }

    /// Appends events to a stream, all or none, if the stream is in the expected state.
    ///
    /// Retried until the deadline; every attempt sends the same ids, so nothing is written twice. The caller can
    /// retry as well: after [`Error::DeadlineExceeded`] or [`Error::Unreachable`], append the same events again.
    ///
    /// Fails also with [`Error::RevisionConflict`], [`Error::EventIdConflict`], [`Error::StreamTombstoned`],
    /// [`Error::InvalidField`], [`Error::TooLarge`].
    pub async fn append(
        &self,
        stream: impl Into<String>,
        expected: ExpectedRevision,
        events: impl IntoIterator<Item = Event>,
    ) -> Result<Appended> {
        let request = append::request(stream, expected, events, None);
        let call = |mut stub: Stub| {
            let request = request.clone();
            async move { stub.append_to_stream(request).await }
        };
        self.shared
            .call(self.timeout, call)
            .await?
            .into_inner()
            .try_into()
    }

    /// Appends events to any number of streams, all or none, if every expectation of the [`Append`] holds.
    ///
    /// Retried like [`append`](Self::append), and the caller can retry it in the same way.
    ///
    /// Fails also with [`Error::ChecksFailed`], [`Error::PositionBeyondHead`], [`Error::EventIdConflict`],
    /// [`Error::InvalidField`], [`Error::TooLarge`].
    pub async fn append_to_many(&self, append: Append) -> Result<AppendedToMany> {
        let request = pb::AppendToManyRequest::from(append);
        let call = |mut stub: Stub| {
            let request = request.clone();
            async move { stub.append_to_many(request).await }
        };
        self.shared
            .call(self.timeout, call)
            .await?
            .into_inner()
            .try_into()
    }

    /// Makes many independent appends in order, with many in flight, and returns their results in that order. For
    /// appends of which all or none are written, see [`append_to_many`](Self::append_to_many).
    ///
    /// ```no_run
    /// # use annals_client::{Client, Error, Event, ExpectedRevision};
    /// # async fn import(client: Client, rows: Vec<(String, Event)>) -> Result<(), Error> {
    /// let appends = rows.into_iter().map(|(stream, event)| (stream, ExpectedRevision::Any, [event]));
    /// let appended = client.append_each(appends).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Fails with the error of the first append that fails. Other appends may have been written, before and after it.
    pub async fn append_each<S, E>(
        &self,
        appends: impl IntoIterator<Item = (S, ExpectedRevision, E)>,
    ) -> Result<Vec<Appended>>
    where
        S: Into<String>,
        E: IntoIterator<Item = Event>,
    {
        let pipeline = self.append_pipeline();
        let mut pending = Vec::new();
        for (stream, expected, events) in appends {
            pending.push(pipeline.append(stream, expected, events).await?);
        }
        let mut appended = Vec::with_capacity(pending.len());
        for result in pending {
            appended.push(result.await?);
        }
        Ok(appended)
    }

    /// Opens a pipeline for many appends in flight at once. It connects at the first append.
    pub fn append_pipeline(&self) -> AppendPipeline {
        self.append_pipeline_with(PipelineLimits::default())
    }

    /// Opens a pipeline with these limits on unanswered appends.
    pub fn append_pipeline_with(&self, limits: PipelineLimits) -> AppendPipeline {
        AppendPipeline::open(self.shared.clone(), self.timeout, limits)
    }

    /// Reads one stream up to its current end: add options, then await it.
    ///
    /// ```no_run
    /// # async fn example(client: annals_client::Client) -> Result<(), annals_client::Error> {
    /// let last = client.read_stream("order-42").backwards().limit(1).await?.collect().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Fails with [`Error::StreamNotFound`], [`Error::StreamTombstoned`], [`Error::RevisionBeyondEnd`].
    pub fn read_stream(&self, stream: impl Into<String>) -> Read<OneStream> {
        Read::of_stream(self.shared.clone(), self.timeout, stream.into())
    }

    /// Reads the whole log up to its current head: add options, then await it.
    ///
    /// Fails with [`Error::PositionBeyondHead`].
    pub fn read_all(&self) -> Read<WholeLog> {
        Read::of_log(self.shared.clone(), self.timeout)
    }

    /// Subscribes to the whole log: add options, then await it.
    ///
    /// Fails with [`Error::PositionBeyondHead`], [`Error::Overloaded`].
    pub fn subscribe_all(&self) -> Subscribe<WholeLog> {
        Subscribe::to_log(self.shared.clone(), self.timeout)
    }

    /// Subscribes to one stream, which need not exist yet: add options, then await it.
    ///
    /// Fails with [`Error::StreamTombstoned`], [`Error::RevisionBeyondEnd`], [`Error::Overloaded`]. Ends with
    /// [`Error::StreamTombstoned`] when the stream is permanently deleted.
    pub fn subscribe_stream(&self, stream: impl Into<String>) -> Subscribe<OneStream> {
        Subscribe::to_stream(self.shared.clone(), self.timeout, stream.into())
    }

    /// Returns the store's information about a stream. Fails with [`Error::StreamNotFound`],
    /// [`Error::StreamTombstoned`].
    pub async fn stream_info(&self, stream: impl Into<String>) -> Result<StreamInfo> {
        let request = pb::GetStreamRequest {
            stream: stream.into(),
        };
        let call = |mut stub: Stub| {
            let request = request.clone();
            async move { stub.get_stream(request).await }
        };
        let response = self.shared.call(self.timeout, call).await?.into_inner();
        response
            .stream
            .ok_or_else(|| Error::protocol("a stream without content"))?
            .try_into()
    }

    /// Returns how much of a stream is kept. The stream need not exist.
    pub async fn retention(&self, stream: impl Into<String>) -> Result<RetentionInfo> {
        let request = pb::GetRetentionRequest {
            stream: stream.into(),
        };
        let call = |mut stub: Stub| {
            let request = request.clone();
            async move { stub.get_retention(request).await }
        };
        let answer = self.shared.call(self.timeout, call).await?;
        answer.into_inner().try_into()
    }

    /// Sets how much of a stream is kept, replacing the previous setting. Events that are already removed stay
    /// removed.
    ///
    /// Fails with [`Error::StreamTombstoned`], and with [`Error::RevisionBeyondEnd`] if it truncates beyond the end
    /// of the stream.
    pub async fn set_retention(
        &self,
        stream: impl Into<String>,
        retention: Retention,
    ) -> Result<RetentionInfo> {
        self.set_retention_if_version(stream, retention, None).await
    }

    /// Sets how much of a stream is kept if the setting is still at `expected_version`, the
    /// [`RetentionInfo::version`] that the change is based on. `None` accepts any version.
    ///
    /// Fails also with [`Error::VersionConflict`].
    pub async fn set_retention_if_version(
        &self,
        stream: impl Into<String>,
        retention: Retention,
        expected_version: impl Into<Option<u64>>,
    ) -> Result<RetentionInfo> {
        let request = pb::SetRetentionRequest {
            stream: stream.into(),
            retention: Some(retention.into()),
            expected_version: expected_version.into(),
        };
        let call = |mut stub: Stub| {
            let request = request.clone();
            async move { stub.set_retention(request).await }
        };
        let answer = self.shared.call(self.timeout, call).await?;
        answer.into_inner().try_into()
    }

    /// Deletes a stream: its events are removed, and reads do not find it. A later append starts it again, with the
    /// revision after its last. Deleting a stream that is already deleted is not an error.
    ///
    /// Fails with [`Error::RevisionConflict`], [`Error::StreamNotFound`], [`Error::StreamTombstoned`].
    pub async fn delete_stream(
        &self,
        stream: impl Into<String>,
        expected: ExpectedRevision,
    ) -> Result<Deleted> {
        let request = pb::DeleteStreamRequest {
            stream: stream.into(),
            expected: Some(expected.into()),
        };
        let call = |mut stub: Stub| {
            let request = request.clone();
            async move { stub.delete_stream(request).await }
        };
        let answer = self.shared.call(self.timeout, call).await?;
        Ok(answer.into_inner().into())
    }

    /// Permanently deletes a stream, which need not exist: its events are removed, and its name accepts no more
    /// appends. This can't be undone.
    ///
    /// Fails with [`Error::RevisionConflict`].
    pub async fn tombstone_stream(
        &self,
        stream: impl Into<String>,
        expected: ExpectedRevision,
    ) -> Result<Tombstoned> {
        let request = pb::TombstoneStreamRequest {
            stream: stream.into(),
            expected: Some(expected.into()),
        };
        let call = |mut stub: Stub| {
            let request = request.clone();
            async move { stub.tombstone_stream(request).await }
        };
        let answer = self.shared.call(self.timeout, call).await?;
        Ok(answer.into_inner().into())
    }

    /// Starts to reclaim the space of removed events, or continues a scavenge that was stopped. The server works in
    /// the background. If a scavenge is already running, returns that one.
    pub async fn start_scavenge(&self) -> Result<Scavenge> {
        let call = |mut stub: Stub| async move { stub.start_scavenge(pb::StartScavengeRequest {}).await };
        let answer = self.shared.call(self.timeout, call).await?.into_inner();
        Scavenge::of(answer.scavenge)?
            .ok_or_else(|| Error::protocol("a scavenge that was started is missing"))
    }

    /// Stops the running scavenge, if any, until it is started again. Returns the scavenge that was stopped or ran
    /// last.
    pub async fn stop_scavenge(&self) -> Result<Option<Scavenge>> {
        let call = |mut stub: Stub| async move { stub.stop_scavenge(pb::StopScavengeRequest {}).await };
        let answer = self.shared.call(self.timeout, call).await?.into_inner();
        Scavenge::of(answer.scavenge)
    }

    /// Returns the scavenge that is running, was stopped or ran last; `None` if there never was one.
    pub async fn scavenge_status(&self) -> Result<Option<Scavenge>> {
        let call = |mut stub: Stub| async move { stub.get_scavenge(pb::GetScavengeRequest {}).await };
        let answer = self.shared.call(self.timeout, call).await?.into_inner();
        Scavenge::of(answer.scavenge)
    }

    /// Lists the streams whose names start with `prefix` (all if it is empty), in the order of their names' bytes.
    /// The streams in which the store keeps the settings of other streams (`$$order-1`) are only listed if the prefix
    /// starts with `$`.
    pub fn list_streams(&self, prefix: impl Into<String>) -> Streams {
        Streams::list(self.shared.clone(), self.timeout, prefix.into())
    }

    /// Returns the position that the log had reached at a time: that of the last event recorded at or before it, or
    /// 0. For a time in the future this is the head, which may still grow.
    pub async fn position_at_time(&self, time: Timestamp) -> Result<Position> {
        let request = pb::GetPositionAtTimeRequest {
            time: Some(event::to_time(time)),
        };
        let call = |mut stub: Stub| async move { stub.get_position_at_time(request).await };
        Ok(self
            .shared
            .call(self.timeout, call)
            .await?
            .into_inner()
            .position
            .into())
    }

    /// Saves a snapshot of a stream, with the state after its events up to `revision`: add options, then await it.
    ///
    /// ```no_run
    /// # use annals_client::Revision;
    /// # async fn example(client: annals_client::Client, state: Vec<u8>) -> Result<(), annals_client::Error> {
    /// client.save_snapshot("order-42", 1_999, state).schema_version(2).await?;
    /// let snapshot = client.load_snapshot("order-42").schema_version(2).await?;
    /// let from = snapshot.map_or(Revision::FIRST, |snapshot| snapshot.revision.next());
    /// let rest = client.read_stream("order-42").from_revision(from).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Retried until the deadline; saving the same snapshot twice has the same effect as once. Fails also with
    /// [`Error::TooLarge`], [`Error::StreamNotFound`], [`Error::StreamTombstoned`], [`Error::RevisionBeyondEnd`].
    pub fn save_snapshot(
        &self,
        stream: impl Into<String>,
        revision: impl Into<Revision>,
        data: impl Into<Bytes>,
    ) -> SaveSnapshot {
        SaveSnapshot::new(
            self.shared.clone(),
            self.timeout,
            stream.into(),
            revision.into(),
            data.into(),
        )
    }

    /// Loads the latest snapshot of a stream: add options, then await it. The result is `None` if there is none.
    ///
    /// Fails with [`Error::StreamTombstoned`].
    pub fn load_snapshot(&self, stream: impl Into<String>) -> LoadSnapshot {
        LoadSnapshot::new(self.shared.clone(), self.timeout, stream.into())
    }

    /// Starts to read the whole content of the store, from which another store can be created: see
    /// [`import`](Self::import).
    ///
    /// Fails with [`Error::MoveUnfinished`].
    pub async fn export(&self) -> Result<Export> {
        Export::open(self.shared.clone(), self.timeout).await
    }

    /// Returns how much of the log of the store `source` this store already has: the last position, or 0.
    ///
    /// Fails with [`Error::MoveRefused`] if the store is neither empty nor contains only this log, and with
    /// [`Error::RecordedTimeNotAccepted`].
    pub async fn begin_import(&self, source: Uuid) -> Result<Position> {
        transfer::begin_import(&self.shared, self.timeout, source).await
    }

    /// Fills the store with the parts of an [`Export`] of the store `source`, from the position after the one that
    /// [`begin_import`](Self::begin_import) returned to [`TransferPart::End`]. Returns the head.
    ///
    /// It is not retried, because the parts have been consumed: begin again. Fails also with [`Error::InvalidField`]
    /// if the parts are not consecutive, and with [`Error::RecordedTimeOutOfRange`].
    pub async fn import(
        &self,
        source: Uuid,
        parts: impl Stream<Item = TransferPart> + Send + 'static,
    ) -> Result<Position> {
        transfer::import(&self.shared, source, parts).await
    }

    /// Returns the server's version and engine, the head of its log, and the limits in force.
    pub async fn server_info(&self) -> Result<ServerInfo> {
        let call = |mut stub: Stub| async move { stub.get_server_info(pb::GetServerInfoRequest {}).await };
        self.shared
            .call(self.timeout, call)
            .await?
            .into_inner()
            .try_into()
    }
}
