//! Stores the progress of a group, one write after the other.

use std::collections::VecDeque;

use annals_store::{Error as StoreError, Rejection, StateChange, StateCheck, StateWritten};
use futures::future::{BoxFuture, join_all};
use prost::Message;
use tokio::{
    sync::oneshot,
    time::{Duration, Instant},
};

use super::{Leader, STORE_INTERVAL, Stop, operations::Page};
use crate::groups::{
    directory::put,
    error::{Error, Result},
    stored::{LEADER, PROGRESS, StoredParked, StoredProgress, order_key_of, parked_key, replay_key},
    work::{Origin, Park, Progress},
};

/// The most parked and replayed events in a write, each of which is up to three changes.
const EVENTS_MAX: usize = 300;
/// How long a leader that stops tries to store its progress.
const LAST_TIMEOUT: Duration = Duration::from_secs(5);

/// A caller that waits for a write.
pub(super) enum Waiter {
    /// A consumer that has left.
    Left(oneshot::Sender<()>),
    /// The caller of a reset, and the position after which the group continues.
    Reset(oneshot::Sender<Result<u64>>, u64),
}

/// What is being stored, and what is to be stored.
pub(super) struct Storing {
    writing: Option<BoxFuture<'static, Result<Written>>>,
    pages: VecDeque<Page>,
    waiters: Vec<Waiter>,
    has_changed: bool,
    stored_read_to: u64,
    /// As of the last write: all events up to this position are done.
    done_to: u64,
    /// When the last write ended.
    ended_at: Instant,
    due: Option<Instant>,
}

/// A write that was made.
pub(super) struct Written {
    progress: Progress,
    page: Option<Page>,
    waiters: Vec<Waiter>,
    read_to: u64,
    parked: u64,
}

impl Storing {
    pub(super) fn new() -> Self {
        Self {
            writing: None,
            pages: VecDeque::new(),
            waiters: Vec::new(),
            has_changed: false,
            stored_read_to: 0,
            done_to: 0,
            ended_at: Instant::now(),
            due: None,
        }
    }

    /// Whether nothing is being stored.
    pub(super) const fn is_idle(&self) -> bool {
        self.writing.is_none()
    }

    /// Returns the position up to which all events are done, as of the last write.
    pub(super) const fn done_to(&self) -> u64 {
        self.done_to
    }

    /// When the next write is due.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Notes that the progress has changed.
    pub(super) const fn changed(&mut self) {
        self.has_changed = true;
    }

    /// Stores a page of changes of parked events with one of the next writes.
    pub(super) fn add(&mut self, page: Page) {
        self.pages.push_back(page);
    }

    /// Answers a caller once everything that has happened up to now is stored.
    pub(super) fn after_next(&mut self, waiter: Waiter) {
        self.waiters.push(waiter);
    }

    /// Waits for the end of the write that is being made, if any. If the future is dropped, nothing is lost.
    pub(super) async fn done(&mut self) -> Result<Written> {
        let Some(writing) = &mut self.writing else {
            return std::future::pending().await;
        };
        let written = writing.await;
        self.writing = None;
        self.ended_at = Instant::now();
        written
    }
}

impl Leader {
    /// Begins a write if one is due.
    pub(super) fn store(&mut self, now: Instant) {
        let storing = &mut self.storing;
        storing.due = None;
        if storing.writing.is_some() {
            return;
        }
        let is_urgent = !storing.pages.is_empty() || !storing.waiters.is_empty();
        let has_changed =
            storing.has_changed || self.work.has_changed() || self.read_to != storing.stored_read_to;
        if !is_urgent && !has_changed {
            return;
        }
        let due = storing.ended_at + STORE_INTERVAL;
        if !is_urgent && now < due && !self.work.is_full_of_parked() {
            storing.due = Some(due);
            return;
        }
        self.begin_write();
    }

    fn begin_write(&mut self) {
        let page = self.storing.pages.pop_front();
        // The changes of a page and those of events can be of the same entry, so they are not written together.
        let events_max = if page.is_some() { 0 } else { EVENTS_MAX };
        let progress = self.work.progress(events_max);
        self.storing.has_changed = false;
        let waiters = if self.work.has_changed() || !self.storing.pages.is_empty() {
            // What they wait for is stored with a later write.
            Vec::new()
        } else {
            std::mem::take(&mut self.storing.waiters)
        };
        let leader = self.group.entry(LEADER);
        let check = StateCheck {
            entry: leader,
            expected: Some(self.version),
        };
        let (shared, group) = (std::sync::Arc::clone(&self.shared), self.group.clone());
        let (read_to, parked_before) = (self.read_to, self.parked);
        self.storing.writing = Some(Box::pin(async move {
            let mut changes = Vec::new();
            let mut parked = parked_before;
            if let Some(page) = &page {
                page.changes(&group, &mut changes);
                parked = parked.saturating_sub(page.len());
            }
            // An event that was parked before the group was reset may be parked again.
            let again = progress.parks.iter().map(|park| {
                let entry = group.entry(&parked_key(park.position));
                let shared = &shared;
                async move { shared.store.state(&entry).await }
            });
            if parked > 0 {
                for found in join_all(again).await {
                    parked += u64::from(found?.0.is_none());
                }
            } else {
                parked = progress.parks.len() as u64;
            }
            for park in &progress.parks {
                put_park(&group, park, &mut changes);
            }
            let gone = |position: &u64| StateChange {
                entry: group.entry(&replay_key(*position)),
                value: None,
            };
            changes.extend(progress.replayed.iter().map(gone));
            let stored = StoredProgress::new(read_to, &progress.pending, parked);
            changes.push(put(group.entry(PROGRESS), stored.encode_to_vec()));
            let write = shared.state_write(changes, vec![check])?;
            let _: StateWritten = shared.write(write, || !shared.is_closing()).await?;
            Ok(Written {
                progress,
                page,
                waiters,
                read_to,
                parked,
            })
        }));
    }

    /// Notes the end of a write.
    pub(super) fn stored(&mut self, result: Result<Written>) -> std::result::Result<(), Stop> {
        let written = match result {
            Ok(written) => written,
            Err(Error::Store(StoreError::Rejected(Rejection::ChecksFailed { .. }))) => {
                return Err(Stop::Lost);
            }
            Err(Error::Store(StoreError::Closed)) => return Err(Stop::Closing),
            Err(error) => return Err(Stop::Failed(error)),
        };
        self.storing.stored_read_to = written.read_to;
        let first = written.progress.pending.first();
        self.storing.done_to = first.map_or(written.read_to, |(position, _)| position - 1);
        self.parked = written.parked;
        self.work.stored(&written.progress);
        let replays = written
            .progress
            .parks
            .iter()
            .filter(|park| park.origin == Origin::Replay);
        let replays = replays.map(|park| park.position).chain(written.progress.replayed);
        self.replays.done(replays);
        if let Some(page) = written.page {
            self.replays.look();
            page.stored();
        }
        for waiter in written.waiters {
            match waiter {
                Waiter::Left(reply) => {
                    let _ = reply.send(());
                }
                Waiter::Reset(reply, place) => {
                    let _ = reply.send(Ok(place));
                }
            }
        }
        Ok(())
    }

    /// Stores all that has happened up to now.
    pub(super) async fn store_now(&mut self) -> std::result::Result<(), Stop> {
        loop {
            if self.storing.writing.is_some() {
                let result = self.storing.done().await;
                self.stored(result)?;
            }
            if !self.work.has_changed() && self.storing.pages.is_empty() && self.storing.waiters.is_empty() {
                return Ok(());
            }
            self.begin_write();
        }
    }

    /// Stores the progress for the last time.
    pub(super) async fn store_last(&mut self) {
        let is_stored = tokio::time::timeout(LAST_TIMEOUT, self.store_now()).await;
        if !matches!(is_stored, Ok(Ok(()))) {
            tracing::warn!(
                group = self.group.name,
                "the last progress was not stored; events that were acked since are delivered again"
            );
        }
    }
}

fn put_park(group: &crate::groups::stored::Group, park: &Park, changes: &mut Vec<StateChange>) {
    let Ok(event) = park.event.view() else {
        return;
    };
    let order = park.order.filter(|_| group.settings.park_following);
    let stored = StoredParked {
        stream: event.stream.to_owned(),
        revision: event.revision.0,
        reason: park.parking.reason.clone(),
        consumer: park.parking.consumer.clone(),
        attempts: park.attempts,
        parked_at: park.parking.at.micros,
        first_delivered_at: park.first_delivered_at.map_or(0, |at| at.micros),
        order: order.map(|order| order.as_bytes().to_vec()).unwrap_or_default(),
    };
    changes.push(put(
        group.entry(&parked_key(park.position)),
        stored.encode_to_vec(),
    ));
    if let Some(order) = order {
        changes.push(put(group.entry(&order_key_of(order, park.position)), Vec::new()));
    }
    if park.origin == Origin::Replay {
        changes.push(StateChange {
            entry: group.entry(&replay_key(park.position)),
            value: None,
        });
    }
}
