//! Appends to any number of streams at once, with what must hold for them to be written.

use annals_proto::v1 as pb;
use jiff::Timestamp;

use crate::append::ExpectedRevision;
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::query::Query;

/// Events for any number of streams, written all or none, if everything holds that is expected.
///
/// They stand in the log in the order in which they were given, at consecutive positions. What is expected is judged
/// against everything before them, in one step with writing them: two appends of which each would break what the other
/// expects are never both written.
///
/// A decision that rests on one stream is an append with the revision that was read, as [`Client::append`] is. One that
/// rests on more names each stream, or a query and the head up to which it was read:
///
/// ```no_run
/// use annals_client::{Append, Client, Error, Event, ExpectedRevision, QueryItem};
///
/// # async fn subscribe(client: Client) -> Result<(), Error> {
/// // What the decision rests on: everything about this course.
/// let about_course = QueryItem::new().tagged("course:c1");
/// let mut events = client.read_all().query(about_course.clone()).await?;
/// let head = events.head();
/// let mut free = 0;
/// while let Some(event) = events.next().await {
///     match event?.kind.as_str() {
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
///         // Nothing has happened to the course since it was read.
///         .expect_no_match(about_course, head)
///         // And the student has not left: a stream that is not written to.
///         .expect_stream("student-s7", ExpectedRevision::Exactly(3));
///     match client.append_all(append).await {
///         Ok(appended) => println!("up to position {}", appended.last_position),
///         // Somebody was faster: read again, decide again.
///         Err(Error::ChecksFailed { failed, .. }) => println!("{}", failed[0]),
///         Err(error) => return Err(error),
///     }
/// }
/// # Ok(()) }
/// ```
///
/// Events that are decided on one by one, each with its stream, are collected, or added by `extend`:
///
/// ```
/// # use annals_client::{Append, Event, ExpectedRevision};
/// # fn event() -> Event { Event::json("StudentSubscribed", &"s7").unwrap() }
/// let append: Append = [("course-c1", event()), ("course-c2", event())].into_iter().collect();
/// let append = append.expect_stream("course-c1", ExpectedRevision::StreamExists);
/// ```
///
/// Sent again, it is answered with what it got the first time (see [`AppendedAll::already_appended`]), even if what it
/// expects is no longer so because of what it wrote itself.
///
/// [`Client::append`]: crate::Client::append
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "nothing is written before it is given to `append_all`"]
pub struct Append {
    writes: Vec<pb::Write>,
    checks: Vec<pb::Check>,
    recorded_at: Option<Timestamp>,
}

impl Append {
    /// An append that writes nothing and expects nothing yet.
    pub fn new() -> Self {
        Append::default()
    }

    /// Adds events for a stream, behind those that were added before. A stream may be written to several times.
    pub fn write(mut self, stream: impl Into<String>, events: impl IntoIterator<Item = Event>) -> Self {
        self.writes.push(pb::Write {
            stream: stream.into(),
            events: events.into_iter().map(Into::into).collect(),
        });
        self
    }

    /// Expects that a stream is like this, whether it is written to or not. Once for each stream; one of which nothing is
    /// said may be like anything.
    pub fn expect_stream(self, stream: impl Into<String>, expected: ExpectedRevision) -> Self {
        self.expect(pb::check::Check::Stream(pb::StreamCheck {
            stream: stream.into(),
            expected: Some(expected.into()),
        }))
    }

    /// Expects that no event after a position matches a query, whose items name types, streams or tags, and no prefixes.
    ///
    /// `after` is the [head](crate::Events::head) of the read that the decision rests on; of several, the smallest. With
    /// 0 no event may match, however old. Beyond the head of the log it is [`Error::PositionBeyondHead`].
    pub fn expect_no_match(self, query: impl Into<Query>, after: u64) -> Self {
        self.expect(pb::check::Check::NoMatch(pb::NoMatchCheck {
            query: Some(query.into().into()),
            after,
        }))
    }

    /// Says when the events were recorded, in the store from which a log is moved here; see
    /// [`AppendSession::append_recorded`](crate::AppendSession::append_recorded).
    pub fn recorded_at(mut self, recorded_at: Timestamp) -> Self {
        self.recorded_at = Some(recorded_at);
        self
    }

    fn expect(mut self, check: pb::check::Check) -> Self {
        self.checks.push(pb::Check { check: Some(check) });
        self
    }
}

/// Events, each with its stream, in the order in which they are to stand in the log.
impl<S: Into<String>> Extend<(S, Event)> for Append {
    fn extend<I: IntoIterator<Item = (S, Event)>>(&mut self, events: I) {
        for (stream, event) in events {
            let stream = stream.into();
            match self.writes.last_mut() {
                Some(last) if last.stream == stream => last.events.push(event.into()),
                _ => self.writes.push(pb::Write {
                    stream,
                    events: vec![event.into()],
                }),
            }
        }
    }
}

/// Without checks, which may be added.
impl<S: Into<String>> FromIterator<(S, Event)> for Append {
    fn from_iter<I: IntoIterator<Item = (S, Event)>>(events: I) -> Self {
        let mut append = Append::new();
        append.extend(events);
        append
    }
}

impl From<Append> for pb::AppendRequest {
    fn from(append: Append) -> Self {
        pb::AppendRequest {
            writes: append.writes,
            checks: append.checks,
            recorded_at: append.recorded_at.map(event::to_time),
        }
    }
}

/// Where the events of an append to any number of streams stand. They stand at consecutive positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendedAll {
    /// Position of the first event.
    pub first_position: u64,
    /// Position of the last event.
    pub last_position: u64,
    /// When they were recorded.
    pub recorded_at: Timestamp,
    /// Whether an earlier append with the same ids had written them, so that this one wrote nothing.
    pub already_appended: bool,
    /// The streams, in the order in which they first occur in the append.
    pub streams: Vec<WrittenStream>,
}

/// What an append added to a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenStream {
    /// The stream.
    pub stream: String,
    /// Revision of the append's first event in it.
    pub first_revision: u64,
    /// Revision of the append's last event in it.
    pub last_revision: u64,
}

impl AppendedAll {
    /// What was added to a stream; `None` if the append did not write to it.
    pub fn stream(&self, stream: &str) -> Option<&WrittenStream> {
        self.streams.iter().find(|written| written.stream == stream)
    }
}

impl TryFrom<pb::AppendResponse> for AppendedAll {
    type Error = Error;

    fn try_from(response: pb::AppendResponse) -> Result<Self> {
        let streams = response.streams.into_iter().map(|written| WrittenStream {
            stream: written.stream,
            first_revision: written.first_revision,
            last_revision: written.last_revision,
        });
        Ok(AppendedAll {
            first_position: response.first_position,
            last_position: response.last_position,
            recorded_at: event::parse_time(response.recorded_at.as_ref(), "recorded_at")?,
            already_appended: response.already_appended,
            streams: streams.collect(),
        })
    }
}

#[cfg(test)]
mod tests;
