//! Random histories, scavenged repeatedly, on an engine with commits of unknown outcome.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use annals_engine::{BoxFuture, Commit, Engine, Error as EngineError, Snapshot, memory::MemoryEngine};
use bytes::Bytes;
use proptest::prelude::*;

use super::{ScavengeState, index_all, keeping, listed, scavenge, set, settings, stored};
use crate::{
    Direction, Position, Query, Record, Revision,
    format::keys,
    lifecycle::Lifecycle,
    testing::{
        TestClock, open_on, read_log,
        shapes::{self, Shape},
    },
};

/// An engine on which some commits are lost or have an unknown outcome.
struct Doubtful {
    engine: Arc<MemoryEngine>,
    state: AtomicU64,
}

impl Engine for Doubtful {
    fn name(&self) -> &'static str {
        "doubtful"
    }

    fn snapshot(&self) -> BoxFuture<'_, annals_engine::Result<Box<dyn Snapshot>>> {
        self.engine.snapshot()
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, annals_engine::Result<()>> {
        Box::pin(async move {
            let is_step = !commit.durable && commit.checks.iter().any(|check| check.key == keys::scavenge());
            let state = self.state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            let drawn = (state ^ state >> 31).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 61;
            let unknown = || Err(EngineError::MaybeCommitted("test".to_owned()));
            match drawn {
                0 if is_step => unknown(),
                1 if is_step => {
                    self.engine.commit(commit).await?;
                    unknown()
                }
                2 if is_step => Err(EngineError::Unavailable("test".to_owned())),
                _ => self.engine.commit(commit).await,
            }
        })
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, annals_engine::Result<()>> {
        self.engine.watch(key, last_seen)
    }
}

/// Settings of some streams: the number of the stream, its count and its truncation.
type Set = Vec<(u8, Option<u64>, u64)>;

async fn scavenged_again_and_again(rounds: &[(Vec<Shape>, Set)], seed: u64) {
    let engine = Arc::new(Doubtful {
        engine: Arc::new(MemoryEngine::new()),
        state: AtomicU64::new(seed),
    });
    let clock = Arc::new(TestClock(AtomicU64::new(60_000_000)));
    let mut states: BTreeMap<String, Lifecycle> = BTreeMap::new();
    let mut all: Vec<Record> = Vec::new();
    for (shapes, sets) in rounds {
        let store = open_on(engine.clone(), &clock, settings(), seed).await;
        shapes::fill(&store, shapes).await;
        for (number, max_count, truncate_before) in sets {
            let name = format!("stream{number}");
            let state = keeping(*max_count, *truncate_before);
            let before = states.get(&name).copied().unwrap_or_default();
            let of_stream = all.iter().rfind(|record| record.stream == name);
            let floor = before.floor(of_stream.map(|record| record.revision));
            let needed = before.needs_floor(&state.retention, None);
            let state = before.with_retention(state.retention, if needed { floor } else { Revision::FIRST });
            set(&store, &name, state).await;
            states.insert(name, state);
        }
        index_all(&store).await;
        let head = all.last().map_or(0, |record| record.position.0);
        let new = stored(&*engine).await.into_iter();
        all.extend(new.filter(|record| record.position.0 > head));
        let done = scavenge(&store).await;
        assert_eq!(done.state, ScavengeState::Finished);
        store.close().await;

        let store = open_on(engine.clone(), &clock, settings(), seed).await;
        let left = stored(&*engine).await;
        assert_eq!(
            left,
            read_log(&store, Direction::Forwards, None, Query::default()).await
        );
        let last_of = |name: &str| all.iter().rfind(|record| record.stream == name).unwrap().revision;
        let floor_of = |name: &str| match (crate::values::name::subject(name), states.get(name)) {
            (Some(_), _) => last_of(name),
            (_, Some(state)) => state.floor(Some(last_of(name))),
            _ => Revision::FIRST,
        };
        let lives = |record: &&Record| record.revision >= floor_of(&record.stream);
        let wanted: Vec<Record> = all.iter().filter(lives).cloned().collect();
        assert_eq!(left, wanted);
        let (listed, streams) = listed(&*engine).await;
        assert_eq!(listed, wanted.iter().map(|record| record.position).collect());
        for (name, positions) in streams {
            let of_stream = || wanted.iter().filter(|record| record.stream == name);
            let mut wanted: Vec<Position> = of_stream().map(|record| record.position).collect();
            if wanted.is_empty() {
                let last = all.iter().rfind(|record| record.stream == name).unwrap();
                wanted.push(last.position);
            }
            assert_eq!(positions, wanted, "{name}");
        }
        store.close().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn nothing_but_what_is_gone_goes_whatever_becomes_of_the_commits(
        rounds in proptest::collection::vec(
            (
                shapes::shapes(1..60),
                proptest::collection::vec((0..5_u8, proptest::option::of(1..20_u64), 0..40_u64), 0..4),
            ),
            1..4,
        ),
        seed in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(scavenged_again_and_again(&rounds, seed));
    }
}
