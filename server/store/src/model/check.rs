//! Checks: conditions of an append besides the expected state of its own stream.

use crate::{
    model::{
        error::{Error, Result},
        query::Query,
        rejection::FailedCheck,
    },
    values::{
        expected::Expected,
        name::StreamName,
        position::{Position, Revision},
    },
};

/// A condition of an append, evaluated against everything that is before the append in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// A stream is in the expected state, whether the append writes to it or not.
    Stream {
        /// The stream.
        stream: StreamName,
        /// The expected state.
        expected: Expected,
    },
    /// No event matches the query after the position.
    NoMatch {
        /// A query that names types, streams or tags in every item and no prefixes, or that matches every event.
        query: Query,
        /// The head that the caller saw when it read the events for its decision.
        after: Position,
    },
}

/// Data found for a check, with which it is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// Nothing was looked up yet.
    Missing,
    /// The last revision of the stream.
    Last(Option<Revision>),
    /// The position of the first match.
    First(Option<Position>),
}

impl Check {
    /// Returns the position after which matches are searched, if the check has a query.
    pub(crate) const fn after(&self) -> Option<Position> {
        match self {
            Self::Stream { .. } => None,
            Self::NoMatch { after, .. } => Some(*after),
        }
    }

    /// Returns the stream that the check is about, if it is about one.
    pub(crate) const fn stream(&self) -> Option<&StreamName> {
        match self {
            Self::Stream { stream, .. } => Some(stream),
            Self::NoMatch { .. } => None,
        }
    }

    /// Returns the bytes of the names in the check.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Stream { stream, .. } => stream.as_str().len(),
            Self::NoMatch { query, .. } => query.bytes(),
        }
    }

    /// Returns how the check fails with this evidence; `None` if it holds.
    ///
    /// # Errors
    /// [`Error::Internal`] if the evidence is missing or of another kind, so that such a bug writes nothing.
    pub(crate) fn failed(&self, index: usize, evidence: Evidence) -> Result<Option<FailedCheck>> {
        Ok(match (self, evidence) {
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
            (_, evidence) => {
                return Err(Error::Internal(format!(
                    "check {index} was evaluated with {evidence:?}"
                )));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Check, Evidence};
    use crate::{Expected, Position, Query, testing::stream};

    #[test]
    fn a_check_never_holds_without_its_evidence() {
        let of_stream = Check::Stream {
            stream: stream("a"),
            expected: Expected::NoStream,
        };
        let no_match = Check::NoMatch {
            query: Query::default(),
            after: Position(3),
        };
        for (check, other) in [
            (&of_stream, Evidence::First(None)),
            (&no_match, Evidence::Last(None)),
        ] {
            assert!(check.failed(0, Evidence::Missing).is_err());
            assert!(check.failed(0, other).is_err());
        }
        assert_eq!(of_stream.failed(0, Evidence::Last(None)), Ok(None));
        assert_eq!(no_match.failed(0, Evidence::First(None)), Ok(None));
    }
}
