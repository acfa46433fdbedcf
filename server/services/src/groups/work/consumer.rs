//! The consumers of a group.

use std::collections::VecDeque;

use annals_store::Timestamp;
use foldhash::HashMap;
use tokio::time::{Duration, Instant};

use super::{Action, ItemId, LaneKey, Told, WithdrawalReason, Work};
use crate::groups::settings::Mode;

/// Identifies a connected consumer; later ones have greater numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConsumerId(pub u64);

/// A connected consumer.
#[derive(Debug)]
pub(super) struct Consumer {
    pub name: String,
    pub permits: u32,
    /// Its deliveries, by their ids.
    pub held: HashMap<u64, ItemId>,
    /// Ids of its deliveries are greater than this, so that those of another consumer are recognised.
    pub first_id: u64,
    pub last_id: u64,
    /// Lanes that it holds with another event to deliver.
    pub lanes: VecDeque<LaneKey>,
    /// When a delivery to it timed out, if it has not sent anything since. It then gets nothing for a while, and after
    /// that one event at a time: it may have nothing to say, because everything that it held was withdrawn.
    pub silent_since: Option<Instant>,
    pub connected_at: Timestamp,
}

/// A connected consumer, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerInfo {
    /// Its name.
    pub name: String,
    /// The most deliveries that it holds.
    pub permits: u32,
    /// How many it holds.
    pub in_flight: usize,
    /// False if it stands by.
    pub is_active: bool,
    /// When it connected.
    pub connected_at: Timestamp,
}

/// A consumer that has joined.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Joined {
    pub id: ConsumerId,
    /// False if it stands by.
    pub is_active: bool,
    /// The consumer of the same name that it replaces, which has left.
    pub replaced: Option<ConsumerId>,
}

impl Consumer {
    pub(super) fn in_flight(&self) -> usize {
        self.held.len()
    }

    /// Returns how many events it can get now.
    pub(super) fn free_permits(&self, now: Instant, ack_timeout: Duration) -> usize {
        let permits = match self.silent_since {
            None => self.permits as usize,
            Some(since) => usize::from(now >= since + ack_timeout),
        };
        permits.saturating_sub(self.held.len())
    }
}

impl Work {
    /// Adds a consumer. `nonce` makes the ids of its deliveries differ from those of others.
    pub(crate) fn join(&mut self, name: &str, permits: u32, nonce: u32, at: Timestamp) -> Joined {
        let same_name = |consumer: &&Consumer| consumer.name == name;
        let replaced = self.consumers.iter().find(|(_, consumer)| same_name(consumer));
        let replaced = replaced.map(|(id, _)| *id);
        if let Some(replaced) = replaced {
            self.leave(replaced, false, at);
        }
        let id = ConsumerId(self.next_consumer);
        self.next_consumer += 1;
        // Below 2^63, which every language can represent.
        let first_id = u64::from(nonce >> 1) << 32;
        let consumer = Consumer {
            name: name.to_owned(),
            permits,
            held: HashMap::default(),
            first_id,
            last_id: first_id,
            lanes: VecDeque::new(),
            silent_since: None,
            connected_at: at,
        };
        self.consumers.insert(id, consumer);
        let is_active = self.settings.mode != Mode::Exclusive || *self.active.get_or_insert(id) == id;
        Joined {
            id,
            is_active,
            replaced,
        }
    }

    /// Removes a consumer at a time, and returns its deliveries to the group. If it stopped gracefully, these do not
    /// count as attempts. Otherwise the first event of each lane does, because the consumer may have stopped because of
    /// it.
    pub(crate) fn leave(&mut self, id: ConsumerId, is_graceful: bool, at: Timestamp) {
        let Some(consumer) = self.consumers.get_mut(&id) else {
            return;
        };
        let name = consumer.name.clone();
        let mut held: Vec<_> = consumer.held.drain().map(|(_, item)| item).collect();
        let listed = std::mem::take(&mut consumer.lanes);
        for key in listed {
            if let Some(lane) = self.lanes.get_mut(&key) {
                lane.listed = false;
            }
        }
        // From the first event of each lane on, so that it takes the later ones with it.
        held.sort_unstable_by_key(|item| self.items[*item].position);
        for item in held {
            // Unless it was returned with an earlier one.
            if self.is_held_by(item, id) {
                let action = if is_graceful {
                    Action::Release
                } else {
                    Action::Return
                };
                self.fail(item, &action, "the consumer disconnected", &name, (None, at));
            }
        }
        self.consumers.remove(&id);
        self.told.retain(|(told, _)| *told != id);
        if self.active == Some(id) {
            self.active = None;
            self.activate_next();
        }
    }

    /// Makes the consumer that has waited longest the active one of an exclusive group. One that is silent has its turn
    /// only if all are.
    pub(super) fn activate_next(&mut self) {
        let by_silence = |(id, consumer): &(&ConsumerId, &Consumer)| (consumer.silent_since, **id);
        let next = self.consumers.iter().min_by_key(by_silence);
        if let Some((id, _)) = next.filter(|(id, _)| self.active != Some(**id)) {
            self.active = Some(*id);
            self.told.push((*id, Told::Active));
        }
    }

    /// Changes how many deliveries a consumer holds at most.
    pub(crate) fn set_permits(&mut self, id: ConsumerId, permits: u32) {
        if let Some(consumer) = self.consumers.get_mut(&id) {
            consumer.permits = permits;
            self.heard_of(id);
        }
    }

    /// Notes that a consumer has sent something.
    pub(super) fn heard_of(&mut self, id: ConsumerId) {
        if let Some(consumer) = self.consumers.get_mut(&id) {
            consumer.silent_since = None;
        }
    }

    /// Returns the deliveries of all consumers, which they no longer hold because the group was changed.
    pub(crate) fn withdraw_all(&self) -> Vec<(ConsumerId, Told)> {
        let held = self
            .consumers
            .iter()
            .filter(|(_, consumer)| !consumer.held.is_empty());
        held.map(|(id, consumer)| {
            let deliveries = consumer.held.keys().copied().collect();
            (*id, Told::Withdrawn(WithdrawalReason::GroupChanged, deliveries))
        })
        .collect()
    }

    /// Takes over the consumers of the same group before it was changed.
    pub(crate) fn take_consumers(&mut self, before: Self) {
        self.next_consumer = before.next_consumer;
        for (id, mut consumer) in before.consumers {
            consumer.held.clear();
            consumer.lanes.clear();
            self.consumers.insert(id, consumer);
        }
        if self.settings.mode == Mode::Exclusive {
            self.active = before.active;
            if self.active.is_none() {
                self.activate_next();
            }
        }
    }

    pub(crate) fn consumers(&self) -> Vec<ConsumerInfo> {
        let info = |(id, consumer): (&ConsumerId, &Consumer)| ConsumerInfo {
            name: consumer.name.clone(),
            permits: consumer.permits,
            in_flight: consumer.in_flight(),
            is_active: self.settings.mode != Mode::Exclusive || self.active == Some(*id),
            connected_at: consumer.connected_at,
        };
        self.consumers.iter().map(info).collect()
    }

    pub(crate) fn has_consumers(&self) -> bool {
        !self.consumers.is_empty()
    }
}
