//! Reasons why an append or a write of state is not written although nothing failed.

use uuid::Uuid;

use crate::{
    model::state::EntryName,
    values::{
        expected::Expected,
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

/// Maximum bytes of the text about failed checks. A rejection is sent in a trailer, whose size clients limit.
const WORDS_BYTES_MAX: usize = 600;

/// A check that failed, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailedCheck {
    /// A stream is not in the expected state.
    Stream {
        /// Index of the check in the append, counted from 0; `None`: the append's own expectation of its stream.
        index: Option<usize>,
        /// The stream.
        stream: StreamName,
        /// The expected state.
        expected: Expected,
        /// The last revision of the stream; `None` if it has no events.
        actual: Option<Revision>,
    },
    /// An event matches the query.
    Match {
        /// Index of the check in the append, counted from 0.
        index: usize,
        /// The position after which no event may match.
        after: Position,
        /// The position of the first match.
        position: Position,
    },
    /// An entry of state has changed.
    State {
        /// Index of the check among those of state, counted from 0.
        index: usize,
        /// The entry.
        entry: EntryName,
        /// The version that the check expected; `None`: no entry.
        expected: Option<u64>,
        /// The version of the entry; `None` if there is none.
        actual: Option<u64>,
    },
}

/// The reason why an append was not written although nothing failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The stream is not in the expected state.
    #[error("{}", conflict_words(stream, *.expected, *.actual))]
    RevisionConflict {
        /// The stream.
        stream: StreamName,
        /// The expected state.
        expected: Expected,
        /// The last revision of the stream; `None` if it has no events.
        actual: Option<Revision>,
    },
    /// Checks of the append failed. Lists all of them, with what was found.
    #[error("{}", check_words(failed, *unlisted))]
    ChecksFailed {
        /// Failed checks in the order of the append's checks, after a failed expectation of its own stream.
        failed: Vec<FailedCheck>,
        /// Number of further failed checks. 0 unless another server evaluated the append, which does not list all if
        /// they are many.
        unlisted: usize,
    },
    /// A check allows no match after a position that no event has yet: the caller read another store, or this one
    /// before it was restored from an older backup.
    #[error("a check begins after position {after}, which is beyond the head of the log, {head}")]
    CheckBeyondHead {
        /// The position in the check.
        after: Position,
        /// The last position of the log.
        head: Position,
    },
    /// The first event's id was used by another append.
    #[error(
        "event id {id} was already used by another append, in stream {stream:?}{}; to retry an append, send exactly \
         what was sent first, otherwise use new ids",
        at(*revision)
    )]
    EventIdConflict {
        /// The event id.
        id: Uuid,
        /// The stream in which it was recorded.
        stream: StreamName,
        /// Its revision in that stream; `None` if the event was removed.
        revision: Option<Revision>,
        /// Its position.
        position: Position,
    },
    /// The id of a write of state was used by another write.
    #[error(
        "write id {id} was already used by another write; to retry a write, send exactly what was sent first, \
         otherwise use a new id"
    )]
    StateIdConflict {
        /// The write's id.
        id: Uuid,
    },
    /// The stream was permanently deleted.
    #[error("stream {stream:?} was permanently deleted and accepts no more events; use another name")]
    Tombstoned {
        /// The stream.
        stream: StreamName,
    },
    /// The append has a `recorded_at`, which the server does not accept from clients.
    #[error(
        "the append has a recorded_at, which this server does not accept from clients; leave it out, or start the \
         server with --accept-recorded-times"
    )]
    RecordedTimeNotAccepted,
    /// The append's `recorded_at` is before the log's last recorded time, or after now.
    #[error(
        "the append's recorded_at, {recorded_at}, is not between {}, when the log's last event was recorded, and \
         {latest}, which is now; move a log to an empty store, from its beginning, with no other client appending",
        earliest.unwrap_or_default()
    )]
    RecordedTimeOutOfRange {
        /// The time that the append gave.
        recorded_at: Timestamp,
        /// Time at which the log's last event was recorded; `None` if the log is empty.
        earliest: Option<Timestamp>,
        /// The current time of the server.
        latest: Timestamp,
    },
}

pub(crate) fn conflict_words(stream: &StreamName, expected: Expected, actual: Option<Revision>) -> String {
    let (expected, actual) = (expected_words(expected), actual_words(actual));
    format!("stream {stream:?} was expected {expected} but {actual}")
}

fn expected_words(expected: Expected) -> String {
    match expected {
        Expected::Any => "in any state".to_owned(),
        Expected::NoStream => "to have no events".to_owned(),
        Expected::StreamExists => "to have events".to_owned(),
        Expected::Exactly(revision) => format!("at revision {revision}"),
    }
}

fn actual_words(actual: Option<Revision>) -> String {
    match actual {
        None => "it has no events".to_owned(),
        Some(revision) => format!("it is at revision {revision}"),
    }
}

/// Describes the first failed checks, in up to about [`WORDS_BYTES_MAX`] bytes.
fn check_words(failed: &[FailedCheck], unlisted: usize) -> String {
    let mut words = String::new();
    let mut told = 0;
    for check in failed {
        let next = words_of(check);
        if told > 0 && words.len() + next.len() > WORDS_BYTES_MAX {
            break;
        }
        words.push_str(if told > 0 { "; " } else { "" });
        words.push_str(&next);
        told += 1;
    }
    match failed.len() - told + unlisted {
        0 => words,
        more => format!("{words}; and {more} more"),
    }
}

fn words_of(failed: &FailedCheck) -> String {
    match failed {
        FailedCheck::Stream {
            stream,
            expected,
            actual,
            ..
        } => conflict_words(stream, *expected, *actual),
        FailedCheck::Match {
            index,
            after,
            position,
        } => {
            format!(
                "check {index} allows no match after position {after}, but the event at {position} matches"
            )
        }
        FailedCheck::State {
            entry: EntryName { scope, key },
            expected,
            actual,
            ..
        } => {
            let expected = version_words(*expected, "at version", "to be absent");
            let actual = version_words(*actual, "is at version", "is absent");
            format!("key {key:?} of scope {scope:?} was expected {expected} but {actual}")
        }
    }
}

fn version_words(version: Option<u64>, at: &str, absent: &str) -> String {
    version.map_or_else(|| absent.to_owned(), |version| format!("{at} {version}"))
}

/// Displays the revision of an event, if it is known.
fn at(revision: Option<Revision>) -> String {
    revision.map_or_else(String::new, |revision| format!(" at revision {revision}"))
}
