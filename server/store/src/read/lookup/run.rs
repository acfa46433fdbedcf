//! Runs: positions that ascend in the direction of a read, as far as they are known.

use std::collections::VecDeque;

use annals_engine::Direction;

use crate::values::position::Position;

/// A position, counted in the direction of a read: the later the read reaches it, the greater it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank(u64);

impl Rank {
    pub(super) const fn of(position: Position, direction: Direction) -> Self {
        match direction {
            Direction::Forwards => Self(position.0),
            Direction::Backwards => Self(!position.0),
        }
    }

    pub(super) const fn position(self, direction: Direction) -> Position {
        match direction {
            Direction::Forwards => Position(self.0),
            Direction::Backwards => Position(!self.0),
        }
    }
}

/// Number of candidates that are checked by their records rather than by a list of which more would have to be read:
/// as many as one round trip to the engine returns.
const UNCHECKED_MAX: usize = 64;

/// All positions of a set from the current position of a read up to `until`.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    ranks: VecDeque<Rank>,
    /// `None` if nothing is known.
    until: Option<Rank>,
}

impl Run {
    pub(super) fn new(ranks: impl IntoIterator<Item = Rank>, until: Rank) -> Self {
        Self {
            ranks: ranks.into_iter().collect(),
            until: Some(until),
        }
    }

    /// Returns the positions that are in any of several runs.
    pub(super) fn union<'a>(runs: impl Iterator<Item = &'a Self> + Clone) -> Self {
        let Some(until) = runs.clone().map(|run| run.until).min().flatten() else {
            return Self::default();
        };
        let mut ranks: Vec<Rank> = runs.flat_map(|run| run.up_to(until)).collect();
        ranks.sort_unstable();
        ranks.dedup();
        Self::new(ranks, until)
    }

    /// Whether anything is known at `from`.
    pub(super) fn knows(&self, from: Rank) -> bool {
        self.until.is_some_and(|until| until >= from)
    }

    pub(super) const fn until(&self) -> Option<Rank> {
        self.until
    }

    /// Returns the positions of the run up to a rank.
    pub(super) fn up_to(&self, until: Rank) -> impl Iterator<Item = Rank> + '_ {
        self.ranks.iter().copied().take_while(move |rank| *rank <= until)
    }

    /// Drops positions before `from`.
    pub(super) fn pass(&mut self, from: Rank) {
        let passed = self.ranks.partition_point(|rank| *rank < from);
        self.ranks.drain(..passed);
        self.until = self.until.filter(|until| *until >= from);
    }

    /// Keeps the first `count_max` positions.
    pub(super) fn cut(&mut self, count_max: usize) {
        if self.ranks.len() > count_max {
            self.ranks.truncate(count_max);
            self.until = self.ranks.back().copied();
        }
    }

    /// Ends the run at a rank if it extends beyond it.
    pub(super) fn end_at(&mut self, until: Rank) {
        if self.until.is_some_and(|own| own > until) {
            let known = self.ranks.partition_point(|rank| *rank <= until);
            self.ranks.truncate(known);
            self.until = Some(until);
        }
    }

    /// Removes positions that are in `other`, unless `kept` is true for them. The run ends where `other` ends.
    pub(super) fn take_out(&mut self, other: &Self, kept: impl Fn(Rank) -> bool) {
        let Some(until) = other.until else {
            return;
        };
        self.end_at(until);
        let mut out = other.ranks.iter().peekable();
        self.ranks.retain(|rank| {
            while out.next_if(|out| **out < *rank).is_some() {}
            kept(*rank) || out.peek() != Some(&rank)
        });
    }

    /// Whether its positions are fewer, relative to its length, than those of another run, both from `from`.
    pub(super) fn is_sparser(&self, other: &Self, from: Rank) -> bool {
        let length = |run: &Self| run.until.map_or(1, |until| u128::from(until.0 - from.0) + 1);
        self.ranks.len() as u128 * length(other) < other.ranks.len() as u128 * length(self)
    }

    /// Removes positions that are not in `other`. Where `other` ends earlier, this run ends there too or, if that
    /// would leave few positions, continues unchecked for a while: it then contains all common positions, and
    /// possibly others.
    pub(super) fn narrow(&mut self, other: &Self) {
        let (Some(until), Some(known_until)) = (self.until, other.until) else {
            return;
        };
        if known_until < until {
            let known = self.ranks.partition_point(|rank| *rank <= known_until);
            if known >= UNCHECKED_MAX {
                self.ranks.truncate(known);
                self.until = Some(known_until);
            } else {
                self.cut(UNCHECKED_MAX);
            }
        }
        self.ranks
            .retain(|rank| *rank > known_until || other.ranks.binary_search(rank).is_ok());
    }
}

#[cfg(test)]
mod tests;
