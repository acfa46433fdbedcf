//! Appends as values: the request of a client, and its result.
//!
//! 1. An append is within all limits, and its events are encoded once, as they will be stored and sent.
//! 2. Most appends are of one event to one stream. They allocate nothing that only other appends need.

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
use smallvec::{SmallVec, smallvec};
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
    model::{
        check::Check,
        state::{StateChange, StateCheck, StateWrite, StateWriteError},
    },
    values::{
        event::NewEvent,
        expected::Expected,
        limits::{self, Limits},
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

/// Events for one stream, as a part of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The stream to write to.
    pub stream: StreamName,
    /// The events, at least one.
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

/// Events for one or more streams, with the conditions for writing them, within all limits.
#[derive(Clone, Debug)]
pub struct Append {
    /// Streams of the append, at least one, in the order in which they first occur.
    pub(crate) targets: SmallVec<[Target; 1]>,
    /// Expected state of the first event's stream. It also determines how a retry is detected.
    pub(crate) expected: Expected,
    /// Whether the append itself expects that state; otherwise the expectation is from its checks.
    pub(crate) expects: bool,
    pub(crate) events: Vec<PreparedEvent>,
    /// Bodies of the events, one after the other. A few bytes are between them if they are stored as received.
    bodies: Bytes,
    pub(crate) bytes: usize,
    pub(crate) checks: Vec<Check>,
    /// How far the log was searched for matches that the checks do not allow, without finding any.
    pub(crate) searched: Searched,
    /// Time at which the events were recorded in another store; `None`: they are recorded now.
    pub(crate) recorded_at: Option<Timestamp>,
    /// Changes and checks of state, in the same transaction. Boxed, because few appends have any.
    pub(crate) state: Option<Box<StateWrite>>,
}

impl Append {
    /// Creates an append to one stream if the events are within the limits.
    ///
    /// # Errors
    /// [`AppendError`] with the limit that is exceeded, and the value.
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
            targets: smallvec![target],
            expected,
            expects: true,
            events: prepared.events,
            bodies: prepared.bodies.freeze(),
            bytes,
            checks: Vec::new(),
            searched: Searched::default(),
            recorded_at: None,
            state: None,
        })
    }

    /// Creates an append to any number of streams, in the order of `writes`, that is written only if all checks hold.
    /// If not, the rejection lists all checks that failed.
    ///
    /// # Errors
    /// [`AppendError`] with the limit that is exceeded, and the value.
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
        let first = targets.found.first().ok_or(AppendError::NoEvents)?;
        let expected = checks::expected_of(&checks, &first.stream);
        Ok(Self {
            targets: targets.found,
            expected,
            expects: false,
            events: prepared.events,
            bodies: prepared.bodies.freeze(),
            bytes,
            checks,
            searched: Searched::default(),
            recorded_at: None,
            state: None,
        })
    }

    /// Sets the time at which the events were recorded in the store from which they are moved. The append is then
    /// written only with [`Settings::accept_recorded_times`](crate::Settings::accept_recorded_times), and only if
    /// this time is neither before the last recorded time of the log nor after now; see
    /// [`Rejection`](crate::Rejection).
    #[must_use]
    pub fn recorded_at(mut self, recorded_at: Timestamp) -> Self {
        self.recorded_at = Some(recorded_at);
        self
    }

    /// Sets the position up to which another server of the log has searched for matches that the checks do not allow,
    /// and found none, and the number of changes to prefix settings when it began (`None`: it did not search).
    #[must_use]
    pub fn searched_to(mut self, position: Position, prefix_changes: Option<u64>) -> Self {
        self.searched = Searched {
            to: position,
            prefix_changes,
        };
        self
    }

    /// Returns the position up to which the log was searched for matches that the checks do not allow, without
    /// finding any, and the number of changes to prefix settings when the search began.
    #[must_use]
    pub const fn searched(&self) -> (Position, Option<u64>) {
        (self.searched.to, self.searched.prefix_changes)
    }

    /// Adds changes of state, which are made in the same transaction, and checks of state, which must hold like the
    /// append's other checks.
    ///
    /// # Errors
    /// [`StateWriteError`] with the limit that is exceeded, and the value.
    pub fn with_state(
        mut self,
        changes: Vec<StateChange>,
        checks: Vec<StateCheck>,
        limits: &Limits,
    ) -> Result<Self, StateWriteError> {
        if changes.is_empty() && checks.is_empty() {
            return Ok(self);
        }
        let state = StateWrite::part(self.events[0].id, changes, checks)?;
        let (bytes, bytes_max) = (self.bytes + state.bytes, limits.append_bytes_max);
        if bytes > bytes_max {
            return Err(StateWriteError::TooLarge { bytes, bytes_max });
        }
        self.state = Some(Box::new(state));
        Ok(self)
    }

    /// Returns the changes and checks of state, if the append has any.
    #[must_use]
    pub fn state(&self) -> Option<&StateWrite> {
        self.state.as_deref()
    }

    /// Adds checks that must hold besides the expected state of the append's stream. If not, the rejection lists all
    /// that failed.
    ///
    /// Such an append with [`Expected::Any`] or [`Expected::StreamExists`] is compared, to detect a retry, only with
    /// appends after the greatest position after which it allows no match, because it can't have been written before.
    /// In the same way, an append with an exact revision is compared only with events after that revision.
    ///
    /// # Errors
    /// [`AppendError`] if there are too many checks, one has a query that the indexes can't answer, or one is about
    /// the append's own stream.
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
    /// Returns the conditions besides the expected state of the append's stream or, if the append itself expects
    /// none, all conditions.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Returns the bytes that the append takes while it waits: those of its events and of its checks.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.group_bytes() + self.checks.iter().map(Check::bytes).sum::<usize>()
    }

    /// Returns the bytes that the append writes: those of its events and of its changes of state.
    pub(crate) fn group_bytes(&self) -> usize {
        self.bytes + self.state.as_ref().map_or(0, |state| state.bytes)
    }

    /// Returns the position up to which the caller knew the log, so that the append can't have been written before
    /// it.
    pub(crate) fn known_to(&self) -> Position {
        self.checks
            .iter()
            .filter_map(Check::after)
            .max()
            .unwrap_or_default()
    }

    /// Returns the stream of the first event.
    #[must_use]
    pub fn stream(&self) -> &StreamName {
        &self.targets[0].stream
    }

    /// Returns the streams, in the order in which they first occur.
    pub fn streams(&self) -> impl Iterator<Item = &StreamName> {
        self.targets.iter().map(|target| &target.stream)
    }

    /// Whether the append has events for one stream only.
    pub(crate) fn is_to_one(&self) -> bool {
        self.targets.len() == 1
    }

    /// Returns the state that the append itself expects of its stream; `None` if it was created
    /// [`to_many`](Self::to_many), so that its checks hold all conditions.
    #[must_use]
    pub fn expected(&self) -> Option<Expected> {
        self.expects.then_some(self.expected)
    }

    /// Returns the events, each encoded as an `annals.v1.NewEvent`, with the stream of each write. Consecutive events
    /// for the same stream are in one write.
    pub fn encoded_writes(&self) -> impl Iterator<Item = (&StreamName, Vec<Bytes>)> + '_ {
        self.by_write().map(|events| {
            let bodies = events.iter().map(|event| self.bodies.slice(event.body.clone()));
            (self.stream_of(&events[0]), bodies.collect())
        })
    }

    /// Returns the time at which the events were recorded in the store that they come from, if one was given.
    #[must_use]
    pub const fn given_time(&self) -> Option<Timestamp> {
        self.recorded_at
    }

    /// Returns the ids of the events, in order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = Uuid> + '_ {
        self.events.iter().map(|event| event.id)
    }

    /// Returns the number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Returns the number of events, at most 10,000.
    pub(crate) fn count(&self) -> u32 {
        number(self.events.len())
    }

    /// Returns false: an append has events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether the append is deduplicated by the id of its first event, because no revision distinguishes a retry
    /// from a new append.
    pub(crate) fn is_keyed(&self) -> bool {
        matches!(self.expected, Expected::Any | Expected::StreamExists)
    }

    /// Returns the stream of one of the append's events.
    pub(crate) fn stream_of(&self, event: &PreparedEvent) -> &StreamName {
        &self.targets[event.stream as usize].stream
    }

    /// Returns the events with their streams and revisions, given the first revision in each of the streams.
    pub(crate) fn placed<'a>(&'a self, firsts: &'a [Revision]) -> impl ExactSizeIterator<Item = Placed<'a>> {
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

    /// Returns consecutive events for the same stream together.
    fn by_write(&self) -> impl Iterator<Item = &[PreparedEvent]> {
        self.events.chunk_by(|one, next| one.stream == next.stream)
    }

    /// Returns the result of the append, given the first revision in each of its streams and its first position.
    pub(crate) fn appended(
        &self,
        firsts: &[Revision],
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
            state_versions: Box::default(),
        }
    }
}

#[cfg(test)]
mod tests;
