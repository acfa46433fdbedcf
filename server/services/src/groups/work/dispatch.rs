//! Gives events to consumers.

use std::collections::BTreeMap;

use annals_store::{EncodedEvent, Timestamp};
use tokio::time::Instant;

use super::{ConsumerId, Item, LaneKey, State, Work};
use crate::groups::settings::Mode;

/// The most events of one lane that a consumer gets before it is another consumer's turn.
const TURN_EVENTS: usize = 16;
/// Bytes of events from which a message to a consumer gets no more, so that it stays below the 4 MiB that gRPC clients
/// accept.
const MESSAGE_BYTES: usize = 1 << 20;

/// A delivery of an event to a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub id: u64,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    pub event: EncodedEvent,
}

/// What is given to a consumer in one message.
#[derive(Default)]
struct Given {
    deliveries: Vec<Delivery>,
    bytes: usize,
}

impl Work {
    /// Delivers what can be delivered to consumers for which `has_space` is true, as much as one message to each can
    /// have. Lanes are given in turns.
    pub(crate) fn dispatch(
        &mut self,
        now: Instant,
        at: Timestamp,
        mut has_space: impl FnMut(ConsumerId) -> bool,
    ) -> BTreeMap<ConsumerId, Vec<Delivery>> {
        let mut deliveries: BTreeMap<ConsumerId, Given> = BTreeMap::new();
        let timeout = self.settings.ack_timeout;
        let gets_some = |(id, consumer): (&ConsumerId, &super::Consumer)| {
            let is_active = self.settings.mode != Mode::Exclusive || self.active == Some(*id);
            (is_active && consumer.free_permits(now, timeout) > 0 && has_space(*id)).then_some(*id)
        };
        let mut ready: Vec<_> = self.consumers.iter().filter_map(gets_some).collect();
        // Begins with the consumer after the one that was served last.
        let first = ready.partition_point(|id| *id <= self.served);
        ready.rotate_left(first);
        while !ready.is_empty() {
            ready.retain(|id| {
                let Some(key) = self.next_lane(*id) else {
                    return false;
                };
                let given = deliveries.entry(*id).or_default();
                self.deliver(key, *id, now, at, given);
                self.served = *id;
                let has_permits = self
                    .consumers
                    .get(id)
                    .is_some_and(|consumer| consumer.free_permits(now, timeout) > 0);
                has_permits && given.bytes < MESSAGE_BYTES
            });
        }
        let some = deliveries
            .into_iter()
            .filter(|(_, given)| !given.deliveries.is_empty());
        some.map(|(id, given)| (id, given.deliveries)).collect()
    }

    /// Returns a lane from which a consumer can get an event: one that it holds, or a free one.
    fn next_lane(&mut self, id: ConsumerId) -> Option<LaneKey> {
        loop {
            let consumer = self.consumers.get_mut(&id)?;
            let key = consumer.lanes.pop_front().or_else(|| self.free.pop_front())?;
            let Some(lane) = self.lanes.get_mut(&key) else {
                continue;
            };
            if !lane.listed || lane.holder.is_some_and(|holder| holder != id) {
                continue;
            }
            lane.listed = false;
            let is_ready = |id| {
                matches!(
                    self.items[id],
                    Item {
                        state: State::Ready,
                        ..
                    }
                )
            };
            if lane.next().is_some_and(is_ready) {
                return Some(key);
            }
        }
    }

    fn deliver(&mut self, key: LaneKey, id: ConsumerId, now: Instant, at: Timestamp, given: &mut Given) {
        let (Some(lane), Some(consumer)) = (self.lanes.get_mut(&key), self.consumers.get_mut(&id)) else {
            return;
        };
        let deadline = now + self.settings.ack_timeout;
        for _ in 0..consumer
            .free_permits(now, self.settings.ack_timeout)
            .min(TURN_EVENTS)
        {
            if given.bytes >= MESSAGE_BYTES {
                break;
            }
            let Some(next) = lane.next() else {
                break;
            };
            let item = &mut self.items[next];
            if !matches!(item.state, State::Ready) {
                break;
            }
            consumer.last_id += 1;
            item.attempts += 1;
            item.first_delivered_at.get_or_insert(at);
            item.state = State::InFlight {
                consumer: id,
                delivery: consumer.last_id,
                deadline,
            };
            consumer.held.insert(consumer.last_id, next);
            lane.in_flight += 1;
            lane.holder = Some(id);
            given.bytes += item.event.bytes().len();
            given.deliveries.push(Delivery {
                id: consumer.last_id,
                attempt: item.attempts,
                event: item.event.clone(),
            });
        }
        // For attempts, and because events in flight are pending as well.
        self.has_changed = true;
        self.offer(key);
    }
}
