//! Reads as values, and their results.

use bytes::Bytes;

use crate::{Result, limits};

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
}
