//! Appends that are drawn: new ones, and earlier ones again.

use std::collections::BTreeMap;

use annals_store::{EventType, Expected, NewEvent, Revision, StreamName, Tag};
use bytes::Bytes;
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use super::plan::Plan;

/// Types and tags in use, so that queries find something.
pub(super) const TYPES: [&str; 4] = ["Placed", "Paid", "Packed", "Shipped"];
pub(super) const TAGS: [&str; 3] = ["red", "green", "blue"];

/// An append as it can be sent, and sent again.
#[derive(Clone)]
pub(super) struct Attempt {
    pub stream: StreamName,
    pub expected: Expected,
    pub events: Vec<NewEvent>,
}

impl Attempt {
    /// A new one. `known_revisions`: what was last heard of each stream, by which some of them are right.
    pub(super) fn draw(
        plan: &Plan,
        known_revisions: &BTreeMap<StreamName, Option<Revision>>,
        rng: &mut StdRng,
    ) -> Self {
        let number = rng.random_range(0..plan.streams);
        let stream = StreamName::new(&format!("order-{number}")).expect("a plain name is valid");
        let known = known_revisions.get(&stream).copied().flatten();
        let expected = match (rng.random_range(0..100), known) {
            (0..=29, _) => Expected::Any,
            (30..=39, _) => Expected::StreamExists,
            (40..=44, _) | (_, None) => Expected::NoStream,
            (45..=54, Some(known)) => {
                Expected::Exactly(Revision(known.0.saturating_sub(rng.random_range(0..3))))
            }
            (55..=57, Some(known)) => Expected::Exactly(Revision(known.0 + rng.random_range(1..3))),
            (_, Some(known)) => Expected::Exactly(known),
        };
        let count = match rng.random_range(0..1_000) {
            0..=799 => 1,
            800..=949 => rng.random_range(2..6),
            950..=994 => rng.random_range(6..30),
            _ => rng.random_range(100..200),
        };
        let mut events: Vec<NewEvent> = (0..count).map(|_| event(rng, count)).collect();
        if rng.random_ratio(plan.chunked_percent, 100) {
            events[0].data = vec![rng.random(); rng.random_range(100_001..250_000)].into();
        }
        Self {
            stream,
            expected,
            events,
        }
    }

    /// The same again: mostly as it was, sometimes in part, or more than it was, or with another expectation.
    pub(super) fn varied(&self, rng: &mut StdRng) -> Self {
        let mut attempt = self.clone();
        let events = attempt.events.len();
        match rng.random_range(0..20) {
            0 if events > 1 => attempt.events.truncate(rng.random_range(1..events)),
            1 if events > 1 => drop(attempt.events.drain(..rng.random_range(1..events))),
            2 => attempt.events.push(event(rng, 1)),
            3 => attempt.expected = [Expected::Any, Expected::StreamExists][rng.random_range(0..2)],
            _ => {}
        }
        attempt
    }
}

fn event(rng: &mut StdRng, count: usize) -> NewEvent {
    let bytes = match rng.random_range(0..100) {
        0..=87 => rng.random_range(0..120),
        88..=97 if count < 100 => rng.random_range(120..3_000),
        98..=99 if count < 10 => rng.random_range(3_000..40_000),
        _ => 0,
    };
    let mut data = vec![0_u8; bytes];
    for byte in data.iter_mut().take(16) {
        *byte = rng.random();
    }
    let tags = TAGS.iter().filter(|_| rng.random_bool(0.2));
    NewEvent {
        tags: tags
            .map(|tag| Tag::new(tag).expect("a plain name is valid"))
            .collect(),
        id: uuid::Builder::from_random_bytes(rng.random()).into_uuid(),
        kind: EventType::new(TYPES.choose(rng).unwrap_or(&TYPES[0])).expect("a plain name is valid"),
        data: data.into(),
        metadata: if rng.random_bool(0.2) {
            Bytes::from_static(b"{}")
        } else {
            Bytes::new()
        },
    }
}
