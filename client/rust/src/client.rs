//! The client: everything a store can be asked, in one handle.

use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1 as pb;
use bytes::Bytes;
use futures::Stream;
use jiff::Timestamp;
use uuid::Uuid;

use crate::append::{self, Appended, ExpectedRevision};
use crate::append_all::{Append, AppendedAll};
use crate::builder::ClientBuilder;
use crate::connection::Stub;
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::read::Read;
use crate::retention::{Deleted, Retention, RetentionInfo, Tombstoned};
use crate::retry::Shared;
use crate::scavenge::Scavenge;
use crate::server::ServerInfo;
use crate::session::{AppendSession, SessionLimits};
use crate::snapshot::{LoadSnapshot, SaveSnapshot};
use crate::stream::{StreamInfo, Streams};
use crate::subscription::Subscribe;
use crate::transfer::{self, Export, TransferPart};

/// A handle on an Annals store. Cheap to clone; clones share their connections.
///
/// Connects at the first call, and again whenever a connection broke. All methods must be called within a tokio runtime.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) timeout: Duration,
}

impl Client {
    /// A client of one endpoint, such as `http://127.0.0.1:2113` (see [`ClientBuilder::endpoint`]), with the default
    /// options.
    ///
    /// Fails with [`Error::InvalidEndpoint`] if that is not a host with or without a port.
    pub fn new(endpoint: impl Into<String>) -> Result<Self> {
        Client::builder().endpoint(endpoint).build()
    }

    /// Begins a client with options.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    pub(crate) fn new_shared(shared: Arc<Shared>, timeout: Duration) -> Self {
        Client { shared, timeout }
    }

    /// The same client, with another deadline for the calls made through it.
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

    /// Appends events to a stream, all or none, if the stream is as expected.
    ///
    /// Retried while the deadline allows; every try sends the same ids, so that nothing is written twice. The same holds
    /// for the caller: after [`Error::DeadlineExceeded`] or [`Error::Unreachable`], append the same events again.
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

    /// Appends events to any number of streams, all or none, if everything holds that the [`Append`] expects.
    ///
    /// Retried as [`append`](Self::append) is, and as safe to send again.
    ///
    /// Fails also with [`Error::ChecksFailed`], [`Error::PositionBeyondHead`], [`Error::EventIdConflict`],
    /// [`Error::InvalidField`], [`Error::TooLarge`].
    pub async fn append_all(&self, append: Append) -> Result<AppendedAll> {
        let request = pb::AppendRequest::from(append);
        let call = |mut stub: Stub| {
            let request = request.clone();
            async move { stub.append(request).await }
        };
        self.shared
            .call(self.timeout, call)
            .await?
            .into_inner()
            .try_into()
    }

    /// Opens a session for many appends in flight at once. Nothing is connected before the first of them.
    pub fn append_session(&self) -> AppendSession {
        self.append_session_with(SessionLimits::default())
    }

    /// Opens a session with these bounds on what may be unanswered.
    pub fn append_session_with(&self, limits: SessionLimits) -> AppendSession {
        AppendSession::open(self.shared.clone(), self.timeout, limits)
    }

    /// Reads one stream up to its end as it is now: add options, then await it.
    ///
    /// ```no_run
    /// # async fn example(client: annals_client::Client) -> Result<(), annals_client::Error> {
    /// let last = client.read_stream("order-42").backwards().limit(1).await?.collect().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Fails with [`Error::StreamNotFound`], [`Error::StreamTombstoned`], [`Error::RevisionBeyondEnd`].
    pub fn read_stream(&self, stream: impl Into<String>) -> Read {
        Read::new(self.shared.clone(), self.timeout, Some(stream.into()))
    }

    /// Reads the whole log up to its head as it is now: add options, then await it.
    ///
    /// Fails with [`Error::PositionBeyondHead`].
    pub fn read_all(&self) -> Read {
        Read::new(self.shared.clone(), self.timeout, None)
    }

    /// Subscribes to the whole log: add options, then await it.
    ///
    /// Fails with [`Error::PositionBeyondHead`], [`Error::Overloaded`].
    pub fn subscribe_all(&self) -> Subscribe {
        Subscribe::new(self.shared.clone(), self.timeout, None)
    }

    /// Subscribes to one stream, which need not exist yet: add options, then await it.
    ///
    /// Fails with [`Error::StreamTombstoned`], [`Error::RevisionBeyondEnd`], [`Error::Overloaded`]. Ends with the first of them
    /// when the stream is deleted for ever.
    pub fn subscribe_stream(&self, stream: impl Into<String>) -> Subscribe {
        Subscribe::new(self.shared.clone(), self.timeout, Some(stream.into()))
    }

    /// What the store knows of a stream. Fails with [`Error::StreamNotFound`], [`Error::StreamTombstoned`].
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

    /// How much of a stream is kept, which need not exist.
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

    /// Sets how much of a stream is kept, in place of what was set before. What is gone by now stays gone.
    ///
    /// Fails with [`Error::StreamTombstoned`]; [`Error::RevisionBeyondEnd`] if it truncates more than there is.
    pub async fn set_retention(
        &self,
        stream: impl Into<String>,
        retention: Retention,
    ) -> Result<RetentionInfo> {
        self.set_retention_at(stream, retention, None).await
    }

    /// The same, if it is still at the version that the change rests on ([`RetentionInfo::version`]); `None`: whatever it
    /// is.
    ///
    /// Fails also with [`Error::VersionConflict`].
    pub async fn set_retention_at(
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

    /// Deletes a stream: its events are gone, and reads do not find it. An append begins it again, with the revision after
    /// its last. Deleting what is deleted already is no error.
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

    /// Deletes a stream for ever, which need not exist: its events are gone, and its name takes no more appends. There is
    /// no way back.
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

    /// Begins to reclaim the space of what is gone, or goes on with a scavenge that was stopped; the server does it in the
    /// background. If one runs, returns that one.
    pub async fn start_scavenge(&self) -> Result<Scavenge> {
        let call = |mut stub: Stub| async move { stub.start_scavenge(pb::StartScavengeRequest {}).await };
        let answer = self.shared.call(self.timeout, call).await?.into_inner();
        Scavenge::of(answer.scavenge)?
            .ok_or_else(|| Error::protocol("a scavenge that was started is missing"))
    }

    /// Stops the scavenge that runs, if one does, until it is started again. Returns the one that was stopped or ran last.
    pub async fn stop_scavenge(&self) -> Result<Option<Scavenge>> {
        let call = |mut stub: Stub| async move { stub.stop_scavenge(pb::StopScavengeRequest {}).await };
        let answer = self.shared.call(self.timeout, call).await?.into_inner();
        Scavenge::of(answer.scavenge)
    }

    /// The scavenge that runs, was stopped or ran last; `None`: there was never one.
    pub async fn scavenge(&self) -> Result<Option<Scavenge>> {
        let call = |mut stub: Stub| async move { stub.get_scavenge(pb::GetScavengeRequest {}).await };
        let answer = self.shared.call(self.timeout, call).await?.into_inner();
        Scavenge::of(answer.scavenge)
    }

    /// The streams whose names start with `prefix` (all if it is empty), in the order of their names' bytes. Those in which
    /// the store says what is kept of others (`$$order-1`) are only listed if the prefix begins with `$`.
    pub fn list_streams(&self, prefix: impl Into<String>) -> Streams {
        Streams::list(self.shared.clone(), self.timeout, prefix.into())
    }

    /// The position that the log had reached at a time: that of the last event recorded then or before, or 0. Of a time to
    /// come it is the head, and may become more.
    pub async fn position_at(&self, time: Timestamp) -> Result<u64> {
        let request = pb::GetPositionAtTimeRequest {
            time: Some(event::to_time(time)),
        };
        let call = |mut stub: Stub| async move { stub.get_position_at_time(request).await };
        Ok(self.shared.call(self.timeout, call).await?.into_inner().position)
    }

    /// Keeps a snapshot of a stream, whose events it holds up to `revision`: add options, then await it.
    ///
    /// ```no_run
    /// # async fn example(client: annals_client::Client, state: Vec<u8>) -> Result<(), annals_client::Error> {
    /// client.save_snapshot("order-42", 1_999, state).schema_version(2).await?;
    /// let snapshot = client.load_snapshot("order-42").schema_version(2).await?;
    /// let rest = client.read_stream("order-42").from(snapshot.revision + 1).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Retried while the deadline allows; saved twice, it is the same. Fails also with [`Error::TooLarge`],
    /// [`Error::StreamNotFound`], [`Error::StreamTombstoned`], [`Error::RevisionBeyondEnd`].
    pub fn save_snapshot(
        &self,
        stream: impl Into<String>,
        revision: u64,
        data: impl Into<Bytes>,
    ) -> SaveSnapshot {
        SaveSnapshot::new(
            self.shared.clone(),
            self.timeout,
            stream.into(),
            revision,
            data.into(),
        )
    }

    /// The latest snapshot of a stream: add options, then await it.
    ///
    /// Fails with [`Error::SnapshotNotFound`], [`Error::StreamTombstoned`].
    pub fn load_snapshot(&self, stream: impl Into<String>) -> LoadSnapshot {
        LoadSnapshot::new(self.shared.clone(), self.timeout, stream.into())
    }

    /// Begins to read all that the store holds, so that another store can be made of it: see [`import`](Self::import).
    ///
    /// Fails with [`Error::MoveUnfinished`].
    pub async fn export(&self) -> Result<Export> {
        Export::open(self.shared.clone(), self.timeout).await
    }

    /// How much of the log of the store `source` is here already: the last position, or 0.
    ///
    /// Fails with [`Error::MoveRefused`] if the store is neither empty nor one to which nothing but this log was written;
    /// with [`Error::RecordedTimeNotAccepted`].
    pub async fn begin_import(&self, source: Uuid) -> Result<u64> {
        transfer::begin_import(&self.shared, self.timeout, source).await
    }

    /// Makes the store of the parts of an [`Export`] of the store `source`, from the position after the one that
    /// [`begin_import`](Self::begin_import) returned to [`TransferPart::End`]. Returns the head.
    ///
    /// It is not retried, because the parts are gone by then: begin again. Fails also with [`Error::InvalidField`] if the
    /// parts do not follow each other, and with [`Error::RecordedTimeOutOfRange`].
    pub async fn import(
        &self,
        source: Uuid,
        parts: impl Stream<Item = TransferPart> + Send + 'static,
    ) -> Result<u64> {
        transfer::import(&self.shared, source, parts).await
    }

    /// What runs at the endpoint, up to where its log goes, and the limits in force.
    pub async fn server_info(&self) -> Result<ServerInfo> {
        let call = |mut stub: Stub| async move { stub.get_server_info(pb::GetServerInfoRequest {}).await };
        self.shared
            .call(self.timeout, call)
            .await?
            .into_inner()
            .try_into()
    }
}
