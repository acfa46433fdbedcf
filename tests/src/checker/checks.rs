//! Checks the conditions of appends: when they held, and whether a refusal because of them was right.
//!
//! Each condition holds, or fails in a given way, over one contiguous range of log prefixes. So a refusal was right
//! if these ranges have a prefix in common that the log can have had at the time: each check that was reported as
//! failed must have failed there in the reported way, and each other check must have held.

use std::collections::HashSet;

use uuid::Uuid;

use super::{AppendCall, Expected, Filter, History, Moment, timeline::Timeline};

/// A condition of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// A stream is in the expected state.
    Stream {
        /// The stream.
        stream: String,
        /// The expected state.
        expected: Expected,
    },
    /// No event after a position matches.
    NoMatch {
        /// Selects the events that must not exist.
        filter: Filter,
        /// The position.
        after: u64,
    },
}

/// A check that was reported as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedCheck {
    /// Its index among the append's checks, from 0.
    pub index: usize,
    /// The state that was found.
    pub found: Found,
}

/// The state in which a check failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The stream's last revision.
    Last(Option<u64>),
    /// Position of the first match.
    Match(u64),
}

/// A range of log prefixes, each given by its last position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    from: u64,
    to: u64,
}

impl Stretch {
    const ALL: Self = Self {
        from: 0,
        to: u64::MAX,
    };

    fn and(self, other: Self) -> Self {
        Self {
            from: self.from.max(other.from),
            to: self.to.min(other.to),
        }
    }

    const fn has(self, prefix: u64) -> bool {
        self.from <= prefix && prefix <= self.to
    }

    /// The prefixes in which a stream has this last revision.
    fn of_last(stream: &str, last: Option<u64>, timeline: &Timeline<'_>) -> Option<Self> {
        let next = last.map_or(0, |last| last + 1);
        let from = match last {
            Some(last) => timeline.position(stream, last)?,
            None => 0,
        };
        let to = timeline
            .position(stream, next)
            .map_or(u64::MAX, |position| position - 1);
        Some(Self { from, to })
    }
}

impl Check {
    /// The prefixes in which it holds; `None`: no prefix.
    fn holding(&self, timeline: &Timeline<'_>) -> Option<Stretch> {
        match self {
            Self::Stream { stream, expected } => match expected {
                Expected::Any => Some(Stretch::ALL),
                Expected::NoStream => Stretch::of_last(stream, None, timeline),
                Expected::StreamExists => timeline
                    .position(stream, 0)
                    .map(|from| Stretch { from, ..Stretch::ALL }),
                Expected::Exactly(revision) => Stretch::of_last(stream, Some(*revision), timeline),
            },
            Self::NoMatch { filter, after } => Some(Stretch {
                from: 0,
                to: first_match(filter, *after, timeline).map_or(u64::MAX, |position| position - 1),
            }),
        }
    }

    /// The prefixes in which it fails in the reported way; `None`: no prefix.
    fn failing(&self, found: Found, timeline: &Timeline<'_>) -> Option<Stretch> {
        match (self, found) {
            (Self::Stream { stream, expected }, Found::Last(actual)) => {
                let contradicts = !expected.allows(actual);
                contradicts.then(|| Stretch::of_last(stream, actual, timeline))?
            }
            (Self::NoMatch { filter, after }, Found::Match(position)) => {
                let first = first_match(filter, *after, timeline);
                (first == Some(position)).then_some(Stretch {
                    from: position,
                    to: u64::MAX,
                })
            }
            _ => None,
        }
    }

    pub(super) const fn after(&self) -> u64 {
        match self {
            Self::Stream { .. } => 0,
            Self::NoMatch { after, .. } => *after,
        }
    }
}

fn first_match(filter: &Filter, after: u64, timeline: &Timeline<'_>) -> Option<u64> {
    let behind = timeline.log.get(usize::try_from(after).ok()?..)?;
    let found = behind.iter().find(|event| filter.matches(event));
    found.map(|event| event.position)
}

/// The first check that does not hold before a position.
pub(super) fn broken_before<'a>(
    call: &'a AppendCall,
    position: u64,
    timeline: &Timeline<'_>,
) -> Option<&'a Check> {
    let prefix = position.saturating_sub(1);
    let holds = |check: &Check| {
        check.holding(timeline).is_some_and(|stretch| stretch.has(prefix)) && check.after() <= prefix
    };
    call.checks.iter().flatten().find(|check| !holds(check))
}

/// The error in a refusal because of checks, if there is one.
pub(super) fn wrong_refusal(
    history: &History,
    call: &AppendCall,
    at: Moment,
    failed: &[FailedCheck],
    timeline: &Timeline<'_>,
) -> Option<String> {
    let Some(checks) = &call.checks else {
        return Some("it has no checks".to_owned());
    };
    // Checks of state are judged elsewhere, and may be the only ones that failed.
    if failed.is_empty() && !call.has_state || !failed.is_sorted_by(|one, next| one.index < next.index) {
        return Some("they are not reported in order".to_owned());
    }
    let mut stretch = possible(call, at, timeline);
    for (index, check) in checks.iter().enumerate() {
        let told = failed.iter().find(|failed| failed.index == index);
        let holds = match told {
            Some(failed) => check.failing(failed.found, timeline),
            None => check.holding(timeline),
        };
        let Some(holds) = holds else {
            return Some(format!("check {index} never failed in the reported way"));
        };
        stretch = stretch.and(holds);
    }
    if failed.iter().any(|failed| failed.index >= checks.len()) {
        return Some("it does not have that many checks".to_owned());
    }
    // Other clients see all or nothing of an append.
    let ends: HashSet<Uuid> = history
        .appends
        .iter()
        .filter_map(|call| call.events.last())
        .map(|event| event.id)
        .collect();
    let last = stretch.to.min(timeline.log.len() as u64);
    let between = |prefix: u64| timeline.at(prefix).is_none_or(|event| ends.contains(&event.id));
    if !(stretch.from..=last).any(between) {
        return Some("at no moment in that time these checks failed and the others held".to_owned());
    }
    stood_already(history, call, timeline)
}

/// The error in a refusal because of a position beyond the head, if there is one.
pub(super) fn wrong_beyond(
    call: &AppendCall,
    at: Moment,
    (after, head): (u64, u64),
    timeline: &Timeline<'_>,
) -> Option<String> {
    if call.known_to() != after || after <= head {
        return Some("that is not the position of its check, or it is not beyond the head".to_owned());
    }
    let (lowest, highest) = (timeline.floor(call.invoked), timeline.ceiling(at));
    (head < lowest || head > highest)
        .then(|| format!("the head was between {lowest} and {highest} in that time"))
}

/// The prefixes that the log can have had when the checks of an append were evaluated.
fn possible(call: &AppendCall, at: Moment, timeline: &Timeline<'_>) -> Stretch {
    Stretch {
        from: timeline.floor(call.invoked).max(call.known_to()),
        to: timeline.ceiling(at),
    }
}

/// The error if the append was known to be stored before it was sent, so that it should have got its first result.
fn stood_already(history: &History, call: &AppendCall, timeline: &Timeline<'_>) -> Option<String> {
    let known = timeline.floor(call.invoked);
    let first = match call.expected {
        Expected::NoStream => timeline.position(&call.stream, 0),
        Expected::Exactly(revision) => timeline.position(&call.stream, revision + 1),
        Expected::Any | Expected::StreamExists => {
            let same = |other: &&AppendCall| other.is_same(call) && other.was_acknowledged(call.invoked);
            let other = history.appends.iter().find(same)?;
            other
                .first_position()
                .filter(|position| *position > call.known_to())
        }
    }?;
    let stands = (first..).zip(call.each()).all(|(position, (stream, sent))| {
        position <= known
            && timeline
                .at(position)
                .is_some_and(|event| event.id == sent.id && event.stream == stream)
    });
    stands.then(|| "the same ids were already stored there".to_owned())
}
