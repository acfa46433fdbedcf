//! Reads: a bounded range of one stream or of the whole log.
//!
//! A read is a stream of events that ends. Its end is fixed when it begins: it does not return events appended later.
//! If its connection breaks, it resumes after the last event received, on any endpoint, and still ends where it would
//! have ended.

mod feed;

use std::collections::VecDeque;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use annals_proto::v1 as pb;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, Stream, StreamExt};
use jiff::Timestamp;

use crate::error::Result;
use crate::event::RecordedEvent;
use crate::position::{Position, Revision};
use crate::query::{Direction, Query};
use crate::retry::Shared;
use crate::target::{OneStream, WholeLog};

/// A read to be started: add options, then await it. [`OneStream`] and [`WholeLog`] have options of their own.
///
/// The await completes with the server's first response, so it returns errors such as
/// [`Error::StreamNotFound`](crate::Error::StreamNotFound).
#[derive(Debug, Clone)]
#[must_use = "a read does nothing until it is awaited"]
pub struct Read<Of> {
    options: Options,
    of: PhantomData<Of>,
}

/// The options of a read of one stream or of the log.
#[derive(Debug, Clone)]
struct Options {
    shared: Arc<Shared>,
    timeout: Duration,
    /// `None`: the log.
    stream: Option<String>,
    direction: Direction,
    /// A revision of the stream, or a position of the log.
    from: Option<u64>,
    limit: Option<u64>,
    query: Query,
    until: Option<Until>,
}

/// The past state to read.
#[derive(Debug, Clone, Copy)]
enum Until {
    Revision(Revision),
    Position(Position),
    Time(Timestamp),
}

impl Read<OneStream> {
    pub(crate) fn of_stream(shared: Arc<Shared>, timeout: Duration, stream: String) -> Self {
        Read::new(shared, timeout, Some(stream))
    }

    /// Starts at this revision, inclusive. Unless set, starts at the first, or when reading backwards at the last.
    pub fn from_revision(mut self, revision: impl Into<Revision>) -> Self {
        self.options.from = Some(revision.into().0);
        self
    }

    /// Reads the stream as it was when its last revision was `revision`, which must exist.
    pub fn until_revision(mut self, revision: impl Into<Revision>) -> Self {
        self.options.until = Some(Until::Revision(revision.into()));
        self
    }
}

impl Read<WholeLog> {
    pub(crate) fn of_log(shared: Arc<Shared>, timeout: Duration) -> Self {
        Read::new(shared, timeout, None)
    }

    /// Starts at this position, inclusive. Unless set, starts at the first, or when reading backwards at the last.
    pub fn from_position(mut self, position: impl Into<Position>) -> Self {
        self.options.from = Some(position.into().0);
        self
    }

    /// Reads the log as it was when its last position was `position`, which must exist.
    pub fn until_position(mut self, position: impl Into<Position>) -> Self {
        self.options.until = Some(Until::Position(position.into()));
        self
    }
}

impl<Of> Read<Of> {
    fn new(shared: Arc<Shared>, timeout: Duration, stream: Option<String>) -> Self {
        let options = Options {
            shared,
            timeout,
            stream,
            direction: Direction::Forwards,
            from: None,
            limit: None,
            query: Query::all(),
            until: None,
        };
        Read {
            options,
            of: PhantomData,
        }
    }

    /// Reads the newest events first.
    pub fn backwards(self) -> Self {
        self.direction(Direction::Backwards)
    }

    /// Sets the direction. Forwards unless set.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.options.direction = direction;
        self
    }

    /// Returns at most this many events, at least 1. All unless set.
    pub fn limit(mut self, limit: u64) -> Self {
        self.options.limit = Some(limit);
        self
    }

    /// Returns only the events that match the query. All unless set.
    pub fn query(mut self, query: impl Into<Query>) -> Self {
        self.options.query = query.into();
        self
    }

    /// Reads the stream or the log as it was at a time: the events recorded at or before it. Fails with
    /// [`Error::StreamNotFound`](crate::Error::StreamNotFound) if the stream did not exist yet.
    ///
    /// ```no_run
    /// # async fn example(client: annals_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let then = "2026-01-02T03:04:05Z".parse()?;
    /// let events = client.read_stream("order-42").until_time(then).await?.collect().await?;
    /// # Ok(()) }
    /// ```
    pub fn until_time(mut self, time: Timestamp) -> Self {
        self.options.until = Some(Until::Time(time));
        self
    }
}

impl<Of> IntoFuture for Read<Of> {
    type Output = Result<Events>;
    type IntoFuture = BoxFuture<'static, Result<Events>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(feed::open(self.options))
    }
}

/// The events of a read, as a [`Stream`].
pub struct Events {
    head: Position,
    last_revision: Option<Revision>,
    received: VecDeque<pb::RecordedEvent>,
    rest: BoxStream<'static, Result<VecDeque<pb::RecordedEvent>>>,
}

impl Events {
    /// Returns the log's last position when the read began.
    pub fn head(&self) -> Position {
        self.head
    }

    /// Returns the stream's last revision when the read began, or at the past state that is read; `None` for a read
    /// of the whole log.
    pub fn last_revision(&self) -> Option<Revision> {
        self.last_revision
    }

    /// Returns the next event; `None` at the end. An error is the last item.
    pub async fn next(&mut self) -> Option<Result<RecordedEvent>> {
        StreamExt::next(self).await
    }

    /// Returns all remaining events. They are held in memory: limit the read.
    pub async fn collect(mut self) -> Result<Vec<RecordedEvent>> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event?);
        }
        Ok(events)
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events")
            .field("head", &self.head)
            .field("received", &self.received.len())
            .finish()
    }
}

impl Stream for Events {
    type Item = Result<RecordedEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.received.pop_front() {
                return Poll::Ready(Some(event.try_into()));
            }
            match ready!(self.rest.poll_next_unpin(context)) {
                Some(Ok(events)) => self.received = events,
                Some(Err(error)) => {
                    self.rest = futures::stream::empty().boxed();
                    return Poll::Ready(Some(Err(error)));
                }
                None => return Poll::Ready(None),
            }
        }
    }
}
