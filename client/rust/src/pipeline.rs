//! A pipelined append pipeline: many appends in flight on one call, evaluated and answered in order.
//!
//! 1. Appends are sent in the order in which [`AppendPipeline::append`] accepted them, and answered in that order.
//! 2. At most [`PipelineLimits`] are unanswered; `append` waits for capacity, so memory is bounded.
//! 3. If the call breaks, or the server rejects an append for a transient reason, all unanswered appends from that
//!    one on are resent on a new call, in order and with the same ids: none is written twice and none is skipped.
//! 4. If no result arrives within the client's timeout while appends are waiting, all of them fail and the pipeline
//!    ends.
//! 5. An append that is too large for any server fails alone, before it is sent.
//! 6. After the client has returned to its first endpoint, the pipeline moves there as soon as all sent appends are
//!    answered.
//!
//! Limitation of 3: appends after one that was rejected for a transient reason may have been written already, if they
//! did not expect an exact revision. They then come before it in the log.

mod driver;
mod size;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use annals_proto::v1 as pb;
use jiff::Timestamp;
use prost::Message;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::append::{self, Appended, ExpectedRevision};
use crate::append_to_many::{Append, AppendedToMany};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::retry::Shared;

pub(crate) use size::KnownLimit;

/// Limits on the unanswered appends of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PipelineLimits {
    /// Maximum number of appends, at least 1. 4,096 unless set.
    pub appends_max: u32,
    /// Maximum number of bytes in them; a single larger append is still accepted, alone. 32 MiB unless set.
    pub bytes_max: u32,
}

impl Default for PipelineLimits {
    fn default() -> Self {
        PipelineLimits {
            appends_max: 4_096,
            bytes_max: 32 << 20,
        }
    }
}

/// An open append pipeline. Cheap to clone: clones append to the same pipeline.
///
/// ```no_run
/// use annals_client::{Client, Event, ExpectedRevision};
///
/// # async fn example() -> Result<(), annals_client::Error> {
/// let pipeline = Client::new("http://127.0.0.1:2113")?.append_pipeline();
/// let mut waiting = Vec::new();
/// for nth in 0..1_000 {
///     let event = Event::json("Measured", &nth)?;
///     waiting.push(pipeline.append("sensor-1", ExpectedRevision::Any, [event]).await?);
/// }
/// for appended in waiting {
///     appended.await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct AppendPipeline {
    shared: Arc<Shared>,
    timeout: Duration,
    queue: mpsc::Sender<Waiting>,
    appends: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    bytes_max: u32,
}

/// An append that was accepted and is not answered yet.
#[derive(Debug)]
struct Waiting {
    append: pb::PipelinedAppend,
    append_bytes: usize,
    answer: Answer,
    /// Its share of the limits, released when it is answered.
    _room: [OwnedSemaphorePermit; 2],
}

/// The receiver of the result of an append.
#[derive(Debug)]
enum Answer {
    One(oneshot::Sender<Result<Appended>>),
    All(oneshot::Sender<Result<AppendedToMany>>),
}

impl Answer {
    /// Fails the append. The caller may have dropped the future of its result.
    fn fail(self, error: Error) {
        match self {
            Answer::One(sender) => drop(sender.send(Err(error))),
            Answer::All(sender) => drop(sender.send(Err(error))),
        }
    }
}

impl AppendPipeline {
    pub(crate) fn open(shared: Arc<Shared>, timeout: Duration, limits: PipelineLimits) -> Self {
        let appends_max = limits.appends_max.max(1) as usize;
        let bytes_max = limits.bytes_max.max(1);
        let (sender, queue) = mpsc::channel(appends_max);
        tokio::spawn(driver::Driver::new(shared.clone(), timeout, queue).run());
        AppendPipeline {
            shared,
            timeout,
            queue: sender,
            appends: Arc::new(Semaphore::new(appends_max)),
            bytes: Arc::new(Semaphore::new(bytes_max as usize)),
            bytes_max,
        }
    }

    /// Adds an append to the pipeline, waiting while too many are unanswered, and returns the future of its result.
    /// The append is made whether or not that future is awaited.
    ///
    /// Fails with [`Error::PipelineClosed`] if the pipeline has ended, and with [`Error::TooLarge`] if no server
    /// accepts an append of this size, which does not affect the others of the pipeline.
    pub async fn append(
        &self,
        stream: impl Into<String>,
        expected: ExpectedRevision,
        events: impl IntoIterator<Item = Event>,
    ) -> Result<PendingAppend> {
        self.one(append::request(stream, expected, events, None)).await
    }

    /// Adds an append to any number of streams to the pipeline, in the same way as [`append`](Self::append).
    pub async fn append_to_many(&self, append: Append) -> Result<PendingAppend<AppendedToMany>> {
        let (answer, result) = oneshot::channel();
        let append = pb::pipelined_append::Append::AppendToMany(append.into());
        self.take(append, Answer::All(answer)).await?;
        Ok(PendingAppend { result })
    }

    /// Adds an append with the time at which its events were recorded in the store from which a log is being moved.
    ///
    /// The server must have been started with `--accept-recorded-times`; times must not decrease along the log, nor
    /// be after the server's current time. Otherwise the result is [`Error::RecordedTimeNotAccepted`] or
    /// [`Error::RecordedTimeOutOfRange`]. Resolution is one microsecond.
    pub async fn append_recorded(
        &self,
        stream: impl Into<String>,
        expected: ExpectedRevision,
        events: impl IntoIterator<Item = Event>,
        recorded_at: Timestamp,
    ) -> Result<PendingAppend> {
        self.one(append::request(stream, expected, events, Some(recorded_at)))
            .await
    }

    async fn one(&self, request: pb::AppendToStreamRequest) -> Result<PendingAppend> {
        let (answer, result) = oneshot::channel();
        let append = pb::pipelined_append::Append::AppendToStream(request);
        self.take(append, Answer::One(answer)).await?;
        Ok(PendingAppend { result })
    }

    async fn take(&self, append: pb::pipelined_append::Append, answer: Answer) -> Result<()> {
        let append = pb::PipelinedAppend { append: Some(append) };
        let append_bytes = append.encoded_len();
        size::check(&self.shared, self.timeout, &append, append_bytes).await?;
        let closed = |_| Error::PipelineClosed;
        let weight = u32::try_from(append_bytes)
            .unwrap_or(u32::MAX)
            .min(self.bytes_max);
        let room = [
            self.appends.clone().acquire_owned().await.map_err(closed)?,
            self.bytes
                .clone()
                .acquire_many_owned(weight)
                .await
                .map_err(closed)?,
        ];
        let waiting = Waiting {
            append,
            append_bytes,
            answer,
            _room: room,
        };
        self.queue.send(waiting).await.map_err(|_| Error::PipelineClosed)
    }
}

/// The future result of an append of a pipeline: an [`Appended`], or an [`AppendedToMany`] for
/// [`append_to_many`](AppendPipeline::append_to_many).
#[derive(Debug)]
#[must_use = "a failed append is only reported here"]
pub struct PendingAppend<T = Appended> {
    result: oneshot::Receiver<Result<T>>,
}

impl<T> Future for PendingAppend<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = ready!(Pin::new(&mut self.result).poll(context));
        Poll::Ready(answered.unwrap_or(Err(Error::PipelineClosed)))
    }
}
