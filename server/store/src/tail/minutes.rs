//! First positions of the minutes that begin in the tail's windows.

use super::{State, Tail};
use crate::values::position::Position;

/// The minutes around a given one, as far as they are in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Minutes {
    /// The last minute that is not later, and its first position, if the minute begins in a window.
    pub not_later: Option<(u64, Position)>,
    /// The first position of the next later minute, if that minute begins in a window.
    pub later: Option<Position>,
}

impl Tail {
    /// Looks up a minute. The windows have all later minutes that begin after the one found as not later.
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
        // Newest first: the search ends at the first window with a minute that is not later.
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
