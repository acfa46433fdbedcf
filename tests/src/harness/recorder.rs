//! A client that records its requests and the responses, for the checker.

use std::{future::IntoFuture, sync::Arc};

use annals_client::{
    Append, AppendPipeline, Appended, AppendedToMany, Client, Error, Event, ExpectedRevision, PendingAppend,
    Query, QueryItem, RecordedEvent, Revision, Subscription, SubscriptionItem,
};
use parking_lot::Mutex;

use crate::checker::{
    AppendAnswer, CallId, Check, Expected, FailedCheck, Filter, FilterItem, Found, History, Notice, Observed,
    Placed, Refusal, Sent, Start, SubscribeRequest, Target, check, digest,
};

/// Records all calls made through it. Clones record to the same history.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    history: Arc<Mutex<History>>,
}

impl Recorder {
    /// Appends, and records the request before and the response after it.
    ///
    /// # Errors
    /// Those of the client.
    pub async fn append(
        &self,
        client: &Client,
        stream: &str,
        expected: ExpectedRevision,
        events: Vec<Event>,
    ) -> Result<Appended, Error> {
        let call = self.asked(stream, expected, &events);
        let result = client.append(stream, expected, events).await;
        self.answered(call, &result);
        result
    }

    /// Submits an append to a pipeline; [`Recorder::settle`] awaits and records its response.
    pub async fn submit(
        &self,
        pipeline: &AppendPipeline,
        stream: &str,
        expected: ExpectedRevision,
        events: Vec<Event>,
    ) -> (CallId, Result<PendingAppend, Error>) {
        let call = self.asked(stream, expected, &events);
        (call, pipeline.append(stream, expected, events).await)
    }

    /// Awaits the response to an append of a pipeline.
    ///
    /// # Errors
    /// Those of the client.
    pub async fn settle(
        &self,
        (call, submitted): (CallId, Result<PendingAppend, Error>),
    ) -> Result<Appended, Error> {
        let result = match submitted {
            Ok(pending) => pending.await,
            Err(error) => Err(error),
        };
        self.answered(call, &result);
        result
    }

    /// Appends events to many streams, and records it like [`Recorder::append`].
    ///
    /// # Errors
    /// Those of the client.
    pub async fn append_to_many(
        &self,
        client: &Client,
        events: Vec<(String, Event)>,
        checks: Vec<Check>,
    ) -> Result<AppendedToMany, Error> {
        let asked = events.iter().map(|(stream, event)| (stream.clone(), sent(event)));
        let call = self
            .history
            .lock()
            .append_to_many(asked.collect(), checks.clone());
        let append = events.into_iter().fold(Append::new(), |append, (stream, event)| {
            append.write(stream, [event])
        });
        let append = checks.into_iter().fold(append, |append, check| match check {
            Check::Stream { stream, expected } => append.expect_stream(stream, to_client(expected)),
            Check::NoMatch { filter, after } => append.expect_no_match(query(filter), after),
        });
        let result = client.append_to_many(append).await;
        let answer = match &result {
            Ok(appended) => acknowledged(appended),
            Err(error) => refusal(error),
        };
        self.history.lock().append_answered(call, answer);
        result
    }

    fn asked(&self, stream: &str, expected: ExpectedRevision, events: &[Event]) -> CallId {
        let sent = events.iter().map(sent).collect();
        self.history.lock().append(stream, of_client(expected), sent)
    }

    fn answered(&self, call: CallId, result: &Result<Appended, Error>) {
        let answer = answer(result);
        self.history.lock().append_answered(call, answer);
    }

    /// Opens a subscription, and records its deliveries.
    ///
    /// # Errors
    /// Those of the client.
    pub async fn subscribe(
        &self,
        request: SubscribeRequest,
        subscribe: impl IntoFuture<Output = Result<Subscription, Error>>,
    ) -> Result<Followed, Error> {
        let call = self.history.lock().subscribe(request);
        let subscription = subscribe.into_future().await?;
        Ok(Followed {
            recorder: self.clone(),
            call,
            subscription,
            caught_up: false,
            last_position: 0,
        })
    }

    /// A copy of the history so far.
    #[must_use]
    pub fn history(&self) -> History {
        self.history.lock().clone()
    }
}

/// A subscription whose notices are recorded.
#[derive(Debug)]
pub struct Followed {
    recorder: Recorder,
    call: CallId,
    subscription: Subscription,
    caught_up: bool,
    /// The last position that it reported.
    pub last_position: u64,
}

impl Followed {
    /// A subscription to the whole log from the beginning.
    #[must_use]
    pub fn whole_log() -> SubscribeRequest {
        SubscribeRequest {
            target: Target::Log,
            start: Start::Beginning,
            filter: Filter::default(),
        }
    }

    /// The next item.
    ///
    /// # Panics
    /// If the subscription ended: the client's subscriptions never end without an error.
    pub async fn next(&mut self) -> SubscriptionItem {
        let item = self
            .subscription
            .next()
            .await
            .expect("a subscription does not end");
        let item = item.expect("a subscription resumes automatically");
        let notice = match &item {
            SubscriptionItem::Event(event) => Notice::Events(vec![observed(event)]),
            // The client repeats it after it resumed; for the subscription as a whole that is only a checkpoint.
            SubscriptionItem::CaughtUp { position, .. } if self.caught_up => Notice::Checkpoint(position.0),
            SubscriptionItem::CaughtUp { position, .. } => {
                self.caught_up = true;
                Notice::CaughtUp(position.0)
            }
            SubscriptionItem::FellBehind { position, head, .. } => {
                self.caught_up = false;
                Notice::FellBehind(position.0, head.0)
            }
            SubscriptionItem::Checkpoint { position, .. } => Notice::Checkpoint(position.0),
            other => panic!("an item that the harness does not know: {other:?}"),
        };
        self.last_position = match &item {
            SubscriptionItem::Event(event) => event.position.0,
            SubscriptionItem::CaughtUp { position, .. }
            | SubscriptionItem::FellBehind { position, .. }
            | SubscriptionItem::Checkpoint { position, .. } => position.0,
            _ => self.last_position,
        };
        let mut history = self.recorder.history.lock();
        history.notice(self.call, notice);
        if let SubscriptionItem::CaughtUp { revision, .. }
        | SubscriptionItem::FellBehind { revision, .. }
        | SubscriptionItem::Checkpoint { revision, .. } = &item
            && let Some(revision) = revision
        {
            history.notice(self.call, Notice::ReachedRevision(revision.0));
        }
        drop(history);
        item
    }

    /// Continues until the subscription has reported this position.
    pub async fn until(&mut self, position: u64) {
        while self.last_position < position {
            self.next().await;
        }
    }
}

/// Judges a history by the log that it led to.
///
/// # Panics
/// If a rule was broken; shows the first violations.
pub fn assert_sound(history: &History, log: &[RecordedEvent]) {
    let log: Vec<Observed> = log.iter().map(observed).collect();
    if let Err(violations) = check(history, &log) {
        let shown: Vec<String> = violations.iter().take(10).map(ToString::to_string).collect();
        panic!(
            "{} rules broken, among them:\n{}",
            violations.len(),
            shown.join("\n")
        );
    }
}

/// Converts an event to the checker's type.
#[must_use]
pub fn observed(event: &RecordedEvent) -> Observed {
    Observed {
        position: event.position.0,
        stream: event.stream.clone(),
        revision: event.revision.0,
        id: event.id,
        kind: event.event_type.clone(),
        tags: event.tags.clone(),
        digest: digest(&event.data, &event.metadata),
        recorded_at: micros(event.recorded_at),
    }
}

fn micros(time: annals_client::Timestamp) -> u64 {
    u64::try_from(time.as_microsecond()).expect("events are recorded after 1970")
}

fn sent(event: &Event) -> Sent {
    Sent {
        id: event.id,
        kind: event.event_type.clone(),
        tags: event.tags.clone(),
        digest: digest(&event.data, &event.metadata),
    }
}

fn query(filter: Filter) -> Query {
    let item = |item: FilterItem| QueryItem {
        types: item.types,
        type_prefixes: item.type_prefixes,
        streams: item.streams,
        stream_prefixes: item.stream_prefixes,
        tags: item.tags,
    };
    filter.items.into_iter().map(item).fold(Query::all(), Query::or)
}

const fn to_client(expected: Expected) -> ExpectedRevision {
    match expected {
        Expected::Any => ExpectedRevision::Any,
        Expected::NoStream => ExpectedRevision::NoStream,
        Expected::StreamExists => ExpectedRevision::StreamExists,
        Expected::Exactly(revision) => ExpectedRevision::Exactly(Revision(revision)),
    }
}

const fn of_client(expected: ExpectedRevision) -> Expected {
    match expected {
        ExpectedRevision::Any => Expected::Any,
        ExpectedRevision::NoStream => Expected::NoStream,
        ExpectedRevision::StreamExists => Expected::StreamExists,
        ExpectedRevision::Exactly(revision) => Expected::Exactly(revision.0),
    }
}

fn answer(result: &Result<Appended, Error>) -> AppendAnswer {
    match result {
        Ok(appended) => AppendAnswer::Acknowledged(Placed {
            first_revision: appended.first_revision.0,
            last_revision: appended.last_revision.0,
            others: Vec::new(),
            first_position: appended.first_position.0,
            last_position: appended.last_position.0,
            recorded_at: micros(appended.recorded_at),
            already_appended: appended.already_appended,
        }),
        Err(error) => refusal(error),
    }
}

fn acknowledged(appended: &AppendedToMany) -> AppendAnswer {
    let mut revisions = appended
        .streams
        .iter()
        .map(|written| (written.first_revision.0, written.last_revision.0));
    let (first_revision, last_revision) = revisions.next().expect("an append writes to a stream");
    AppendAnswer::Acknowledged(Placed {
        first_revision,
        last_revision,
        others: revisions.collect(),
        first_position: appended.first_position.0,
        last_position: appended.last_position.0,
        recorded_at: micros(appended.recorded_at),
        already_appended: appended.already_appended,
    })
}

fn refusal(error: &Error) -> AppendAnswer {
    match error {
        Error::RevisionConflict { actual, .. } => AppendAnswer::Rejected(Refusal::Revision {
            actual: actual.map(u64::from),
        }),
        Error::EventIdConflict {
            stream,
            revision,
            position,
            ..
        } => AppendAnswer::Rejected(Refusal::Id {
            stream: stream.clone(),
            revision: revision.map(u64::from),
            position: position.0,
        }),
        // All failed checks are listed: tests have fewer than the limit.
        Error::ChecksFailed { failed, .. } => {
            let failed = failed.iter().map(|failed| FailedCheck {
                index: failed.index,
                found: match failed.found {
                    annals_client::Found::Stream { actual, .. } => Found::Last(actual.map(u64::from)),
                    annals_client::Found::Match { position, .. } => Found::Match(position.0),
                    annals_client::Found::State { .. } => panic!("no recorded append has checks of state"),
                },
            });
            AppendAnswer::Rejected(Refusal::Checks(failed.collect()))
        }
        Error::PositionBeyondHead { position, head } => AppendAnswer::Rejected(Refusal::BeyondHead {
            after: position.0,
            head: head.0,
        }),
        Error::InvalidField(_) | Error::TooLarge(_) => AppendAnswer::Refused,
        _ => AppendAnswer::Unknown,
    }
}
