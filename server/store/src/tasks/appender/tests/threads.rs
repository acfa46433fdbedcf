//! Tests on which thread the appender runs: as a task of the runtime for single appends, on a thread of its own for
//! many.

use std::{
    collections::HashSet,
    sync::{Arc, Barrier},
    thread::{self, ThreadId},
};

use annals_engine::{BoxFuture, Commit, Engine, Result, Snapshot, is_own_thread, memory::MemoryEngine};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::{
    Expected, Position, Settings, Store,
    testing::{TestClock, append, open_on},
};

/// A memory engine that records which threads make durable commits, and whether these declare to be dedicated
/// threads.
#[derive(Default)]
struct Noting {
    engine: MemoryEngine,
    threads: Mutex<Vec<(ThreadId, bool)>>,
}

impl Engine for Noting {
    fn name(&self) -> &'static str {
        "noting"
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>> {
        self.engine.snapshot()
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<()>> {
        if commit.durable {
            self.threads
                .lock()
                .push((thread::current().id(), is_own_thread()));
        }
        self.engine.commit(commit)
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, Result<()>> {
        self.engine.watch(key, last_seen)
    }
}

const WORKERS: usize = 2;

/// Returns the threads of the runtime's workers, by running one task on each at the same time.
async fn workers() -> HashSet<ThreadId> {
    let all = Arc::new(Barrier::new(WORKERS));
    let mut tasks = JoinSet::new();
    for _ in 0..WORKERS {
        let all = Arc::clone(&all);
        tasks.spawn(async move {
            all.wait();
            thread::current().id()
        });
    }
    tasks.join_all().await.into_iter().collect()
}

async fn one_by_one(store: &Store, ids: std::ops::Range<u128>) {
    for id in ids {
        let append = append("lone", Expected::Any, &[id]);
        store.append(append).await.unwrap();
    }
}

async fn all_at_once(store: &Store, ids: std::ops::Range<u128>) {
    let mut tasks = JoinSet::new();
    for id in ids {
        let store = store.clone();
        tasks.spawn(async move {
            store
                .append(append(&format!("many-{}", id % 10), Expected::Any, &[id]))
                .await
        });
    }
    while let Some(appended) = tasks.join_next().await {
        appended.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_appends_get_a_thread_and_lone_ones_do_not() {
    let engine = Arc::new(Noting::default());
    let settings = Settings {
        appender_thread: true,
        ..Settings::default()
    };
    let store = open_on(engine.clone(), &Arc::new(TestClock::default()), settings, 1).await;
    let workers = workers().await;
    let among_workers = || -> Vec<bool> {
        let threads = std::mem::take(&mut *engine.threads.lock());
        threads
            .into_iter()
            .map(|(thread, own)| {
                let among_workers = workers.contains(&thread);
                assert_ne!(
                    among_workers, own,
                    "a thread is either a worker or a dedicated one"
                );
                among_workers
            })
            .collect()
    };
    // Written when the store was opened.
    engine.threads.lock().clear();

    let mut ids = 0..0;
    for round in 0..3 {
        ids = ids.end..ids.end + 100;
        one_by_one(&store, ids.clone()).await;
        let lone = among_workers();
        // It stays on its thread until its number of appends in flight has decreased.
        assert!(
            lone.iter().rev().take(20).all(|among| *among),
            "{round}: {lone:?}"
        );

        ids = ids.end..ids.end + 2_000;
        all_at_once(&store, ids.clone()).await;
        let many = among_workers();
        assert!(many.iter().any(|among| !among), "{round}: {many:?}");
    }
    assert_eq!(store.info().head, Position(ids.end as u64));
    // While it is on its thread.
    store.close().await;
    assert!(
        store
            .append(append("late", Expected::Any, &[ids.end]))
            .await
            .is_err()
    );
}
