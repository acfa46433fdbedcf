//! Subscriptions: the events after a position, then new ones, each once and in order.
//!
//! 1. A subscription is pulled: it does no work and buffers nothing until its subscriber asks for the next notice. A
//!    subscription that never asks costs a few hundred bytes. One with a query that stops asking while it reads from
//!    storage keeps the index data that it looked up, see [`crate::read::lookup`].
//! 2. Near the head it takes frames from the ring that all subscribers share; further back it reads from storage, a
//!    batch at a time. It switches by position, so there is no gap and no duplicate.
//! 3. `place` only grows: all events up to it were read, and the matching ones were sent.
//! 4. Events that were removed before it began are not sent. Later events had not been removed when it began; as long
//!    as they come from memory their visibility is not checked, so many subscribers near the head cost no more than
//!    before.
//! 5. A subscription to a stream that gets a tombstone ends there, once everything before it was read.

mod stream;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use annals_engine::Direction;
use tokio::time::Instant;

use crate::{
    format::frame::Frame,
    model::{
        error::{Error, Result},
        query::Query,
        registry::Registered,
    },
    read::{
        BATCH_BYTES, Batch, Finder, Selector, ends,
        follow::fresh_head,
        gone::{self, Gone},
    },
    shared::Shared,
    values::{
        name::StreamName,
        position::{Position, Revision},
        signal::Watcher,
    },
};
use stream::StreamPlace;

/// Number of positions without a match after which a checkpoint is sent.
const CHECKPOINT_POSITIONS: u64 = 10_000;
/// Time without a match after which a checkpoint is sent, if the log has grown.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);

/// Start of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<P> {
    /// At the first event.
    Beginning,
    /// After this position or revision.
    After(P),
    /// After the last event that exists when the subscription begins.
    End,
}

/// Request to subscribe to the log.
#[derive(Clone, Debug)]
pub struct SubscribeAll {
    /// Start of the subscription.
    pub start: Start<Position>,
    /// Sends only events that match.
    pub query: Query,
}

/// Request to subscribe to a stream.
#[derive(Clone, Debug)]
pub struct SubscribeStream {
    /// Stream to subscribe to; it need not exist.
    pub stream: StreamName,
    /// Start of the subscription.
    pub start: Start<Revision>,
    /// Sends only events that match.
    pub query: Query,
}

/// Item that a subscriber receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The next events.
    Events(Batch),
    /// All existing events were sent; new ones follow as they are appended.
    CaughtUp {
        /// Position up to which the log was read.
        position: Position,
        /// Of a subscription to a stream: the revision up to which it was read, if any.
        revision: Option<Revision>,
    },
    /// The subscriber was too slow to be served from memory and is served from storage again.
    FellBehind {
        /// Position up to which the log was read.
        position: Position,
        /// The log's last position.
        head: Position,
        /// Of a subscription to a stream: the revision up to which it was read, if any.
        revision: Option<Revision>,
    },
    /// All matching events up to a position were sent.
    Checkpoint {
        /// Position up to which the log was read.
        position: Position,
        /// Of a subscription to a stream: the revision up to which it was read, if any.
        revision: Option<Revision>,
    },
}

/// A subscription to the log or to a stream.
pub struct Subscription {
    shared: Arc<Shared>,
    registered: Registered,
    query: Query,
    /// Set for a subscription to one stream.
    stream: Option<StreamPlace>,
    place: Position,
    /// The head when it began. Events up to here may have been removed by then.
    began_at: Position,
    /// The last position that was reported to the subscriber.
    told: Position,
    told_at: Instant,
    live: bool,
    /// Set while it reads from storage, if the query's matches can be found in the indexes.
    finder: Option<Finder>,
    head: Watcher<Position>,
    draining: Watcher<bool>,
    failed: Watcher<Option<Error>>,
}

impl Subscription {
    pub(crate) async fn to_all(shared: Arc<Shared>, subscribe: SubscribeAll) -> Result<Self> {
        let head = fresh_head(&shared).await?;
        let place = match subscribe.start {
            Start::Beginning => Position::START,
            Start::End => head,
            Start::After(position) if position > head => {
                return Err(Error::PositionBeyondHead { position, head });
            }
            Start::After(position) => position,
        };
        Self::begin(shared, subscribe.query, None, place, head)
    }

    pub(crate) async fn to_stream(shared: Arc<Shared>, subscribe: SubscribeStream) -> Result<Self> {
        let (head, last) = ends(&shared, &subscribe.stream).await?;
        if shared.tail.lifecycles().of(subscribe.stream.as_str()).tombstoned {
            return Err(Error::StreamTombstoned(subscribe.stream));
        }
        let (next, place) = match subscribe.start {
            Start::Beginning => (Revision::FIRST, Position::START),
            Start::End => (Revision::after(last), head),
            Start::After(revision) if last.is_none_or(|last| revision > last) => {
                return Err(Error::RevisionBeyondEnd {
                    stream: subscribe.stream,
                    revision,
                    last,
                });
            }
            Start::After(revision) => (revision.next(), Position::START),
        };
        let floor = gone::first_kept(&shared, &subscribe.stream, last).await?;
        let stream = StreamPlace {
            name: subscribe.stream,
            next: next.max(floor),
        };
        Self::begin(shared, subscribe.query, Some(stream), place, head)
    }

    fn begin(
        shared: Arc<Shared>,
        query: Query,
        stream: Option<StreamPlace>,
        place: Position,
        head: Position,
    ) -> Result<Self> {
        let kind = if stream.is_some() { "stream" } else { "all" };
        let registered =
            shared
                .subscriptions
                .register(kind, place, shared.settings.limits.subscriptions_max)?;
        Ok(Self {
            registered,
            query,
            stream,
            place,
            began_at: head,
            told: place,
            told_at: Instant::now(),
            live: false,
            finder: None,
            head: shared.tail.watch_head(),
            draining: shared.draining.watch(),
            failed: shared.failed.watch(),
            shared,
        })
    }

    /// Returns the next notice, and waits until there is one. Cancelling the wait loses nothing.
    ///
    /// # Errors
    /// [`Error::StreamTombstoned`] when its stream is permanently deleted; [`Error::Closed`] when the server stops;
    /// [`Error::Unavailable`], [`Error::Failed`] and [`Error::Corrupt`], as reported by the engine. After any error
    /// but the first, subscribe again after the last position or revision that was received.
    pub async fn next(&mut self) -> Result<Notice> {
        loop {
            self.check_end()?;
            let head = self.head.see();
            if self.place < head {
                if let Some(notice) = self.advance(head).await? {
                    return Ok(notice);
                }
                // A query with few matches must not keep other tasks from the processor.
                tokio::task::yield_now().await;
                continue;
            }
            self.check_tombstone()?;
            if !self.live {
                self.live = true;
                self.tell();
                return Ok(Notice::CaughtUp {
                    position: self.place,
                    revision: self.revision(),
                });
            }
            if let Some(checkpoint) = self.wait().await {
                return Ok(checkpoint);
            }
        }
    }

    fn check_end(&self) -> Result<()> {
        if let Some(error) = self.failed.get() {
            return Err(error);
        }
        if self.draining.get() {
            Err(Error::Closed)
        } else {
            Ok(())
        }
    }

    /// Returns an error if the subscription has passed its stream's tombstone. Stream settings may be known before
    /// the head that contains them.
    fn check_tombstone(&self) -> Result<()> {
        let Some(stream) = &self.stream else {
            return Ok(());
        };
        let marked = self.shared.tail.lifecycles().get(stream.name.as_str());
        match marked.filter(|marked| marked.lifecycle.tombstoned) {
            Some(tombstone) if tombstone.position <= self.place => {
                Err(Error::StreamTombstoned(stream.name.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Reads the next frames.
    async fn advance(&mut self, head: Position) -> Result<Option<Notice>> {
        let mut batch = Batch::default();
        match self.shared.tail.frames_forwards(self.place.next(), BATCH_BYTES) {
            Some(frames) => {
                // Index data that was looked up is not needed near the head, and must not take memory there.
                self.finder = None;
                let gone = if self.place < self.began_at {
                    gone::in_frames(&self.shared, &frames).await?
                } else {
                    Gone::default()
                };
                self.take(&frames, head, &gone, &mut batch)?;
            }
            None if self.live => {
                self.live = false;
                self.shared.metrics.fell_behind.inc();
                self.tell();
                return Ok(Some(Notice::FellBehind {
                    position: self.place,
                    head,
                    revision: self.revision(),
                }));
            }
            None => self.read_back(head, &mut batch).await?,
        }
        self.registered.set(self.place);
        if !batch.is_empty() {
            self.shared.metrics.read_events.inc_by(batch.events as u64);
            self.tell();
            if self.stream.is_some() || !self.query.matches_all() {
                // Events report no more than the position of the last of them. Events after it that were read and did
                // not match are reported by a checkpoint.
                self.told = batch.last_position()?.unwrap_or(self.told);
            }
            return Ok(Some(Notice::Events(batch)));
        }
        let due = self.place.0 - self.told.0 >= CHECKPOINT_POSITIONS
            || self.told_at.elapsed() >= CHECKPOINT_INTERVAL;
        Ok(due.then(|| self.checkpoint()))
    }

    /// Reads from storage.
    async fn read_back(&mut self, head: Position, batch: &mut Batch) -> Result<()> {
        if let Some(stream) = &mut self.stream {
            self.place = stream.read(&self.shared, &self.query, head, batch).await?;
            return Ok(());
        }
        if self.finder.is_none() {
            self.finder = Finder::new(&self.query, Direction::Forwards);
        }
        let selector = Selector {
            query: &self.query,
            direction: Direction::Forwards,
            from: self.place.next(),
            to: head,
            events_max: u64::MAX,
            page_bytes: BATCH_BYTES,
        };
        self.place = match &mut self.finder {
            Some(finder) => finder.page(&self.shared, &selector, batch).await?,
            None => selector.page(&self.shared, batch).await?,
        };
        Ok(())
    }

    fn take(&mut self, frames: &[Arc<Frame>], head: Position, gone: &Gone, batch: &mut Batch) -> Result<()> {
        let from = self.place.next();
        match &mut self.stream {
            Some(stream) => stream.take(frames, (from, head), gone, &self.query, batch)?,
            None => {
                let selector = Selector {
                    query: &self.query,
                    direction: Direction::Forwards,
                    from,
                    to: head,
                    events_max: u64::MAX,
                    page_bytes: BATCH_BYTES,
                };
                for frame in frames {
                    selector.take(frame, gone, batch)?;
                }
            }
        }
        match frames.last() {
            Some(last) if last.last >= from => {
                self.place = last.last.min(head);
                Ok(())
            }
            _ => Err(Error::Corrupt(format!("no event is stored at position {from}"))),
        }
    }

    /// Waits for a change; returns a checkpoint if one is due earlier.
    async fn wait(&mut self) -> Option<Notice> {
        let due = self.told_at + CHECKPOINT_INTERVAL;
        let untold = self.place > self.told;
        tokio::select! {
            biased;
            () = self.failed.changed() => None,
            () = self.draining.changed() => None,
            () = self.head.changed() => None,
            () = tokio::time::sleep_until(due), if untold => Some(self.checkpoint()),
        }
    }

    fn checkpoint(&mut self) -> Notice {
        self.tell();
        Notice::Checkpoint {
            position: self.place,
            revision: self.revision(),
        }
    }

    /// Returns the revision up to which the stream was read, if this is a subscription to one.
    fn revision(&self) -> Option<Revision> {
        let next = self.stream.as_ref()?.next;
        next.0.checked_sub(1).map(Revision)
    }

    fn tell(&mut self) {
        self.told = self.place;
        self.told_at = Instant::now();
    }
}
