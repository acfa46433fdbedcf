//! What can go wrong, sorted by what the caller does about it.
//!
//! The server names the reason of every failure (`google.rpc.ErrorInfo`, see `annals/v1/errors.proto`); [`crate::status`]
//! turns that into these variants. What the client may safely try again it has already tried again, within the call's
//! deadline, before an error is seen here: see [`Error::is_retryable`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::ExpectedRevision;

/// Result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. Each variant says what the caller does about it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An endpoint given to the builder is not one such as `http://127.0.0.1:2113`. Correct the configuration.
    #[error("endpoint {endpoint:?} {reason}")]
    InvalidEndpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },

    /// An endpoint is the port for health and metrics, or another that answers HTTP/1.1. Correct the configuration.
    #[error(
        "{endpoint:?} answers HTTP/1.1: it is the port for health and metrics; gRPC listens on another port (2113 by default)"
    )]
    NotGrpc {
        /// The endpoint.
        endpoint: String,
    },

    /// A value has no form in JSON that holds it, such as NaN. Nothing was sent. Change the value or its type.
    #[error("{of} can't be stored as JSON: {reason}")]
    InvalidValue {
        /// What the value is of: an event, or an event's metadata.
        of: String,
        /// What is wrong with it.
        reason: Arc<serde_json::Error>,
    },

    /// The data of an event or a snapshot, or an event's metadata, is not the JSON that was asked for. Correct the type,
    /// or read the bytes.
    #[error("{of} is not the JSON that was asked for: {reason}")]
    Json {
        /// What was to be decoded, with where it is stored.
        of: String,
        /// What is wrong with it.
        reason: Arc<serde_json::Error>,
    },

    /// The server refused one or more fields of the request: missing, too long or malformed. Mend the request.
    #[error("the server refused the request: {}", Listed(.0))]
    InvalidField(Vec<FieldViolation>),

    /// An event or an append is larger than the server takes (see [`Client::server_info`](crate::Client::server_info)).
    /// Split the append, or keep the large part elsewhere.
    #[error("larger than the server takes: {}", Listed(.0))]
    TooLarge(Vec<FieldViolation>),

    /// The stream is not at the expected revision: somebody else appended. Read it again and decide anew.
    #[error(
        "stream {stream:?} is not as expected: expected {expected}, but it {}",
        Actual(.actual)
    )]
    RevisionConflict {
        /// The stream.
        stream: String,
        /// What the append expected.
        expected: ExpectedRevision,
        /// The stream's last revision; `None` if it has no events.
        actual: Option<u64>,
    },

    /// The id of the append's first event was already appended, but not as part of this same append. If this is a retry,
    /// send exactly what was sent first; otherwise use a new id.
    #[error(
        "event id {id} was already appended to stream {stream:?} at revision {revision} (position {position}), \
         by an append that was not this one; use a new id, or send exactly what was sent then"
    )]
    EventIdConflict {
        /// The id.
        id: Uuid,
        /// The stream in which it was recorded.
        stream: String,
        /// The revision at which it was recorded.
        revision: u64,
        /// The position at which it was recorded.
        position: u64,
    },

    /// Checks of the append do not hold: somebody else changed what it rests on. Read that again and decide anew.
    #[error("{}", Failed(.failed, *.count))]
    ChecksFailed {
        /// The first of them, in the order of the append's checks; at least one.
        failed: Vec<FailedCheck>,
        /// How many there are.
        count: u32,
    },

    /// The stream was deleted for ever. Use another name.
    #[error("stream {stream:?} was deleted for ever; use another name")]
    StreamTombstoned {
        /// The stream.
        stream: String,
    },

    /// What is kept of the stream was changed since. Look at it again and decide anew.
    #[error(
        "what is kept of stream {stream:?} was expected to be version {expected}, but it is at version {actual}; look at it \
         again"
    )]
    VersionConflict {
        /// The stream.
        stream: String,
        /// The version that was expected.
        expected: u64,
        /// The version that it has.
        actual: u64,
    },

    /// What is kept of the streams of a prefix was changed since the caller read it.
    #[error(
        "the retention of prefix {prefix:?} was expected to be version {expected}, but it is at version {actual}; read it again"
    )]
    PrefixVersionConflict {
        /// The prefix.
        prefix: String,
        /// The version that was expected.
        expected: u64,
        /// The version that it has.
        actual: u64,
    },

    /// The stream has no such snapshot. Begin with its first event.
    #[error("stream {stream:?} has no such snapshot")]
    SnapshotNotFound {
        /// The stream.
        stream: String,
    },

    /// The append says when its events were recorded, and the server does not take that from clients. Have it started
    /// with `--accept-recorded-times` for as long as a log is moved to it.
    #[error("the server does not accept recorded times: {message}")]
    RecordedTimeNotAccepted {
        /// What the server said.
        message: String,
    },

    /// The append says that its events were recorded before the log's last event, or after now. Recorded times never go
    /// backwards along a log: move one to an empty store, from its beginning, with nobody else appending.
    #[error(
        "events recorded at {recorded_at:.6} can't be next in the log: its last event was recorded at {}, and the server's \
         clock says {latest:.6}",
        Earliest(.earliest)
    )]
    RecordedTimeOutOfRange {
        /// The time that was given.
        recorded_at: Timestamp,
        /// When the log's last event was recorded; `None` if it is empty.
        earliest: Option<Timestamp>,
        /// The server's now.
        latest: Timestamp,
    },

    /// The log can't be moved to this store, which holds something else. Move it to an empty store.
    #[error("the log can't be moved here: {message}")]
    MoveRefused {
        /// What the server said.
        message: String,
    },

    /// A log is being moved to this store, and not all of it has come. Import the rest, or begin again with an empty store.
    #[error("{message}")]
    MoveUnfinished {
        /// What the server said.
        message: String,
    },

    /// Nothing was ever appended to the stream, or nothing since it was deleted. Check the name, or take it as empty.
    #[error("stream {stream:?} does not exist")]
    StreamNotFound {
        /// The stream.
        stream: String,
    },

    /// The position has not been given to an event yet. A checkpoint that leads here is of another store, or of one
    /// that was restored from an older backup: rebuild the projection.
    #[error("position {position} is beyond the head of the log, which is {head}")]
    PositionBeyondHead {
        /// The position that was asked for.
        position: u64,
        /// The log's last position; 0 if it is empty.
        head: u64,
    },

    /// The same for a revision in a stream.
    #[error("revision {revision} is beyond the end of stream {stream:?}, which {}", Actual(.last_revision))]
    RevisionBeyondEnd {
        /// The stream.
        stream: String,
        /// The revision that was asked for.
        revision: u64,
        /// The stream's last revision; `None` if it has no events.
        last_revision: Option<u64>,
    },

    /// No endpoint answered, or the connection broke. Already retried; try again later. An append may have been written:
    /// append the same events (they keep their ids) to find out.
    #[error("{endpoint} is not reachable: {message}")]
    Unreachable {
        /// The endpoint tried last.
        endpoint: String,
        /// What the transport said.
        message: String,
    },

    /// The server answered that it can't serve for the moment. Already retried; try again later. An append may have been
    /// written: append the same events to find out.
    #[error("the server is not available ({reason}): {message}")]
    Unavailable {
        /// Why.
        reason: Unavailability,
        /// What the server said.
        message: String,
    },

    /// A bound of the server (subscriptions, appends that wait) is reached. Already retried; slow down.
    #[error("the server is overloaded: {message}")]
    Overloaded {
        /// What the server said.
        message: String,
    },

    /// The call did not finish within its deadline. An append may have been written: append the same events to find out.
    #[error("no answer within {after:?}{}", Last(.last))]
    DeadlineExceeded {
        /// The time the call was given.
        after: Duration,
        /// What the last try within it failed with, if one did.
        last: Option<Box<Error>>,
    },

    /// What the server read from its disk is not what can have been written. An operator must look; the server's log
    /// says where.
    #[error("the server found corrupt data: {message}")]
    Corrupt {
        /// What the server said.
        message: String,
    },

    /// A fault of the server itself. Report it with the server's log.
    #[error("internal error of the server: {message}")]
    Internal {
        /// What the server said.
        message: String,
    },

    /// The append session has ended, because an earlier append of it could not be delivered in time. Open a new one, and
    /// append again, in order, what was not answered.
    #[error("the append session has ended; open a new one")]
    SessionClosed,

    /// The answer breaks the protocol: the other side is no Annals server, or a faulty or much newer one. Report it.
    #[error("the answer breaks the annals.v1 protocol: {message}")]
    Protocol {
        /// What was wrong.
        message: String,
    },

    /// Any other gRPC status: something between client and server answered, or the server is of another kind.
    #[error("{code:?}: {message}")]
    Status {
        /// The gRPC code.
        code: tonic::Code,
        /// Its message.
        message: String,
    },
}

impl Error {
    /// Whether trying again may help, without anything being decided anew: the server could not be reached or could not
    /// serve for the moment. Safe for appends too, if the same events are sent.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Error::Unreachable { .. }
                | Error::Unavailable { .. }
                | Error::Overloaded { .. }
                | Error::DeadlineExceeded { .. }
        )
    }

    /// Whether somebody else was faster: what the decision rests on has changed. Read again, and decide anew.
    ///
    /// [`Error::EventIdConflict`] is none: whoever decided again with the same ids would get it again, without end.
    pub fn is_conflict(&self) -> bool {
        matches!(
            self,
            Error::RevisionConflict { .. }
                | Error::ChecksFailed { .. }
                | Error::VersionConflict { .. }
                | Error::PrefixVersionConflict { .. }
        )
    }

    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Error::Protocol {
            message: message.into(),
        }
    }
}

/// Why a server that was reached can't serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unavailability {
    /// It is stopping.
    ShuttingDown,
    /// The engine under the store does not answer.
    Engine,
    /// Its storage refused a write, so that it stops.
    StorageFailed,
    /// It, or something before it, did not say.
    Unknown,
}

impl fmt::Display for Unavailability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unavailability::ShuttingDown => "shutting down",
            Unavailability::Engine => "its engine does not answer",
            Unavailability::StorageFailed => "its storage failed",
            Unavailability::Unknown => "no reason given",
        })
    }
}

/// One field that the server refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// The field's path in the request: `events[3].type`.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

struct Listed<'a>(&'a [FieldViolation]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, violation) in self.0.iter().enumerate() {
            let separator = if nth == 0 { "" } else { "; " };
            match violation.field.is_empty() {
                true => write!(f, "{separator}{}", violation.description)?,
                false => write!(f, "{separator}{}: {}", violation.field, violation.description)?,
            }
        }
        Ok(())
    }
}

struct Actual<'a>(&'a Option<u64>);

impl fmt::Display for Actual<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(revision) => write!(f, "is at revision {revision}"),
            None => f.write_str("has no events"),
        }
    }
}

struct Earliest<'a>(&'a Option<Timestamp>);

impl fmt::Display for Earliest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(time) => write!(f, "{time:.6}"),
            None => f.write_str("no time, as there is none"),
        }
    }
}

struct Last<'a>(&'a Option<Box<Error>>);

impl fmt::Display for Last<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(last) => write!(f, "; the last try: {last}"),
            None => Ok(()),
        }
    }
}

/// A check of an append that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCheck {
    /// Which of the append's checks, counted from 0.
    pub index: usize,
    /// What was found instead.
    pub found: Found,
}

/// What was found where a check does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The stream is not as expected.
    Stream {
        /// The stream.
        stream: String,
        /// What was expected of it.
        expected: ExpectedRevision,
        /// Its last revision; `None` if it has no events.
        actual: Option<u64>,
    },
    /// An event matches that should not be.
    Match {
        /// The position after which none should match.
        after: u64,
        /// The position of the first one that does.
        position: u64,
    },
}

impl fmt::Display for FailedCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = self.index;
        match &self.found {
            Found::Stream {
                stream,
                expected,
                actual,
            } => write!(
                f,
                "check {index}: stream {stream:?} was expected to be {expected}, but it {}",
                Actual(actual)
            ),
            Found::Match { after, position } => write!(
                f,
                "check {index}: the event at position {position} matches, and none should after {after}"
            ),
        }
    }
}

/// Failed checks, one after the other, and how many there are.
struct Failed<'a>(&'a [FailedCheck], u32);

impl fmt::Display for Failed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, failed) in self.0.iter().enumerate() {
            let separator = if n == 0 { "" } else { "; " };
            write!(f, "{separator}{failed}")?;
        }
        match (self.1 as usize).saturating_sub(self.0.len()) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}
