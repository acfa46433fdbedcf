//! Lanes: events that are delivered in order.

use std::{collections::VecDeque, hash::BuildHasher};

use annals_store::View;
use foldhash::fast::FixedState;

use super::{ConsumerId, Item, ItemId, Origin, State, Work};
use crate::groups::settings::Mode;

/// Identifies a lane: a hash of the name of its stream or tag. Two with the same hash share a lane, which only makes
/// one wait for the other.
pub(crate) type LaneKey = u64;

/// Returns the stream or the tag by which an event is ordered, if it is.
pub(crate) fn order_key<'a>(mode: &Mode, event: &View<'a>) -> Option<&'a str> {
    match mode {
        Mode::OrderedByStream => Some(event.stream),
        Mode::OrderedByTag(prefix) => {
            let tag = event.tags().find(|tag| tag.starts_with(prefix.as_str()));
            Some(tag.unwrap_or(event.stream))
        }
        Mode::Unordered | Mode::Exclusive => None,
    }
}

/// Returns the lane of an event.
pub(crate) fn lane_of(mode: &Mode, event: &View<'_>) -> LaneKey {
    match (mode, order_key(mode, event)) {
        (Mode::Exclusive, _) => 0,
        (_, Some(key)) => FixedState::default().hash_one(key),
        (_, None) => event.position.0,
    }
}

/// The events of a lane that are not done, in order: first those in flight.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub queue: VecDeque<ItemId>,
    /// Number of events in flight.
    pub in_flight: usize,
    /// The consumer that holds them.
    pub holder: Option<ConsumerId>,
    /// Whether the lane is in a list of lanes with an event to deliver.
    pub listed: bool,
}

impl Lane {
    /// Returns the next event to deliver.
    pub fn next(&self) -> Option<ItemId> {
        self.queue.get(self.in_flight).copied()
    }
}

impl Work {
    /// Puts an event into its lane. A replayed one comes before later events that are not in flight.
    pub(super) fn enqueue(&mut self, key: LaneKey, id: ItemId) {
        let item = &self.items[id];
        let (position, origin) = (item.position, item.origin);
        let lane = self.lanes.entry(key).or_default();
        let at = match origin {
            Origin::Log => lane.queue.len(),
            Origin::Replay => {
                let waiting = lane.queue.iter().skip(lane.in_flight);
                let before = waiting.take_while(|other| self.items[**other].position <= position);
                lane.in_flight + before.count()
            }
        };
        lane.queue.insert(at, id);
        self.offer(key);
    }

    /// Lists a lane for delivery if its next event can be delivered.
    pub(super) fn offer(&mut self, key: LaneKey) {
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        if lane.queue.is_empty() {
            // If it is listed, that is found out when it is its turn.
            self.lanes.remove(&key);
            return;
        }
        let is_ready = |id| {
            matches!(
                self.items[id],
                Item {
                    state: State::Ready,
                    ..
                }
            )
        };
        if lane.listed || !lane.next().is_some_and(is_ready) {
            return;
        }
        lane.listed = true;
        match lane.holder.and_then(|holder| self.consumers.get_mut(&holder)) {
            Some(holder) => holder.lanes.push_back(key),
            None => self.free.push_back(key),
        }
    }

    /// Takes an event out of its lane, whatever its place.
    pub(super) fn dequeue(&mut self, key: LaneKey, id: ItemId) {
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        let Some(at) = lane.queue.iter().position(|other| *other == id) else {
            return;
        };
        lane.queue.remove(at);
        if at < lane.in_flight {
            lane.in_flight -= 1;
            self.let_go(key);
        }
        self.offer(key);
    }

    /// Frees a lane with nothing in flight.
    pub(super) fn let_go(&mut self, key: LaneKey) {
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        if lane.in_flight == 0
            && let Some(holder) = lane.holder.take()
            && std::mem::take(&mut lane.listed)
            && let Some(holder) = self.consumers.get_mut(&holder)
        {
            holder.lanes.retain(|listed| *listed != key);
        }
    }
}
