//! Draws appends: new ones, and retries of earlier ones.

use std::collections::BTreeMap;

use annals_store::{
    Append, AppendError, ContentType, EventType, Expected, Limits, NewEvent, Revision, StateWriteError,
    StreamName, Tag, Write,
};
use bytes::Bytes;
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use super::{plan::Plan, state::Parts};
use crate::checker::{Check, Filter, FilterItem};

/// Types and tags in use, so that queries find events.
pub(super) const TYPES: [&str; 4] = ["Placed", "Paid", "Packed", "Shipped"];
pub(super) const TAGS: [&str; 3] = ["red", "green", "blue"];

/// An append that can be sent any number of times.
#[derive(Clone)]
pub(super) struct Attempt {
    pub expected: Expected,
    /// The events, each with its stream.
    pub events: Vec<(StreamName, NewEvent)>,
    /// The conditions, if it is an append to many streams; they then contain all expectations.
    pub checks: Option<Vec<Check>>,
    /// Changes and checks of state, if it is an append to many streams.
    pub state: Option<Parts>,
}

/// A client's knowledge of the log, with which some of its requests are right.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// The last known revision of each stream.
    pub revisions: BTreeMap<StreamName, Option<Revision>>,
    /// The last known position.
    pub head: u64,
}

impl Attempt {
    /// Draws a new append.
    pub(super) fn draw(plan: &Plan, known: &Known, rng: &mut StdRng) -> Self {
        let stream = stream(plan, rng);
        let expected = expected(&stream, known, rng);
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
        let to_many = rng.random_ratio(plan.to_many_percent, 100);
        if to_many && count == 1 && rng.random_bool(0.7) {
            events.extend((0..rng.random_range(1..4)).map(|_| event(rng, 1)));
        }
        let mut at = stream;
        let events = events.into_iter().map(|event| {
            if to_many && rng.random_bool(0.4) {
                at = self::stream(plan, rng);
            }
            (at.clone(), event)
        });
        let events = events.collect();
        Self {
            expected,
            events,
            checks: to_many.then(|| checks(plan, known, rng)),
            state: None,
        }
    }

    /// The stream of its first event.
    pub(super) fn stream(&self) -> &StreamName {
        &self.events[0].0
    }

    /// Converts the append to the store's type.
    pub(super) fn append(&self, limits: &Limits) -> Result<Append, AppendError> {
        let Some(checks) = &self.checks else {
            let events = self.events.iter().map(|(_, event)| event.clone());
            return Append::new(self.stream().clone(), self.expected, events.collect(), limits);
        };
        let of_one_stream = self.events.chunk_by(|one, next| one.0 == next.0);
        let writes = of_one_stream.map(|events| Write {
            stream: events[0].0.clone(),
            events: events.iter().map(|(_, event)| event.clone()).collect(),
        });
        let checks = checks.iter().map(Into::into).collect();
        Append::to_many(writes.collect(), checks, limits)
    }

    /// Adds the part that concerns state.
    pub(super) fn with_state(&self, append: Append, limits: &Limits) -> Result<Append, StateWriteError> {
        match &self.state {
            None => Ok(append),
            Some(parts) => append.with_state(parts.store_changes(), parts.store_checks(), limits),
        }
    }

    /// A retry: mostly unchanged, sometimes with fewer or more events, or with another expectation.
    pub(super) fn varied(&self, rng: &mut StdRng) -> Self {
        let mut attempt = self.clone();
        // Other events with the same ids could be written again, with the same values of state.
        if self.state.is_some() {
            return attempt;
        }
        let events = attempt.events.len();
        match rng.random_range(0..20) {
            0 if events > 1 => attempt.events.truncate(rng.random_range(1..events)),
            1 if events > 1 => drop(attempt.events.drain(..rng.random_range(1..events))),
            2 => {
                let stream = attempt.events[events - 1].0.clone();
                attempt.events.push((stream, event(rng, 1)));
            }
            3 => attempt.expected = [Expected::Any, Expected::StreamExists][rng.random_range(0..2)],
            // Checks drawn for the current head would demand something else of the same events.
            4 if rng.random_bool(0.5) => attempt.checks = attempt.checks.map(|_| Vec::new()),
            _ => {}
        }
        attempt
    }
}

fn stream(plan: &Plan, rng: &mut StdRng) -> StreamName {
    let number = rng.random_range(0..plan.streams);
    StreamName::new(&format!("order-{number}")).expect("a plain name is valid")
}

fn expected(stream: &StreamName, known: &Known, rng: &mut StdRng) -> Expected {
    let known = known.revisions.get(stream).copied().flatten();
    match (rng.random_range(0..100), known) {
        (0..=29, _) => Expected::Any,
        (30..=39, _) => Expected::StreamExists,
        (40..=44, _) | (_, None) => Expected::NoStream,
        (45..=54, Some(known)) => Expected::Exactly(Revision(known.0.saturating_sub(rng.random_range(0..3)))),
        (55..=57, Some(known)) => Expected::Exactly(Revision(known.0 + rng.random_range(1..3))),
        (_, Some(known)) => Expected::Exactly(known),
    }
}

/// Draws conditions: on streams, whether they are written to or not, and on recently appended events.
fn checks(plan: &Plan, known: &Known, rng: &mut StdRng) -> Vec<Check> {
    let mut checks: Vec<Check> = Vec::new();
    for _ in 0..rng.random_range(0..3) {
        let name = stream(plan, rng);
        let again =
            |check: &Check| matches!(check, Check::Stream { stream, .. } if *stream == *name.as_str());
        if !checks.iter().any(again) {
            checks.push(Check::Stream {
                expected: expected(&name, known, rng).into(),
                stream: name.to_string(),
            });
        }
    }
    for _ in 0..[0, 0, 1, 1, 2][rng.random_range(0..5)] {
        let item = match rng.random_range(0..4) {
            0 => FilterItem {
                streams: vec![stream(plan, rng).to_string()],
                ..FilterItem::default()
            },
            1 => FilterItem {
                types: vec![one_of(&TYPES, rng)],
                ..FilterItem::default()
            },
            2 => FilterItem {
                tags: vec![one_of(&TAGS, rng)],
                ..FilterItem::default()
            },
            _ => FilterItem {
                types: vec![one_of(&TYPES, rng), one_of(&TYPES, rng)],
                tags: vec![one_of(&TAGS, rng)],
                ..FilterItem::default()
            },
        };
        let items = if rng.random_bool(0.1) {
            Vec::new()
        } else {
            vec![item]
        };
        checks.push(Check::NoMatch {
            filter: Filter { items },
            after: match rng.random_range(0..100) {
                0..=69 => known.head,
                70..=89 => known.head.saturating_sub(rng.random_range(0..10)),
                90..=95 => 0,
                _ => known.head + rng.random_range(1..20),
            },
        });
    }
    checks
}

fn one_of(names: &[&str], rng: &mut StdRng) -> String {
    names.choose(rng).unwrap_or(&names[0]).to_string()
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
        content_type: ContentType::new(if rng.random_bool(0.1) { "text/plain" } else { "" })
            .expect("a media type is valid"),
        // Fields of a newer version: 20, which a client sends, and 70, which a server assigns.
        unknown: match rng.random_range(0..20) {
            0 => Bytes::from_static(&[0xA0, 0x01, 0x07]),
            1 => Bytes::from_static(&[0xB0, 0x04, 0x01]),
            _ => Bytes::new(),
        },
    }
}
