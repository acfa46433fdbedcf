//! Appends to any number of streams at once, with the conditions on which they are written.

use annals_proto::v1 as pb;
use jiff::Timestamp;

use crate::append::ExpectedRevision;
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::position::{Position, Revision};
use crate::query::Query;
use crate::state::StateWrite;

/// Events for any number of streams, written all or none, if every expectation holds.
///
/// They get consecutive positions in the log, in the order in which they were given. Expectations are evaluated
/// against everything before them, atomically with the write: of two appends that would each violate an expectation
/// of the other, at most one is written.
///
/// For a decision that depends on one stream, append with the revision that was read, as with [`Client::append`]. For
/// a decision that depends on more, name each stream, or a query and the head up to which it was read:
///
/// ```no_run
/// use annals_client::{Append, Client, Error, Event, ExpectedRevision, QueryItem, Revision};
///
/// # async fn subscribe(client: Client) -> Result<(), Error> {
/// // The decision depends on every event about this course.
/// let about_course = QueryItem::new().tagged("course:c1");
/// let mut events = client.read_all().query(about_course.clone()).await?;
/// let head = events.head();
/// let mut free = 0;
/// while let Some(event) = events.next().await {
///     match event?.event_type.as_str() {
///         "CourseDefined" => free += 20,
///         "StudentSubscribed" => free -= 1,
///         _ => {}
///     }
/// }
/// if free > 0 {
///     let subscribed = Event::json("StudentSubscribed", &"s7")?.with_tag("course:c1").with_tag("student:s7");
///     let append = Append::new()
///         .write("course-c1", [subscribed])
///         .write("invoices", [Event::json("FeeDue", &100)?.with_tag("student:s7")])
///         // The course has no new events since it was read.
///         .expect_no_match(about_course, head)
///         // And the student has not left. This stream is not written to.
///         .expect_stream("student-s7", ExpectedRevision::Exactly(Revision(3)));
///     match client.append_to_many(append).await {
///         Ok(appended) => println!("up to position {}", appended.last_position),
///         // Another client appended first: read again, decide again.
///         Err(Error::ChecksFailed { failed, .. }) => println!("{}", failed[0]),
///         Err(error) => return Err(error),
///     }
/// }
/// # Ok(()) }
/// ```
///
/// Events with their streams can also be collected from an iterator, or added by `extend`:
///
/// ```
/// # use annals_client::{Append, Event, ExpectedRevision};
/// # fn event() -> Event { Event::json("StudentSubscribed", &"s7").unwrap() }
/// let append: Append = [("course-c1", event()), ("course-c2", event())].into_iter().collect();
/// let append = append.expect_stream("course-c1", ExpectedRevision::StreamExists);
/// ```
///
/// If it is retried, it returns the result of the first attempt (see [`AppendedToMany::already_appended`]), even if its
/// expectations no longer hold because of its own events.
///
/// [`Client::append`]: crate::Client::append
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "nothing is written until it is passed to `append_to_many`"]
pub struct Append {
    writes: Vec<pb::Write>,
    checks: Vec<pb::Check>,
    recorded_at: Option<Timestamp>,
    state: Option<StateWrite>,
}

impl Append {
    /// Creates an append without events and expectations.
    pub fn new() -> Self {
        Append::default()
    }

    /// Adds events for a stream, after those added before. A stream may be written to several times.
    pub fn write(self, stream: impl Into<String>, events: impl IntoIterator<Item = Event>) -> Self {
        self.write_if(stream, None, events)
    }

    /// Adds events for a stream like [`Append::write`], and requires the stream to be in this state before the
    /// append: short for [`Append::write`] with [`Append::expect_stream`].
    pub fn write_expecting(
        self,
        stream: impl Into<String>,
        expected: ExpectedRevision,
        events: impl IntoIterator<Item = Event>,
    ) -> Self {
        self.write_if(stream, Some(expected), events)
    }

    fn write_if(
        mut self,
        stream: impl Into<String>,
        expected: Option<ExpectedRevision>,
        events: impl IntoIterator<Item = Event>,
    ) -> Self {
        self.writes.push(pb::Write {
            stream: stream.into(),
            events: events.into_iter().map(Into::into).collect(),
            expected: expected.map(Into::into),
        });
        self
    }

    /// Requires a stream to be in this state, whether or not the append writes to it. At most one per stream; other
    /// streams are unconstrained.
    pub fn expect_stream(self, stream: impl Into<String>, expected: ExpectedRevision) -> Self {
        self.expect(pb::check::Check::Stream(pb::StreamCheck {
            stream: stream.into(),
            expected: Some(expected.into()),
        }))
    }

    /// Requires that no event after a position matches a query. The query may name types, streams and tags, but no
    /// prefixes.
    ///
    /// `after` is the [head](crate::Events::head) of the read that the decision depends on, or the smallest of
    /// several. With 0, no event at all may match. A position beyond the head of the log fails with
    /// [`Error::PositionBeyondHead`].
    pub fn expect_no_match(self, query: impl Into<Query>, after: impl Into<Position>) -> Self {
        self.expect(pb::check::Check::NoMatch(pb::NoMatchCheck {
            query: Some(query.into().into()),
            after: after.into().0,
        }))
    }

    /// Sets the time at which the events were recorded in the store from which a log is being moved; see
    /// [`AppendPipeline::append_recorded`](crate::AppendPipeline::append_recorded).
    pub fn recorded_at(mut self, recorded_at: Timestamp) -> Self {
        self.recorded_at = Some(recorded_at);
        self
    }

    /// Makes changes of state in the same transaction as the events, if its checks hold, too. The write's own id is not
    /// used: the append is recognised by the ids of its events.
    pub fn write_state(mut self, write: StateWrite) -> Self {
        self.state = Some(write);
        self
    }

    fn expect(mut self, check: pb::check::Check) -> Self {
        self.checks.push(pb::Check { check: Some(check) });
        self
    }
}

/// Adds events with their streams, in the order of the log.
impl<S: Into<String>> Extend<(S, Event)> for Append {
    fn extend<I: IntoIterator<Item = (S, Event)>>(&mut self, events: I) {
        for (stream, event) in events {
            let stream = stream.into();
            match self.writes.last_mut() {
                Some(last) if last.stream == stream => last.events.push(event.into()),
                _ => self.writes.push(pb::Write {
                    stream,
                    events: vec![event.into()],
                    expected: None,
                }),
            }
        }
    }
}

/// Creates an append without checks, which can be added.
impl<S: Into<String>> FromIterator<(S, Event)> for Append {
    fn from_iter<I: IntoIterator<Item = (S, Event)>>(events: I) -> Self {
        let mut append = Append::new();
        append.extend(events);
        append
    }
}

impl From<Append> for pb::AppendToManyRequest {
    fn from(append: Append) -> Self {
        let (state_changes, state_checks) =
            append.state.map_or_else(Default::default, StateWrite::into_parts);
        pb::AppendToManyRequest {
            writes: append.writes,
            checks: append.checks,
            recorded_at: append.recorded_at.map(event::to_time),
            state_changes,
            state_checks,
        }
    }
}

/// The result of an append to any number of streams. Its events have consecutive positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendedToMany {
    /// Position of the append's first event.
    pub first_position: Position,
    /// Position of the append's last event.
    pub last_position: Position,
    /// The time at which the events were recorded.
    pub recorded_at: Timestamp,
    /// Whether an earlier append with the same ids had already written the events, so that this one wrote nothing.
    pub already_appended: bool,
    /// The streams, in the order in which they first occur in the append.
    pub streams: Vec<WrittenStream>,
    /// The version that each change of state gave its entry, in order; 0 if the entry that was to be deleted did not
    /// exist. Empty in the result of a retry more than a day after the append.
    pub state_versions: Vec<u64>,
}

/// The events that an append added to a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenStream {
    /// The stream.
    pub stream: String,
    /// Revision of the append's first event in it.
    pub first_revision: Revision,
    /// Revision of the append's last event in it.
    pub last_revision: Revision,
}

impl AppendedToMany {
    /// Returns the revisions added to a stream; `None` if the append did not write to it.
    pub fn stream(&self, stream: &str) -> Option<&WrittenStream> {
        self.streams.iter().find(|written| written.stream == stream)
    }
}

impl TryFrom<pb::AppendToManyResponse> for AppendedToMany {
    type Error = Error;

    fn try_from(response: pb::AppendToManyResponse) -> Result<Self> {
        let streams = response.streams.into_iter().map(|written| WrittenStream {
            stream: written.stream,
            first_revision: written.first_revision.into(),
            last_revision: written.last_revision.into(),
        });
        Ok(AppendedToMany {
            first_position: response.first_position.into(),
            last_position: response.last_position.into(),
            recorded_at: event::parse_time(response.recorded_at.as_ref(), "recorded_at")?,
            already_appended: response.already_appended,
            streams: streams.collect(),
            state_versions: response.state_versions,
        })
    }
}

#[cfg(test)]
mod tests;
