//! Errors, grouped by what the caller does about them.
//!
//! The server states the reason of every failure (`google.rpc.ErrorInfo`, see `annals/v1/errors.proto`), and
//! [`crate::status`] turns it into these variants. Failures that are safe to retry have already been retried within
//! the call's deadline when the caller sees the error: see [`Error::is_retryable`].

mod failed_check;
mod unavailability;
mod words;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::append::ExpectedRevision;
use crate::position::{Position, Revision};
use failed_check::Failed;
pub use failed_check::{FailedCheck, Found};
pub use unavailability::Unavailability;
use words::{AtRevision, at};

/// Result of all operations in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. Each variant documents what the caller does about it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An endpoint given to the builder is not of the form `http://127.0.0.1:2113`. Correct the configuration.
    #[error("endpoint {endpoint:?} {reason}")]
    InvalidEndpoint {
        /// The endpoint as given.
        endpoint: String,
        /// The problem with it.
        reason: String,
    },

    /// An endpoint is the health and metrics port, or another that speaks HTTP/1.1. Correct the configuration.
    #[error(
        "{endpoint:?} answers HTTP/1.1: it is the port for health and metrics; \
         gRPC listens on another port (2113 by default)"
    )]
    NotGrpc {
        /// The endpoint.
        endpoint: String,
    },

    /// A value can't be represented in JSON, such as NaN. Nothing was sent. Change the value or its type.
    #[error("{of} can't be stored as JSON: {reason}")]
    InvalidValue {
        /// The owner of the value: an event, or an event's metadata.
        of: String,
        /// The problem with it.
        reason: Arc<serde_json::Error>,
    },

    /// The data of an event or a snapshot, or an event's metadata, is not the expected JSON. Correct the type, or
    /// read the bytes.
    #[error("{of} is not the expected JSON: {reason}")]
    Json {
        /// The data to be decoded, with where it is stored.
        of: String,
        /// The problem with it.
        reason: Arc<serde_json::Error>,
    },

    /// The server rejected one or more fields of the request: missing, too long or malformed. Correct the request.
    #[error("the server rejected the request: {}", Listed(.0))]
    InvalidField(Vec<FieldViolation>),

    /// An event or an append exceeds the server's limit (see [`Client::server_info`](crate::Client::server_info)).
    /// Split the append, or store the large part elsewhere.
    #[error("larger than the server takes: {}", Listed(.0))]
    TooLarge(Vec<FieldViolation>),

    /// The stream is not at the expected revision: another client appended to it. Read it again and make a new
    /// decision.
    #[error(
        "stream {stream:?} is not as expected: expected {expected}, but it {}",
        Actual(.actual)
    )]
    RevisionConflict {
        /// The stream.
        stream: String,
        /// The state that the append expected.
        expected: ExpectedRevision,
        /// The stream's last revision; `None` if it has no events.
        actual: Option<Revision>,
    },

    /// The id of the append's first event is already stored, but from a different append. If this is a retry, send
    /// exactly the same append; otherwise use a new id.
    #[error(
        "event id {id} was already appended to stream {stream:?}{} (position {position}), by a different append; \
         use a new id, or send exactly the same append again",
        AtRevision(*.revision)
    )]
    EventIdConflict {
        /// The id.
        id: Uuid,
        /// The stream in which the event is stored.
        stream: String,
        /// The event's revision; `None` if it was removed.
        revision: Option<Revision>,
        /// The event's position.
        position: Position,
    },

    /// Checks of the append failed: another client changed the data it depends on. Read it again and make a new
    /// decision.
    #[error("{}", Failed(.failed, *.count))]
    ChecksFailed {
        /// The first failed checks, in the order of the append's checks; at least one.
        failed: Vec<FailedCheck>,
        /// The number of failed checks.
        count: u32,
    },

    /// The stream was permanently deleted. Use another name.
    #[error("stream {stream:?} was permanently deleted; use another name")]
    StreamTombstoned {
        /// The stream.
        stream: String,
    },

    /// The retention of the stream has changed since the caller read it. Read it again and make a new decision.
    #[error(
        "the retention of stream {stream:?} was expected to be at version {expected}, but is at version {actual}; \
         read it again"
    )]
    VersionConflict {
        /// The stream.
        stream: String,
        /// The expected version.
        expected: u64,
        /// The current version.
        actual: u64,
    },

    /// The retention of a prefix has changed since the caller read it. Read it again and make a new decision.
    #[error(
        "the retention of prefix {prefix:?} was expected to be at version {expected}, but is at version {actual}; \
         read it again"
    )]
    PrefixVersionConflict {
        /// The prefix.
        prefix: String,
        /// The expected version.
        expected: u64,
        /// The current version.
        actual: u64,
    },

    /// There is no consumer group of this name, or it was deleted. Create it.
    #[error("group {group:?} does not exist; create it")]
    GroupNotFound {
        /// The group.
        group: String,
    },

    /// A consumer group of this name exists with other settings. Update it, or use another name.
    #[error("group {group:?} exists with other settings; update it, or use another name")]
    GroupExists {
        /// The group.
        group: String,
    },

    /// The consumer group has changed since the caller read it. Read it again and make a new decision.
    #[error(
        "group {group:?} was expected to be at version {expected}, but is at version {actual}; read it again"
    )]
    GroupVersionConflict {
        /// The group.
        group: String,
        /// The expected version.
        expected: u64,
        /// The current version.
        actual: u64,
    },

    /// A consumer settled a delivery that it never got on the same call. A bug in this client. Report it.
    #[error("{message}")]
    UnknownDelivery {
        /// The server's message, with the id.
        message: String,
    },

    /// Another consumer with the same name has opened in the group. Give each consumer its own name.
    #[error("another consumer with the name {consumer:?} has opened; give each consumer its own name")]
    ConsumerReplaced {
        /// The name.
        consumer: String,
    },

    /// The id of a write of state was already used by a different write. To retry a write, send exactly the same
    /// request; otherwise use a new id.
    #[error("{message}")]
    StateIdConflict {
        /// The server's message, with the id.
        message: String,
    },

    /// Deletions in a scope after this version are no longer known, so it can't be followed from there. Forget its
    /// entries and subscribe without a version.
    #[error(
        "scope {scope:?} can be followed only after version {first}, not after {version}, because deletions since are \
         no longer known; forget its entries, and subscribe without a version"
    )]
    StateVersionExpired {
        /// The scope.
        scope: String,
        /// The requested version.
        version: u64,
        /// The earliest version after which the scope can be followed.
        first: u64,
        /// The scope's last version.
        last: u64,
    },

    /// The scope has no change with this version yet, for the same reasons as with [`Error::PositionBeyondHead`].
    #[error("version {version} is beyond the end of scope {scope:?}, which is at version {last}")]
    StateVersionBeyondEnd {
        /// The scope.
        scope: String,
        /// The requested version.
        version: u64,
        /// The scope's last version.
        last: u64,
    },

    /// The checkpoint does not have the expected position: another instance reports it, too. Continue from its
    /// position, or stop one of the instances.
    #[error(
        "checkpoint {name:?} was expected {} but {}",
        at(*.expected, "at", "to be absent"),
        at(*.actual, "is at", "is absent")
    )]
    CheckpointConflict {
        /// Name of the checkpoint.
        name: String,
        /// The expected position; `None`: no checkpoint.
        expected: Option<Position>,
        /// The checkpoint's position; `None` if it does not exist.
        actual: Option<Position>,
    },

    /// There is no checkpoint of this name.
    #[error("{message}")]
    CheckpointNotFound {
        /// The server's message, with the name.
        message: String,
    },

    /// The stream has no such snapshot. Start from its first event.
    #[error("stream {stream:?} has no such snapshot")]
    SnapshotNotFound {
        /// The stream.
        stream: String,
    },

    /// The append sets the time at which its events were recorded, and the server does not accept that from clients.
    /// Start it with `--accept-recorded-times` while a log is being moved to it.
    #[error("the server does not accept recorded times: {message}")]
    RecordedTimeNotAccepted {
        /// The server's message.
        message: String,
    },

    /// The recorded time of the append is before that of the log's last event, or in the future. Recorded times never
    /// decrease along a log: move a log to an empty store, from its beginning, with no other client appending.
    #[error(
        "events recorded at {recorded_at:.6} can't be next in the log: \
         its last event was recorded at {}, and the server's clock is at {latest:.6}",
        Earliest(.earliest)
    )]
    RecordedTimeOutOfRange {
        /// The recorded time given.
        recorded_at: Timestamp,
        /// The recorded time of the log's last event; `None` if the log is empty.
        earliest: Option<Timestamp>,
        /// The server's current time.
        latest: Timestamp,
    },

    /// The log can't be moved to this store, which has other content. Move it to an empty store.
    #[error("the log can't be moved here: {message}")]
    MoveRefused {
        /// The server's message.
        message: String,
    },

    /// A log is being moved to this store, and the move is incomplete. Import the rest, or start over with an empty
    /// store.
    #[error("{message}")]
    MoveUnfinished {
        /// The server's message.
        message: String,
    },

    /// The stream has no events: none were ever appended, or none since it was deleted. Check the name, or treat it
    /// as empty.
    #[error("stream {stream:?} does not exist")]
    StreamNotFound {
        /// The stream.
        stream: String,
    },

    /// The position does not exist yet. If it is a checkpoint, it comes from another store, or the store was restored
    /// from an older backup: rebuild the projection.
    #[error("position {position} is beyond the head of the log, which is {head}")]
    PositionBeyondHead {
        /// The position requested.
        position: Position,
        /// The log's last position; 0 if it is empty.
        head: Position,
    },

    /// The revision does not exist yet in the stream.
    #[error("revision {revision} is beyond the end of stream {stream:?}, which {}", Actual(.last_revision))]
    RevisionBeyondEnd {
        /// The stream.
        stream: String,
        /// The revision requested.
        revision: Revision,
        /// The stream's last revision; `None` if it has no events.
        last_revision: Option<Revision>,
    },

    /// No endpoint answered, or the connection broke. Already retried; try again later. An append may have been
    /// written: append the same events (they keep their ids) to find out.
    #[error("{endpoint} is not reachable: {message}")]
    Unreachable {
        /// The endpoint tried last.
        endpoint: String,
        /// The transport's message.
        message: String,
    },

    /// The server reported that it can't serve at the moment. Already retried; try again later. An append may have
    /// been written: append the same events to find out.
    #[error("the server is not available ({reason}): {message}")]
    Unavailable {
        /// The reason.
        reason: Unavailability,
        /// The server's message.
        message: String,
    },

    /// A limit of the server (subscriptions, queued appends) is reached. Already retried; slow down.
    #[error("the server is overloaded: {message}")]
    Overloaded {
        /// The server's message.
        message: String,
    },

    /// The call did not finish within its deadline. An append may have been written: append the same events to find
    /// out.
    #[error("no answer within {after:?}{}", Last(.last))]
    DeadlineExceeded {
        /// The deadline of the call.
        after: Duration,
        /// The error of the last failed attempt, if any.
        last: Option<Box<Error>>,
    },

    /// The server found corrupt data on its disk. An operator must act; the server's log has the location.
    #[error("the server found corrupt data: {message}")]
    Corrupt {
        /// The server's message.
        message: String,
    },

    /// A bug in the server. Report it with the server's log.
    #[error("internal error of the server: {message}")]
    Internal {
        /// The server's message.
        message: String,
    },

    /// The append pipeline has ended because an earlier append could not be delivered in time. Open a new one, and
    /// append the unanswered appends again, in order.
    #[error("the append pipeline has ended; open a new one")]
    PipelineClosed,

    /// The response violates the protocol: the peer is not an Annals server, or a faulty or much newer one. Report
    /// it.
    #[error("the response violates the annals.v1 protocol: {message}")]
    Protocol {
        /// The violation.
        message: String,
    },

    /// Any other gRPC status: it comes from something between client and server, or from another kind of server.
    #[error("{code:?}: {message}")]
    Status {
        /// The gRPC code.
        code: tonic::Code,
        /// The message of the status.
        message: String,
    },
}

impl Error {
    /// Whether the same request may succeed later: the server could not be reached or could not serve at the moment.
    /// Retrying is safe for appends too, if the same events are sent.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Error::Unreachable { .. }
                | Error::Unavailable { .. }
                | Error::Overloaded { .. }
                | Error::DeadlineExceeded { .. }
        )
    }

    /// Whether another client changed the data that the decision depends on. Read again, and make a new decision.
    ///
    /// [`Error::EventIdConflict`] is not one: a caller that decided again with the same ids would get it forever.
    pub fn is_conflict(&self) -> bool {
        matches!(
            self,
            Error::RevisionConflict { .. }
                | Error::ChecksFailed { .. }
                | Error::VersionConflict { .. }
                | Error::PrefixVersionConflict { .. }
                | Error::CheckpointConflict { .. }
                | Error::GroupVersionConflict { .. }
        )
    }

    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Error::Protocol {
            message: message.into(),
        }
    }
}

/// One field that the server rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// The field's path in the request: `events[3].type`.
    pub field: String,
    /// The problem with it.
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

struct Actual<'a>(&'a Option<Revision>);

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
            None => f.write_str("none, as the log is empty"),
        }
    }
}

struct Last<'a>(&'a Option<Box<Error>>);

impl fmt::Display for Last<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(last) => write!(f, "; the last attempt: {last}"),
            None => Ok(()),
        }
    }
}
