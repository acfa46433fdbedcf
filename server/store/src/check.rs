//! What must hold for an append to be written, besides what it expects of its own stream.

use crate::{
    append::{AppendError, Expected},
    limits,
    name::StreamName,
    position::{Position, Revision},
    query::Query,
    rejection,
};

/// A rejection is told in a trailer, which clients bound.
const WORDS_BYTES_MAX: usize = 600;

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

/// Refuses checks that can't be judged without looking at all of the log, two about the same stream, and too many.
pub(crate) fn validate(checks: &[Check]) -> Result<(), AppendError> {
    if checks.len() > limits::CHECKS_MAX {
        return Err(AppendError::TooManyChecks {
            checks: checks.len(),
            checks_max: limits::CHECKS_MAX,
        });
    }
    for (index, check) in checks.iter().enumerate() {
        match check {
            Check::NoMatch { query, .. } if !query.is_listed() => {
                return Err(AppendError::CheckNotListed { index });
            }
            // At most 64: comparing each with those before it is quicker than a set.
            Check::Stream { stream, .. }
                if checks[..index].iter().any(|other| other.stream() == Some(stream)) =>
            {
                let stream = stream.clone();
                return Err(AppendError::RepeatedCheck { index, stream });
            }
            _ => {}
        }
    }
    Ok(())
}

/// What checks say that a stream must be like.
pub(crate) fn expected_of(checks: &[Check], wanted: &StreamName) -> Expected {
    let of_stream = checks.iter().find_map(|check| match check {
        Check::Stream { stream, expected } if stream == wanted => Some(*expected),
        _ => None,
    });
    of_stream.unwrap_or(Expected::Any)
}

/// What the checks found, in words: of the first ones, up to about [`WORDS_BYTES_MAX`].
pub(crate) fn words(failed: &[FailedCheck], unlisted: usize) -> String {
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
        } => rejection::conflict_words(stream, *expected, *actual),
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
