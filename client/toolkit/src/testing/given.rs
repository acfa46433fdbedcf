//! Tests of rules without a server: given events, when a command is executed, then events or a rejection.
//!
//! An unexpected outcome panics, like an assertion.

use std::collections::HashMap;
use std::fmt::Debug;

use annals_client::{Position, RecordedEvent, Revision, Timestamp};

use crate::aggregate::Aggregate;
use crate::decision::{DecisionModel, To};
use crate::schema::DomainEvent;

/// The recorded time of the first event of a test: 2026-01-01; each one is a second after the one before.
const FIRST_RECORDED_SECONDS: i64 = 1_767_225_600;

/// Starts a test of an aggregate with these events.
///
/// # Panics
/// If an event can't be decoded from its stored form.
#[track_caller]
pub fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let mut state = A::default();
    let stream = format!("{}-test", A::CATEGORY);
    for recorded in record(events.into_iter().map(|event| To::new(stream.clone(), event))) {
        state.apply(&stored(&recorded));
    }
    Given { state }
}

/// Starts a test of a decision model, or a tuple of them, with these events.
///
/// # Panics
/// If an event can't be decoded from its stored form.
#[track_caller]
pub fn given_model<M: DecisionModel>(
    mut model: M,
    events: impl IntoIterator<Item = To<M::Event>>,
) -> Given<M> {
    for recorded in record(events) {
        model.take(&stored(&recorded), &recorded);
    }
    Given { state: model }
}

/// Returns the events as a store would, a second apart, from position 1: for handlers of projections and reactions.
///
/// # Panics
/// If an event can't be encoded.
#[track_caller]
pub fn record<E: DomainEvent>(events: impl IntoIterator<Item = To<E>>) -> Vec<RecordedEvent> {
    let mut revisions: HashMap<String, Revision> = HashMap::new();
    let mut recorded = Vec::new();
    for (position, To { stream, event }) in (1..).zip(events) {
        let event = event.encode().unwrap_or_else(|error| panic!("{error}"));
        let revision = revisions.entry(stream.clone()).or_default();
        recorded.push(RecordedEvent {
            id: event.id,
            stream,
            revision: *revision,
            position: Position(position),
            event_type: event.event_type,
            data: event.data,
            metadata: event.metadata,
            tags: event.tags,
            content_type: annals_client::json::or_json(event.content_type),
            recorded_at: recorded_at(position),
        });
        *revision = revision.next();
    }
    recorded
}

fn recorded_at(position: u64) -> Timestamp {
    let seconds = i64::try_from(position).unwrap_or(i64::MAX);
    Timestamp::from_second(FIRST_RECORDED_SECONDS.saturating_add(seconds)).unwrap_or(Timestamp::MAX)
}

#[track_caller]
fn stored<E: DomainEvent>(recorded: &RecordedEvent) -> E {
    E::decode(recorded)
        .unwrap_or_else(|error| panic!("an event can't be decoded from its stored form: {error}"))
}

/// The state after the given events.
#[derive(Debug, Clone)]
#[must_use = "nothing is tested until `when` is called"]
pub struct Given<S> {
    /// The aggregate or the model.
    pub state: S,
}

impl<S> Given<S> {
    /// Executes a command.
    pub fn when<E, R, I: IntoIterator<Item = E>>(
        &self,
        decide: impl Fn(&S) -> Result<I, R>,
    ) -> Outcome<E, R> {
        let decided = decide(&self.state).map(|events| events.into_iter().collect());
        Outcome { decided }
    }
}

/// The outcome of a command.
#[derive(Debug, Clone)]
#[must_use = "nothing is tested until `then` or `then_rejected` is called"]
pub struct Outcome<E, R> {
    /// The events, or the rejection.
    pub decided: Result<Vec<E>, R>,
}

impl<E: Debug + PartialEq, R: Debug> Outcome<E, R> {
    /// Expects these events, in order; none if none are given.
    ///
    /// # Panics
    /// If the outcome is different.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = E>) {
        let expected: Vec<E> = expected.into_iter().collect();
        match self.decided {
            Ok(events) => assert_eq!(events, expected, "the events decided on are on the left"),
            Err(rejection) => panic!("expected {expected:?}, but the command was rejected: {rejection:?}"),
        }
    }

    /// Expects this rejection.
    ///
    /// # Panics
    /// If the outcome is different.
    #[track_caller]
    pub fn then_rejected(self, expected: R)
    where
        R: PartialEq,
    {
        match self.decided {
            Ok(events) => panic!("expected {expected:?}, but the command decided on {events:?}"),
            Err(rejection) => assert_eq!(rejection, expected, "the rejection is on the left"),
        }
    }
}
