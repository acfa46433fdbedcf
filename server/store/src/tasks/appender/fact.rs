//! Facts that are needed to evaluate an append, and those that were read beforehand.

use smallvec::SmallVec;

use super::earlier::Compared;
use crate::{
    index::Request,
    model::{
        append::{Append, Searched},
        check::Evidence,
    },
    read::Match,
    values::position::{Position, Revision},
};

/// Facts about an append.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fact {
    /// The last revision of each of its streams.
    pub last: SmallVec<[Option<Revision>; 1]>,
    /// The known append with the same first id; only looked up if the append is keyed.
    pub request: Option<Request>,
    /// Findings for its checks, in their order.
    pub evidence: Vec<Evidence>,
    /// Findings from beforehand at the positions where it may have been written before.
    pub compared: Option<Compared>,
}

impl Fact {
    /// Whether no check that forbids matches has found one.
    pub(super) fn has_no_match(&self) -> bool {
        !self
            .evidence
            .iter()
            .any(|evidence| matches!(evidence, Evidence::First(Some(_))))
    }
}

/// Data that was read for an append beforehand.
#[derive(Debug)]
pub(crate) struct Prefetched {
    /// The head as of which `fact` is valid.
    pub head: Position,
    pub fact: Fact,
    /// How far the log was searched for matches of its checks.
    pub searched: Searched,
    /// The first match of each check, in their order.
    pub matches: Vec<Option<Match>>,
}

impl Prefetched {
    pub(super) fn new(append: &Append, head: Position, fact: Fact) -> Self {
        Self {
            head,
            fact,
            searched: append.searched,
            matches: vec![None; append.checks.len()],
        }
    }

    /// Adds the findings for the checks that forbid matches.
    pub(super) fn with_matches(
        mut self,
        append: &Append,
        searched: Searched,
        matches: Vec<Option<Match>>,
    ) -> Self {
        for (n, found) in matches.iter().enumerate() {
            if append.checks[n].after().is_some() {
                self.fact.evidence[n] = Evidence::First(found.as_ref().map(|found| found.position));
            }
        }
        Self {
            searched,
            matches,
            ..self
        }
    }

    /// Whether a check found a match.
    pub(crate) fn has_match(&self) -> bool {
        self.matches.iter().any(Option::is_some)
    }
}
