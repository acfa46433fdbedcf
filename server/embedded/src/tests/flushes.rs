//! Reads from tables instead of memory, and while fjall's own threads work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use annals_engine::conformance::{self, differential};
use annals_engine::memory::MemoryEngine;
use annals_engine::{BoxFuture, Commit, Engine, Error, Result, Snapshot};
use bytes::Bytes;

use super::{b, open, with_bulk};
use crate::layout::Place;
use crate::store::Store;
use crate::{EmbeddedEngine, Settings};

fn flush(store: &Store) {
    for place in [Place::Index, Place::Log] {
        store
            .tree
            .keyspace(place)
            .rotate_memtable_and_wait()
            .expect("flushes");
    }
}

/// Flushes every few commits, and compacts now and then.
struct Flushing {
    engine: EmbeddedEngine,
    commits: AtomicUsize,
}

impl Engine for Flushing {
    fn name(&self) -> &'static str {
        "embedded, flushing"
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>> {
        self.engine.snapshot()
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let answer = self.engine.commit(commit).await;
            let number = self.commits.fetch_add(1, Ordering::Relaxed);
            if number % 10 == 9 {
                flush(&self.engine.store);
            }
            if number % 50 == 49 {
                self.engine
                    .store
                    .tree
                    .keyspace(Place::Log)
                    .major_compact()
                    .expect("compacts");
                self.engine
                    .store
                    .tree
                    .keyspace(Place::Index)
                    .major_compact()
                    .expect("compacts");
            }
            answer
        })
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, Result<()>> {
        self.engine.watch(key, last_seen)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agrees_with_the_memory_engine_while_it_flushes_and_compacts() {
    for fold_entries in [2, 50] {
        for seed in 100..103 {
            let directory = tempfile::tempdir().expect("a directory");
            let settings = Settings {
                fold_entries,
                ..with_bulk(&["\u{1}", "f"])
            };
            let engine = Flushing {
                engine: open(directory.path(), settings),
                commits: AtomicUsize::default(),
            };
            differential::compare(seed, 300, Arc::new(engine), Arc::new(MemoryEngine::new())).await;
        }
    }
}

/// A flush or a compaction that ends during a commit must not let a snapshot see part of the commit (`store`).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushes_do_not_let_a_snapshot_change() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = Arc::new(open(directory.path(), with_bulk(&["m"])));
    let done = Arc::new(AtomicBool::new(false));
    let flusher = std::thread::spawn({
        let (store, done) = (Arc::clone(&engine.store), Arc::clone(&done));
        move || {
            while !done.load(Ordering::Acquire) {
                flush(&store);
            }
        }
    });
    for _ in 0..4 {
        conformance::a_snapshot_shows_all_of_a_commit_or_nothing(Arc::clone(&engine) as Arc<dyn Engine>)
            .await;
        let clear = ["a", "m", "z"]
            .iter()
            .fold(Commit::durable(), |commit, key| commit.clear(b(key)));
        engine.commit(clear).await.expect("clears");
    }
    done.store(true, Ordering::Release);
    flusher.join().expect("the flusher ends");
}

/// fjall's own threads fail before the next commit does, and would leave it waiting.
#[tokio::test]
async fn a_flush_that_fails_is_noticed_and_ends_all_commits() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), Settings::default());
    engine
        // Relaxed, so that it is in the tree and not in the generation.
        .commit(Commit::relaxed().set(b("key"), b("value")))
        .await
        .expect("sets");
    let tables = engine.store.tree.keyspace(Place::Index).path().join("tables");
    std::fs::remove_dir_all(tables).expect("removes");
    engine
        .store
        .tree
        .keyspace(Place::Index)
        .rotate_memtable()
        .expect("starts a flush");

    let error = tokio::time::timeout(conformance::PATIENCE, engine.failed())
        .await
        .expect("is noticed");
    assert!(matches!(error, Error::Failed(_)), "{error:?}");
    for commit in [Commit::durable(), Commit::relaxed().set(b("key"), b("other"))] {
        assert_eq!(engine.commit(commit).await, Err(error.clone()));
    }
    let snapshot = engine.snapshot().await.expect("opens");
    assert_eq!(snapshot.get(b("key")).await.expect("reads"), Some(b("value")));
}

#[tokio::test]
async fn the_old_versions_of_a_key_do_not_pile_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), Settings::default());
    for round in 0..3 {
        for number in 0..1_000_u32 {
            let value = Bytes::from(vec![round; 1_000 + number as usize % 7]);
            engine
                .commit(Commit::relaxed().set(b("head"), value))
                .await
                .expect("sets");
        }
        flush(&engine.store);
    }
    engine
        .store
        .tree
        .keyspace(Place::Index)
        .major_compact()
        .expect("compacts");
    let bytes = engine.store.tree.keyspace(Place::Index).disk_space();
    assert!(
        bytes < 20_000,
        "one key of 1,000 bytes takes {bytes} on disk after 3,000 changes"
    );
}
