//! What the tail knows of minutes: where those begin that begin in its windows.

use super::{State, Tail};
use crate::values::position::Position;

/// Where a moment's minute lies, as far as that is in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Minutes {
    /// The last minute that is not later, and where it begins; if it begins in a window.
    pub not_later: Option<(u64, Position)>,
    /// Where the first later one begins, if that is in a window.
    pub later: Option<Position>,
}

impl Tail {
    /// Looks a minute up. Of later ones, the windows know all that begin behind the one that they know as not later.
    pub(crate) fn minutes(&self, minute: u64) -> Minutes {
        self.state.read().minutes(minute)
    }
}

impl State {
    fn minutes(&self, minute: u64) -> Minutes {
        let mut found = Minutes {
            not_later: None,
            later: None,
        };
        // Newest first: the first window with a minute that is not later ends the search.
        for window in std::iter::once(&self.active).chain(self.sealed.iter().rev().map(AsRef::as_ref)) {
            let behind = window.minutes.partition_point(|(begins, _)| *begins <= minute);
            if let Some((_, position)) = window.minutes.get(behind) {
                found.later = Some(*position);
            }
            if let Some(not_later) = behind.checked_sub(1) {
                found.not_later = window.minutes.get(not_later).copied();
                break;
            }
        }
        found
    }
}
