//! Ranges that span both keyspaces.

use annals_engine::{Commit, Direction, Engine, Entry, KeyRange, PageLimit};
use bytes::Bytes;

use super::{b, contents, open, with_bulk};

const KEYS: [&str; 10] = ["a", "c", "c1", "c9", "d", "e", "f", "fz", "g", "h"];

fn keys_of(entries: &[Entry]) -> Vec<&[u8]> {
    entries.iter().map(|entry| &entry.key[..]).collect()
}

#[tokio::test]
async fn a_range_over_both_keyspaces_is_in_order_both_ways() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), with_bulk(&["c", "f", "g"]));
    let commit = KEYS
        .iter()
        .rev()
        .fold(Commit::durable(), |commit, key| commit.set(b(key), b(key)));
    engine.commit(commit).await.expect("sets");
    let snapshot = engine.snapshot().await.expect("opens");
    engine
        .commit(Commit::durable().clear(b("c1")).clear(b("d")))
        .await
        .expect("clears");

    for start in 0..KEYS.len() {
        for end in start..KEYS.len() {
            for entries in [1, 2, 3, 100] {
                let range = KeyRange::new(b(KEYS[start]), b(KEYS[end]));
                let limit = PageLimit {
                    entries,
                    bytes: usize::MAX,
                };
                let inside: Vec<&[u8]> = KEYS[start..end].iter().map(|key| key.as_bytes()).collect();

                let forwards = snapshot
                    .range(range.clone(), Direction::Forwards, limit)
                    .await
                    .expect("reads");
                let first: Vec<_> = inside.iter().copied().take(entries).collect();
                assert_eq!(keys_of(&forwards.entries), first);

                let backwards = snapshot
                    .range(range, Direction::Backwards, limit)
                    .await
                    .expect("reads");
                let last: Vec<_> = inside.iter().rev().copied().take(entries).collect();
                assert_eq!(keys_of(&backwards.entries), last);
                assert!(backwards.more || inside.len() < entries.saturating_add(1));
            }
        }
    }
}

#[tokio::test]
async fn a_range_over_both_keyspaces_is_cleared_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), with_bulk(&["c", "f", "g"]));
    let commit = KEYS
        .iter()
        .fold(Commit::durable(), |commit, key| commit.set(b(key), b(key)));
    engine.commit(commit).await.expect("sets");
    let range = KeyRange::new(b("c1"), b("g"));
    let commit = Commit::durable()
        .set(b("c5"), b("x"))
        .clear_range(range)
        .set(b("e"), b("new"));
    engine.commit(commit).await.expect("clears");
    let left = contents(&engine).await;
    assert_eq!(keys_of(&left), [&b"a"[..], b"c", b"e", b"g", b"h"]);
    assert_eq!(left[2].value, b("new"));
}

#[tokio::test]
async fn values_in_memory_are_returned_without_a_copy() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), with_bulk(&["f"]));
    let value = Bytes::from(vec![7; 5_000]);
    engine
        .commit(Commit::durable().set(b("f"), value.clone()))
        .await
        .expect("sets");
    let snapshot = engine.snapshot().await.expect("opens");
    let read = snapshot.get(b("f")).await.expect("reads").expect("is there");
    assert_eq!(
        read.as_ptr(),
        value.as_ptr(),
        "the value in memory is the buffer that was written"
    );
}
