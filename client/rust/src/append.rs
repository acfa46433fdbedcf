//! Appends to one stream: the expected state, and the result.

use std::fmt;

use annals_proto::v1 as pb;
use jiff::Timestamp;

use crate::error::Result;
use crate::event::{self, Event};
use crate::position::{Position, Revision};

/// The state in which a stream must be for an append to be written.
///
/// With any of these, an append whose result was lost can be retried with the same events: it then returns the result
/// of the first attempt (see [`Appended::already_appended`]), whether or not its events still exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpectedRevision {
    /// The stream may be in any state.
    #[default]
    Any,
    /// The stream has no events.
    NoStream,
    /// The stream has at least one event.
    StreamExists,
    /// The stream's last event has this revision.
    Exactly(Revision),
}

impl fmt::Display for ExpectedRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExpectedRevision::Any => f.write_str("anything"),
            ExpectedRevision::NoStream => f.write_str("no stream"),
            ExpectedRevision::StreamExists => f.write_str("a stream that exists"),
            ExpectedRevision::Exactly(revision) => write!(f, "revision {revision}"),
        }
    }
}

impl From<ExpectedRevision> for pb::ExpectedRevision {
    fn from(expected: ExpectedRevision) -> Self {
        use pb::expected_revision::Expected;
        let expected = match expected {
            ExpectedRevision::Any => Expected::Any(()),
            ExpectedRevision::NoStream => Expected::NoStream(()),
            ExpectedRevision::StreamExists => Expected::StreamExists(()),
            ExpectedRevision::Exactly(revision) => Expected::Revision(revision.into()),
        };
        pb::ExpectedRevision {
            expected: Some(expected),
        }
    }
}

/// The result of an append. Its events have consecutive revisions and positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Revision of the append's first event.
    pub first_revision: Revision,
    /// Revision of the append's last event.
    pub last_revision: Revision,
    /// Position of the append's first event.
    pub first_position: Position,
    /// Position of the append's last event.
    pub last_position: Position,
    /// The time at which the events were recorded.
    pub recorded_at: Timestamp,
    /// Whether an earlier append with the same ids had already written the events, so that this one wrote nothing.
    pub already_appended: bool,
}

impl TryFrom<pb::AppendToStreamResponse> for Appended {
    type Error = crate::Error;

    fn try_from(response: pb::AppendToStreamResponse) -> Result<Self> {
        Ok(Appended {
            first_revision: response.first_revision.into(),
            last_revision: response.last_revision.into(),
            first_position: response.first_position.into(),
            last_position: response.last_position.into(),
            recorded_at: event::parse_time(response.recorded_at.as_ref(), "recorded_at")?,
            already_appended: response.already_appended,
        })
    }
}

pub(crate) fn request(
    stream: impl Into<String>,
    expected: ExpectedRevision,
    events: impl IntoIterator<Item = Event>,
    recorded_at: Option<Timestamp>,
) -> pb::AppendToStreamRequest {
    pb::AppendToStreamRequest {
        stream: stream.into(),
        expected: Some(expected.into()),
        events: events.into_iter().map(Into::into).collect(),
        recorded_at: recorded_at.map(event::to_time),
    }
}
