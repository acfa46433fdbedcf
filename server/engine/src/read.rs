//! Reads as values, and their results.

use bytes::Bytes;

use crate::{Result, Snapshot, limits};

/// One read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The value of a key: a page of one entry or none.
    Get(Bytes),
    /// The first entries of a range, in a direction.
    Range {
        /// The keys to read.
        range: KeyRange,
        /// The end to start from.
        direction: Direction,
        /// Where the page ends.
        limit: PageLimit,
    },
}

impl Read {
    /// A page of a range.
    #[must_use]
    pub const fn range(range: KeyRange, direction: Direction, limit: PageLimit) -> Self {
        Self::Range {
            range,
            direction,
            limit,
        }
    }

    /// The first entry of a range.
    #[must_use]
    pub const fn first(range: KeyRange) -> Self {
        Self::range(range, Direction::Forwards, PageLimit::entries(1))
    }

    /// The last entry of a range.
    #[must_use]
    pub const fn last(range: KeyRange) -> Self {
        Self::range(range, Direction::Backwards, PageLimit::entries(1))
    }

    /// Rejects a read that some engine would not accept. Every engine calls it first.
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] naming the limit.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::Get(key) => limits::check_key(key),
            Self::Range { range, .. } => {
                limits::check_bound(&range.start)?;
                limits::check_bound(&range.end)
            }
        }
    }
}

/// Keys from `start`, inclusive, to `end`, exclusive, in byte order. Empty when `start >= end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key of the range.
    pub start: Bytes,
    /// The first key after the range.
    pub end: Bytes,
}

impl KeyRange {
    /// Keys from `start`, inclusive, to `end`, exclusive.
    pub fn new(start: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        Self {
            start: start.into(),
            end: end.into(),
        }
    }

    /// All keys that begin with `prefix`, which must contain a byte other than 0xFF.
    ///
    /// # Panics
    /// If `prefix` is empty or all 0xFF: such a range has no end.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        let keep = prefix
            .iter()
            .rposition(|byte| *byte != 0xFF)
            .expect("a prefix contains a byte below 0xFF");
        let mut end = prefix[..=keep].to_vec();
        end[keep] += 1;
        Self::new(Bytes::copy_from_slice(prefix), end)
    }

    /// The part of the range after `key`, which must not be before it.
    #[must_use]
    pub fn after(self, key: &[u8]) -> Self {
        Self::new([key, &[0]].concat(), self.end)
    }

    /// True if the range cannot contain a key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }
}

/// The order in which a range is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest key first.
    Forwards,
    /// Largest key first.
    Backwards,
}

/// The size of a page. The first entry is always returned, however large, so that every page makes progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit {
    /// The most entries, at least 1.
    pub entries: usize,
    /// The page ends with the entry that brings keys and values to at least this many bytes. Engines may end it
    /// earlier.
    pub bytes: usize,
}

impl PageLimit {
    /// Limits neither entries nor bytes.
    pub const NONE: Self = Self::entries(usize::MAX);

    /// Limits the entries, at least 1, and not the bytes.
    #[must_use]
    pub const fn entries(entries: usize) -> Self {
        Self {
            entries,
            bytes: usize::MAX,
        }
    }
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
}

/// The result of one read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Entries, in the direction of the read.
    pub entries: Vec<Entry>,
    /// Whether the range may contain more entries after these.
    pub more: bool,
}

impl Page {
    /// The value of the page's first entry: the result of a [`Read::Get`].
    #[must_use]
    pub fn into_value(self) -> Option<Bytes> {
        self.entries.into_iter().next().map(|entry| entry.value)
    }

    /// The rest of a range of which this page was read; `None`: the page is the last one.
    #[must_use]
    pub fn rest_of(&self, range: KeyRange, direction: Direction) -> Option<KeyRange> {
        let last = self.entries.last().filter(|_| self.more)?;
        Some(match direction {
            Direction::Forwards => range.after(&last.key),
            Direction::Backwards => KeyRange::new(range.start, last.key.clone()),
        })
    }
}

/// The pages of a range, one after the other.
#[derive(Clone, Debug)]
pub struct Pages {
    rest: Option<KeyRange>,
    direction: Direction,
    limit: PageLimit,
}

impl Pages {
    /// The pages of a range in a direction, each with this limit.
    #[must_use]
    pub const fn new(range: KeyRange, direction: Direction, limit: PageLimit) -> Self {
        Self {
            rest: Some(range),
            direction,
            limit,
        }
    }

    /// Reads the next page; `None`: there is no more. Pages may be read from different snapshots.
    ///
    /// # Errors
    /// Those of [`Snapshot::read`]. The page can then be read again.
    pub async fn next(&mut self, snapshot: &(dyn Snapshot + '_)) -> Result<Option<Page>> {
        let Some(range) = self.rest.clone() else {
            return Ok(None);
        };
        let page = snapshot.range(range.clone(), self.direction, self.limit).await?;
        self.rest = page.rest_of(range, self.direction);
        Ok(Some(page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Commit, Engine, memory::MemoryEngine};

    #[test]
    fn the_rest_of_a_range_begins_after_the_last_key_of_a_page() {
        let range = || KeyRange::new(&b"a"[..], &b"z"[..]);
        let page = |keys: &[&'static str], more| Page {
            entries: keys
                .iter()
                .map(|key| Entry {
                    key: Bytes::from_static(key.as_bytes()),
                    value: Bytes::new(),
                })
                .collect(),
            more,
        };
        let table = [
            (page(&["b", "c"], true), Some(("c\0", "z")), Some(("a", "c"))),
            (page(&["b", "c"], false), None, None),
            (page(&[], false), None, None),
            (page(&[], true), None, None),
        ];
        for (page, forwards, backwards) in table {
            let expected = |bounds: Option<(&'static str, &'static str)>| {
                bounds.map(|(start, end)| KeyRange::new(start.as_bytes(), end.as_bytes()))
            };
            assert_eq!(
                page.rest_of(range(), Direction::Forwards),
                expected(forwards),
                "{page:?}"
            );
            assert_eq!(
                page.rest_of(range(), Direction::Backwards),
                expected(backwards),
                "{page:?}"
            );
        }
    }

    #[tokio::test]
    async fn the_pages_of_a_range_have_each_of_its_keys_once() {
        let engine = MemoryEngine::default();
        // Keys of which each is directly after the one before it.
        let keys: Vec<Bytes> = (1..=7).map(|bytes| Bytes::from(vec![0; bytes])).collect();
        let commit = keys.iter().fold(Commit::durable(), |commit, key| {
            commit.set(key.clone(), Bytes::new())
        });
        engine.commit(commit).await.unwrap();
        let snapshot = engine.snapshot().await.unwrap();
        for entries in 1..=8 {
            for direction in [Direction::Forwards, Direction::Backwards] {
                let range = KeyRange::new(&b""[..], &b"z"[..]);
                let mut pages = Pages::new(range, direction, PageLimit::entries(entries));
                let mut found = Vec::new();
                while let Some(page) = pages.next(&*snapshot).await.unwrap() {
                    found.extend(page.entries.into_iter().map(|entry| entry.key));
                }
                if direction == Direction::Backwards {
                    found.reverse();
                }
                assert_eq!(found, keys, "{entries} {direction:?}");
            }
        }
        let range = || KeyRange::new(&b""[..], &b"z"[..]);
        let ends = snapshot
            .read(vec![Read::first(range()), Read::last(range())])
            .await
            .unwrap();
        let ends: Vec<_> = ends.into_iter().map(|page| page.entries).collect();
        assert!(ends.iter().all(|entries| entries.len() == 1));
        assert_eq!([&ends[0][0].key, &ends[1][0].key], [&keys[0], &keys[6]]);
    }
}
