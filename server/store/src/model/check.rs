//! What must hold for an append to be written, besides what it expects of its own stream.

use crate::{
    model::query::Query,
    values::{
        expected::Expected,
        name::StreamName,
        position::{Position, Revision},
    },
};

/// A condition of an append, judged against everything that is before it in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// A stream is as expected, whether the append writes to it or not.
    Stream {
        /// The stream.
        stream: StreamName,
        /// What it must be like.
        expected: Expected,
    },
    /// No event matches the query after the position.
    NoMatch {
        /// Names types, streams or tags in every item, and no prefixes; or matches every event.
        query: Query,
        /// The head that the caller saw when it read what it decided on.
        after: Position,
    },
}

/// A check that did not hold, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailedCheck {
    /// A stream is not as expected.
    Stream {
        /// Which of the append's checks, counted from 0; `None`: what it expects of its stream by itself.
        index: Option<usize>,
        /// The stream.
        stream: StreamName,
        /// What was expected of it.
        expected: Expected,
        /// Its last revision; `None`: it has no events.
        actual: Option<Revision>,
    },
    /// An event matches.
    Match {
        /// Which of the append's checks, counted from 0.
        index: usize,
        /// After which position there should be none.
        after: Position,
        /// Where the first one stands.
        position: Position,
    },
}

/// What was found for a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// The last revision of the stream.
    Last(Option<Revision>),
    /// Where the first match stands.
    First(Option<Position>),
}

impl Check {
    /// Where the look for matches begins.
    pub(crate) const fn after(&self) -> Option<Position> {
        match self {
            Self::Stream { .. } => None,
            Self::NoMatch { after, .. } => Some(*after),
        }
    }

    /// The stream that it is about.
    pub(crate) const fn stream(&self) -> Option<&StreamName> {
        match self {
            Self::Stream { stream, .. } => Some(stream),
            Self::NoMatch { .. } => None,
        }
    }

    /// Bytes of names in it.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Stream { stream, .. } => stream.as_str().len(),
            Self::NoMatch { query, .. } => query.bytes(),
        }
    }

    /// What is wrong if this was found; `None` if the check holds.
    pub(crate) fn failed(&self, index: usize, evidence: Evidence) -> Option<FailedCheck> {
        match (self, evidence) {
            (Self::Stream { stream, expected }, Evidence::Last(actual)) => {
                (!expected.holds(actual)).then(|| FailedCheck::Stream {
                    index: Some(index),
                    stream: stream.clone(),
                    expected: *expected,
                    actual,
                })
            }
            (Self::NoMatch { after, .. }, Evidence::First(first)) => {
                first.map(|position| FailedCheck::Match {
                    index,
                    after: *after,
                    position,
                })
            }
            // Evidence is gathered by the check.
            _ => None,
        }
    }
}
