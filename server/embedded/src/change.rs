//! The changes of a commit: before they are written, and with their place in the log.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use annals_engine::Mutation;
use bytes::Bytes;

use crate::location::Location;

/// The value that a commit left in a key, with its location in the log; `None`: the key was removed.
pub(crate) type Left = Option<(Bytes, Location)>;

/// A key with the value that a commit left in it.
pub(crate) type Change = (Bytes, Left);

/// The end of the log: the record that the next one follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tip {
    /// Number of the last record.
    pub(crate) sequence: u64,
    /// Its checksum.
    pub(crate) checksum: u32,
}

/// The new value of each changed key, in key order, each key once. `None`: the key is removed.
///
/// Not a map: large commits come in order (a window of the store's index), and inserting their keys into maps that
/// are only iterated would take as long as writing them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes(Vec<(Bytes, Option<Bytes>)>);

impl Changes {
    /// Converts mutations that are [in order](is_in_order).
    pub(crate) fn in_order(mutations: Vec<Mutation>) -> Self {
        let changes = mutations.into_iter().map(|mutation| match mutation {
            Mutation::Set(key, value) => (key, Some(value)),
            Mutation::Clear(key) => (key, None),
            Mutation::ClearRange(_) => unreachable!("a range is not in order"),
        });
        Self(changes.collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Bytes, Option<&Bytes>)> {
        self.0.iter().map(|(key, value)| (key, value.as_ref()))
    }

    /// Merges these changes over older ones: each key once, in order.
    pub(crate) fn over(self, before: Vec<Change>) -> impl Iterator<Item = Change> {
        let mut before = before.into_iter().peekable();
        // The location of a value is only needed for bulk keys, and relaxed commits have none.
        let located =
            |(key, value): (Bytes, Option<Bytes>)| (key, value.map(|value| (value, Location::NOWHERE)));
        let mut changes = self.0.into_iter().map(located).peekable();
        std::iter::from_fn(move || {
            let order = match (before.peek(), changes.peek()) {
                (Some((old, _)), Some((new, _))) => old.cmp(new),
                (Some(_), None) => Ordering::Less,
                (None, _) => Ordering::Greater,
            };
            match order {
                Ordering::Less => before.next(),
                Ordering::Equal => before.next().and(changes.next()),
                Ordering::Greater => changes.next(),
            }
        })
    }
}

impl From<BTreeMap<Bytes, Option<Bytes>>> for Changes {
    fn from(changes: BTreeMap<Bytes, Option<Bytes>>) -> Self {
        Self(changes.into_iter().collect())
    }
}

impl IntoIterator for Changes {
    type Item = (Bytes, Option<Bytes>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// True if all mutations are of single keys, in key order, each key once.
pub(crate) fn is_in_order(mutations: &[Mutation]) -> bool {
    mutations.iter().all(|mutation| key(mutation).is_some()) && mutations.is_sorted_by(|a, b| key(a) < key(b))
}

fn key(mutation: &Mutation) -> Option<&Bytes> {
    match mutation {
        Mutation::Set(key, _) | Mutation::Clear(key) => Some(key),
        Mutation::ClearRange(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use annals_engine::KeyRange;

    use super::*;

    fn set(key: &'static str) -> Mutation {
        Mutation::Set(Bytes::from_static(key.as_bytes()), Bytes::from_static(b"new"))
    }

    fn clear(key: &'static str) -> Mutation {
        Mutation::Clear(Bytes::from_static(key.as_bytes()))
    }

    #[test]
    fn in_order_are_single_keys_that_ascend() {
        assert!(is_in_order(&[]));
        assert!(is_in_order(&[set("a"), clear("ab"), set("b")]));
        assert!(!is_in_order(&[set("b"), set("a")]));
        // The later one wins, whichever it is.
        assert!(!is_in_order(&[set("a"), clear("a")]));
        let range = Mutation::ClearRange(KeyRange::prefix(b"a"));
        assert!(!is_in_order(std::slice::from_ref(&range)));
        assert!(!is_in_order(&[set("a"), range]));
    }

    #[test]
    fn changes_win_over_what_was_there() {
        let left = |value: &'static str| Some((Bytes::from_static(value.as_bytes()), Location::NOWHERE));
        let key = |key: &'static str| Bytes::from_static(key.as_bytes());
        let before = vec![
            (key("a"), left("old")),
            (key("c"), left("old")),
            (key("d"), None),
            (key("e"), left("old")),
        ];
        let changes = Changes::in_order(vec![set("b"), set("c"), set("d"), clear("e"), set("f")]);
        let all: Vec<_> = changes.over(before).collect();
        let expected = [
            (key("a"), left("old")),
            (key("b"), left("new")),
            (key("c"), left("new")),
            (key("d"), left("new")),
            (key("e"), None),
            (key("f"), left("new")),
        ];
        assert_eq!(all, expected);
        assert_eq!(
            Changes::default().over(expected.to_vec()).collect::<Vec<_>>(),
            expected
        );
    }
}
