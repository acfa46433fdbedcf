use std::{collections::BTreeMap, sync::Arc};

use annals_engine::{
    BoxFuture, Commit, Direction, Engine, Entry, KeyRange, Mutation, PageLimit, Result as EngineResult,
    memory::MemoryEngine,
};
use bytes::Bytes;
use proptest::prelude::*;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{LoadSnapshot, SaveSnapshot, Snapshot, entry::DATA_CHUNK_BYTES, remove_dead};
use crate::{
    Append, ContentType, Error, EventType, Expected, Limits, NewEvent, Result, Revision, Store,
    lifecycle::Lifecycle,
    testing::{Fixture, TestClock, append, open_on, small, stream},
};

fn save(name: &str, revision: u64, schema_version: u32, data: Bytes, keep: usize) -> SaveSnapshot {
    SaveSnapshot {
        stream: stream(name),
        revision: Revision(revision),
        schema_version,
        data,
        keep,
    }
}

fn small_save(name: &str, revision: u64) -> SaveSnapshot {
    save(name, revision, 0, Bytes::from(format!("state at {revision}")), 3)
}

async fn latest(store: &Store, name: &str) -> Result<Snapshot> {
    load(store, name, None, None).await
}

async fn load(
    store: &Store,
    name: &str,
    at_or_before: Option<u64>,
    schema_version: Option<u32>,
) -> Result<Snapshot> {
    let wanted = LoadSnapshot {
        stream: stream(name),
        at_or_before: at_or_before.map(Revision),
        schema_version,
    };
    store.load_snapshot(wanted).await
}

/// Keys of snapshots, of their data, and of their change counts.
async fn stored(engine: &dyn Engine) -> Vec<Entry> {
    let limit = PageLimit {
        entries: usize::MAX,
        bytes: usize::MAX,
    };
    let snapshot = engine.snapshot().await.unwrap();
    let mut stored = Vec::new();
    for space in [b"p", b"d"] {
        let range = KeyRange::prefix(space);
        let page = snapshot.range(range, Direction::Forwards, limit).await.unwrap();
        assert!(!page.more);
        stored.extend(page.entries);
    }
    stored
}

/// Sets a stream's state without the checks of the public calls.
async fn set(store: &Store, name: &str, lifecycle: Lifecycle) {
    let event = NewEvent {
        id: Uuid::new_v4(),
        kind: EventType::trusted("$set"),
        data: lifecycle.to_json(),
        metadata: Bytes::new(),
        tags: Vec::new(),
        content_type: ContentType::default(),
        unknown: Bytes::new(),
    };
    let append = Append::new(stream(name).own(), Expected::Any, vec![event], &Limits::default());
    store.append(append.unwrap()).await.unwrap();
}

async fn delete(store: &Store, name: &str, last: u64) {
    set(store, name, Lifecycle::default().after_deletion(Revision(last))).await;
}

async fn tombstone(store: &Store, name: &str) {
    set(store, name, Lifecycle::default().after_tombstone()).await;
}

fn data(seed: u8, len: usize) -> Bytes {
    (0..len)
        .map(|n| (n as u8).wrapping_mul(31).wrapping_add(seed))
        .collect()
}

fn lens() -> impl Strategy<Value = usize> {
    let chunk = DATA_CHUNK_BYTES;
    prop_oneof![
        4 => 0..50_usize,
        1 => chunk - 1..=chunk + 1,
        1 => Just(3 * chunk),
        1 => Just(2 * chunk + 7),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_latest_that_is_wanted_is_given_of_those_that_are_kept(
        saves in proptest::collection::vec((0..12_u64, 0..3_u32, lens(), 1..5_usize), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut fixture = Fixture::new(small()).await;
            for name in ["s", "s2"] {
                fixture.fill(name, if name == "s" { 0..12 } else { 20..21 }).await;
            }
            fixture.store.save_snapshot(small_save("s2", 0)).await.unwrap();
            let mut model: BTreeMap<(u64, u32), Bytes> = BTreeMap::new();
            for (n, (revision, version, len, keep)) in saves.iter().enumerate() {
                let data = data(n as u8, *len);
                let saved = fixture.store.save_snapshot(save("s", *revision, *version, data.clone(), *keep)).await;
                prop_assert!(saved.is_ok());
                model.insert((*revision, *version), data);
                while model.len() > *keep {
                    model.pop_first();
                }
            }
            fixture.reopen().await;
            for at_or_before in std::iter::once(None).chain((0..13).map(Some)) {
                for version in [None, Some(0), Some(1), Some(2), Some(3)] {
                    let wanted = |key: &(u64, u32)| {
                        at_or_before.is_none_or(|last| key.0 <= last) && version.is_none_or(|version| key.1 == version)
                    };
                    let wanted = model.iter().rfind(|(key, _)| wanted(key));
                    let found = load(&fixture.store, "s", at_or_before, version).await;
                    let found = found.map(|found| ((found.revision.0, found.schema_version), found.data));
                    let wanted = wanted.map(|(key, data)| (*key, data.clone()));
                    prop_assert_eq!(found, wanted.ok_or_else(|| Error::SnapshotNotFound(stream("s"))));
                }
            }
            // Replaced and pruned snapshots left no data.
            let chunks: usize = model.values().map(|data| data.len().div_ceil(DATA_CHUNK_BYTES)).sum();
            prop_assert_eq!(stored(&*fixture.engine).await.len(), 1 + model.len() + chunks + 3);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_snapshot_is_of_a_revision_that_the_stream_has_reached() {
    let fixture = Fixture::new(small()).await;
    fixture.fill("s", 0..5).await;
    let refused = fixture.store.save_snapshot(small_save("s", 5)).await;
    let (stream_s, last) = (stream("s"), Some(Revision(4)));
    assert_eq!(
        refused,
        Err(Error::RevisionBeyondEnd {
            stream: stream_s,
            revision: Revision(5),
            last
        })
    );
    assert!(fixture.store.save_snapshot(small_save("s", 4)).await.is_ok());
    let refused = fixture.store.save_snapshot(small_save("never", 0)).await;
    assert_eq!(refused, Err(Error::StreamNotFound(stream("never"))));
    let none = latest(&fixture.store, "never").await;
    assert_eq!(none, Err(Error::SnapshotNotFound(stream("never"))));
}

#[tokio::test]
async fn snapshots_that_are_saved_together_take_turns_and_as_many_are_kept_as_asked() {
    let fixture = Fixture::new(small()).await;
    fixture.fill("s", 0..40).await;
    let another = fixture.another().await;
    let saves = (0..40).map(|revision| {
        let store = [&fixture.store, &another][revision as usize % 2].clone();
        tokio::spawn(async move { store.save_snapshot(small_save("s", revision)).await })
    });
    for saved in saves.collect::<Vec<_>>() {
        saved.await.unwrap().unwrap();
    }
    for revision in 37..40 {
        let found = load(&another, "s", Some(revision), None).await.unwrap();
        assert_eq!(found.revision, Revision(revision));
    }
    let older = load(&another, "s", Some(36), None).await;
    assert_eq!(older, Err(Error::SnapshotNotFound(stream("s"))));
    assert_eq!(stored(&*fixture.engine).await.len(), 1 + 3 + 3);
    another.close().await;
}

#[tokio::test]
async fn no_snapshot_outlives_the_deletion_of_its_stream() {
    let fixture = Fixture::new(small()).await;
    let store = &fixture.store;
    fixture.fill("s", 0..5).await;
    store.save_snapshot(small_save("s", 3)).await.unwrap();
    store.save_snapshot(small_save("s", 4)).await.unwrap();
    delete(store, "s", 4).await;
    assert_eq!(
        latest(store, "s").await,
        Err(Error::SnapshotNotFound(stream("s")))
    );
    let refused = store.save_snapshot(small_save("s", 4)).await;
    assert_eq!(refused, Err(Error::StreamNotFound(stream("s"))));

    // The stream begins again, with the next revision.
    store.append(append("s", Expected::Any, &[10, 11])).await.unwrap();
    assert_eq!(
        latest(store, "s").await,
        Err(Error::SnapshotNotFound(stream("s")))
    );
    let refused = store.save_snapshot(small_save("s", 4)).await;
    let (revision, first) = (Revision(4), Revision(5));
    assert_eq!(
        refused,
        Err(Error::SnapshotOfDeleted {
            stream: stream("s"),
            revision,
            first
        })
    );
    store.save_snapshot(small_save("s", 5)).await.unwrap();
    assert_eq!(latest(store, "s").await.unwrap().revision, Revision(5));
    let older = load(store, "s", Some(4), None).await;
    assert_eq!(older, Err(Error::SnapshotNotFound(stream("s"))));

    assert_eq!(remove_dead(store.shared(), &stream("s")).await, Ok(2));
    assert_eq!(remove_dead(store.shared(), &stream("s")).await, Ok(0));
    assert_eq!(latest(store, "s").await.unwrap().revision, Revision(5));
    assert_eq!(stored(&*fixture.engine).await.len(), 1 + 1 + 1);
}

#[tokio::test]
async fn no_snapshot_outlives_a_tombstone() {
    let mut fixture = Fixture::new(small()).await;
    fixture.fill("s", 0..5).await;
    fixture.fill("t", 10..12).await;
    for (name, revision) in [("s", 1), ("s", 2), ("t", 1)] {
        fixture
            .store
            .save_snapshot(small_save(name, revision))
            .await
            .unwrap();
    }
    tombstone(&fixture.store, "s").await;
    for _ in 0..2 {
        let gone = Err(Error::StreamTombstoned(stream("s")));
        assert_eq!(latest(&fixture.store, "s").await, gone);
        let refused = fixture.store.save_snapshot(small_save("s", 2)).await;
        assert_eq!(refused, Err(Error::StreamTombstoned(stream("s"))));
        fixture.reopen().await;
    }
    assert_eq!(remove_dead(fixture.store.shared(), &stream("s")).await, Ok(2));
    assert_eq!(latest(&fixture.store, "t").await.unwrap().revision, Revision(1));
    assert_eq!(
        stored(&*fixture.engine).await.len(),
        1 + 1 + 1,
        "the rest belongs to t"
    );
}

/// A memory engine that stops before it commits a snapshot, until it is released.
struct Gate {
    engine: MemoryEngine,
    reached: Semaphore,
    open: Semaphore,
}

impl Engine for Gate {
    fn name(&self) -> &'static str {
        "gate"
    }

    fn snapshot(&self) -> BoxFuture<'_, EngineResult<Box<dyn annals_engine::Snapshot>>> {
        self.engine.snapshot()
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, EngineResult<()>> {
        let data = |mutation: &Mutation| matches!(mutation, Mutation::Set(key, _) if key.starts_with(b"d"));
        Box::pin(async move {
            if commit.mutations.iter().any(data) {
                self.reached.add_permits(1);
                self.open.acquire().await.unwrap().forget();
            }
            self.engine.commit(commit).await
        })
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, EngineResult<()>> {
        self.engine.watch(key, last_seen)
    }
}

#[tokio::test]
async fn a_save_that_a_tombstone_or_a_deletion_overtakes_is_refused_and_leaves_nothing() {
    for deleted in [false, true] {
        let engine = Arc::new(Gate {
            engine: MemoryEngine::new(),
            reached: Semaphore::new(0),
            open: Semaphore::new(0),
        });
        let store = open_on(engine.clone(), &Arc::new(TestClock::default()), small(), 1).await;
        store.append(append("s", Expected::Any, &[1, 2])).await.unwrap();
        let saving = store.clone();
        let saving = tokio::spawn(async move { saving.save_snapshot(small_save("s", 1)).await });
        engine.reached.acquire().await.unwrap().forget();
        let refused = if deleted {
            delete(&store, "s", 1).await;
            (
                Error::StreamNotFound(stream("s")),
                Error::SnapshotNotFound(stream("s")),
            )
        } else {
            tombstone(&store, "s").await;
            let tombstoned = || Error::StreamTombstoned(stream("s"));
            (tombstoned(), tombstoned())
        };
        engine.open.add_permits(1);
        assert_eq!(saving.await.unwrap(), Err(refused.0));
        assert_eq!(latest(&store, "s").await, Err(refused.1));
        assert_eq!(stored(&*engine).await, []);
        store.close().await;
    }
}
