//! How far the log was searched for matches that an append's checks do not allow.

use crate::values::position::Position;

/// A search for matches, and how far it went without finding any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Searched {
    pub to: Position,
    /// Number of changes to prefix settings when the search began, the same on every server of the log. A prefix that
    /// keeps more events restores some that were removed, and the search skipped those. `None`: nothing was searched.
    pub prefix_changes: Option<u64>,
}

impl Searched {
    /// Returns the position up to which the search still holds, given the current number of changes to prefix
    /// settings.
    pub(crate) fn holds_to(self, prefix_changes: u64) -> Position {
        match self.prefix_changes {
            Some(changes) if changes == prefix_changes => self.to,
            _ => Position::START,
        }
    }

    /// Returns the search that went further.
    pub(crate) fn max(self, other: Self) -> Self {
        if other.to > self.to { other } else { self }
    }
}
