//! What the checker finds.

use std::fmt;

/// A rule that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Positions count 1, 2, 3, ….
    DensePositions,
    /// Revisions count 0, 1, 2, … in each stream.
    DenseRevisions,
    /// Recorded times never go backwards.
    RecordedTimes,
    /// No event is in the log that nobody sent.
    NothingInvented,
    /// Content is what was sent.
    Unchanged,
    /// An append stands whole, where its expectation allows it.
    Whole,
    /// Nothing stands because of an append that was refused.
    RefusedIsAbsent,
    /// An event stands no more often than it was asked for.
    Once,
    /// What was acknowledged, read or delivered is in the log, where it was said to be.
    Durable,
    /// An acknowledged append fulfils its expectation.
    AsExpected,
    /// An append stands only where everything holds that it demanded.
    ChecksHold,
    /// A refusal was right at some moment between question and answer.
    RightlyRefused,
    /// What was known before a question is before its append, and nothing is answered before it was sent.
    RealTime,
    /// A read sees what was known when it began.
    FreshRead,
    /// A read returns what the log holds.
    ExactRead,
    /// A subscription delivers each event once and in order.
    ExactDelivery,
    /// Places only grow, and nothing up to them is undelivered.
    HonestPlaces,
}

/// A broken rule, and what broke it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// What broke it.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}

/// Where the parts of the checker write what they find.
pub(super) trait Findings {
    fn add(&mut self, rule: Rule, what: String);

    fn require(&mut self, holds: bool, rule: Rule, what: impl FnOnce() -> String) {
        if !holds {
            self.add(rule, what());
        }
    }
}

impl Findings for Vec<Violation> {
    fn add(&mut self, rule: Rule, what: String) {
        self.push(Violation { rule, what });
    }
}
