//! An item of a query: the positions that are in at least one list of each of its groups.

use super::{
    list::List,
    run::{Rank, Run},
};
use crate::format::keys::ListName;

/// An item, and the positions of its candidates as far as they are known.
#[derive(Debug)]
pub(super) struct Item {
    groups: Vec<Vec<List>>,
    run: Run,
}

impl Item {
    pub(super) fn new(groups: Vec<Vec<ListName>>) -> Self {
        let groups = groups
            .into_iter()
            .map(|lists| lists.into_iter().map(List::new).collect());
        Self {
            groups: groups.collect(),
            run: Run::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }

    /// Returns the candidates: every match as far as the run extends, and possibly other positions.
    pub(super) const fn run(&self) -> &Run {
        &self.run
    }

    /// Drops positions before `from`, and returns the lists that must be loaded before [`Self::find`].
    pub(super) fn unknown_at(&mut self, from: Rank) -> Vec<&mut List> {
        self.run.pass(from);
        if self.run.knows(from) {
            return Vec::new();
        }
        let lists = self.groups.iter_mut().flatten();
        lists.filter_map(|list| list.unknown_at(from)).collect()
    }

    /// Finds candidates from `from` on, unless they are known.
    pub(super) fn find(&mut self, from: Rank) {
        if self.run.knows(from) {
            return;
        }
        let mut groups: Vec<Run> = self
            .groups
            .iter()
            .map(|lists| Run::union(lists.iter().map(|list| &list.run)))
            .collect();
        // The sparsest group proposes candidates, the others exclude some of them.
        let sparsest = (1..groups.len()).fold(0, |best, n| {
            if groups[n].is_sparser(&groups[best], from) {
                n
            } else {
                best
            }
        });
        self.run = groups.swap_remove(sparsest);
        for group in &groups {
            self.run.narrow(group);
        }
    }
}
