//! Runs the conformance suite on the memory engine, and compares it with a map that is copied for every snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::MemoryEngine;
use crate::conformance::differential;
use crate::{
    BoxFuture, Commit, Direction, Engine, Entry, Error, KeyRange, Mutation, Page, Read, Result, Snapshot,
};

async fn fresh() -> (Arc<dyn Engine>, ()) {
    (Arc::new(MemoryEngine::new()), ())
}

crate::conformance_suite!(fresh);

#[tokio::test]
async fn agrees_with_a_plain_map() {
    for seed in 1_000..1_008 {
        differential::compare(
            seed,
            600,
            Arc::new(MemoryEngine::new()),
            Arc::new(PlainMap::default()),
        )
        .await;
    }
}

#[tokio::test]
async fn versions_that_nobody_can_see_are_dropped() {
    let engine = MemoryEngine::new();
    let key = Bytes::from_static(b"key");
    for number in 0..100_u8 {
        engine
            .commit(Commit::durable().set(key.clone(), vec![number].into()))
            .await
            .unwrap();
    }
    assert_eq!(
        engine.shared.versions.lock().held(),
        (1, 0),
        "without a snapshot only the newest is kept"
    );

    let snapshot = engine.snapshot().await.unwrap();
    for number in 100..110_u8 {
        engine
            .commit(Commit::durable().set(key.clone(), vec![number].into()))
            .await
            .unwrap();
    }
    assert_eq!(
        snapshot.get(key.clone()).await.unwrap(),
        Some(Bytes::from_static(&[99]))
    );
    drop(snapshot);
    assert_eq!(
        engine.shared.versions.lock().held(),
        (1, 0),
        "closing the snapshot drops the other versions"
    );

    engine.commit(Commit::durable().clear(key)).await.unwrap();
    assert_eq!(
        engine.shared.versions.lock().held(),
        (0, 0),
        "a removed key leaves nothing"
    );
    let twice = Commit::durable()
        .set(Bytes::from_static(b"a"), Bytes::new())
        .clear(Bytes::from_static(b"a"));
    engine.commit(twice).await.unwrap();
    assert_eq!(
        engine.shared.versions.lock().held(),
        (0, 0),
        "nor does a key that one commit sets and clears"
    );
}

#[tokio::test]
async fn losing_relaxed_commits_returns_to_the_last_durable_one() {
    let engine = MemoryEngine::new();
    let [a, b, c] = ["a", "b", "c"].map(|key| Bytes::from_static(key.as_bytes()));
    let value = Bytes::from_static(b"value");
    engine
        .commit(Commit::relaxed().set(a.clone(), value.clone()))
        .await
        .unwrap();
    engine
        .commit(Commit::durable().set(b.clone(), value.clone()))
        .await
        .unwrap();
    engine
        .commit(Commit::relaxed().clear(a.clone()).set(c.clone(), value.clone()))
        .await
        .unwrap();
    engine
        .commit(Commit::relaxed().set(b.clone(), a.clone()))
        .await
        .unwrap();

    engine.lose_relaxed();

    let snapshot = engine.snapshot().await.unwrap();
    assert_eq!(snapshot.get(a.clone()).await.unwrap(), Some(value.clone()));
    assert_eq!(snapshot.get(b.clone()).await.unwrap(), Some(value.clone()));
    assert_eq!(snapshot.get(c.clone()).await.unwrap(), None);
    engine
        .commit(Commit::durable().check(c.clone(), None).set(c, value))
        .await
        .unwrap();
}

#[tokio::test]
async fn clones_share_the_data() {
    let engine = MemoryEngine::new();
    let other = engine.clone();
    let key = Bytes::from_static(b"key");
    engine
        .commit(Commit::durable().set(key.clone(), key.clone()))
        .await
        .unwrap();
    drop(engine);
    assert_eq!(
        other.snapshot().await.unwrap().get(key.clone()).await.unwrap(),
        Some(key)
    );
}

/// The contract in its simplest form: one map, copied for every snapshot.
#[derive(Default)]
struct PlainMap(Mutex<BTreeMap<Bytes, Bytes>>);

struct Copied(BTreeMap<Bytes, Bytes>);

impl Engine for PlainMap {
    fn name(&self) -> &'static str {
        "plain map"
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>> {
        Box::pin(async {
            let copied: Box<dyn Snapshot> = Box::new(Copied(self.0.lock().clone()));
            Ok(copied)
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let mut map = self.0.lock();
            if commit
                .checks
                .iter()
                .any(|check| map.get(&check.key) != check.expected.as_ref())
            {
                return Err(Error::Conflict);
            }
            for mutation in commit.mutations {
                match mutation {
                    Mutation::Set(key, value) => drop(map.insert(key, value)),
                    Mutation::Clear(key) => drop(map.remove(&key)),
                    Mutation::ClearRange(KeyRange { start, end }) => {
                        map.retain(|key, _| *key < start || *key >= end);
                    }
                }
            }
            Ok(())
        })
    }

    fn watch(&self, _key: Bytes, _last_seen: Option<Bytes>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

impl Snapshot for Copied {
    fn read(&self, reads: Vec<Read>) -> BoxFuture<'_, Result<Vec<Page>>> {
        Box::pin(async move { Ok(reads.iter().map(|read| self.page(read)).collect()) })
    }
}

impl Copied {
    fn page(&self, read: &Read) -> Page {
        let (range, direction, limit) = match read {
            Read::Get(key) => {
                let entries = self.0.get_key_value(key).map(entry).into_iter().collect();
                return Page { entries, more: false };
            }
            Read::Range {
                range,
                direction,
                limit,
            } => (range, direction, limit),
        };
        let mut all: Vec<Entry> = self
            .0
            .iter()
            .filter(|(key, _)| **key >= range.start && **key < range.end)
            .map(entry)
            .collect();
        if *direction == Direction::Backwards {
            all.reverse();
        }
        let mut bytes = 0;
        let mut keep = 0;
        while keep < all.len() && (keep == 0 || (keep < limit.entries && bytes < limit.bytes)) {
            bytes += all[keep].key.len() + all[keep].value.len();
            keep += 1;
        }
        let more = keep < all.len();
        all.truncate(keep);
        Page { entries: all, more }
    }
}

fn entry((key, value): (&Bytes, &Bytes)) -> Entry {
    Entry {
        key: key.clone(),
        value: value.clone(),
    }
}
