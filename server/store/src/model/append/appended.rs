//! The result of an append.

use smallvec::SmallVec;

use crate::values::position::{Position, Revision, Timestamp};

/// Revisions and positions of the events of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Revision of its first event in the first of its streams.
    pub first_revision: Revision,
    /// Revision of its last event in the first of its streams.
    pub last_revision: Revision,
    /// Revisions in its other streams, in the order in which they first occur in the append.
    pub others: Vec<Revisions>,
    /// Position of its first event.
    pub first_position: Position,
    /// Position of its last event.
    pub last_position: Position,
    /// Time at which the events were recorded.
    pub recorded_at: Timestamp,
    /// Whether an earlier append with the same ids wrote the events, so that this one wrote nothing.
    pub already_appended: bool,
    /// Versions that its changes of state gave the entries, in order; 0 for the deletion of an entry that did not
    /// exist. Empty in the result of a retry when they are no longer known.
    pub state_versions: Box<[u64]>,
}

/// Consecutive revisions of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revisions {
    /// The first revision.
    pub first: Revision,
    /// The last revision.
    pub last: Revision,
}

impl Revisions {
    /// Returns `count` revisions, at least one, from `first` on.
    pub(crate) const fn from(first: Revision, count: u32) -> Self {
        Self {
            first,
            last: Revision(first.0 + count as u64 - 1),
        }
    }
}

impl Appended {
    /// Returns the revisions in each of the append's streams, in the order in which these first occur in the append.
    pub fn revisions(&self) -> impl Iterator<Item = Revisions> + '_ {
        let first = Revisions {
            first: self.first_revision,
            last: self.last_revision,
        };
        std::iter::once(first).chain(self.others.iter().copied())
    }

    /// Returns the first revision in each of the append's streams.
    pub(crate) fn firsts(&self) -> SmallVec<[Revision; 1]> {
        self.revisions().map(|revisions| revisions.first).collect()
    }
}
