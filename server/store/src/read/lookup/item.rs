//! An item of a query: what is in some list of each of its groups.

use super::{
    list::List,
    run::{Rank, Run},
};
use crate::format::keys::ListName;

/// An item, and where its matches stand as far as that is known.
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

    /// Candidates: every match as far as the run goes, and maybe others.
    pub(super) const fn run(&self) -> &Run {
        &self.run
    }

    /// Forgets what lies before `from`, and returns the lists that must be loaded before [`Self::find`].
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
        // The sparsest one proposes, the others take out.
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
