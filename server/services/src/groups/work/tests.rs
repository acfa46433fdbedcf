//! Random operations beside a model that knows only what was delivered and what was said.

use std::collections::{BTreeMap, BTreeSet};

use annals_store::{EncodedEvent, Timestamp};
use bytes::Bytes;
use proptest::prelude::*;
use tokio::time::{Duration, Instant};

use super::*;
use crate::groups::settings::Mode;

#[derive(Clone, Debug)]
enum Step {
    Admit(u64),
    Replay(u64),
    Join(u32),
    Leave(usize, bool),
    Ack(usize, usize),
    Nack(usize, usize, Action),
    Extend(usize, usize),
    Permits(usize, u32),
    Wait(u64),
    Dispatch,
    Store(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let action = prop_oneof![
        Just(Action::Retry(None)),
        Just(Action::Retry(Some(Duration::from_millis(700)))),
        Just(Action::Park),
        Just(Action::Skip),
        Just(Action::Release),
    ];
    prop_oneof![
        8 => (0..4_u64).prop_map(Step::Admit),
        1 => (0..4_u64).prop_map(Step::Replay),
        2 => (1..6_u32).prop_map(Step::Join),
        1 => (0..4_usize, any::<bool>()).prop_map(|(consumer, graceful)| Step::Leave(consumer, graceful)),
        8 => (0..4_usize, 0..8_usize).prop_map(|(consumer, nth)| Step::Ack(consumer, nth)),
        4 => (0..4_usize, 0..8_usize, action).prop_map(|(consumer, nth, action)| Step::Nack(consumer, nth, action)),
        1 => (0..4_usize, 0..8_usize).prop_map(|(consumer, nth)| Step::Extend(consumer, nth)),
        1 => (0..4_usize, 1..6_u32).prop_map(|(consumer, permits)| Step::Permits(consumer, permits)),
        3 => (1..3_000_u64).prop_map(Step::Wait),
        10 => Just(Step::Dispatch),
        2 => (0..4_usize).prop_map(Step::Store),
    ]
}

/// What the outside world knows.
struct World {
    work: Work,
    mode: Mode,
    now: Instant,
    next_position: u64,
    consumers: Vec<ConsumerId>,
    /// What each consumer holds: the lane and the position, by the id of the delivery.
    held: BTreeMap<ConsumerId, BTreeMap<u64, (LaneKey, u64)>>,
    permits: BTreeMap<ConsumerId, u32>,
    admitted: BTreeMap<u64, LaneKey>,
    done: BTreeSet<u64>,
    parked: BTreeSet<u64>,
    replaying: BTreeSet<u64>,
    names: u32,
}

impl World {
    fn new(mode: Mode, park_following: bool) -> Self {
        let settings = GroupSettings {
            mode: mode.clone(),
            park_following,
            attempts_max: 3,
            ..GroupSettings::default()
        };
        let now = Instant::now();
        Self {
            work: Work::new(settings, now),
            mode,
            now,
            next_position: 1,
            consumers: Vec::new(),
            held: BTreeMap::new(),
            permits: BTreeMap::new(),
            admitted: BTreeMap::new(),
            done: BTreeSet::new(),
            parked: BTreeSet::new(),
            replaying: BTreeSet::new(),
            names: 0,
        }
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_micros(1)
    }

    fn event(position: u64, lane: LaneKey) -> AdmittedEvent {
        AdmittedEvent {
            position,
            lane,
            event: EncodedEvent::new(Bytes::copy_from_slice(&position.to_be_bytes())),
        }
    }

    fn position(event: &EncodedEvent) -> u64 {
        u64::from_be_bytes(event.bytes()[..].try_into().unwrap())
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Admit(lane) => {
                let position = self.next_position;
                self.next_position += 1;
                let lane = match self.mode {
                    Mode::Unordered => position,
                    Mode::Exclusive => 0,
                    _ => lane,
                };
                self.admitted.insert(position, lane);
                self.work.admit(Origin::Log, Self::event(position, lane), None, 0);
            }
            Step::Replay(nth) => {
                let parked = self
                    .parked
                    .iter()
                    .filter(|position| !self.replaying.contains(*position));
                if let Some(position) = parked.copied().nth(usize::try_from(nth).unwrap()) {
                    self.replaying.insert(position);
                    let event = Self::event(position, self.admitted[&position]);
                    self.work.admit(Origin::Replay, event, None, 0);
                }
            }
            Step::Join(permits) => {
                if self.consumers.len() < 4 {
                    self.names += 1;
                    let name = format!("c{}", self.names);
                    let joined = self.work.join(&name, permits, 1_000 * self.names, self.at());
                    self.consumers.push(joined.id);
                    self.held.insert(joined.id, BTreeMap::new());
                    self.permits.insert(joined.id, permits);
                }
            }
            Step::Leave(consumer, is_graceful) => {
                if consumer < self.consumers.len() {
                    let id = self.consumers.remove(consumer);
                    self.work.leave(id, is_graceful, self.at());
                    self.held.remove(&id);
                    self.permits.remove(&id);
                }
            }
            Step::Ack(consumer, nth) => self.settle(consumer, nth, |id| Settlement {
                acks: vec![id],
                ..Settlement::default()
            }),
            Step::Nack(consumer, nth, action) => self.settle(consumer, nth, |id| Settlement {
                nacks: vec![Nack {
                    deliveries: vec![id],
                    action: action.clone(),
                    reason: "r".into(),
                }],
                ..Settlement::default()
            }),
            Step::Extend(consumer, nth) => self.settle(consumer, nth, |id| Settlement {
                extensions: vec![id],
                ..Settlement::default()
            }),
            Step::Permits(consumer, permits) => {
                if let Some(id) = self.consumers.get(consumer).copied() {
                    self.work.set_permits(id, permits);
                    let before = self.permits[&id];
                    self.permits.insert(id, permits.max(before));
                }
            }
            Step::Wait(millis) => {
                self.now += Duration::from_millis(millis * 10);
                self.work.tick(self.now, self.at());
            }
            Step::Dispatch => self.dispatch(),
            Step::Store(changes) => self.store(changes),
        }
        self.hear();
    }

    fn settle(&mut self, consumer: usize, nth: usize, settlement: impl Fn(u64) -> Settlement) {
        let Some(id) = self.consumers.get(consumer).copied() else {
            return;
        };
        let Some((delivery, (_, position))) = self.held[&id].iter().nth(nth).map(|(id, held)| (*id, *held))
        else {
            return;
        };
        let settlement = settlement(delivery);
        let is_extended = !settlement.extensions.is_empty();
        let is_done =
            !settlement.acks.is_empty() || settlement.nacks.iter().any(|nack| nack.action == Action::Skip);
        self.work.settle(id, settlement, self.now, self.at()).unwrap();
        if is_extended || !is_done {
            // A nack is answered.
            return;
        }
        self.held.get_mut(&id).unwrap().remove(&delivery);
        self.done.insert(position);
    }

    /// Learns which deliveries were withdrawn.
    fn hear(&mut self) {
        for (id, told) in self.work.take_told() {
            if let Told::Withdrawn(_, deliveries) = told {
                for delivery in deliveries {
                    let held = self.held.get_mut(&id).expect("told to a consumer that has left");
                    assert!(held.remove(&delivery).is_some(), "withdrawn but not held");
                }
            }
        }
    }

    fn dispatch(&mut self) {
        self.hear();
        for (id, deliveries) in self.work.dispatch(self.now, self.at(), |_| true) {
            for delivery in deliveries {
                let position = Self::position(&delivery.event);
                let lane = self.admitted[&position];
                assert!((1..=3).contains(&delivery.attempt));
                assert!(
                    !self.done.contains(&position) || self.parked.contains(&position),
                    "done before"
                );
                for (other, held) in &self.held {
                    for (held_lane, held_position) in held.values() {
                        assert!(*held_position != position, "held twice");
                        if *held_lane == lane {
                            assert_eq!(*other, id, "two consumers hold events of one lane");
                            if !self.replaying.contains(&position) && !self.replaying.contains(held_position)
                            {
                                assert!(*held_position < position, "out of order");
                            }
                        }
                    }
                }
                if !self.replaying.contains(&position) {
                    // Every earlier event of the lane is done, parked, or held by the same consumer.
                    for (earlier, _) in self
                        .admitted
                        .range(..position)
                        .filter(|(_, other)| **other == lane)
                    {
                        let is_held = self.held[&id].values().any(|(_, held)| held == earlier);
                        let has_left = self.done.contains(earlier) || self.parked.contains(earlier);
                        let is_parking = self.is_parking(*earlier);
                        assert!(
                            is_held || has_left || is_parking,
                            "{earlier} was passed by {position}"
                        );
                    }
                }
                self.held
                    .get_mut(&id)
                    .unwrap()
                    .insert(delivery.id, (lane, position));
            }
            let held = self.held[&id].len();
            assert!(held <= self.permits[&id] as usize, "more than its permits");
        }
    }

    fn is_parking(&self, position: u64) -> bool {
        let mut parking = self.work.parking.iter();
        parking.any(|id| self.work.items[*id].position == position)
    }

    fn store(&mut self, changes: usize) {
        let progress = self.work.progress(changes);
        let positions: Vec<_> = progress.pending.iter().map(|(position, _)| *position).collect();
        assert!(positions.is_sorted());
        for park in &progress.parks {
            assert!(!positions.contains(&park.position) || park.origin == Origin::Replay);
            self.parked.insert(park.position);
            self.replaying.remove(&park.position);
        }
        for position in &progress.replayed {
            self.parked.remove(position);
            self.replaying.remove(position);
            self.done.insert(*position);
        }
        // What is stored is complete: every event is done, parked, or pending.
        for position in self.admitted.keys() {
            let is_pending = positions.contains(position);
            let is_known = self.done.contains(position) || self.parked.contains(position);
            assert!(is_pending || is_known, "{position} is lost");
        }
        self.work.stored(&progress);
    }

    /// Everything is processed by a consumer that acks all.
    fn finish(mut self) {
        while let Some(id) = self.consumers.pop() {
            self.work.leave(id, true, self.at());
            self.held.remove(&id);
        }
        self.take(Step::Join(5));
        for _ in 0..20 * (self.admitted.len() + 1) {
            self.take(Step::Wait(100));
            self.take(Step::Dispatch);
            while !self.held[&self.consumers[0]].is_empty() {
                self.take(Step::Ack(0, 0));
            }
        }
        self.store(1_000);
        let left: Vec<_> = self
            .admitted
            .keys()
            .filter(|position| !self.done.contains(*position) && !self.parked.contains(*position))
            .collect();
        assert!(left.is_empty(), "{left:?} were never delivered");
        assert_eq!(self.work.counts(), Counts::default());
        assert!(self.work.lanes.is_empty() && self.work.items.is_empty());
        assert_eq!(self.work.bytes, 0);
    }
}

fn check(mode: Mode, park_following: bool, steps: Vec<Step>) {
    let mut world = World::new(mode, park_following);
    for step in steps {
        world.take(step);
    }
    world.finish();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn an_ordered_group_keeps_its_guarantees(steps in proptest::collection::vec(step(), 1..120)) {
        check(Mode::OrderedByStream, false, steps);
    }

    #[test]
    fn an_ordered_group_that_parks_later_events_keeps_its_guarantees(
        steps in proptest::collection::vec(step(), 1..120)
    ) {
        check(Mode::OrderedByStream, true, steps);
    }

    #[test]
    fn an_unordered_group_keeps_its_guarantees(steps in proptest::collection::vec(step(), 1..120)) {
        check(Mode::Unordered, false, steps);
    }

    #[test]
    fn an_exclusive_group_keeps_its_guarantees(steps in proptest::collection::vec(step(), 1..120)) {
        check(Mode::Exclusive, false, steps);
    }
}

#[test]
fn a_delivery_that_a_consumer_never_had_is_an_error() {
    let mut world = World::new(Mode::OrderedByStream, false);
    world.take(Step::Admit(1));
    world.take(Step::Join(1));
    world.take(Step::Dispatch);
    let id = world.consumers[0];
    let (delivery, _) = world.held[&id].first_key_value().unwrap();
    for unknown in [0, 1, delivery + 1, u64::MAX] {
        let settlement = Settlement {
            acks: vec![unknown],
            ..Settlement::default()
        };
        let settled = world.work.settle(id, settlement, world.now, world.at());
        assert_eq!(settled.map_err(|unknown| unknown.0), Err(unknown));
    }
}
