//! The findings of the checker.

use std::fmt;

/// A rule of the checker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Positions are 1, 2, 3, ….
    DensePositions,
    /// Revisions are 0, 1, 2, … in each stream.
    DenseRevisions,
    /// Recorded times never decrease.
    RecordedTimes,
    /// The log contains no event that was never sent.
    NothingInvented,
    /// Content equals what was sent.
    Unchanged,
    /// An append is stored as a whole, where its expectation allows it.
    Whole,
    /// No event is stored because of an append that was refused.
    RefusedIsAbsent,
    /// An event is stored no more often than it was requested.
    Once,
    /// Acknowledged, read and delivered events are in the log, at the reported places.
    Durable,
    /// An acknowledged append fulfils its expectation.
    AsExpected,
    /// An append is stored only where all of its checks hold.
    ChecksHold,
    /// A refusal was right at some moment between request and response.
    RightlyRefused,
    /// Events known before a request precede its append, and no response reflects events that had not been sent.
    RealTime,
    /// A read sees everything known when it began.
    FreshRead,
    /// A read returns what the log holds.
    ExactRead,
    /// A subscription delivers each event once and in order.
    ExactDelivery,
    /// Places only grow, and no event up to them is undelivered.
    HonestPlaces,
    /// The versions of a scope are 1, 2, 3, …, each given to one change, and those of a write are consecutive.
    DenseVersions,
    /// The retry of a write returns the first result.
    FirstResult,
    /// All writes are in one order.
    OneOrder,
}

/// A broken rule, with the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// The evidence.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}

/// Collects the findings of the parts of the checker.
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
