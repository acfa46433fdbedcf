//! Subscriptions: stored events, then new ones, each once and in order, across reconnects.
//!
//! 1. **Once and in order.** After a broken connection the subscription resumes after the last event or checkpoint
//!    received, on any endpoint. A position that does not increase is an [`Error::Protocol`] and is never returned.
//! 2. **A fixed start.** "From the end" is resolved to a position or revision before the call is opened, so a
//!    connection that breaks before the first event loses nothing.
//! 3. **Bounded memory.** One message of the server is buffered; the rest waits at the server.
//!
//! A subscription to one stream resumes by revision: that of the last event or checkpoint.

mod messages;
mod resume;

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, Stream, StreamExt};

use crate::error::Result;
use crate::event::RecordedEvent;
use crate::position::{Position, Revision};
use crate::query::Query;
use crate::retry::Shared;
use crate::target::{OneStream, WholeLog};

/// An item of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionItem {
    /// The next event.
    Event(RecordedEvent),
    /// All stored events were sent; new ones follow as they are appended. Sent once, again after each `FellBehind`,
    /// and again after a connection was lost and resumed.
    CaughtUp {
        /// The position up to which the log was scanned; resuming after it is safe.
        position: Position,
        /// In a subscription to a stream: its last revision at that position, after which resuming is safe; `None` if
        /// it has no events.
        revision: Option<Revision>,
    },
    /// The subscriber was slower than the appends and is served from storage again. No events are lost.
    FellBehind {
        /// The position up to which the log was scanned; resuming after it is safe.
        position: Position,
        /// The log's last position.
        head: Position,
        /// As in `CaughtUp`.
        revision: Option<Revision>,
    },
    /// The log was scanned up to this position, and every matching event was sent. Store it, so that a filtered
    /// subscription need not scan the same events again. Checkpoints only increase.
    Checkpoint {
        /// The position; resuming after it is safe.
        position: Position,
        /// As in `CaughtUp`.
        revision: Option<Revision>,
    },
}

/// The start of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// After a revision of the stream, or a position of the log.
    After(Option<u64>),
    End,
}

/// A subscription to be opened: add options, then await it. [`OneStream`] and [`WholeLog`] have options of their own.
///
/// The await completes when a server has accepted it, or fails if none did within the client's timeout. After that
/// the subscription resumes automatically.
#[derive(Debug, Clone)]
#[must_use = "a subscription does nothing until it is awaited"]
pub struct Subscribe<To> {
    options: Options,
    to: PhantomData<To>,
}

/// The options of a subscription to one stream or to the log.
#[derive(Debug, Clone)]
struct Options {
    shared: Arc<Shared>,
    timeout: Duration,
    /// `None`: the log.
    stream: Option<String>,
    start: Start,
    query: Query,
    reconnect_timeout: Option<Duration>,
}

impl Subscribe<OneStream> {
    pub(crate) fn to_stream(shared: Arc<Shared>, timeout: Duration, stream: String) -> Self {
        Subscribe::new(shared, timeout, Some(stream))
    }

    /// Starts after this revision: the last one handled. Unless set, at the beginning.
    pub fn after_revision(mut self, last: impl Into<Revision>) -> Self {
        self.options.start = Start::After(Some(last.into().0));
        self
    }
}

impl Subscribe<WholeLog> {
    pub(crate) fn to_log(shared: Arc<Shared>, timeout: Duration) -> Self {
        Subscribe::new(shared, timeout, None)
    }

    /// Starts after this position: the last one handled. Unless set, at the beginning.
    pub fn after(mut self, last: impl Into<Position>) -> Self {
        self.options.start = Start::After(Some(last.into().0));
        self
    }
}

impl<To> Subscribe<To> {
    fn new(shared: Arc<Shared>, timeout: Duration, stream: Option<String>) -> Self {
        let options = Options {
            shared,
            timeout,
            stream,
            start: Start::After(None),
            query: Query::all(),
            reconnect_timeout: None,
        };
        Subscribe {
            options,
            to: PhantomData,
        }
    }

    /// Starts after the current last event.
    pub fn from_end(mut self) -> Self {
        self.options.start = Start::End;
        self
    }

    /// Returns only the events that match the query. All unless set.
    pub fn query(mut self, query: impl Into<Query>) -> Self {
        self.options.query = query.into();
        self
    }

    /// Fails if a lost connection can't be resumed within this time. Retries indefinitely unless set.
    pub fn reconnect_timeout(mut self, without_connection: Duration) -> Self {
        self.options.reconnect_timeout = Some(without_connection);
        self
    }
}

impl<To> IntoFuture for Subscribe<To> {
    type Output = Result<Subscription>;
    type IntoFuture = BoxFuture<'static, Result<Subscription>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(resume::open(self.options))
    }
}

/// An open subscription, as a [`Stream`] that ends only with an error. Drop it to cancel.
pub struct Subscription {
    items: BoxStream<'static, Result<Items>>,
    received: Items,
}

/// The items of one message of the server.
pub(crate) type Items = std::vec::IntoIter<SubscriptionItem>;

impl Subscription {
    /// Returns the next item. After an error, from which it can't resume, returns `None`.
    pub async fn next(&mut self) -> Option<Result<SubscriptionItem>> {
        StreamExt::next(self).await
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription")
            .field("received", &self.received.len())
            .finish_non_exhaustive()
    }
}

impl Stream for Subscription {
    type Item = Result<SubscriptionItem>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.received.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            match std::task::ready!(self.items.poll_next_unpin(context)) {
                Some(Ok(items)) => self.received = items,
                Some(Err(error)) => {
                    self.items = futures::stream::empty().boxed();
                    return Poll::Ready(Some(Err(error)));
                }
                None => return Poll::Ready(None),
            }
        }
    }
}
