//! Injects faults at the contract, over a real cluster: commits of unknown outcome and snapshots that are too old,
//! many more than a cluster would produce. Two stores of one log append beside each other and retry appends of
//! unknown outcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use annals_engine::{BoxFuture, Commit, Engine, Error, Page, Read, Result, Snapshot};
use annals_store::{
    Append, Direction, Environment, EventType, Expected, NewEvent, Query, ReadAll, Record, Settings, Store,
    StreamName,
};
use bytes::Bytes;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::timeout;
use uuid::Uuid;

use super::{PATIENCE, fresh_prefix, open, shared_cluster};
use crate::FoundationDbEngine;

annals_installed::tests_that_need!(foundationdb:
    unknown_outcomes_and_old_snapshots_lose_and_repeat_nothing,
);

/// The probability that the outcome of a commit is unknown, and that a page is refused as too old.
const UNKNOWN: f64 = 0.1;
const TOO_OLD: f64 = 0.02;

/// The real engine with injected faults.
struct Injecting {
    engine: FoundationDbEngine,
    faults: Arc<Faults>,
}

struct Faults {
    rng: Mutex<StdRng>,
    applied: AtomicU64,
    lost: AtomicU64,
    too_old: AtomicU64,
}

impl Faults {
    fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
            applied: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            too_old: AtomicU64::new(0),
        })
    }

    fn happens(&self, likely: f64) -> bool {
        self.rng.lock().random_bool(likely)
    }
}

impl Engine for Injecting {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>> {
        Box::pin(async {
            let aging: Box<dyn Snapshot> = Box::new(Aging {
                snapshot: self.engine.snapshot().await?,
                faults: Arc::clone(&self.faults),
            });
            Ok(aging)
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            if !self.faults.happens(UNKNOWN) {
                return self.engine.commit(commit).await;
            }
            if self.faults.happens(0.5) {
                self.faults.lost.fetch_add(1, Ordering::Relaxed);
            } else if self.engine.commit(commit).await.is_ok() {
                self.faults.applied.fetch_add(1, Ordering::Relaxed);
            }
            Err(Error::MaybeCommitted("injected".to_owned()))
        })
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, Result<()>> {
        self.engine.watch(key, last_seen)
    }
}

/// A snapshot that may be too old at any read.
struct Aging {
    snapshot: Box<dyn Snapshot>,
    faults: Arc<Faults>,
}

impl Snapshot for Aging {
    fn read(&self, reads: Vec<Read>) -> BoxFuture<'_, Result<Vec<Page>>> {
        if self.faults.happens(TOO_OLD) {
            self.faults.too_old.fetch_add(1, Ordering::Relaxed);
            return Box::pin(async { Err(Error::TooOld) });
        }
        self.snapshot.read(reads)
    }
}

fn append(stream: &str, id: Uuid) -> Append {
    let event = NewEvent {
        id,
        kind: EventType::new("Counted").expect("is a type"),
        data: Bytes::from_static(b"{}"),
        metadata: Bytes::new(),
        tags: Vec::new(),
        content_type: annals_store::ContentType::default(),
        unknown: Bytes::new(),
    };
    let stream = StreamName::new(stream).expect("is a name");
    Append::new(stream, Expected::Any, vec![event], &Settings::default().limits).expect("is within limits")
}

/// Appends, and retries while the outcome is unknown, as clients do.
async fn append_until_known(store: &Store, stream: &str, id: Uuid) -> u64 {
    let trying = async {
        loop {
            match store.append(append(stream, id)).await {
                Ok(appended) => return appended.first_position.0,
                Err(annals_store::Error::Unavailable(_)) => {}
                Err(error) => panic!("{stream}: {error}"),
            }
        }
    };
    timeout(PATIENCE, trying).await.expect("an append ends")
}

async fn log(store: &Store) -> Vec<Record> {
    'again: loop {
        let read = ReadAll {
            direction: Direction::Forwards,
            from: None,
            limit: None,
            query: Query::default(),
            until: None,
        };
        let Ok(mut reader) = store.read_all(read).await else {
            continue;
        };
        let mut records = Vec::new();
        loop {
            match reader.next().await {
                Ok(Some(batch)) => records.extend(batch.records().expect("is well formed")),
                Ok(None) => return records,
                // Reported to readers as unavailable, so they read again.
                Err(annals_store::Error::Unavailable(_)) => continue 'again,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

async fn unknown_outcomes_and_old_snapshots_lose_and_repeat_nothing() {
    const WRITERS: u64 = 8;
    const APPENDS: u64 = 60;
    let cluster = shared_cluster();
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let (name, faults) = (fresh_prefix(), Faults::new(seed));
    let mut stores = Vec::new();
    while stores.len() < 2 {
        let engine = Arc::new(Injecting {
            engine: open(cluster, &name).await,
            faults: Arc::clone(&faults),
        });
        let settings = Settings {
            shared_engine: true,
            ..Settings::default()
        };
        let environment = Environment::system(format!("server-{}", stores.len()));
        // Opening reads, so it may fail; the caller tries again.
        stores.extend(Store::open(engine, settings, environment).await.ok());
    }
    let writers = (0..WRITERS).map(|writer| {
        let store = stores[usize::try_from(writer).expect("is small") % 2].clone();
        tokio::spawn(async move {
            let mut placed = Vec::new();
            for _ in 0..APPENDS {
                let id = Uuid::new_v4();
                placed.push((append_until_known(&store, &format!("s-{writer}"), id).await, id));
            }
            placed
        })
    });
    let mut placed = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        placed.extend(writer.await.expect("the writer ends"));
    }
    placed.sort_unstable();
    for store in &stores {
        let found: Vec<(u64, Uuid)> = log(store)
            .await
            .into_iter()
            .map(|record| (record.position.0, record.id))
            .collect();
        assert!(
            found
                .iter()
                .map(|(position, _)| *position)
                .eq(1..=WRITERS * APPENDS)
        );
        assert_eq!(found, placed, "the log differs from the acknowledged appends");
        store.close().await;
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (applied, lost, too_old) = (
        count(&faults.applied),
        count(&faults.lost),
        count(&faults.too_old),
    );
    println!("of unknown outcome: {applied} commits applied, {lost} not; {too_old} reads too old");
    assert!(applied > 0 && lost > 0 && too_old > 0);
}
