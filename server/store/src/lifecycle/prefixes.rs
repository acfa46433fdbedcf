//! The retentions of prefixes, and which one holds for a stream. Pure: no clock, no I/O.
//!
//! 1. A stream without a count and an age of its own has those of the longest prefix of its name for which some are set.
//!    Streams of the store's own, whose names begin with `$`, have none.
//! 2. What is gone by age stays gone: whoever sets that a prefix keeps events longer, or no longer sets anything, records the
//!    time before which they are gone by then (`removed_before`). It holds for the streams that the prefix's retention holds
//!    for, and, where nothing is set for it any more, for those that it would hold for.
//! 3. What is gone by count is not recorded, since that would take memory for each stream: if a prefix keeps more events from
//!    then on, those that were not scavenged are kept again.
//!
//! Limits: [`PREFIXES_MAX`](crate::values::limits::PREFIXES_MAX). A look-up compares a name with some log₂ of them, and with those
//! that the last of these begins with, and allocates nothing.

use std::cmp::Ordering;

use super::{Lifecycle, Marked, Retention};
use crate::values::position::Timestamp;

/// What holds for the streams whose names begin with a prefix, and with no longer one for which something is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The count and the age that are kept.
    pub retention: Retention,
    /// Events that were recorded before this are gone.
    pub removed_before: Timestamp,
}

impl Rule {
    /// What holds for a stream for which this is set.
    pub(crate) fn holds_for(rule: Option<&Self>, own: &Lifecycle) -> Lifecycle {
        match rule {
            Some(rule) if !own.retention.is_limited() => Lifecycle {
                retention: Retention {
                    truncate_before: own.retention.truncate_before,
                    ..rule.retention
                },
                removed_before: rule.removed_before,
                ..*own
            },
            _ => *own,
        }
    }
}

/// All prefixes for which something is or was set.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    /// In the order of their bytes.
    entries: Vec<Entry>,
    /// The sum of all versions.
    changes: u64,
}

#[derive(Debug)]
struct Entry {
    prefix: Box<str>,
    marked: Marked,
    /// The longest other prefix that this one begins with.
    parent: Option<usize>,
    rule: Rule,
    /// The entry whose retention that is.
    governing: Option<usize>,
}

impl Prefixes {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Changes with every change.
    pub(crate) const fn changes(&self) -> u64 {
        self.changes
    }

    /// For how many a retention is set now.
    pub(crate) fn count_set(&self) -> usize {
        let set = |entry: &&Entry| entry.marked.lifecycle.retention.is_limited();
        self.entries.iter().filter(set).count()
    }

    /// What is set for a prefix.
    pub(crate) fn get(&self, prefix: &str) -> Option<Marked> {
        self.find(prefix).ok().map(|index| self.entries[index].marked)
    }

    /// Those behind `after`, in order.
    pub(crate) fn behind<'a>(&'a self, after: Option<&str>) -> impl Iterator<Item = (&'a str, Marked)> {
        let first = after.map_or(0, |after| {
            self.entries.partition_point(|entry| &*entry.prefix <= after)
        });
        self.entries[first..]
            .iter()
            .map(|entry| (&*entry.prefix, entry.marked))
    }

    /// What holds for a stream whose name this is, or for those whose names begin with it as long as nothing is set for a
    /// longer prefix.
    pub(crate) fn rule(&self, stream: &str) -> Option<&Rule> {
        self.longest(stream).map(|index| &self.entries[index].rule)
    }

    /// The prefix whose retention holds for a stream that has none of its own.
    pub(crate) fn governing(&self, stream: &str) -> Option<(&str, Retention)> {
        let governing = self.entries[self.longest(stream)?].governing?;
        let entry = &self.entries[governing];
        Some((&entry.prefix, entry.marked.lifecycle.retention))
    }

    /// What would hold for a prefix if nothing were set for it.
    pub(crate) fn without(&self, prefix: &str) -> Option<&Rule> {
        let longest = self.longest(prefix)?;
        let entry = &self.entries[longest];
        let parent = if &*entry.prefix == prefix {
            entry.parent?
        } else {
            longest
        };
        Some(&self.entries[parent].rule)
    }

    /// Prefixes for which something is set that no other such prefix covers, in order: the streams that any of them may hold
    /// for.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &str> {
        let roots = self.entries.iter().filter(|entry| entry.parent.is_none());
        roots.map(|entry| &*entry.prefix)
    }

    /// Takes what is set for a prefix from now on, unless something later is known.
    pub(crate) fn set(&mut self, prefix: &str, marked: Marked) {
        match self.find(prefix) {
            Ok(index) if self.entries[index].marked.version >= marked.version => return,
            Ok(index) => self.entries[index].marked = marked,
            Err(index) => self.entries.insert(
                index,
                Entry {
                    prefix: prefix.into(),
                    marked,
                    parent: None,
                    rule: Rule::default(),
                    governing: None,
                },
            ),
        }
        self.changes = self.entries.iter().map(|entry| entry.marked.version).sum();
        self.link();
    }

    fn find(&self, prefix: &str) -> Result<usize, usize> {
        self.entries
            .binary_search_by(|entry| entry.prefix.as_bytes().cmp(prefix.as_bytes()))
    }

    /// The longest prefix of a name.
    fn longest(&self, stream: &str) -> Option<usize> {
        if stream.starts_with('$') {
            return None;
        }
        // Whatever the name begins with, the last entry that is not behind it begins with that too: between a name and its
        // beginning there are only names with that beginning.
        let at_or_before =
            |entry: &Entry| entry.prefix.as_bytes().cmp(stream.as_bytes()) != Ordering::Greater;
        let mut candidate = self.entries.partition_point(at_or_before).checked_sub(1);
        while let Some(index) = candidate {
            if stream.starts_with(&*self.entries[index].prefix) {
                return Some(index);
            }
            candidate = self.entries[index].parent;
        }
        None
    }

    /// Finds the parents, and from them what holds for each.
    fn link(&mut self) {
        let mut open: Vec<usize> = Vec::new();
        for index in 0..self.entries.len() {
            while let Some(last) = open.last()
                && !self.entries[index]
                    .prefix
                    .starts_with(&*self.entries[*last].prefix)
            {
                open.pop();
            }
            self.entries[index].parent = open.last().copied();
            open.push(index);
            self.settle(index);
        }
    }

    /// What holds for an entry whose parent is settled.
    fn settle(&mut self, index: usize) {
        let lifecycle = self.entries[index].marked.lifecycle;
        let parent = self.entries[index].parent.map(|parent| &self.entries[parent]);
        let (rule, governing) = match parent {
            Some(parent) if !lifecycle.retention.is_limited() => (
                Rule {
                    removed_before: parent.rule.removed_before.max(lifecycle.removed_before),
                    ..parent.rule
                },
                parent.governing,
            ),
            _ => (
                Rule {
                    retention: lifecycle.retention,
                    removed_before: lifecycle.removed_before,
                },
                lifecycle.retention.is_limited().then_some(index),
            ),
        };
        self.entries[index].rule = rule;
        self.entries[index].governing = governing;
    }
}

#[cfg(test)]
mod tests;
