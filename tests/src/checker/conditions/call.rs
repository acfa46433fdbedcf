//! Appends with checks and their responses, as plain data.

use uuid::Uuid;

use crate::checker::{Check, Expected, Moment, Sent};

/// The writes of an append, and the checks that must hold for it. An append to a single stream with an expectation is
/// one write with one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// In this order.
    pub writes: Vec<Write>,
    /// All of these.
    pub checks: Vec<Check>,
}

/// Events for one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The stream.
    pub stream: String,
    /// The events.
    pub events: Vec<Sent>,
}

/// An append and its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendCall {
    /// The writes and the checks.
    pub append: Append,
    /// The pipeline in which it was sent; `None`: a call on its own.
    pub pipeline: Option<u64>,
    /// When it was sent.
    pub invoked: Moment,
    /// When the response came, and the response; `None` is the same as [`Answer::Unknown`].
    pub answered: Option<(Moment, Answer)>,
}

/// The response to an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is stored.
    Written(Written),
    /// It is not stored, because checks failed. An append to a single stream that is not as expected has one check.
    ChecksFailed(ChecksFailed),
    /// It is not stored, because no event has the position of a check yet.
    BeyondHead {
        /// The position of the check.
        after: u64,
        /// The reported head.
        head: u64,
    },
    /// It is not stored, because the first event's id belongs to another append.
    IdConflict {
        /// The location of that id.
        stream: String,
        /// Its revision there; `None` if it was removed.
        revision: Option<u64>,
        /// Its position.
        position: u64,
    },
    /// It is not stored, for a reason that has nothing to do with the log (bad input).
    Refused,
    /// It may be stored or not: the response was lost.
    Unknown,
}

/// Where an append is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Position of its first event.
    pub first_position: u64,
    /// Position of its last event.
    pub last_position: u64,
    /// When it was recorded, in microseconds since 1970.
    pub recorded_at: u64,
    /// Whether an earlier append with the same ids wrote it.
    pub already_appended: bool,
    /// Its streams in order of first occurrence, each with the first and the last revision of the added events.
    pub streams: Vec<(String, u64, u64)>,
}

/// The checks that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChecksFailed {
    /// All of them in the order of the append's checks, or the first [`ChecksFailed::TOLD_MAX`].
    pub failed: Vec<FailedCheck>,
    /// Their number.
    pub count: u32,
}

impl ChecksFailed {
    /// The most failed checks that are listed.
    pub const TOLD_MAX: usize = 16;
}

/// A check that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCheck {
    /// Its index among the append's checks, from 0.
    pub index: usize,
    /// The state that was found.
    pub found: Found,
}

/// The state in which a check failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A stream with this last revision.
    Stream {
        /// The stream.
        stream: String,
        /// Its last revision; `None`: it has no events.
        actual: Option<u64>,
    },
    /// An event that matches.
    Match {
        /// The position of the check.
        after: u64,
        /// Position of the first match.
        position: u64,
    },
}

impl Append {
    /// Its events with their streams, in order.
    pub fn events(&self) -> impl Iterator<Item = (&str, &Sent)> {
        self.writes
            .iter()
            .flat_map(|write| write.events.iter().map(|event| (write.stream.as_str(), event)))
    }

    /// The number of its events.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.writes.iter().map(|write| write.events.len() as u64).sum()
    }

    /// True if it has no events, which no store accepts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The expectation of its checks for the stream of its first event.
    fn expected(&self) -> Expected {
        let first = self.writes.first().map(|write| write.stream.as_str());
        let of_first = self.checks.iter().find_map(|check| match check {
            Check::Stream { stream, expected } if Some(stream.as_str()) == first => Some(*expected),
            _ => None,
        });
        of_first.unwrap_or(Expected::Any)
    }

    /// The key by which the store detects a retry of it.
    pub(super) fn identity(&self) -> Option<Identity<'_>> {
        let (stream, first) = self.events().next()?;
        Some(match self.expected() {
            Expected::NoStream => Identity::Place(stream, 0),
            Expected::Exactly(revision) => Identity::Place(stream, revision + 1),
            Expected::Any | Expected::StreamExists => {
                let after = self.checks.iter().map(Check::after);
                Identity::FirstId(first.id, after.max().unwrap_or_default())
            }
        })
    }
}

/// The key by which the store detects a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Identity<'a> {
    /// The first event's id, searched after a position.
    FirstId(Uuid, u64),
    /// The ids from a revision of the first event's stream on.
    Place(&'a str, u64),
}

impl AppendCall {
    /// True if it may have written events.
    pub(super) fn may_stand(&self) -> bool {
        matches!(
            self.answered,
            None | Some((_, Answer::Written(_) | Answer::Unknown))
        )
    }
}
