//! The deliveries of a consumer that are not settled, by their order keys.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use tokio::time::Instant;

use super::delivery::Delivery;
use crate::group::GroupMode;

/// How the group orders its events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Order {
    pub(super) mode: GroupMode,
    pub(super) tag_prefix: String,
}

/// Identifies an order key by its hash. Two with the same hash only wait for each other.
type Key = u64;

/// A delivery that waits for a handler.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) id: u64,
    pub(super) delivery: Delivery,
    /// When its ack timeout began.
    pub(super) since: Instant,
}

/// Why no delivery of a key can be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blocker {
    /// This one is being processed.
    Running(u64),
    /// This one was nacked, and the server has not answered.
    Nacked(u64),
}

/// What a withdrawn delivery was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Withdrawn {
    /// A handler processes it.
    Running,
    /// It was waiting or nacked, or is not known any more.
    Other,
}

#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<Queued>,
    blocker: Option<Blocker>,
    is_listed: bool,
}

/// The deliveries of a consumer by their keys. A key is listed if its first delivery can be started.
#[derive(Debug, Default)]
pub(super) struct Queue {
    order: Order,
    hasher: RandomState,
    lanes: HashMap<Key, Lane>,
    /// The keys of all deliveries that wait, are being processed, or were nacked.
    keys: HashMap<u64, Key>,
    listed: VecDeque<Key>,
}

impl Queue {
    /// Sets how later deliveries are ordered.
    pub(super) fn set_order(&mut self, order: Order) {
        self.order = order;
    }

    pub(super) fn push(&mut self, queued: Queued) {
        let key = self.key_of(&queued);
        self.keys.insert(queued.id, key);
        self.lanes.entry(key).or_default().queue.push_back(queued);
        self.list(key);
    }

    fn key_of(&self, queued: &Queued) -> Key {
        let event = &queued.delivery.event;
        match self.order.mode {
            GroupMode::Unordered => queued.id,
            GroupMode::Exclusive => 0,
            GroupMode::Ordered => {
                let prefix = self.order.tag_prefix.as_str();
                let tag = match prefix {
                    "" => None,
                    prefix => event.tags.iter().find(|tag| tag.starts_with(prefix)),
                };
                self.hasher.hash_one(tag.unwrap_or(&event.stream))
            }
        }
    }

    /// Takes the next delivery that can be started. Its key is blocked until it has [`ended`](Self::ended).
    pub(super) fn start(&mut self) -> Option<Queued> {
        loop {
            let key = self.listed.pop_front()?;
            let Some(lane) = self.lanes.get_mut(&key) else {
                continue;
            };
            lane.is_listed = false;
            if lane.blocker.is_none()
                && let Some(queued) = lane.queue.pop_front()
            {
                lane.blocker = Some(Blocker::Running(queued.id));
                return Some(queued);
            }
            self.tidy(key);
        }
    }

    /// Notes that a delivery is not processed any more. If it was nacked and the server answers that, nothing of its
    /// key is started until it is withdrawn.
    pub(super) fn ended(&mut self, id: u64, is_answered: bool) {
        let Some(key) = self.keys.get(&id).copied() else {
            return;
        };
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        if is_answered {
            lane.blocker = Some(Blocker::Nacked(id));
        } else {
            lane.blocker = None;
            self.keys.remove(&id);
            self.list(key);
        }
    }

    /// Removes a delivery that the consumer no longer holds. One that is being processed blocks its key until it has
    /// ended.
    pub(super) fn withdraw(&mut self, id: u64) -> Withdrawn {
        let Some(key) = self.keys.get(&id).copied() else {
            return Withdrawn::Other;
        };
        let Some(lane) = self.lanes.get_mut(&key) else {
            return Withdrawn::Other;
        };
        match lane.blocker {
            Some(Blocker::Running(running)) if running == id => return Withdrawn::Running,
            Some(Blocker::Nacked(nacked)) if nacked == id => lane.blocker = None,
            _ => lane.queue.retain(|queued| queued.id != id),
        }
        self.keys.remove(&id);
        self.list(key);
        Withdrawn::Other
    }

    /// Returns the deliveries that wait, and restarts their ack timeouts.
    pub(super) fn extend(&mut self, now: Instant) -> Vec<u64> {
        let queued = self.lanes.values_mut().flat_map(|lane| &mut lane.queue);
        let extended = queued.map(|queued| {
            queued.since = now;
            queued.id
        });
        extended.collect()
    }

    fn list(&mut self, key: Key) {
        if let Some(lane) = self.lanes.get_mut(&key)
            && lane.blocker.is_none()
            && !lane.queue.is_empty()
        {
            if !std::mem::replace(&mut lane.is_listed, true) {
                self.listed.push_back(key);
            }
        } else {
            self.tidy(key);
        }
    }

    /// Forgets a key that has no deliveries.
    fn tidy(&mut self, key: Key) {
        let is_empty = |lane: &Lane| lane.queue.is_empty() && lane.blocker.is_none();
        if self.lanes.get(&key).is_some_and(is_empty) {
            self.lanes.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests;
