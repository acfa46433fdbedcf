//! What an append gets.

use crate::values::{
    one_or_more::OneOrMore,
    position::{Position, Revision, Timestamp},
};

/// Where the events of an append stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Revision of its first event in the first of its streams.
    pub first_revision: Revision,
    /// Revision of its last event in the first of its streams.
    pub last_revision: Revision,
    /// What its other streams got, in the order in which they first occur in it.
    pub others: Vec<Revisions>,
    /// Position of its first event.
    pub first_position: Position,
    /// Position of its last event.
    pub last_position: Position,
    /// When they were recorded.
    pub recorded_at: Timestamp,
    /// Whether an earlier append with the same ids wrote them, and this one wrote nothing.
    pub already_appended: bool,
}

/// Consecutive revisions of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revisions {
    /// The first.
    pub first: Revision,
    /// The last.
    pub last: Revision,
}

impl Revisions {
    /// So many, which are at least one, from the first on.
    pub(crate) const fn from(first: Revision, count: u32) -> Self {
        Self {
            first,
            last: Revision(first.0 + count as u64 - 1),
        }
    }
}

impl Appended {
    /// What each of its streams got, in the order in which they first occur in the append.
    pub fn revisions(&self) -> impl Iterator<Item = Revisions> + '_ {
        let first = Revisions {
            first: self.first_revision,
            last: self.last_revision,
        };
        std::iter::once(first).chain(self.others.iter().copied())
    }

    /// The first revision that each of its streams got.
    pub(crate) fn firsts(&self) -> OneOrMore<Revision> {
        let mut firsts = OneOrMore::one(self.first_revision);
        for revisions in &self.others {
            firsts.push(revisions.first);
        }
        firsts
    }
}
