//! Commits and reads drawn from a seed. Keys come from a small set, so that commits collide.

use std::collections::BTreeMap;

use bytes::Bytes;
use rand::Rng;
use rand::rngs::StdRng;

use crate::{Commit, Direction, KeyRange, Mutation, PageLimit, Read};

/// A key of one to five bytes, from an alphabet with both ends of the byte order.
pub(super) fn key(rng: &mut StdRng) -> Bytes {
    const ALPHABET: [u8; 6] = [0x00, 0x01, b'f', b'g', 0xFE, 0xFF];
    let len = rng.random_range(1..=5);
    // The first byte is below 0xFF: engines on a shared cluster reserve keys from there on.
    let first = ALPHABET[rng.random_range(0..5)];
    std::iter::once(first)
        .chain((1..len).map(|_| ALPHABET[rng.random_range(0..6)]))
        .collect()
}

fn value(rng: &mut StdRng) -> Bytes {
    let len = match rng.random_range(0..10) {
        0 => 0,
        1..=7 => rng.random_range(1..40),
        8 => rng.random_range(40..2_000),
        _ => rng.random_range(2_000..20_000),
    };
    let fill: u8 = rng.random();
    vec![fill; len].into()
}

pub(super) fn range(rng: &mut StdRng) -> KeyRange {
    match rng.random_range(0..10) {
        0 => super::everything(),
        1 => KeyRange::new(Bytes::new(), key(rng)),
        2..=4 => KeyRange::prefix(&key(rng)[..1]),
        _ => KeyRange::new(key(rng), key(rng)),
    }
}

/// A commit of checks and mutations. `known`: the current contents; most checks hold, so that most commits are
/// applied.
pub(super) fn commit(rng: &mut StdRng, known: &BTreeMap<Bytes, Bytes>) -> Commit {
    let mut commit = if rng.random_bool(0.5) {
        Commit::durable()
    } else {
        Commit::relaxed()
    };
    for _ in 0..rng.random_range(0..4) {
        let key = any_key(rng, known);
        let expected = match rng.random_range(0..12) {
            0 => Some(value(rng)),
            1 => None,
            _ => known.get(&key).cloned(),
        };
        commit = commit.check(key, expected);
    }
    for _ in 0..rng.random_range(0..12) {
        commit.mutations.push(match rng.random_range(0..20) {
            0 => Mutation::ClearRange(range(rng)),
            1..=5 => Mutation::Clear(any_key(rng, known)),
            6..=10 => Mutation::Set(any_key(rng, known), value(rng)),
            _ => Mutation::Set(key(rng), value(rng)),
        });
    }
    commit
}

/// A point read or a range with its limit.
pub(super) fn read(rng: &mut StdRng, known: &BTreeMap<Bytes, Bytes>) -> Read {
    if rng.random_bool(0.4) {
        return Read::Get(any_key(rng, known));
    }
    let direction = if rng.random_bool(0.5) {
        Direction::Forwards
    } else {
        Direction::Backwards
    };
    let limit = PageLimit {
        entries: if rng.random_bool(0.5) {
            rng.random_range(1..6)
        } else {
            10_000
        },
        bytes: if rng.random_bool(0.5) {
            rng.random_range(0..4_000)
        } else {
            10_000_000
        },
    };
    Read::Range {
        range: range(rng),
        direction,
        limit,
    }
}

/// An existing key half of the time.
fn any_key(rng: &mut StdRng, known: &BTreeMap<Bytes, Bytes>) -> Bytes {
    if rng.random_bool(0.5) && !known.is_empty() {
        let nth = rng.random_range(0..known.len());
        if let Some(key) = known.keys().nth(nth) {
            return key.clone();
        }
    }
    key(rng)
}
