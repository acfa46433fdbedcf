//! Checkpoints: named positions of the log that consumers report, so that an operator sees how far each has come.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1::{self as pb, set_checkpoint_request::Expected};
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::Client;
use crate::connection::CheckpointStub;
use crate::error::{Error, Result};
use crate::event;
use crate::position::Position;
use crate::retry::Shared;

/// A named position of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCheckpoint {
    /// The checkpoint's name.
    pub name: String,
    /// What has come so far, such as the name of an application.
    pub consumer: String,
    /// The process that reported it last.
    pub instance: String,
    /// All events up to this position are processed. 0: none.
    pub position: Position,
    /// The time at which it was set, by the server's clock.
    pub updated_at: Timestamp,
}

/// A checkpoint and its distance from the end of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointStatus {
    /// The checkpoint.
    pub checkpoint: NamedCheckpoint,
    /// The number of positions of the log after it.
    pub lag_events: u64,
    /// The age of the first event after it, by the server's clock. Zero if there is none.
    pub lag: Duration,
}

/// A page of checkpoints, in the order of their names' bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointPage {
    /// The checkpoints.
    pub statuses: Vec<CheckpointStatus>,
    /// Whether more checkpoints follow: list them after the last name.
    pub has_more: bool,
    /// The last position of the log when the lags were computed.
    pub head: Position,
}

impl NamedCheckpoint {
    fn of(checkpoint: Option<pb::NamedCheckpoint>) -> Result<Self> {
        let checkpoint = checkpoint.ok_or_else(|| Error::protocol("the checkpoint is missing"))?;
        Ok(NamedCheckpoint {
            name: checkpoint.name,
            consumer: checkpoint.consumer,
            instance: checkpoint.instance,
            position: checkpoint.position.into(),
            updated_at: event::parse_time(checkpoint.updated_at.as_ref(), "updated_at")?,
        })
    }
}

impl TryFrom<pb::CheckpointStatus> for CheckpointStatus {
    type Error = Error;

    fn try_from(status: pb::CheckpointStatus) -> Result<Self> {
        let lag = status.lag.unwrap_or_default();
        Ok(CheckpointStatus {
            checkpoint: NamedCheckpoint::of(status.checkpoint)?,
            lag_events: status.lag_events,
            lag: lag
                .try_into()
                .map_err(|_| Error::protocol("the lag of a checkpoint is negative"))?,
        })
    }
}

/// A checkpoint to be set: add options, then await it.
#[derive(Debug, Clone)]
#[must_use = "nothing is set until it is awaited"]
pub struct SetCheckpoint {
    shared: Arc<Shared>,
    timeout: Duration,
    request: pb::SetCheckpointRequest,
}

impl SetCheckpoint {
    /// States what has come so far, such as the name of an application. Empty unless set.
    pub fn consumer(mut self, consumer: impl Into<String>) -> Self {
        self.request.consumer = consumer.into();
        self
    }

    /// States the process that reports it, such as a host name with a process id. Empty unless set.
    pub fn instance(mut self, instance: impl Into<String>) -> Self {
        self.request.instance = instance.into();
        self
    }

    /// Requires that there is no such checkpoint.
    pub fn expect_absent(mut self) -> Self {
        self.request.expected = Some(Expected::Absent(()));
        self
    }

    /// Requires that the checkpoint has exactly this position.
    pub fn expect_position(mut self, position: impl Into<Position>) -> Self {
        self.request.expected = Some(Expected::ExpectedPosition(position.into().0));
        self
    }
}

impl IntoFuture for SetCheckpoint {
    type Output = Result<NamedCheckpoint>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let call = |mut stub: CheckpointStub| {
                let request = self.request.clone();
                async move { stub.set_checkpoint(request).await }
            };
            let set = self.shared.call(self.timeout, call).await?;
            NamedCheckpoint::of(set.into_inner().checkpoint)
        })
    }
}

/// A page of checkpoints to be listed: add options, then await it.
#[derive(Debug, Clone)]
#[must_use = "nothing is listed until it is awaited"]
pub struct ListCheckpoints {
    shared: Arc<Shared>,
    timeout: Duration,
    request: pb::ListCheckpointsRequest,
}

impl ListCheckpoints {
    /// Lists only checkpoints whose names begin with this prefix.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.request.name_prefix = prefix.into();
        self
    }

    /// Lists only checkpoints whose names come after this one: the last name of the page before.
    pub fn after(mut self, name: impl Into<String>) -> Self {
        self.request.after_name = name.into();
        self
    }

    /// Sets the maximum number of checkpoints, 1 to 1,000. 100 unless set.
    pub fn page_size(mut self, checkpoints: u32) -> Self {
        self.request.page_size = Some(checkpoints);
        self
    }
}

impl IntoFuture for ListCheckpoints {
    type Output = Result<CheckpointPage>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let call = |mut stub: CheckpointStub| {
                let request = self.request.clone();
                async move { stub.list_checkpoints(request).await }
            };
            let page = self.shared.call(self.timeout, call).await?.into_inner();
            let statuses = page.statuses.into_iter().map(TryInto::try_into);
            Ok(CheckpointPage {
                statuses: statuses.collect::<Result<_>>()?,
                has_more: page.has_more,
                head: page.head.into(),
            })
        })
    }
}

impl Client {
    /// Sets a checkpoint: all events up to a position are processed. Add options, then await it. Setting the position
    /// that it has is no error, whatever is expected, so that a retry succeeds.
    ///
    /// ```no_run
    /// # use annals_client::{Client, Error, Position};
    /// # async fn example(client: Client, position: Position) -> Result<(), Error> {
    /// client.set_checkpoint("order-list", position).consumer("shop").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Fails also with [`Error::CheckpointConflict`], [`Error::PositionBeyondHead`], [`Error::InvalidField`].
    pub fn set_checkpoint(&self, name: impl Into<String>, position: impl Into<Position>) -> SetCheckpoint {
        SetCheckpoint {
            shared: self.shared.clone(),
            timeout: self.timeout,
            request: pb::SetCheckpointRequest {
                name: name.into(),
                position: position.into().0,
                ..Default::default()
            },
        }
    }

    /// Returns a checkpoint and its lag; `None` if there is none of this name.
    ///
    /// Fails also with [`Error::InvalidField`].
    pub async fn get_checkpoint(&self, name: impl Into<String>) -> Result<Option<CheckpointStatus>> {
        let request = pb::GetCheckpointRequest { name: name.into() };
        let call = |mut stub: CheckpointStub| {
            let request = request.clone();
            async move { stub.get_checkpoint(request).await }
        };
        let status = match self.shared.call(self.timeout, call).await {
            Ok(found) => found.into_inner().status,
            Err(Error::CheckpointNotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let status = status.ok_or_else(|| Error::protocol("the checkpoint is missing"))?;
        status.try_into().map(Some)
    }

    /// Lists a page of checkpoints with their lags: add options, then await it.
    ///
    /// Fails also with [`Error::InvalidField`].
    pub fn list_checkpoints(&self) -> ListCheckpoints {
        ListCheckpoints {
            shared: self.shared.clone(),
            timeout: self.timeout,
            request: pb::ListCheckpointsRequest::default(),
        }
    }

    /// Deletes a checkpoint, and returns whether there was one. If it is retried after a broken connection, it may
    /// return `false` although it deleted the checkpoint.
    ///
    /// Fails also with [`Error::InvalidField`].
    pub async fn delete_checkpoint(&self, name: impl Into<String>) -> Result<bool> {
        let request = pb::DeleteCheckpointRequest { name: name.into() };
        let call = |mut stub: CheckpointStub| {
            let request = request.clone();
            async move { stub.delete_checkpoint(request).await }
        };
        let deleted = self.shared.call(self.timeout, call).await?;
        Ok(deleted.into_inner().deleted)
    }
}
