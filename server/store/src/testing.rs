//! Test helpers of this crate: a small store on the memory engine, and short constructors for appends and reads.

mod counted;
mod gated;
pub(crate) mod shapes;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use annals_engine::{Commit, Engine, memory::MemoryEngine};
use bytes::Bytes;
use uuid::Uuid;

use crate::{
    Append, Appended, Check, Clock, ContentType, Direction, Environment, EventType, Expected, NewEvent,
    Position, Query, ReadAll, ReadStream, Record, Result, Revision, Sabotage, Settings, Store, StreamName,
    Tag, Timestamp, Write,
    format::{frame::Frame, keys},
    model::log,
    tasks::scavenge,
};

pub(crate) use counted::{Cost, Counted};
pub(crate) use gated::Gated;

/// A clock that returns the time it is set to.
#[derive(Debug, Default)]
pub(crate) struct TestClock(pub AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// Settings with small windows and a small ring, so that little data exercises every path.
pub(crate) fn small() -> Settings {
    Settings {
        window_events: 8,
        tail_bytes_max: 600,
        retired_windows_max: 1,
        condition_positions_max: 0,
        gone_events_max: 2,
        ..Settings::default()
    }
}

pub(crate) struct Fixture {
    pub engine: Arc<MemoryEngine>,
    pub clock: Arc<TestClock>,
    pub settings: Settings,
    pub store: Store,
}

impl Fixture {
    pub(crate) async fn new(settings: Settings) -> Self {
        let engine = Arc::new(MemoryEngine::new());
        let clock = Arc::new(TestClock(AtomicU64::new(60_000_000)));
        let store = open(&engine, &clock, &settings, 1).await;
        Self {
            engine,
            clock,
            settings,
            store,
        }
    }

    /// Closes the store and opens it again on the same engine.
    pub(crate) async fn reopen(&mut self) {
        self.store.close().await;
        self.store = open(&self.engine, &self.clock, &self.settings, 2).await;
    }

    /// Opens another store on the same engine.
    pub(crate) async fn another(&self) -> Store {
        open(&self.engine, &self.clock, &self.settings, 3).await
    }

    /// Appends one event per id to the end of a stream, each in its own append.
    pub(crate) async fn fill(&self, stream: &str, ids: std::ops::Range<u128>) {
        for id in ids {
            self.store
                .append(append(stream, Expected::Any, &[id]))
                .await
                .unwrap();
        }
    }

    /// Waits until the indexes reach a position.
    pub(crate) async fn indexed(&self, position: u64) {
        until_indexed(&self.store, Position(position)).await;
    }
}

/// How long a test waits for a store before it fails, in the time of the machine: it may have paused the runtime's.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// Waits until the indexes of a store reach a position.
///
/// # Panics
/// If they do not within [`PATIENCE`].
pub(crate) async fn until_indexed(store: &Store, position: Position) {
    let began = std::time::Instant::now();
    while store.info().indexed < position {
        let indexed = store.info().indexed;
        assert!(
            began.elapsed() < PATIENCE,
            "waited {PATIENCE:?} for the indexes to reach {position:?}; they are at {indexed:?}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

async fn open(engine: &Arc<MemoryEngine>, clock: &Arc<TestClock>, settings: &Settings, seed: u64) -> Store {
    open_on(engine.clone(), clock, settings.clone(), seed).await
}

/// Opens a store on a counting engine.
pub(crate) async fn open_counted(engine: &Arc<Counted>, settings: Settings) -> Store {
    let clock = Arc::new(TestClock(AtomicU64::new(60_000_000)));
    open_counted_at(engine, &clock, settings).await
}

/// Opens a store on a counting engine, with a clock.
pub(crate) async fn open_counted_at(
    engine: &Arc<Counted>,
    clock: &Arc<TestClock>,
    settings: Settings,
) -> Store {
    open_on(engine.clone(), clock, settings, 1).await
}

pub(crate) async fn open_on(
    engine: Arc<dyn Engine>,
    clock: &Arc<TestClock>,
    settings: Settings,
    seed: u64,
) -> Store {
    let environment = Environment {
        clock: clock.clone(),
        seed,
        writer: format!("test-{seed}"),
        forwarding: None,
        sabotage: Sabotage::default(),
    };
    Store::open(engine, settings, environment).await.unwrap()
}

/// Removes the events at the positions `dead` from the frames up to `to`, `run` frames at a time, as scavenging does.
/// Returns the last position of these frames. The indexes stay unchanged.
pub(crate) async fn remove(
    engine: &dyn Engine,
    dead: &BTreeSet<Position>,
    to: Position,
    run: usize,
) -> Position {
    let frames = log::page(engine, Position(1), Direction::Forwards, usize::MAX)
        .await
        .unwrap();
    let frames: Vec<_> = log::share(frames)
        .into_iter()
        .filter(|frame| frame.last <= to)
        .collect();
    for frames in frames.chunks(run) {
        let rewritten = scavenge::rewrite(frames, dead).unwrap();
        let mut commit = Commit::durable();
        for frame in rewritten.deleted {
            commit = commit.clear_range(keys::frame_chunks(frame.last));
        }
        for (key, value) in rewritten.written.iter().flat_map(Frame::to_values) {
            commit = commit.set(key, value);
        }
        engine.commit(commit).await.unwrap();
    }
    frames.last().map_or(Position::START, |frame| frame.last)
}

pub(crate) fn event(id: u128) -> NewEvent {
    NewEvent {
        id: Uuid::from_u128(id),
        kind: EventType::new(if id.is_multiple_of(2) { "Even" } else { "Odd" }).unwrap(),
        data: Bytes::from(format!("{{\"n\":{id}}}")),
        metadata: Bytes::new(),
        tags: vec![Tag::new(&format!("mod3:{}", id % 3)).unwrap()],
        content_type: ContentType::default(),
        unknown: Bytes::new(),
    }
}

pub(crate) fn stream(name: &str) -> StreamName {
    StreamName::new(name).unwrap()
}

pub(crate) fn append(name: &str, expected: Expected, ids: &[u128]) -> Append {
    let events = ids.iter().map(|id| event(*id)).collect();
    Append::new(stream(name), expected, events, &crate::Limits::default()).unwrap()
}

pub(crate) fn write(name: &str, ids: &[u128]) -> Write {
    Write {
        stream: stream(name),
        events: ids.iter().map(|id| event(*id)).collect(),
    }
}

/// Returns the first revision, the first position, and whether the append had been written before.
pub(crate) fn place(result: &Result<Appended>) -> (u64, u64, bool) {
    let appended = result.as_ref().unwrap();
    (
        appended.first_revision.0,
        appended.first_position.0,
        appended.already_appended,
    )
}

pub(crate) async fn read_log(
    store: &Store,
    direction: Direction,
    from: Option<u64>,
    query: Query,
) -> Vec<Record> {
    let read = ReadAll {
        direction,
        from: from.map(Position),
        limit: None,
        query,
        until: None,
    };
    read_all(store, read).await
}

pub(crate) async fn read_all(store: &Store, read: ReadAll) -> Vec<Record> {
    let mut reader = store.read_all(read).await.unwrap();
    let mut records = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        records.extend(batch.records().unwrap());
    }
    records
}

pub(crate) async fn read_stream(
    store: &Store,
    name: &str,
    direction: Direction,
    from: Option<u64>,
    limit: Option<u64>,
) -> Vec<Record> {
    let from = from.map(Revision);
    let read = ReadStream {
        stream: stream(name),
        direction,
        from,
        limit,
        query: Query::default(),
        until: None,
    };
    let mut reader = store.read_stream(read).await.unwrap();
    let mut records = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        records.extend(batch.records().unwrap());
    }
    records
}

pub(crate) fn ids(records: &[Record]) -> Vec<u128> {
    records.iter().map(|record| record.id.as_u128()).collect()
}

/// A check that a stream is in the expected state.
pub(crate) fn expect(name: &str, expected: Expected) -> Check {
    let stream = stream(name);
    Check::Stream { stream, expected }
}
