//! Retentions of prefixes, and which of them applies to a stream. Pure: no clock, no I/O.
//!
//! 1. A stream without a count and an age of its own has those of the longest prefix of its name that has any. The
//!    store's own streams, whose names begin with `$`, have none.
//! 2. Events removed by age stay removed: a change with which a prefix keeps events longer, or no longer has a
//!    retention, records the time before which events are removed by then (`removed_before`). It applies to the
//!    streams to which the prefix's retention applies and, if the prefix no longer has one, to those to which it
//!    would apply.
//! 3. Removal by count is not recorded, since that would take memory for each stream: if a prefix keeps more events
//!    from then on, removed events that were not scavenged are kept again.
//!
//! Limits: [`PREFIXES_MAX`](crate::values::limits::PREFIXES_MAX). A look-up compares a name with about log₂ of them,
//! and with those that the last of these begins with, and allocates nothing.

use std::cmp::Ordering;

use super::{Lifecycle, Marked, Retention};
use crate::values::position::Timestamp;

/// Rule for the streams whose names begin with a prefix, and with no longer prefix that has settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The retention by count and age.
    pub retention: Retention,
    /// Events recorded before this time are removed.
    pub removed_before: Timestamp,
}

impl Rule {
    /// Returns the settings that apply to a stream with this rule and these settings of its own.
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

/// All prefixes that have or had settings.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    /// Entries in the order of their prefixes' bytes.
    entries: Vec<Entry>,
    /// Sum of all versions.
    changes: u64,
}

#[derive(Debug)]
struct Entry {
    prefix: Box<str>,
    marked: Marked,
    /// Index of the longest other prefix that this one begins with.
    parent: Option<usize>,
    rule: Rule,
    /// Index of the entry whose retention is in `rule`.
    governing: Option<usize>,
}

impl Prefixes {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns a number that changes with every change.
    pub(crate) const fn changes(&self) -> u64 {
        self.changes
    }

    /// Returns the number of prefixes that have a retention now.
    pub(crate) fn count_set(&self) -> usize {
        let set = |entry: &&Entry| entry.marked.lifecycle.retention.is_limited();
        self.entries.iter().filter(set).count()
    }

    /// Returns the settings of a prefix.
    pub(crate) fn get(&self, prefix: &str) -> Option<Marked> {
        self.find(prefix).ok().map(|index| self.entries[index].marked)
    }

    /// Returns the prefixes after `after`, in order.
    pub(crate) fn behind<'a>(&'a self, after: Option<&str>) -> impl Iterator<Item = (&'a str, Marked)> {
        let first = after.map_or(0, |after| {
            self.entries.partition_point(|entry| &*entry.prefix <= after)
        });
        self.entries[first..]
            .iter()
            .map(|entry| (&*entry.prefix, entry.marked))
    }

    /// Returns the rule for the stream of this name, and for streams whose names begin with it as long as no longer
    /// prefix has settings.
    pub(crate) fn rule(&self, stream: &str) -> Option<&Rule> {
        self.longest(stream).map(|index| &self.entries[index].rule)
    }

    /// Returns the prefix whose retention applies to a stream without a retention of its own.
    pub(crate) fn governing(&self, stream: &str) -> Option<(&str, Retention)> {
        let governing = self.entries[self.longest(stream)?].governing?;
        let entry = &self.entries[governing];
        Some((&entry.prefix, entry.marked.lifecycle.retention))
    }

    /// Returns the rule that a prefix would have without its own settings.
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

    /// Returns the prefixes with settings that no other such prefix covers, in order: together they cover all streams
    /// to which any of them may apply.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &str> {
        let roots = self.entries.iter().filter(|entry| entry.parent.is_none());
        roots.map(|entry| &*entry.prefix)
    }

    /// Stores the settings of a prefix, unless later ones are known.
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

    /// Finds the longest prefix of a name.
    fn longest(&self, stream: &str) -> Option<usize> {
        if stream.starts_with('$') {
            return None;
        }
        // Every prefix of the name is also a prefix of the last entry that does not sort after the name: only names
        // that begin with the prefix sort between the prefix and the name.
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

    /// Sets the parents, and from them the rule of each entry.
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

    /// Sets the rule of an entry whose parent has its rule.
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
