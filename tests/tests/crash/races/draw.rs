//! Draws the appends of a client of a race: many concern the same few streams, types and tags as those of the other
//! clients, so that many fail, for every possible reason, and many are written.

use std::collections::{BTreeSet, HashMap};

use annals_client::Event;
use annals_proto::v1 as pb;
use pb::{expected_revision::Expected as Wanted, pipelined_append::Append as Request};
use rand::{Rng, SeedableRng, rngs::StdRng};

const STREAMS: u64 = 24;
const TAGS: u64 = 20;
const TYPES: u64 = 4;
/// Names of which each can be claimed once.
const NAMES: u64 = 2_000;
/// Number of appends that are remembered, to be retried.
const REMEMBERED_MAX: usize = 12;

/// Draws appends from a seed, using its client's knowledge.
pub struct Draw {
    random: StdRng,
    /// The highest head in a response.
    pub head: u64,
    /// The last revisions in responses.
    revisions: HashMap<String, Option<u64>>,
    remembered: Vec<pb::PipelinedAppend>,
}

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            head: 0,
            revisions: HashMap::new(),
            remembered: Vec::new(),
        }
    }

    pub fn random(&mut self) -> &mut StdRng {
        &mut self.random
    }

    /// Learns a head.
    pub fn learn(&mut self, head: u64) {
        self.head = self.head.max(head);
    }

    /// Learns the last revision of a stream.
    pub fn learn_revision(&mut self, stream: &str, last: Option<u64>) {
        let known = self.revisions.entry(stream.to_owned()).or_default();
        *known = (*known).max(last);
    }

    /// Remembers an append for a later retry, or for the next call if `at_once`.
    pub fn remember(&mut self, append: pb::PipelinedAppend, at_once: bool) {
        let index = if at_once { 0 } else { self.remembered.len() };
        self.remembered.insert(index, append);
        self.remembered.truncate(REMEMBERED_MAX);
        if self.remembered.len() == REMEMBERED_MAX && !at_once {
            self.remembered.remove(REMEMBERED_MAX / 2);
        }
    }

    /// A new append, or one that was sent before.
    pub fn append(&mut self) -> pb::PipelinedAppend {
        if !self.remembered.is_empty() && self.random.random_bool(0.12) {
            let index = self.random.random_range(0..self.remembered.len().min(4));
            return self.remembered[index].clone();
        }
        match self.random.random_range(0..100) {
            0..15 => self.one_stream(),
            15..30 => self.checked(0, 1..4),
            30..50 => self.checked(1..3, 0..3),
            50..70 => {
                let query = self.query();
                self.decided(query)
            }
            70..82 => self.claim(),
            82..88 => self.many_checks(),
            88..92 => self.beyond_head(),
            92..96 => self.known_id(),
            _ => self.checked(0, 0),
        }
    }

    /// An append that was decided on a query, as of the known head. Its events invalidate the other clients'
    /// decisions on that query.
    pub fn decided(&mut self, query: pb::Query) -> pb::PipelinedAppend {
        let after = self.head;
        let mut append = self.plain();
        let wanted = query.items.first().cloned().unwrap_or_default();
        if let Some(event) = append.writes[0].events.first_mut() {
            if let Some(kind) = wanted.types.first() {
                event.r#type.clone_from(kind);
            }
            for tag in wanted.tags {
                if !event.tags.contains(&tag) {
                    event.tags.push(tag);
                }
            }
        }
        append.checks.push(no_match(query, after));
        to_many(append)
    }

    /// One or two alternatives, of names that the other clients use too.
    pub fn query(&mut self) -> pb::Query {
        if self.random.random_bool(0.02) {
            return pb::Query::default();
        }
        let count = self.random.random_range(1..=2);
        let items = (0..count).map(|_| {
            let mut item = pb::QueryItem::default();
            match self.random.random_range(0..6) {
                0 => item.tags = self.tags(1),
                1 => item.tags = self.tags(2),
                2 => {
                    item.types = vec![self.kind(), self.kind()];
                    item.types.dedup();
                    item.tags = self.tags(1);
                }
                3 => {
                    item.types.push(self.kind());
                    item.streams.push(self.stream());
                }
                4 => {
                    item.streams.push(self.stream());
                    item.tags = self.tags(1);
                }
                _ => {
                    item.types.push(self.kind());
                    item.tags = self.tags(2);
                }
            }
            item
        });
        pb::Query {
            items: items.collect(),
        }
    }

    fn one_stream(&mut self) -> pb::PipelinedAppend {
        let stream = self.stream();
        let append = pb::AppendToStreamRequest {
            expected: Some(self.expected(&stream)),
            stream,
            events: self.events(),
            recorded_at: None,
        };
        pb::PipelinedAppend {
            append: Some(Request::AppendToStream(append)),
        }
    }

    /// An append with this many checks of queries and of streams.
    fn checked(&mut self, queries: impl Count, streams: impl Count) -> pb::PipelinedAppend {
        let mut append = self.plain();
        for _ in 0..queries.draw(&mut self.random) {
            let after = self.after();
            append.checks.push(no_match(self.query(), after));
        }
        let count = streams.draw(&mut self.random);
        let names: BTreeSet<String> = (0..count).map(|_| self.stream()).collect();
        for stream in names {
            let expected = Some(self.expected(&stream));
            append.checks.push(pb::Check {
                check: Some(pb::check::Check::Stream(pb::StreamCheck { stream, expected })),
            });
        }
        to_many(append)
    }

    /// Claims one of the names that can be claimed once.
    fn claim(&mut self) -> pb::PipelinedAppend {
        // Near the names that the other clients claim at the moment.
        let name = (self.head / 12 + self.random.random_range(0..40)) % NAMES;
        let tag = format!("name:{name}");
        let mut append = self.plain();
        append.writes[0].events[0].tags = vec![tag.clone()];
        let item = pb::QueryItem {
            tags: vec![tag],
            ..pb::QueryItem::default()
        };
        append.checks.push(no_match(pb::Query { items: vec![item] }, 0));
        to_many(append)
    }

    /// More checks fail than are listed.
    fn many_checks(&mut self) -> pb::PipelinedAppend {
        let mut append = self.plain();
        for _ in 0..self.random.random_range(15..40) {
            let after = match self.random.random_bool(0.7) {
                true => self.head.saturating_sub(self.random.random_range(10..60)),
                false => self.head,
            };
            append.checks.push(no_match(self.query(), after));
        }
        to_many(append)
    }

    fn beyond_head(&mut self) -> pb::PipelinedAppend {
        let mut append = self.plain();
        let after = self.head + self.random.random_range(1..400);
        append.checks.push(no_match(self.query(), after));
        to_many(append)
    }

    /// The id of an event that was sent before, followed by new ones.
    fn known_id(&mut self) -> pb::PipelinedAppend {
        let first = self
            .remembered
            .first()
            .and_then(|append| match append.append.as_ref()? {
                Request::AppendToStream(append) => Some((append.stream.clone(), append.events[0].clone())),
                Request::AppendToMany(append) => {
                    let write = &append.writes[0];
                    Some((write.stream.clone(), write.events[0].clone()))
                }
            });
        let mut append = self.plain();
        if let Some((stream, event)) = first {
            append.writes.insert(
                0,
                pb::Write {
                    stream,
                    events: vec![event],
                    expected: None,
                },
            );
        }
        to_many(append)
    }

    /// Events for one to three streams; one of these may occur twice.
    fn plain(&mut self) -> pb::AppendToManyRequest {
        let count = self.random.random_range(1..=3);
        let writes = (0..count).map(|_| pb::Write {
            stream: self.stream(),
            events: self.events(),
            expected: None,
        });
        pb::AppendToManyRequest {
            writes: writes.collect(),
            ..pb::AppendToManyRequest::default()
        }
    }

    fn events(&mut self) -> Vec<pb::NewEvent> {
        let count = self.random.random_range(1..=2);
        let events = (0..count).map(|_| {
            let mut data = vec![0; self.random.random_range(0..120)];
            self.random.fill(&mut data[..]);
            let mut event = Event::new(self.kind(), data);
            let tags = self.random.random_range(0..3);
            event.tags = self.tags(tags);
            event.into()
        });
        events.collect()
    }

    fn kind(&mut self) -> String {
        format!("Kind{}", self.random.random_range(0..TYPES))
    }

    fn stream(&mut self) -> String {
        format!("stream-{}", self.random.random_range(0..STREAMS))
    }

    fn tags(&mut self, count: u64) -> Vec<String> {
        let first = self.random.random_range(0..TAGS);
        (0..count)
            .map(|n| format!("tag:{}", (first + n * 3) % TAGS))
            .collect()
    }

    /// Mostly the known head.
    fn after(&mut self) -> u64 {
        match self.random.random_range(0..10) {
            0..7 => self.head,
            7..9 => self.head.saturating_sub(self.random.random_range(0..20)),
            _ => self.random.random_range(0..=self.head),
        }
    }

    /// Mostly the known state of the stream.
    fn expected(&mut self, stream: &str) -> pb::ExpectedRevision {
        let known = self.revisions.get(stream).copied().flatten();
        let expected = match self.random.random_range(0..20) {
            0..14 => known.map_or(Wanted::NoStream(()), Wanted::Revision),
            14 => Wanted::NoStream(()),
            15 | 16 => Wanted::StreamExists(()),
            17 | 18 => Wanted::Any(()),
            _ => Wanted::Revision(known.unwrap_or(0) + self.random.random_range(0..5)),
        };
        pb::ExpectedRevision {
            expected: Some(expected),
        }
    }
}

/// A number, or one from a range.
trait Count {
    fn draw(self, random: &mut StdRng) -> u64;
}

impl Count for u64 {
    fn draw(self, _random: &mut StdRng) -> u64 {
        self
    }
}

impl Count for std::ops::Range<u64> {
    fn draw(self, random: &mut StdRng) -> u64 {
        random.random_range(self)
    }
}

fn no_match(query: pb::Query, after: u64) -> pb::Check {
    let query = Some(query);
    pb::Check {
        check: Some(pb::check::Check::NoMatch(pb::NoMatchCheck { query, after })),
    }
}

fn to_many(append: pb::AppendToManyRequest) -> pb::PipelinedAppend {
    pb::PipelinedAppend {
        append: Some(Request::AppendToMany(append)),
    }
}
