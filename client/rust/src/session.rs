//! A pipelined append session: many appends in flight on one call, judged and answered in order.
//!
//! 1. Appends are sent in the order in which [`AppendSession::append`] took them, and answered in that order.
//! 2. At most [`SessionLimits`] are unanswered; `append` waits for room, so memory stays bounded however fast the caller.
//! 3. If the call breaks, or the server refuses an append for a passing reason, everything unanswered is sent again from
//!    there on, in order, with the same ids, on a new call: nothing is written twice and nothing is skipped.
//! 4. If nothing is answered for the client's timeout although appends wait, all of them fail and the session is over.
//! 5. An append that is too large for any server fails alone, before it is sent.
//! 6. When the client has gone back to its first endpoint, the session follows as soon as all that was sent is answered.
//!
//! Limit of 3: appends behind one that was refused for a passing reason may have been written by then, if they did not
//! expect an exact revision; they then stand before it.

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
use crate::append_all::{Append, AppendedAll};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::retry::Shared;

pub(crate) use size::KnownLimit;

/// How much of a session may be unanswered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// The most appends, 1 or more. 4,096 unless set.
    pub appends_max: u32,
    /// The most bytes in them; a single larger append is still taken, alone. 32 MiB unless set.
    pub bytes_max: u32,
}

impl Default for SessionLimits {
    fn default() -> Self {
        SessionLimits {
            appends_max: 4_096,
            bytes_max: 32 << 20,
        }
    }
}

/// An open append session. Cheap to clone: clones append to the same session.
///
/// ```no_run
/// use annals_client::{Client, Event, ExpectedRevision};
///
/// # async fn example() -> Result<(), annals_client::Error> {
/// let session = Client::new("http://127.0.0.1:2113")?.append_session();
/// let mut waiting = Vec::new();
/// for nth in 0..1_000 {
///     let event = Event::json("Measured", &nth)?;
///     waiting.push(session.append("sensor-1", ExpectedRevision::Any, [event]).await?);
/// }
/// for appended in waiting {
///     appended.await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct AppendSession {
    shared: Arc<Shared>,
    timeout: Duration,
    queue: mpsc::Sender<Waiting>,
    appends: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    bytes_max: u32,
}

/// An append that was taken and is not answered yet.
#[derive(Debug)]
struct Waiting {
    append: pb::SessionAppend,
    append_bytes: usize,
    answer: Answer,
    /// Its place among the appends in flight, given back when it is answered.
    _room: [OwnedSemaphorePermit; 2],
}

/// Who waits for the result of an append.
#[derive(Debug)]
enum Answer {
    One(oneshot::Sender<Result<Appended>>),
    All(oneshot::Sender<Result<AppendedAll>>),
}

impl Answer {
    /// Nobody may be waiting for it any more.
    fn fail(self, error: Error) {
        match self {
            Answer::One(sender) => drop(sender.send(Err(error))),
            Answer::All(sender) => drop(sender.send(Err(error))),
        }
    }
}

impl AppendSession {
    pub(crate) fn open(shared: Arc<Shared>, timeout: Duration, limits: SessionLimits) -> Self {
        let appends_max = limits.appends_max.max(1) as usize;
        let bytes_max = limits.bytes_max.max(1);
        let (sender, queue) = mpsc::channel(appends_max);
        tokio::spawn(driver::Driver::new(shared.clone(), timeout, queue).run());
        AppendSession {
            shared,
            timeout,
            queue: sender,
            appends: Arc::new(Semaphore::new(appends_max)),
            bytes: Arc::new(Semaphore::new(bytes_max as usize)),
            bytes_max,
        }
    }

    /// Hands an append to the session, waiting while too many are unanswered, and returns the future of its result. The
    /// append is made whether or not that future is awaited.
    ///
    /// Fails with [`Error::SessionClosed`] if the session is over, and with [`Error::TooLarge`] if no server takes the
    /// append, of which the others of the session see nothing.
    pub async fn append(
        &self,
        stream: impl Into<String>,
        expected: ExpectedRevision,
        events: impl IntoIterator<Item = Event>,
    ) -> Result<PendingAppend> {
        self.one(append::request(stream, expected, events, None)).await
    }

    /// Hands an append to any number of streams to the session, as [`append`](Self::append) does with one to one stream.
    pub async fn append_all(&self, append: Append) -> Result<PendingAppend<AppendedAll>> {
        let (answer, result) = oneshot::channel();
        let append = pb::session_append::Append::AppendToMany(append.into());
        self.take(append, Answer::All(answer)).await?;
        Ok(PendingAppend { result })
    }

    /// The same for events that were recorded at a time of their own, in the store from which a log is moved here.
    ///
    /// The server must have been started with `--accept-recorded-times`; times must not go backwards along the log, nor
    /// beyond the server's now. Otherwise the result is [`Error::RecordedTimeNotAccepted`] or
    /// [`Error::RecordedTimeOutOfRange`]. Whole microseconds.
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
        let append = pb::session_append::Append::AppendToStream(request);
        self.take(append, Answer::One(answer)).await?;
        Ok(PendingAppend { result })
    }

    async fn take(&self, append: pb::session_append::Append, answer: Answer) -> Result<()> {
        let append = pb::SessionAppend {
            append: Some(append),
            ..pb::SessionAppend::default()
        };
        let append_bytes = append.encoded_len();
        size::check(&self.shared, self.timeout, &append, append_bytes).await?;
        let closed = |_| Error::SessionClosed;
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
        self.queue.send(waiting).await.map_err(|_| Error::SessionClosed)
    }
}

/// The result of an append of a session, to come: an [`Appended`], or an [`AppendedAll`] of
/// [`append_all`](AppendSession::append_all).
#[derive(Debug)]
#[must_use = "an append that fails is only seen here"]
pub struct PendingAppend<T = Appended> {
    result: oneshot::Receiver<Result<T>>,
}

impl<T> Future for PendingAppend<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = ready!(Pin::new(&mut self.result).poll(context));
        Poll::Ready(answered.unwrap_or(Err(Error::SessionClosed)))
    }
}
