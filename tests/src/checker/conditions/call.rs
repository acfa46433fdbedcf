//! Appends with checks and their answers, as plain data.

use uuid::Uuid;

use crate::checker::{Check, Expected, Moment, Sent};

/// What is to be written, and what must hold for it. One to a single stream with an expectation is the same with one write
/// and one check.
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

/// An append and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendCall {
    /// What was to be written.
    pub append: Append,
    /// The session that it was given to; `None`: a call of its own.
    pub session: Option<u64>,
    /// When it was asked for.
    pub invoked: Moment,
    /// When and what was answered; `None` is the same as [`Answer::Unknown`].
    pub answered: Option<(Moment, Answer)>,
}

/// What an append was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It stands.
    Written(Written),
    /// It does not stand, because checks fail. An append to a single stream that is not as expected has one check.
    ChecksFailed(ChecksFailed),
    /// It does not stand, because the position of a check has not been given to an event yet.
    BeyondHead {
        /// The position of the check.
        after: u64,
        /// The head that was told.
        head: u64,
    },
    /// It does not stand, because the first event's id is known from another append.
    IdConflict {
        /// Where that id stands.
        stream: String,
        /// Its revision there.
        revision: u64,
        /// Its position.
        position: u64,
    },
    /// It does not stand, for a reason that has nothing to do with the log (bad input).
    Refused,
    /// It may stand or not: the answer was lost.
    Unknown,
}

/// Where an append stands.
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
    /// The streams in the order in which they first occur, each with the first and the last revision of what was added.
    pub streams: Vec<(String, u64, u64)>,
}

/// The checks that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChecksFailed {
    /// All of them in the order of the append's, or the first [`ChecksFailed::TOLD_MAX`].
    pub failed: Vec<FailedCheck>,
    /// How many there are.
    pub count: u32,
}

impl ChecksFailed {
    /// The most failed checks that are told one by one.
    pub const TOLD_MAX: usize = 16;
}

/// A check that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCheck {
    /// Which of the append's checks, counted from 0.
    pub index: usize,
    /// What was found.
    pub found: Found,
}

/// What was found instead.
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
        /// After which position there should be none.
        after: u64,
        /// Where the first one stands.
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

    /// How many events it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.writes.iter().map(|write| write.events.len() as u64).sum()
    }

    /// Whether it has none, which no store takes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What its checks say of its first event's stream.
    fn expected(&self) -> Expected {
        let first = self.writes.first().map(|write| write.stream.as_str());
        let of_first = self.checks.iter().find_map(|check| match check {
            Check::Stream { stream, expected } if Some(stream.as_str()) == first => Some(*expected),
            _ => None,
        });
        of_first.unwrap_or(Expected::Any)
    }

    /// By what the store tells it from others.
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

/// What the store tells a retry by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Identity<'a> {
    /// The first event's id, looked for after a position.
    FirstId(Uuid, u64),
    /// The ids from a revision of the first event's stream on.
    Place(&'a str, u64),
}

impl AppendCall {
    /// Whether it may have written something.
    pub(super) fn may_stand(&self) -> bool {
        matches!(
            self.answered,
            None | Some((_, Answer::Written(_) | Answer::Unknown))
        )
    }
}
