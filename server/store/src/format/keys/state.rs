//! Keys of state: entries, their changes, and what is kept of writes and deletions for a while.

use annals_engine::KeyRange;
use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::{named, parse_number, part_after};
use crate::values::{
    name::{ScopeName, StateKey},
    position::Timestamp,
};

const SCOPE: u8 = b'z';
const ENTRY: u8 = b'y';
const CHANGE: u8 = b'w';
const DELETED: u8 = b'k';
const FORGOTTEN: u8 = b'u';
const WRITE: u8 = b'q';
const EXPIRY: u8 = b'a';

/// What expires: the receipts of a commit's writes, or the deletions that it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiring {
    Receipts,
    Deletions,
}

impl Expiring {
    const fn code(self) -> u8 {
        match self {
            Self::Receipts => b'r',
            Self::Deletions => b'd',
        }
    }
}

/// Key of a scope's last version.
pub(crate) fn scope(scope: &ScopeName) -> Bytes {
    named(SCOPE, scope.as_str(), None)
}

/// Range of the scopes after one of them.
pub(crate) fn scopes(after: Option<&ScopeName>) -> KeyRange {
    part_after(KeyRange::prefix(&[SCOPE]), after.map(scope))
}

/// Parses the key of a scope.
pub(crate) fn parse_scope(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.strip_prefix(&[SCOPE])?).ok()
}

pub(crate) fn entry(scope: &ScopeName, key: &StateKey) -> Bytes {
    in_scope(ENTRY, scope, key.as_str())
}

/// Range of the entries whose keys begin with `prefix` and come after `after`.
pub(crate) fn entries(scope: &ScopeName, prefix: &str, after: Option<&StateKey>) -> KeyRange {
    let range = KeyRange::prefix(&in_scope(ENTRY, scope, prefix));
    part_after(range, after.map(|after| entry(scope, after)))
}

/// Parses the key of an entry of the scope.
pub(crate) fn parse_entry<'a>(scope: &ScopeName, key: &'a [u8]) -> Option<&'a str> {
    let rest = key
        .strip_prefix(&[ENTRY])?
        .strip_prefix(scope.as_str().as_bytes())?;
    std::str::from_utf8(rest.strip_prefix(&[0])?).ok()
}

/// Key of the change that has this version.
pub(crate) fn change(scope: &ScopeName, version: u64) -> Bytes {
    named(CHANGE, scope.as_str(), Some(version))
}

/// Range of the changes of the scope after a version.
pub(crate) fn changes_after(scope: &ScopeName, version: u64) -> KeyRange {
    super::entries(CHANGE, scope.as_str()).after(&change(scope, version))
}

/// Parses the version at the end of the key of a change.
pub(crate) fn parse_change(key: &[u8]) -> Option<u64> {
    parse_number(key)
}

/// Key of the version that deleted an entry.
pub(crate) fn deleted(scope: &ScopeName, key: &StateKey) -> Bytes {
    in_scope(DELETED, scope, key.as_str())
}

/// Range of the versions that deleted entries of the scope.
pub(crate) fn all_deleted(scope: &ScopeName) -> KeyRange {
    KeyRange::prefix(&in_scope(DELETED, scope, ""))
}

/// Key of the version up to which deletions in the scope may be forgotten.
pub(crate) fn forgotten(scope: &ScopeName) -> Bytes {
    named(FORGOTTEN, scope.as_str(), None)
}

/// Key of the receipt of a write.
pub(crate) fn write(id: Uuid) -> Bytes {
    let mut key = BytesMut::with_capacity(17);
    key.put_u8(WRITE);
    key.put_slice(id.as_bytes());
    key.freeze()
}

/// Key of a part of what the commit `commit` wrote that expires. Such keys sort by the time of the commit.
pub(crate) fn expiry(what: Expiring, time: Timestamp, commit: u64, chunk: u16) -> Bytes {
    let mut key = BytesMut::with_capacity(20);
    key.put_slice(&[EXPIRY, what.code()]);
    key.put_u64(time.micros);
    key.put_u64(commit);
    key.put_u16(chunk);
    key.freeze()
}

/// Range of what was written before a time.
pub(crate) fn expired(what: Expiring, before: Timestamp) -> KeyRange {
    let start = Bytes::copy_from_slice(&[EXPIRY, what.code()]);
    KeyRange::new(start, expiry(what, before, 0, 0))
}

fn in_scope(space: u8, scope: &ScopeName, key: &str) -> Bytes {
    let mut out = BytesMut::with_capacity(2 + scope.as_str().len() + key.len());
    out.put_u8(space);
    out.put_slice(scope.as_str().as_bytes());
    out.put_u8(0);
    out.put_slice(key.as_bytes());
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(scope: &str) -> ScopeName {
        ScopeName::new(scope).unwrap()
    }

    fn key(key: &str) -> StateKey {
        StateKey::new(key).unwrap()
    }

    fn holds(range: &KeyRange, key: &[u8]) -> bool {
        range.start <= key && key < range.end
    }

    #[test]
    fn entries_of_one_scope_never_mix_with_those_of_a_longer_name() {
        let range = entries(&name("ab"), "", None);
        assert!(holds(&range, &entry(&name("ab"), &key("c"))));
        assert!(!holds(&range, &entry(&name("abc"), &key("c"))));
        assert!(!holds(&range, &entry(&name("a"), &key("bc"))));
        assert_eq!(
            parse_entry(&name("ab"), &entry(&name("ab"), &key("c"))),
            Some("c")
        );
        assert_eq!(parse_entry(&name("ab"), &entry(&name("abc"), &key("c"))), None);
    }

    #[test]
    fn a_page_begins_after_the_last_key_of_the_page_before() {
        let range = entries(&name("s"), "a", Some(&key("ab")));
        assert!(!holds(&range, &entry(&name("s"), &key("a"))));
        assert!(!holds(&range, &entry(&name("s"), &key("ab"))));
        assert!(holds(&range, &entry(&name("s"), &key("ab!"))));
        assert!(!holds(&range, &entry(&name("s"), &key("b"))));
        let before = entries(&name("s"), "b", Some(&key("a")));
        assert_eq!(before, entries(&name("s"), "b", None), "a prefix after the key");
    }

    #[test]
    fn changes_are_in_the_order_of_their_versions() {
        let range = changes_after(&name("s"), 255);
        assert!(!holds(&range, &change(&name("s"), 255)));
        assert!(holds(&range, &change(&name("s"), 256)));
        assert!(holds(&range, &change(&name("s"), u64::MAX)));
        assert!(!holds(&range, &change(&name("sa"), 1)));
        assert_eq!(parse_change(&change(&name("s"), 256)), Some(256));
    }

    #[test]
    fn only_what_is_old_enough_has_expired() {
        let at = Timestamp::from_micros;
        let range = expired(Expiring::Receipts, at(100));
        assert!(holds(&range, &expiry(Expiring::Receipts, at(99), u64::MAX, 7)));
        assert!(!holds(&range, &expiry(Expiring::Receipts, at(100), 0, 0)));
        assert!(!holds(&range, &expiry(Expiring::Deletions, at(99), 1, 0)));
    }
}
