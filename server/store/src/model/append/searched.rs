//! How far the log was searched for what an append's checks do not allow.

use crate::values::position::Position;

/// Up to where nothing was found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Searched {
    pub to: Position,
    /// How often prefixes had been changed when the search began: a prefix that keeps more events brings back some that were
    /// gone, and the search passed over those. `None`: another server searched, and does not say.
    pub prefix_changes: Option<u64>,
}

impl Searched {
    /// Where a search may continue, now that prefixes were changed so often.
    pub(crate) fn holds_to(self, prefix_changes: u64) -> Position {
        match self.prefix_changes {
            Some(changes) if changes != prefix_changes => Position::START,
            _ => self.to,
        }
    }

    /// The one that goes further.
    pub(crate) fn max(self, other: Self) -> Self {
        if other.to > self.to { other } else { self }
    }
}
