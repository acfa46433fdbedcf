//! What becomes of deliveries: acks, nacks, timeouts, retries.

use std::time::Duration;

use annals_store::Timestamp;
use tokio::time::Instant;

use super::{ConsumerId, ItemId, Origin, Parking, State, Told, WithdrawalReason, Work};
use crate::groups::settings::Mode;

/// How often deadlines are compared with the time, as a part of the ack timeout.
const CHECKS_PER_TIMEOUT: u32 = 20;
/// Reason with which later events of a parked event's lane are parked.
pub(crate) const FOLLOWS: &str = "an earlier event of the same stream is parked";

/// What happens to an event that was not processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is retried after this time, or after the group's delay; parked after the last attempt.
    Retry(Option<Duration>),
    /// It is parked.
    Park,
    /// It is done.
    Skip,
    /// It is delivered again at once, and the attempt does not count.
    Release,
    /// It is delivered again at once, or parked after the last attempt.
    Return,
}

/// Deliveries that were not processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nack {
    pub deliveries: Vec<u64>,
    pub action: Action,
    pub reason: String,
}

/// What a consumer says about its deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settlement {
    pub acks: Vec<u64>,
    pub nacks: Vec<Nack>,
    pub extensions: Vec<u64>,
}

/// A consumer settles a delivery that it never had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnknownDelivery(pub u64);

impl Work {
    /// Settles deliveries of a consumer.
    ///
    /// # Errors
    /// [`UnknownDelivery`]: the consumer never had this delivery. Earlier ones of the message are settled.
    pub(crate) fn settle(
        &mut self,
        id: ConsumerId,
        settlement: Settlement,
        now: Instant,
        at: Timestamp,
    ) -> Result<(), UnknownDelivery> {
        self.heard_of(id);
        let mut late = Vec::new();
        for delivery in settlement.acks {
            if let Some(item) = self.held(id, delivery, &mut late)? {
                self.done(item);
            }
        }
        let mut nacked = Vec::new();
        for nack in settlement.nacks {
            let name = self.consumers.get(&id).map(|consumer| consumer.name.clone());
            let name = name.unwrap_or_default();
            for delivery in nack.deliveries {
                let Some(item) = self.held(id, delivery, &mut late)? else {
                    continue;
                };
                if nack.action == Action::Skip {
                    self.done(item);
                } else {
                    let later = self.fail(item, &nack.action, &nack.reason, &name, (Some(now), at));
                    nacked.push(delivery);
                    nacked.extend(later);
                }
            }
        }
        for delivery in settlement.extensions {
            if let Some(item) = self.held(id, delivery, &mut late)?
                && let State::InFlight { deadline, .. } = &mut self.items[item].state
            {
                *deadline = now + self.settings.ack_timeout;
            }
        }
        if !nacked.is_empty() {
            self.told
                .push((id, Told::Withdrawn(WithdrawalReason::Nacked, nacked)));
        }
        if !late.is_empty() {
            self.told
                .push((id, Told::Withdrawn(WithdrawalReason::TooLate, late)));
        }
        Ok(())
    }

    /// Returns the event of a delivery that a consumer holds. Adds the delivery to `late` if it no longer does.
    fn held(
        &self,
        id: ConsumerId,
        delivery: u64,
        late: &mut Vec<u64>,
    ) -> Result<Option<ItemId>, UnknownDelivery> {
        let Some(consumer) = self.consumers.get(&id) else {
            return Ok(None);
        };
        if let Some(item) = consumer.held.get(&delivery) {
            return Ok(Some(*item));
        }
        if delivery <= consumer.first_id || delivery > consumer.last_id {
            return Err(UnknownDelivery(delivery));
        }
        late.push(delivery);
        Ok(None)
    }

    /// Whether a consumer holds this event. The event may be gone.
    pub(super) fn is_held_by(&self, item: ItemId, id: ConsumerId) -> bool {
        let state = self.items.get(item).map(|item| &item.state);
        matches!(state, Some(State::InFlight { consumer, .. }) if *consumer == id)
    }

    fn done(&mut self, id: ItemId) {
        self.take_from_holder(id);
        self.dequeue(self.items[id].lane, id);
        let item = self.remove(id);
        if item.origin == Origin::Replay {
            self.replayed.push(item.position);
        }
    }

    /// Ends a delivery of an event that is not done, and the later ones of its lane, whose ids are returned. `now` is
    /// needed for a retry.
    pub(super) fn fail(
        &mut self,
        id: ItemId,
        action: &Action,
        reason: &str,
        consumer: &str,
        (now, at): (Option<Instant>, Timestamp),
    ) -> Vec<u64> {
        self.has_changed = true;
        let item = &self.items[id];
        let is_last = item.attempts >= self.settings.attempts_max;
        let is_parked = match action {
            Action::Park => true,
            Action::Retry(_) | Action::Return => is_last,
            Action::Release | Action::Skip => false,
        };
        if is_parked {
            let parking = Parking {
                reason: reason.to_owned(),
                consumer: consumer.to_owned(),
                at,
            };
            return self.park_item(id, parking);
        }
        let (key, attempts) = (item.lane, item.attempts);
        let later = self.withdraw_after(id);
        self.take_from_holder(id);
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.in_flight -= 1;
        }
        let state = match (action, now) {
            (Action::Retry(wanted), Some(now)) => {
                let delay = wanted.unwrap_or_else(|| self.settings.delay_after(attempts));
                self.waiting.insert((now + delay, id));
                State::Waiting(now + delay)
            }
            _ => State::Ready,
        };
        let item = &mut self.items[id];
        item.state = state;
        if *action == Action::Release {
            item.attempts -= 1;
        }
        self.let_go(key);
        self.offer(key);
        later
    }

    /// Parks an event, and the later ones of its lane if the group says so. Returns the deliveries of the later ones.
    fn park_item(&mut self, id: ItemId, parking: Parking) -> Vec<u64> {
        let key = self.items[id].lane;
        let at = parking.at;
        let withdrawn = match self.settings.park_following {
            true => self.withdraw_after(id),
            false => Vec::new(),
        };
        self.take_from_holder(id);
        let later: Vec<_> = match self.lanes.get(&key) {
            Some(lane) if self.settings.park_following => {
                let queue = lane.queue.iter().copied();
                queue.skip_while(|other| *other != id).skip(1).collect()
            }
            _ => Vec::new(),
        };
        self.dequeue(key, id);
        self.items[id].state = State::Parking(parking);
        self.parking.insert(id);
        if let Some(noted) = &mut self.noted {
            noted.insert(key);
        }
        for id in later {
            self.dequeue(key, id);
            if let State::Waiting(until) = self.items[id].state {
                self.waiting.remove(&(until, id));
            }
            self.items[id].state = State::Parking(Parking {
                reason: FOLLOWS.to_owned(),
                consumer: String::new(),
                at,
            });
            self.parking.insert(id);
        }
        withdrawn
    }

    /// Withdraws the events in flight after this one of its lane, and returns the ids of their deliveries. These do not
    /// count as attempts.
    fn withdraw_after(&mut self, id: ItemId) -> Vec<u64> {
        let key = self.items[id].lane;
        let Some(lane) = self.lanes.get_mut(&key) else {
            return Vec::new();
        };
        let in_flight = lane.queue.iter().take(lane.in_flight);
        let later: Vec<_> = in_flight
            .copied()
            .skip_while(|other| *other != id)
            .skip(1)
            .collect();
        lane.in_flight -= later.len();
        let mut deliveries = Vec::with_capacity(later.len());
        for id in later {
            deliveries.extend(self.take_from_holder(id));
            let item = &mut self.items[id];
            item.state = State::Ready;
            item.attempts -= 1;
        }
        deliveries
    }

    /// Takes an event from the consumer that holds it, and returns the id of the delivery.
    fn take_from_holder(&mut self, id: ItemId) -> Option<u64> {
        let State::InFlight {
            consumer, delivery, ..
        } = self.items[id].state
        else {
            return None;
        };
        if let Some(consumer) = self.consumers.get_mut(&consumer) {
            consumer.held.remove(&delivery);
        }
        Some(delivery)
    }

    /// Withdraws deliveries that are overdue, and readies events that have waited long enough. Call it when
    /// [`Self::wakes_at`] says so, or more often.
    pub(crate) fn tick(&mut self, now: Instant, at: Timestamp) {
        self.ticked_at = now;
        while let Some((until, id)) = self.waiting.first().copied()
            && until <= now
        {
            self.waiting.remove(&(until, id));
            self.items[id].state = State::Ready;
            self.offer(self.items[id].lane);
        }
        if now < self.checked_at + self.check_interval() {
            return;
        }
        self.checked_at = now;
        let mut overdue = Vec::new();
        for (id, consumer) in &self.consumers {
            for (delivery, item) in &consumer.held {
                if let State::InFlight { deadline, .. } = self.items[*item].state
                    && deadline <= now
                {
                    overdue.push((self.items[*item].position, *id, *delivery, *item));
                }
            }
        }
        overdue.sort_unstable();
        for (_, id, delivery, item) in overdue {
            // Unless it was withdrawn with an earlier one.
            let is_held = self
                .consumers
                .get(&id)
                .is_some_and(|consumer| consumer.held.contains_key(&delivery));
            if is_held {
                self.time_out(item, id, delivery, (now, at));
            }
        }
    }

    fn time_out(&mut self, item: ItemId, id: ConsumerId, delivery: u64, (now, at): (Instant, Timestamp)) {
        let Some(consumer) = self.consumers.get_mut(&id) else {
            return;
        };
        consumer.silent_since = Some(now);
        let name = consumer.name.clone();
        let reason = "the consumer did not settle it in time";
        let later = self.fail(item, &Action::Retry(None), reason, &name, (Some(now), at));
        let withdrawn = std::iter::once(delivery).chain(later).collect();
        let told = Told::Withdrawn(WithdrawalReason::AckTimeout, withdrawn);
        self.told.push((id, told));
        if self.settings.mode == Mode::Exclusive && self.active == Some(id) {
            self.activate_next();
            if self.active != Some(id) {
                self.told.push((id, Told::StandsBy));
            }
        }
    }

    fn check_interval(&self) -> Duration {
        self.settings.ack_timeout / CHECKS_PER_TIMEOUT
    }

    /// Returns when [`Self::tick`] has something to do; `None`: not before something else happens.
    pub(crate) fn wakes_at(&self) -> Option<Instant> {
        let holds = self.consumers.values().any(|consumer| !consumer.held.is_empty());
        let check = holds.then(|| self.checked_at + self.check_interval());
        let retry = self.waiting.first().map(|(until, _)| *until);
        let silent = self
            .consumers
            .values()
            .filter_map(|consumer| consumer.silent_since);
        let offered = silent.map(|since| since + self.settings.ack_timeout);
        let offered = offered.filter(|at| *at > self.ticked_at).min();
        [check, retry, offered].into_iter().flatten().min()
    }
}
