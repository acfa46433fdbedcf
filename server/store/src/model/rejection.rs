//! Why appends are not written although nothing went wrong.

use uuid::Uuid;

use crate::{
    model::check::FailedCheck,
    values::{
        expected::Expected,
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

/// A rejection is told in a trailer, which clients bound.
const WORDS_BYTES_MAX: usize = 600;

/// Why an append was not written although nothing went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The stream is not as expected.
    #[error("{}", conflict_words(stream, *.expected, *.actual))]
    RevisionConflict {
        /// The stream.
        stream: StreamName,
        /// What was expected of it.
        expected: Expected,
        /// Its last revision; `None`: it has no events.
        actual: Option<Revision>,
    },
    /// Checks of the append do not hold: all that do not, with what was found.
    #[error("{}", check_words(failed, *unlisted))]
    ChecksFailed {
        /// In the order of the append's checks, what it expects of its own stream before them.
        failed: Vec<FailedCheck>,
        /// How many more there are. 0, unless another server judged the append, which does not tell of all if they are
        /// many.
        unlisted: usize,
    },
    /// The position after which a check allows no match is not given to an event yet: the caller read another store, or
    /// this one before it was restored from an older backup.
    #[error("a check begins after position {after}, which is beyond the head of the log, {head}")]
    CheckBeyondHead {
        /// The position of the check.
        after: Position,
        /// The last position there is.
        head: Position,
    },
    /// The first event's id is known from another append.
    #[error(
        "the event id {id} was already appended by another append, in stream {stream:?} at revision {revision}; to retry \
         an append send exactly what was sent first, otherwise use new ids"
    )]
    EventIdConflict {
        /// The id.
        id: Uuid,
        /// Where it was recorded.
        stream: StreamName,
        /// Its revision there.
        revision: Revision,
        /// Its position.
        position: Position,
    },
    /// The stream was deleted for ever.
    #[error("stream {stream:?} was deleted for ever and takes no more events; use another name")]
    Tombstoned {
        /// The stream.
        stream: StreamName,
    },
    /// It says when its events were recorded, and that is not taken from clients.
    #[error(
        "the append says when its events were recorded, which this server does not take from clients; leave recorded_at \
         out, or start the server with --accept-recorded-times"
    )]
    RecordedTimeNotAccepted,
    /// It says that its events were recorded before the log's last event, or after now.
    #[error(
        "the append's recorded_at, {recorded_at}, is not between {}, when the log's last event was recorded, and {latest}, \
         which is now; a log is moved to an empty store, from its beginning, with nobody else appending",
        earliest.unwrap_or_default()
    )]
    RecordedTimeOutOfRange {
        /// The time that it gave.
        recorded_at: Timestamp,
        /// When the log's last event was recorded; `None`: there is none.
        earliest: Option<Timestamp>,
        /// Now.
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

/// What the checks found, in words: of the first ones, up to about [`WORDS_BYTES_MAX`].
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
    }
}
