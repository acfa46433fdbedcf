//! Failed checks of appends and of writes of state.

use std::fmt;

use super::Actual;
use crate::append::ExpectedRevision;
use crate::position::{Position, Revision};

/// A check of an append that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCheck {
    /// The index of the check in the append, from 0.
    pub index: usize,
    /// The state that was found instead.
    pub found: Found,
}

/// The state that made a check fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The stream is not in the expected state.
    Stream {
        /// The stream.
        stream: String,
        /// The expected state.
        expected: ExpectedRevision,
        /// Its last revision; `None` if it has no events.
        actual: Option<Revision>,
    },
    /// An event matches the query of a check that expects none.
    Match {
        /// The position after which no event should match.
        after: Position,
        /// The position of the first event that does.
        position: Position,
    },
    /// An entry of state has changed.
    State {
        /// The scope.
        scope: String,
        /// The entry's key.
        key: String,
        /// The version that was expected; `None`: no entry.
        expected: Option<u64>,
        /// The entry's version; `None` if there is none.
        actual: Option<u64>,
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
            Found::State {
                scope,
                key,
                expected,
                actual,
            } => {
                let words = |version: &Option<u64>| match version {
                    Some(version) => format!("at version {version}"),
                    None => "absent".to_owned(),
                };
                let (expected, actual) = (words(expected), words(actual));
                write!(
                    f,
                    "check of state {index}: key {key:?} of scope {scope:?} was expected to be {expected}, but it is \
                     {actual}"
                )
            }
        }
    }
}

/// Failed checks in order, and the total number of them.
pub(super) struct Failed<'a>(pub(super) &'a [FailedCheck], pub(super) u32);

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
