//! What appends demanded besides of their own stream: when it held, and whether a refusal because of it was right.
//!
//! Whatever is demanded holds, or is found broken in one way, over one stretch of prefixes of the log: from one position to
//! another. So a refusal was right if these stretches have a prefix in common that the log can have had meanwhile: each
//! check that was told to have failed must have failed there as it was told, and each other must have held.

use std::collections::HashSet;

use uuid::Uuid;

use super::{AppendCall, Expected, Filter, History, Moment, timeline::Timeline};

/// A condition of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// A stream is as expected.
    Stream {
        /// The stream.
        stream: String,
        /// What it must be like.
        expected: Expected,
    },
    /// No event after a position matches.
    NoMatch {
        /// What does not match.
        filter: Filter,
        /// The position.
        after: u64,
    },
}

/// A check that was told to have failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedCheck {
    /// Which of the append's, counted from 0.
    pub index: usize,
    /// What was found.
    pub found: Found,
}

/// What was found where a check failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The stream's last revision.
    Last(Option<u64>),
    /// Where the first match stands.
    Match(u64),
}

/// Prefixes of the log, from one to another, by their last positions.
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

    /// Where a stream's last revision is this.
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
    /// Where it holds; `None`: nowhere.
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

    /// Where it fails as it was told; `None`: nowhere.
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

/// What is wrong with a refusal because of checks.
pub(super) fn wrong_refusal(
    history: &History,
    call: &AppendCall,
    at: Moment,
    failed: &[FailedCheck],
    timeline: &Timeline<'_>,
) -> Option<String> {
    let Some(checks) = &call.checks else {
        return Some("it has none".to_owned());
    };
    if failed.is_empty() || !failed.is_sorted_by(|one, next| one.index < next.index) {
        return Some("they are not told in order".to_owned());
    }
    let mut stretch = possible(call, at, timeline);
    for (index, check) in checks.iter().enumerate() {
        let told = failed.iter().find(|failed| failed.index == index);
        let holds = match told {
            Some(failed) => check.failing(failed.found, timeline),
            None => check.holding(timeline),
        };
        let Some(holds) = holds else {
            return Some(format!("check {index} was never as was told"));
        };
        stretch = stretch.and(holds);
    }
    if failed.iter().any(|failed| failed.index >= checks.len()) {
        return Some("it has not as many checks".to_owned());
    }
    // Of an append, others see all or nothing.
    let ends: HashSet<Uuid> = history
        .appends
        .iter()
        .filter_map(|call| call.events.last())
        .map(|event| event.id)
        .collect();
    let last = stretch.to.min(timeline.log.len() as u64);
    let between = |prefix: u64| timeline.at(prefix).is_none_or(|event| ends.contains(&event.id));
    if !(stretch.from..=last).any(between) {
        return Some("at no moment of its time these failed and the others held".to_owned());
    }
    stood_already(history, call, timeline)
}

/// What is wrong with a refusal because of a position beyond the head.
pub(super) fn wrong_beyond(
    call: &AppendCall,
    at: Moment,
    (after, head): (u64, u64),
    timeline: &Timeline<'_>,
) -> Option<String> {
    if call.known_to() != after || after <= head {
        return Some("that is not the position it gave, or not beyond the head".to_owned());
    }
    let (lowest, highest) = (timeline.floor(call.invoked), timeline.ceiling(at));
    (head < lowest || head > highest)
        .then(|| format!("the head went from {lowest} to {highest} at most meanwhile"))
}

/// The prefixes that the log can have had while an append was judged by its checks.
fn possible(call: &AppendCall, at: Moment, timeline: &Timeline<'_>) -> Stretch {
    Stretch {
        from: timeline.floor(call.invoked).max(call.known_to()),
        to: timeline.ceiling(at),
    }
}

/// That the append was known to stand before it was asked for, so that it should have got its first result.
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
    stands.then(|| "the same ids stood there already".to_owned())
}
