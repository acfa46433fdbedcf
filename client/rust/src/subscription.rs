//! Subscriptions: what there is, then what comes, each event once and in order, over as many connections as it takes.
//!
//! 1. **Once, in order, without gaps.** After a broken connection the subscription resumes after the last event or
//!    checkpoint that was received, on any endpoint. Positions that do not grow, or that skip although nothing is
//!    filtered, are an [`Error::Protocol`], never passed on.
//! 2. **A fixed beginning.** "From the end" is turned into a position before the first connection is opened for events,
//!    so that a connection that breaks before the first event loses nothing.
//! 3. **Bounded.** One message of the server is held; the rest waits there.
//!
//! Checkpoints are positions of the log. A subscription to one stream resumes by revision, so that its checkpoints are
//! only told, not used.

mod messages;
mod resume;

use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, Stream, StreamExt};

use crate::error::Result;
use crate::event::RecordedEvent;
use crate::query::Query;
use crate::retry::Shared;

/// What a subscription yields.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionItem {
    /// The next event.
    Event(RecordedEvent),
    /// Everything there is was sent; what follows is sent as it is appended. Comes once, again after each `FellBehind`,
    /// and again after a connection was lost and resumed.
    CaughtUp {
        /// The position up to which the log was looked at; resuming after it is safe.
        position: u64,
    },
    /// Events were taken more slowly than they were appended, and now come from storage again. Nothing is lost.
    FellBehind {
        /// The position up to which the log was looked at; resuming after it is safe.
        position: u64,
        /// The log's last position.
        head: u64,
    },
    /// Everything up to here was looked at, and nothing that matches is unsent. Worth storing, so that a filtered
    /// subscription need not look at the same events again. Only grows.
    Checkpoint {
        /// The position; resuming after it is safe.
        position: u64,
    },
}

/// Where a subscription begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    After(Option<u64>),
    End,
}

/// A subscription to be opened: add options, then await it.
///
/// The await ends when a server has accepted it, or with the error if none did within the client's timeout. From then on
/// it resumes by itself.
#[derive(Debug, Clone)]
#[must_use = "a subscription does nothing until it is awaited"]
pub struct Subscribe {
    shared: Arc<Shared>,
    timeout: Duration,
    stream: Option<String>,
    start: Start,
    query: Query,
    give_up_after: Option<Duration>,
}

impl Subscribe {
    pub(crate) fn new(shared: Arc<Shared>, timeout: Duration, stream: Option<String>) -> Self {
        let (start, query) = (Start::After(None), Query::all());
        Subscribe {
            shared,
            timeout,
            stream,
            start,
            query,
            give_up_after: None,
        }
    }

    /// Begins after this position (of the log) or revision (of a stream): the last that was handled. Unless set, at the
    /// beginning.
    pub fn after(mut self, last: u64) -> Self {
        self.start = Start::After(Some(last));
        self
    }

    /// Begins after the last event there is now.
    pub fn from_end(mut self) -> Self {
        self.start = Start::End;
        self
    }

    /// Yields only the events that match. All unless set.
    pub fn query(mut self, query: impl Into<Query>) -> Self {
        self.query = query.into();
        self
    }

    /// Fails if a connection that was lost can't be resumed for so long. Never unless set.
    pub fn give_up_after(mut self, without_connection: Duration) -> Self {
        self.give_up_after = Some(without_connection);
        self
    }
}

impl IntoFuture for Subscribe {
    type Output = Result<Subscription>;
    type IntoFuture = BoxFuture<'static, Result<Subscription>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(resume::open(self))
    }
}

/// An open subscription, as a [`Stream`] that ends only with an error. Drop it to cancel.
pub struct Subscription {
    items: BoxStream<'static, Result<Items>>,
    received: Items,
}

/// What one message of the server holds.
pub(crate) type Items = std::vec::IntoIter<SubscriptionItem>;

impl Subscription {
    /// The next item. After an error, which is not one that could be resumed, there is none.
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
