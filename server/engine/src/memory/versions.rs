//! Keys with their versions, and which of them can still be read.
//!
//! 1. The versions of a key are ascending, and there is at least one. A key whose only version is a removal that
//!    every snapshot sees is dropped.
//! 2. A version is kept while it is the newest of its key, or an open snapshot sees it, or [`Versions::lose_relaxed`]
//!    would return to it.
//! 3. `superseded` lists, in commit order, the keys whose versions before that commit can be dropped once no snapshot
//!    reads before it. So garbage is found without searching for it.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use bytes::Bytes;

use crate::{Commit, Direction, Entry, Error, KeyRange, Mutation, Page, PageLimit, Read, Result};

/// A value and the commit that wrote it; `None`: the key was removed.
type Version = (u64, Option<Bytes>);

/// All keys, with all versions that can still be read.
#[derive(Default)]
pub(super) struct Versions {
    keys: BTreeMap<Bytes, Vec<Version>>,
    /// The number of the last commit.
    last: u64,
    /// The number of the last durable commit.
    durable: u64,
    /// How many snapshots are open at each version.
    open: BTreeMap<u64, usize>,
    superseded: VecDeque<(u64, Bytes)>,
}

impl Versions {
    /// Opens a snapshot of the last version.
    pub(super) fn open(&mut self) -> u64 {
        *self.open.entry(self.last).or_default() += 1;
        self.last
    }

    /// Closes a snapshot.
    pub(super) fn close(&mut self, version: u64) {
        if let Some(count) = self.open.get_mut(&version) {
            *count -= 1;
            if *count == 0 {
                self.open.remove(&version);
                self.collect_garbage();
            }
        }
    }

    /// Applies a commit whose checks hold.
    pub(super) fn commit(&mut self, commit: Commit) -> Result<()> {
        if commit
            .checks
            .iter()
            .any(|check| self.latest(&check.key) != check.expected)
        {
            return Err(Error::Conflict);
        }
        self.last += 1;
        for mutation in commit.mutations {
            match mutation {
                Mutation::Set(key, value) => self.write(key, Some(value)),
                Mutation::Clear(key) => self.write(key, None),
                Mutation::ClearRange(range) => {
                    for key in self.present_in(&range) {
                        self.write(key, None);
                    }
                }
            }
        }
        if commit.durable {
            self.durable = self.last;
        }
        self.collect_garbage();
        Ok(())
    }

    /// The newest value of a key.
    pub(super) fn latest(&self, key: &[u8]) -> Option<Bytes> {
        self.keys.get(key).and_then(|versions| seen(versions, u64::MAX))
    }

    /// Executes one read at a version.
    pub(super) fn read(&self, read: &Read, version: u64) -> Page {
        match read {
            Read::Get(key) => {
                let value = self.keys.get(key).and_then(|versions| seen(versions, version));
                let entries = value
                    .map(|value| Entry {
                        key: key.clone(),
                        value,
                    })
                    .into_iter()
                    .collect();
                Page { entries, more: false }
            }
            Read::Range { range, .. } if range.is_empty() => Page::default(),
            Read::Range {
                range,
                direction,
                limit,
            } => {
                let entries = self
                    .keys
                    .range::<[u8], _>(bounds(range))
                    .filter_map(|(key, versions)| {
                        seen(versions, version).map(|value| Entry {
                            key: key.clone(),
                            value,
                        })
                    });
                match direction {
                    Direction::Forwards => page(entries, *limit),
                    Direction::Backwards => page(entries.rev(), *limit),
                }
            }
        }
    }

    /// Undoes every commit after the last durable one. Numbers are not used again.
    pub(super) fn lose_relaxed(&mut self) {
        let durable = self.durable;
        self.keys.retain(|_, versions| {
            versions.retain(|(version, _)| *version <= durable);
            !versions.is_empty()
        });
        self.last += 1;
        self.durable = self.last;
        self.collect_garbage();
    }

    fn write(&mut self, key: Bytes, value: Option<Bytes>) {
        let versions = self.keys.entry(key.clone()).or_default();
        match versions.last_mut() {
            Some((version, last)) if *version == self.last => *last = value,
            _ => {
                // The first version of a key supersedes nothing, unless it is a removal.
                if !versions.is_empty() || value.is_none() {
                    self.superseded.push_back((self.last, key));
                }
                versions.push((self.last, value));
                return;
            }
        }
        // A key that this commit first set and then cleared is listed only now, which keeps the list in order.
        if versions.last().is_some_and(|(_, last)| last.is_none()) {
            self.superseded.push_back((self.last, key));
        }
    }

    fn present_in(&self, range: &KeyRange) -> Vec<Bytes> {
        if range.is_empty() {
            return Vec::new();
        }
        self.keys
            .range::<[u8], _>(bounds(range))
            .filter(|(_, versions)| seen(versions, u64::MAX).is_some())
            .map(|(key, _)| key.clone())
            .collect()
    }

    fn collect_garbage(&mut self) {
        let oldest_open = self
            .open
            .first_key_value()
            .map_or(self.last, |(version, _)| *version);
        let horizon = oldest_open.min(self.durable);
        while self
            .superseded
            .front()
            .is_some_and(|(version, _)| *version <= horizon)
        {
            let Some((_, key)) = self.superseded.pop_front() else {
                return;
            };
            let Some(versions) = self.keys.get_mut(&key) else {
                continue;
            };
            let visible = versions.partition_point(|(version, _)| *version <= horizon);
            versions.drain(..visible.saturating_sub(1));
            if matches!(versions.as_slice(), [(version, None)] if *version <= horizon) {
                self.keys.remove(&key);
            }
        }
    }

    /// The number of versions held, and of entries in `superseded`.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        (self.keys.values().map(Vec::len).sum(), self.superseded.len())
    }
}

/// The value that a snapshot at `version` sees.
fn seen(versions: &[Version], version: u64) -> Option<Bytes> {
    let visible = versions.partition_point(|(written, _)| *written <= version);
    visible
        .checked_sub(1)
        .and_then(|newest| versions[newest].1.clone())
}

fn bounds(range: &KeyRange) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (Bound::Included(&range.start), Bound::Excluded(&range.end))
}

fn page(entries: impl Iterator<Item = Entry>, limit: PageLimit) -> Page {
    let mut page = Page::default();
    let mut bytes = 0;
    for entry in entries {
        if !page.entries.is_empty() && (page.entries.len() >= limit.entries || bytes >= limit.bytes) {
            page.more = true;
            break;
        }
        bytes += entry.key.len() + entry.value.len();
        page.entries.push(entry);
    }
    page
}
