//! Appends as values: what a client asks for, and what it gets.
//!
//! 1. An append is within all limits, and its events are encoded once, as they will be stored and sent.
//! 2. Most appends are of one event to one stream. For those nothing is allocated that only others need.

mod appended;
mod checks;
mod encoded;
mod error;
mod event;
mod prepared;
mod run;
mod searched;
mod target;

use bytes::Bytes;
use uuid::Uuid;

pub use appended::{Appended, Revisions};
pub use error::AppendError;
pub(crate) use event::{PreparedEvent, check_event};
use prepared::Prepared;
pub(crate) use run::Run;
pub(crate) use searched::Searched;
pub(crate) use target::Target;
use target::{Targets, number};

use crate::{
    format::record,
    model::check::Check,
    values::{
        event::NewEvent,
        expected::Expected,
        limits::{self, Limits},
        name::StreamName,
        one_or_more::OneOrMore,
        position::{Position, Revision, Timestamp},
    },
};

/// Events for one stream, as a part of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The stream.
    pub stream: StreamName,
    /// At least one.
    pub events: Vec<NewEvent>,
}

/// An event of an append, its stream, and the revision that it gets there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<'a> {
    pub id: Uuid,
    pub body: &'a [u8],
    pub stream: &'a StreamName,
    pub revision: Revision,
}

/// Events for one stream or for many, with what must hold for them to be written, within all limits.
#[derive(Clone, Debug)]
pub struct Append {
    /// The streams, in the order in which they first occur.
    pub(crate) targets: OneOrMore<Target>,
    /// What is expected of the first event's stream, which also tells how a retry is told from a new append.
    pub(crate) expected: Expected,
    /// Whether that is a demand of the append itself; otherwise it is what its checks say.
    pub(crate) expects: bool,
    pub(crate) events: Vec<PreparedEvent>,
    /// The bodies of its events, one behind the other, with a few bytes between them if they stand as they came.
    bodies: Bytes,
    pub(crate) bytes: usize,
    pub(crate) checks: Vec<Check>,
    /// How far the log was searched for what its checks do not allow, and nothing found.
    pub(crate) searched: Searched,
    /// When they were recorded, if it is not to be now.
    pub(crate) recorded_at: Option<Timestamp>,
}

impl Append {
    /// Takes events for a stream if they are within the limits.
    ///
    /// # Errors
    /// [`AppendError`] says which limit is exceeded, and by what.
    pub fn new(
        stream: StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
        limits: &Limits,
    ) -> Result<Self, AppendError> {
        let bytes = event::check_all(events.iter().map(|event| (event, &stream)), limits)?;
        let target = Target {
            stream,
            events: number(events.len()),
        };
        let mut prepared = Prepared::for_events(events.iter());
        for (nth, event) in events.iter().enumerate() {
            prepared.push(event, 0, number(nth));
        }
        Ok(Self {
            targets: OneOrMore::one(target),
            expected,
            expects: true,
            events: prepared.events,
            bodies: prepared.bodies.freeze(),
            bytes,
            checks: Vec::new(),
            searched: Searched::default(),
            recorded_at: None,
        })
    }

    /// Takes events for any number of streams, in their order, which are written only if the checks hold. If not, the
    /// rejection lists all that do not.
    ///
    /// # Errors
    /// [`AppendError`] says which limit is exceeded, and by what.
    pub fn to_many(writes: Vec<Write>, checks: Vec<Check>, limits: &Limits) -> Result<Self, AppendError> {
        if writes.len() > limits::APPEND_WRITES_MAX {
            return Err(AppendError::TooManyWrites {
                writes: writes.len(),
                writes_max: limits::APPEND_WRITES_MAX,
            });
        }
        if let Some(write) = writes.iter().position(|write| write.events.is_empty()) {
            return Err(AppendError::EmptyWrite { write });
        }
        checks::validate(&checks)?;
        let given = writes
            .iter()
            .flat_map(|write| write.events.iter().map(move |event| (event, &write.stream)));
        let bytes = event::check_all(given, limits)?;
        let mut targets = Targets::default();
        let mut prepared = Prepared::for_events(writes.iter().flat_map(|write| &write.events));
        for write in &writes {
            let stream = targets.index_of(&write.stream);
            for event in &write.events {
                prepared.push(event, stream, targets.count(stream));
            }
        }
        let targets = targets.found.ok_or(AppendError::NoEvents)?;
        let expected = checks::expected_of(&checks, &targets.first().stream);
        Ok(Self {
            targets,
            expected,
            expects: false,
            events: prepared.events,
            bodies: prepared.bodies.freeze(),
            bytes,
            checks,
            searched: Searched::default(),
            recorded_at: None,
        })
    }

    /// The same append, of events that were recorded at this time in the store from which they are moved. Written only
    /// with [`Settings::accept_recorded_times`](crate::Settings::accept_recorded_times), and if the log's times do not go
    /// backwards or beyond now with it; see [`Rejection`](crate::Rejection).
    #[must_use]
    pub fn recorded_at(mut self, recorded_at: Timestamp) -> Self {
        self.recorded_at = Some(recorded_at);
        self
    }

    /// The same append, of which another server of the log has searched up to a position for what its checks do not allow,
    /// and found nothing.
    #[must_use]
    pub fn searched_to(mut self, position: Position) -> Self {
        self.searched = Searched {
            to: position,
            prefix_changes: None,
        };
        self
    }

    /// Up to where the log was searched for what its checks do not allow, and nothing found.
    #[must_use]
    pub const fn searched(&self) -> Position {
        self.searched.to
    }

    /// An append to one stream, written only if these hold besides what it expects of that stream. If not, the rejection
    /// lists all that do not.
    ///
    /// Such an append with [`Expected::Any`] or [`Expected::StreamExists`] is compared only with what was appended after
    /// the greatest position behind which it allows no match, as one with an exact revision is only compared with what
    /// stands behind that: it can't have been written before.
    ///
    /// # Errors
    /// [`AppendError`] if there are too many, one has a query that the indexes can't answer, or one is about the append's
    /// own stream.
    pub fn with_checks(mut self, checks: Vec<Check>) -> Result<Self, AppendError> {
        checks::validate(&checks)?;
        let own = |check: &Check| check.stream() == Some(self.stream());
        if let Some(index) = checks.iter().position(own) {
            let stream = self.stream().clone();
            return Err(AppendError::RepeatedCheck { index, stream });
        }
        self.checks = checks;
        Ok(self)
    }
}

impl Append {
    /// What must hold besides what is expected of its stream, or, if nothing is expected by itself, at all.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Bytes that it takes while it waits: of its events and of its checks.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.bytes + self.checks.iter().map(Check::bytes).sum::<usize>()
    }

    /// The position before which it can't have been written: that up to which the caller knew the log.
    pub(crate) fn known_to(&self) -> Position {
        self.checks
            .iter()
            .filter_map(Check::after)
            .max()
            .unwrap_or_default()
    }

    /// The stream of its first event.
    #[must_use]
    pub fn stream(&self) -> &StreamName {
        &self.targets.first().stream
    }

    /// The streams, in the order in which they first occur.
    pub fn streams(&self) -> impl Iterator<Item = &StreamName> {
        self.targets.iter().map(|target| &target.stream)
    }

    /// Whether it has events for one stream only.
    pub(crate) fn is_to_one(&self) -> bool {
        self.targets.rest().is_empty()
    }

    /// What it expects of its stream by itself; `None`: it was made [`to_many`](Self::to_many), and its checks say all.
    #[must_use]
    pub fn expected(&self) -> Option<Expected> {
        self.expects.then_some(self.expected)
    }

    /// The events, as they were given, those for the same stream that follow each other in one write.
    ///
    /// # Panics
    /// Never: they were encoded here.
    pub fn writes(&self) -> impl Iterator<Item = Write> + '_ {
        let of_one_stream = self.events.chunk_by(|one, next| one.stream == next.stream);
        of_one_stream.map(|events| Write {
            stream: self.stream_of(&events[0]).clone(),
            events: events.iter().map(|event| self.unprepare(event)).collect(),
        })
    }

    /// The events, as they were given.
    ///
    /// # Panics
    /// Never: they were encoded here.
    pub fn events(&self) -> impl Iterator<Item = NewEvent> + '_ {
        self.events.iter().map(|event| self.unprepare(event))
    }

    /// When its events were recorded in the store that they come from, if it was given.
    #[must_use]
    pub const fn given_time(&self) -> Option<Timestamp> {
        self.recorded_at
    }

    /// The ids of the events, in order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = Uuid> + '_ {
        self.events.iter().map(|event| event.id)
    }

    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// How many events there are, at most 10,000.
    pub(crate) fn count(&self) -> u32 {
        number(self.events.len())
    }

    /// Never: an append has events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether the append is remembered by its first event's id, because no revision tells a retry from a new append.
    pub(crate) fn is_keyed(&self) -> bool {
        matches!(self.expected, Expected::Any | Expected::StreamExists)
    }

    /// The stream of one of its events.
    pub(crate) fn stream_of(&self, event: &PreparedEvent) -> &StreamName {
        &self.targets[event.stream as usize].stream
    }

    /// Where its events stand in their streams, if its streams go on with these revisions.
    pub(crate) fn placed<'a>(
        &'a self,
        firsts: &'a OneOrMore<Revision>,
    ) -> impl ExactSizeIterator<Item = Placed<'a>> {
        self.events.iter().map(|event| {
            let stream = event.stream as usize;
            Placed {
                id: event.id,
                body: &self.bodies[event.body.clone()],
                stream: &self.targets[stream].stream,
                revision: Revision(firsts[stream].0 + u64::from(event.nth)),
            }
        })
    }

    fn unprepare(&self, event: &PreparedEvent) -> NewEvent {
        let body = self.bodies.slice(event.body.clone());
        record::parse_body(event.id, &body).expect("a body that was encoded can be decoded")
    }

    /// What is told of it if its streams go on with these revisions and its events with this position.
    pub(crate) fn appended(
        &self,
        firsts: &OneOrMore<Revision>,
        first_position: Position,
        recorded_at: Timestamp,
        already_appended: bool,
    ) -> Appended {
        let of = |n: usize| Revisions::from(firsts[n], self.targets[n].events);
        let first = of(0);
        Appended {
            first_revision: first.first,
            last_revision: first.last,
            others: (1..self.targets.len()).map(of).collect(),
            first_position,
            last_position: Position(first_position.0 + self.len() as u64 - 1),
            recorded_at,
            already_appended,
        }
    }
}

#[cfg(test)]
mod tests;
