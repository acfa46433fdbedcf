//! The work of a group in memory: which events wait, which consumer holds which, and what is done. Pure: the time is an
//! argument, and nothing is read or written here.
//!
//! 1. An event is in one *lane*: that of its stream, of its tag, of the whole group, or one of its own, as the group's
//!    mode says. The events of a lane are delivered in order. Those in flight are the first ones of the lane, and one
//!    consumer holds them all.
//! 2. An event that fails waits at the front of its lane and holds back the later ones. Those that were in flight after
//!    it are withdrawn. That is reported to the consumer, because it may have got them after it sent the nack.
//! 3. An event leaves when it is acked, skipped, or parked; parked ones leave once that is stored.
//! 4. Everything is bounded: the events by [`EVENTS_MAX`] and [`BYTES_MAX`], what a consumer holds by its permits.

mod consumer;
mod dispatch;
mod lane;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use annals_store::{EncodedEvent, Timestamp};
use foldhash::{HashMap, HashSet};
use slab::Slab;
use tokio::time::Instant;
use uuid::Uuid;

use super::settings::GroupSettings;
use consumer::Consumer;
pub(crate) use consumer::ConsumerId;
pub use consumer::ConsumerInfo;
pub(crate) use dispatch::Delivery;
use lane::Lane;
pub(crate) use lane::{LaneKey, lane_of, order_key};
pub(crate) use settle::{Action, FOLLOWS, Nack, Settlement};

/// The most events of a group in memory. The progress of so many fits into one entry of state.
pub(crate) const EVENTS_MAX: usize = 4_096;
/// The most bytes of these events, beyond one event.
pub(crate) const BYTES_MAX: usize = 16 << 20;
/// The most events at a time that are replayed, in addition to [`EVENTS_MAX`].
pub(crate) const REPLAYS_MAX: usize = 1_024;

/// Where an event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From the log, in order.
    Log,
    /// It was parked, and is replayed.
    Replay,
}

/// An event that is not done.
#[derive(Debug)]
struct Item {
    position: u64,
    origin: Origin,
    event: EncodedEvent,
    lane: LaneKey,
    /// What it is ordered by, if that matters when it is parked.
    order: Option<Uuid>,
    /// How often it was delivered, without deliveries that do not count.
    attempts: u32,
    first_delivered_at: Option<Timestamp>,
    state: State,
}

type ItemId = usize;

#[derive(Debug)]
enum State {
    /// It can be delivered when it is its turn.
    Ready,
    /// It failed, and waits for its next attempt.
    Waiting(Instant),
    /// A consumer holds it.
    InFlight {
        consumer: ConsumerId,
        delivery: u64,
        deadline: Instant,
    },
    /// It is to be parked, which is not stored yet.
    Parking(Parking),
}

/// Why an event is parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parking {
    pub reason: String,
    pub consumer: String,
    pub at: Timestamp,
}

/// An event that is to be parked.
#[derive(Clone, Debug)]
pub(crate) struct Park {
    pub position: u64,
    pub origin: Origin,
    pub event: EncodedEvent,
    pub order: Option<Uuid>,
    pub attempts: u32,
    pub first_delivered_at: Option<Timestamp>,
    pub parking: Parking,
    item: ItemId,
}

/// Why a consumer no longer holds a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WithdrawalReason {
    /// It, or an earlier one of its lane, was not settled in time.
    AckTimeout,
    /// It, or an earlier one of its lane, was nacked.
    Nacked,
    /// The group was changed or reset.
    GroupChanged,
    /// It was settled before, or withdrawn.
    TooLate,
}

/// Something that is reported to a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Withdrawn(WithdrawalReason, Vec<u64>),
    /// It was standing by, and is the active one now.
    Active,
    /// It was the active one, and stands by now.
    StandsBy,
}

/// What has changed of the group and is to be stored.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Events from the log that are not done, in order, with their attempts so far.
    pub pending: Vec<(u64, u32)>,
    /// Events to park.
    pub parks: Vec<Park>,
    /// Replayed events that are done, and are not parked again.
    pub replayed: Vec<u64>,
}

/// How many events are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that consumers hold.
    pub in_flight: usize,
    /// Events that have failed and wait.
    pub retrying: usize,
    /// Events of the log that are not done.
    pub pending: usize,
}

/// The events of a group that are not done, and its consumers.
#[derive(Debug)]
pub(crate) struct Work {
    settings: GroupSettings,
    items: Slab<Item>,
    lanes: HashMap<LaneKey, Lane>,
    /// Lanes that no consumer holds and whose next event can be delivered.
    free: VecDeque<LaneKey>,
    /// When events that failed are due.
    waiting: BTreeSet<(Instant, ItemId)>,
    consumers: BTreeMap<ConsumerId, Consumer>,
    /// In an exclusive group: the consumer that gets the events.
    active: Option<ConsumerId>,
    next_consumer: u64,
    /// The consumer after which the next round of deliveries begins.
    served: ConsumerId,
    log_events: usize,
    replays: usize,
    bytes: usize,
    replayed: Vec<u64>,
    parking: BTreeSet<ItemId>,
    /// Lanes of events that are to be parked since this is noted.
    noted: Option<HashSet<LaneKey>>,
    told: Vec<(ConsumerId, Told)>,
    /// When deadlines were last compared with the time.
    checked_at: Instant,
    /// The time of the last tick.
    ticked_at: Instant,
    has_changed: bool,
}

impl Work {
    pub(crate) fn new(settings: GroupSettings, now: Instant) -> Self {
        Self {
            settings,
            items: Slab::new(),
            lanes: HashMap::default(),
            free: VecDeque::new(),
            waiting: BTreeSet::new(),
            consumers: BTreeMap::new(),
            active: None,
            next_consumer: 1,
            served: ConsumerId::default(),
            log_events: 0,
            replays: 0,
            bytes: 0,
            replayed: Vec::new(),
            parking: BTreeSet::new(),
            noted: None,
            told: Vec::new(),
            checked_at: now,
            ticked_at: now,
            has_changed: false,
        }
    }

    /// Whether there is room for another event of the log.
    pub(crate) const fn has_room(&self) -> bool {
        self.log_events < EVENTS_MAX && self.bytes < BYTES_MAX
    }

    /// Whether there is room for another replayed event.
    pub(crate) const fn has_room_for_replay(&self) -> bool {
        self.replays < REPLAYS_MAX && self.bytes < BYTES_MAX
    }

    /// Adds an event that is not done, with the number of its attempts so far. Events of the log come in order.
    pub(crate) fn admit(&mut self, origin: Origin, event: AdmittedEvent, order: Option<Uuid>, attempts: u32) {
        let AdmittedEvent {
            position,
            lane,
            event,
        } = event;
        self.bytes += event.bytes().len();
        match origin {
            Origin::Log => self.log_events += 1,
            Origin::Replay => self.replays += 1,
        }
        let id = self.items.insert(Item {
            position,
            origin,
            event,
            lane,
            order,
            attempts,
            first_delivered_at: None,
            state: State::Ready,
        });
        self.enqueue(lane, id);
    }

    /// Adds an event that is parked at once, because an earlier one of its lane is.
    pub(crate) fn admit_parked(&mut self, event: AdmittedEvent, order: Option<Uuid>, parking: Parking) {
        let AdmittedEvent {
            position,
            lane,
            event,
        } = event;
        self.bytes += event.bytes().len();
        self.log_events += 1;
        let id = self.items.insert(Item {
            position,
            origin: Origin::Log,
            event,
            lane,
            order,
            attempts: 0,
            first_delivered_at: None,
            state: State::Parking(parking),
        });
        self.parking.insert(id);
        self.has_changed = true;
    }

    /// Notes a replayed event that does not exist any more.
    pub(crate) fn skip_replay(&mut self, position: u64) {
        self.replayed.push(position);
        self.has_changed = true;
    }

    /// Whether events are to be parked.
    pub(crate) fn is_parking(&self) -> bool {
        !self.parking.is_empty()
    }

    /// Whether so many events are to be parked that they should be stored at once.
    pub(crate) fn is_full_of_parked(&self) -> bool {
        self.parking.len() >= EVENTS_MAX / 8
    }

    /// Begins to note the lanes of events that are to be parked.
    pub(crate) fn note_parked(&mut self) {
        let lanes = self.parking.iter().map(|id| self.items[*id].lane);
        self.noted = Some(lanes.collect());
    }

    pub(crate) fn forget_noted(&mut self) {
        self.noted = None;
    }

    /// Whether an event of this lane was noted.
    pub(crate) fn is_noted(&self, lane: LaneKey) -> bool {
        self.noted.as_ref().is_some_and(|noted| noted.contains(&lane))
    }

    /// Whether something is to be stored, besides how far the log was read.
    pub(crate) const fn has_changed(&self) -> bool {
        self.has_changed
    }

    /// Returns what is to be stored, with at most `changes_max` parked and replayed events. Call [`Self::stored`] once
    /// it is.
    pub(crate) fn progress(&mut self, changes_max: usize) -> Progress {
        let mut pending: Vec<_> = self
            .items
            .iter()
            .filter(|(_, item)| item.origin == Origin::Log)
            .map(|(id, item)| (item.position, item.attempts, id))
            .collect();
        let parks: Vec<_> = self
            .parking
            .iter()
            .take(changes_max)
            .map(|id| self.park(*id))
            .collect();
        if !parks.is_empty() {
            let last = parks.last().map(|park| park.item);
            pending.retain(|(_, _, id)| !(self.parking.contains(id) && Some(*id) <= last));
        }
        pending.sort_unstable();
        let room = changes_max - parks.len();
        let replayed = self.replayed.drain(..self.replayed.len().min(room)).collect();
        self.has_changed = self.parking.len() > parks.len() || !self.replayed.is_empty();
        Progress {
            pending: pending
                .into_iter()
                .map(|(position, attempts, _)| (position, attempts))
                .collect(),
            parks,
            replayed,
        }
    }

    fn park(&self, id: ItemId) -> Park {
        let item = &self.items[id];
        let State::Parking(parking) = &item.state else {
            unreachable!("`parking` has only items of this state");
        };
        Park {
            position: item.position,
            origin: item.origin,
            event: item.event.clone(),
            order: item.order,
            attempts: item.attempts,
            first_delivered_at: item.first_delivered_at,
            parking: parking.clone(),
            item: id,
        }
    }

    /// Forgets what was stored.
    pub(crate) fn stored(&mut self, progress: &Progress) {
        let has_changed = self.has_changed;
        for park in &progress.parks {
            self.parking.remove(&park.item);
            self.remove(park.item);
        }
        self.has_changed = has_changed;
    }

    /// Returns the position of the first event of the log that is not done.
    pub(crate) fn first_pending(&self) -> Option<u64> {
        let log = self.items.iter().filter(|(_, item)| item.origin == Origin::Log);
        log.map(|(_, item)| item.position).min()
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            in_flight: self.consumers.values().map(Consumer::in_flight).sum(),
            retrying: self.waiting.len(),
            pending: self.log_events,
        }
    }

    /// Returns what consumers are to be told, and forgets it.
    pub(crate) fn take_told(&mut self) -> Vec<(ConsumerId, Told)> {
        std::mem::take(&mut self.told)
    }

    fn remove(&mut self, id: ItemId) -> Item {
        let item = self.items.remove(id);
        self.bytes -= item.event.bytes().len();
        match item.origin {
            Origin::Log => self.log_events -= 1,
            Origin::Replay => self.replays -= 1,
        }
        self.has_changed = true;
        item
    }
}

/// An event with its place in the group.
#[derive(Clone, Debug)]
pub(crate) struct AdmittedEvent {
    pub position: u64,
    pub lane: LaneKey,
    pub event: EncodedEvent,
}
