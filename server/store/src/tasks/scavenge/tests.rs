mod histories;
mod prefixes;
mod retries;
mod servers;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use annals_engine::{Commit, Direction, Engine, Entry, KeyRange, PageLimit};
use bytes::Bytes;
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    ScavengeState,
    progress::{Progress, Scavenge, shortened},
};
use crate::{
    Append, ContentType, Error, EventType, Expected, Limits, NewEvent, Position, Query, Record, Rejection,
    Retention, Revision, Settings, Store, Timestamp,
    format::keys,
    index::{self, Postings},
    lifecycle::{KIND_RETENTION, Lifecycle},
    model::log,
    testing::{Fixture, PATIENCE, append, event, place, read_log, read_stream, small, stream, until_indexed},
};

/// Sets a stream's state, as the store itself does.
async fn set(store: &Store, name: &str, lifecycle: Lifecycle) {
    let event = NewEvent {
        id: Uuid::from_u128(u128::from(store.info().head.0) << 64),
        kind: EventType::trusted(KIND_RETENTION),
        data: lifecycle.to_json(),
        metadata: Bytes::new(),
        tags: Vec::new(),
        content_type: ContentType::default(),
        unknown: Bytes::new(),
    };
    let own = stream(name).own();
    let append = Append::new(own, Expected::Any, vec![event], &Limits::default()).unwrap();
    store.append(append).await.unwrap();
}

fn keeping(max_count: Option<u64>, truncate_before: u64) -> Lifecycle {
    Lifecycle {
        retention: Retention {
            max_count,
            truncate_before: Revision(truncate_before),
            ..Retention::default()
        },
        ..Lifecycle::default()
    }
}

/// Waits until the scavenge that was started has ended.
async fn ended(store: &Store) -> Scavenge {
    let began = Instant::now();
    loop {
        let scavenge = store.scavenge().await.unwrap().expect("one was started");
        assert!(
            began.elapsed() < PATIENCE,
            "the scavenge does not end: {scavenge:?}"
        );
        if scavenge.state != ScavengeState::Running {
            return scavenge;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn scavenge(store: &Store) -> Scavenge {
    store.start_scavenge().await.unwrap();
    ended(store).await
}

/// Fills the last window, so that everything before is indexed.
async fn index_all(store: &Store) {
    while !store.info().head.0.is_multiple_of(8) {
        let id = u128::from(store.info().head.0) << 80;
        store
            .append(append("filler", Expected::Any, &[id]))
            .await
            .unwrap();
    }
    until_indexed(store, store.info().head).await;
}

/// A ring of one frame, so that reads use the storage.
fn settings() -> Settings {
    Settings {
        tail_bytes_max: 1,
        scavenge_step_events: 7,
        scavenge_round_events: 20,
        ..small()
    }
}

async fn entries(engine: &dyn Engine, prefix: &[u8]) -> Vec<Entry> {
    let range = if prefix.is_empty() {
        KeyRange::new(vec![], vec![0xFF])
    } else {
        KeyRange::prefix(prefix)
    };
    let limit = PageLimit {
        entries: usize::MAX,
        bytes: usize::MAX,
    };
    let snapshot = engine.snapshot().await.unwrap();
    let page = snapshot.range(range, Direction::Forwards, limit).await.unwrap();
    page.entries
}

/// Returns all stored events.
async fn stored(engine: &dyn Engine) -> Vec<Record> {
    let frames = log::page(engine, Position(1), Direction::Forwards, usize::MAX)
        .await
        .unwrap();
    let mut records = Vec::new();
    for frame in frames {
        let mut entries = frame.entries();
        while let Some(entry) = entries.next_entry().unwrap() {
            records.push(Record::from_view(&entry.view().unwrap()).unwrap());
        }
    }
    records
}

/// Positions in the lists of types and tags, and in those of streams by the name of the stream.
async fn listed(engine: &dyn Engine) -> (BTreeSet<Position>, BTreeMap<String, Vec<Position>>) {
    let mut listed = BTreeSet::new();
    for prefix in [b"t", b"g"] {
        for entry in entries(engine, prefix).await {
            listed.extend(index::decode(&entry.value).unwrap());
        }
    }
    let mut streams: BTreeMap<String, Vec<Position>> = BTreeMap::new();
    for entry in entries(engine, b"s").await {
        let name = std::str::from_utf8(&entry.key[1..entry.key.len() - 9])
            .unwrap()
            .to_owned();
        let postings = Postings::parse_stream(&entry).unwrap();
        streams.entry(name).or_default().extend(postings.positions);
    }
    (listed, streams)
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_leaves_the_frames_and_the_lists() {
    let mut fixture = Fixture::new(settings()).await;
    for id in 0..40_u128 {
        let name = ["kept", "cut", "counted", "deleted", "buried"][id as usize % 5];
        fixture
            .store
            .append(append(name, Expected::Any, &[id]))
            .await
            .unwrap();
    }
    set(&fixture.store, "cut", keeping(None, 1)).await;
    set(&fixture.store, "cut", keeping(None, 5)).await;
    set(&fixture.store, "counted", keeping(Some(2), 0)).await;
    set(
        &fixture.store,
        "deleted",
        Lifecycle::default().after_deletion(Revision(7)),
    )
    .await;
    set(&fixture.store, "buried", Lifecycle::default().after_tombstone()).await;
    index_all(&fixture.store).await;
    let before = stored(&*fixture.engine).await;
    // After this time, retries of appends are no longer recognised.
    fixture
        .clock
        .0
        .fetch_add(24 * 60 * 60 * 1_000_000, Ordering::Relaxed);
    let scavenge = scavenge(&fixture.store).await;
    assert_eq!(scavenge.state, ScavengeState::Finished);
    assert_eq!((scavenge.streams_done, scavenge.streams_total), (4, 4));
    // 5 of stream cut, 6 of counted, all 8 of each of the other two, and one of those with the settings of cut.
    assert_eq!(scavenge.events_removed, 5 + 6 + 16 + 1);
    assert!(scavenge.bytes_removed > 28 * 100, "{}", scavenge.bytes_removed);
    assert_eq!(fixture.store.metrics().scavenged_events.get(), 28);
    fixture.reopen().await;
    let left = stored(&*fixture.engine).await;
    assert_eq!(
        left,
        read_log(&fixture.store, Direction::Forwards, None, Query::default()).await
    );
    let lives = |record: &&Record| match record.stream.as_str() {
        "cut" => record.revision.0 >= 5,
        "counted" => record.revision.0 >= 6,
        "deleted" | "buried" => false,
        "$$cut" => record.revision.0 >= 1,
        _ => true,
    };
    assert_eq!(left, before.iter().filter(lives).cloned().collect::<Vec<_>>());
    let (listed, streams) = listed(&*fixture.engine).await;
    let positions: BTreeSet<Position> = left.iter().map(|record| record.position).collect();
    assert_eq!(listed, positions);
    let count = |name: &str| streams[name].len();
    assert_eq!((count("cut"), count("counted"), count("kept")), (3, 2, 8));
    assert_eq!((count("deleted"), count("buried"), count("$$cut")), (1, 1, 1));
    let names = entries(&*fixture.engine, b"n").await;
    let is_name = |name: &str| {
        names
            .iter()
            .any(|entry| keys::parse_name(&entry.key) == Some(name))
    };
    assert!(is_name("deleted") && !is_name("buried"));
    // The entries that recognise appends are removed with their events.
    let requests = entries(&*fixture.engine, b"r").await;
    assert_eq!(requests.len(), left.len());
    // The stream's last revision is kept.
    let again = fixture
        .store
        .append(append("deleted", Expected::Any, &[100]))
        .await;
    assert_eq!(place(&again).0, 8);
}

/// Frames are larger than the first page that is read of the log.
#[tokio::test(start_paused = true)]
async fn large_events_go_as_small_ones_do() {
    let fixture = Fixture::new(settings()).await;
    for n in 0..30_u128 {
        let name = ["dead", "live", "counted"][n as usize % 3];
        let events = (0..4).map(|m| NewEvent {
            data: Bytes::from(vec![b'x'; 9_000]),
            ..event(n * 4 + m)
        });
        let append = Append::new(stream(name), Expected::Any, events.collect(), &Limits::default()).unwrap();
        fixture.store.append(append).await.unwrap();
    }
    set(&fixture.store, "dead", Lifecycle::default().after_tombstone()).await;
    set(&fixture.store, "counted", keeping(Some(2), 0)).await;
    index_all(&fixture.store).await;
    assert_eq!(scavenge(&fixture.store).await.events_removed, 40 + 38);
    let left = stored(&*fixture.engine).await;
    let of = |name: &str| left.iter().filter(|record| record.stream == name).count();
    assert_eq!((of("dead"), of("live"), of("counted")), (0, 40, 2));
}

#[tokio::test(start_paused = true)]
async fn a_second_scavenge_finds_nothing_to_do() {
    let fixture = Fixture::new(settings()).await;
    for (n, name) in ["a", "b", "c"].into_iter().enumerate() {
        fixture.fill(name, n as u128 * 29..n as u128 * 29 + 29).await;
        set(&fixture.store, name, Lifecycle::default().after_tombstone()).await;
    }
    index_all(&fixture.store).await;
    assert_eq!(scavenge(&fixture.store).await.events_removed, 3 * 29);
    let stored = entries(&*fixture.engine, b"").await;
    let again = scavenge(&fixture.store).await;
    assert_eq!((again.events_removed, again.streams_done), (0, 3));
    let without = |entries: Vec<Entry>| -> Vec<Entry> {
        entries
            .into_iter()
            .filter(|entry| entry.key != keys::scavenge())
            .collect()
    };
    assert_eq!(without(entries(&*fixture.engine, b"").await), without(stored));
}

#[tokio::test(start_paused = true)]
async fn recent_events_are_scavenged_as_well() {
    let fixture = Fixture::new(settings()).await;
    fixture.fill("s", 0..20).await;
    set(&fixture.store, "s", keeping(None, 19)).await;
    let head = fixture.store.info().head;
    assert!(fixture.store.info().indexed < head);
    let ended = scavenge(&fixture.store).await;
    assert_eq!((ended.events_removed, ended.through), (19, head));
    assert_eq!(ended.ids_kept, 19, "a retry may still come");
    let left = read_stream(&fixture.store, "s", Direction::Forwards, Some(19), None).await;
    assert_eq!(left.len(), 1);
    // The windows after that one end where they would have ended otherwise.
    fixture.fill("s", 20..60).await;
    index_all(&fixture.store).await;
    assert!(fixture.store.info().indexed.0.is_multiple_of(8));
    set(&fixture.store, "s", keeping(None, 59)).await;
    // Includes the earlier settings.
    assert_eq!(scavenge(&fixture.store).await.events_removed, 40 + 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_of_which_everything_is_deleted_keeps_no_event() {
    let fixture = Fixture::new(settings()).await;
    for n in 0..5 {
        let name = format!("s{n}");
        fixture.fill(&name, n * 3..n * 3 + 3).await;
        set(&fixture.store, &name, Lifecycle::default().after_tombstone()).await;
    }
    let ended = scavenge(&fixture.store).await;
    assert_eq!((ended.events_removed, ended.streams_done), (15, 5));
    assert_eq!(scavenge(&fixture.store).await.events_removed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_scavenge_stops_and_goes_on_where_it_was() {
    let mut fixture = Fixture::new(settings()).await;
    for n in 0..3_000 {
        let name = format!("s{n}");
        fixture.fill(&name, n..n + 1).await;
        set(&fixture.store, &name, Lifecycle::default().after_tombstone()).await;
    }
    index_all(&fixture.store).await;
    let stopped = fixture.store.stop_scavenge().await.unwrap();
    assert_eq!(stopped, None, "there was none");
    let started = fixture.store.start_scavenge().await.unwrap();
    assert_eq!(
        (started.state, started.streams_total),
        (ScavengeState::Running, 3_000)
    );
    while fixture.store.scavenge().await.unwrap().unwrap().streams_done == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stopped = fixture.store.stop_scavenge().await.unwrap().unwrap();
    assert_eq!(stopped.state, ScavengeState::Stopped);
    assert!(
        stopped.ended_at.is_some() && stopped.streams_done < 3_000,
        "{stopped:?}"
    );
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(
        fixture.store.scavenge().await.unwrap(),
        Some(stopped.clone()),
        "nothing continues"
    );
    fixture.reopen().await;
    assert_eq!(fixture.store.scavenge().await.unwrap(), Some(stopped.clone()));
    let going_on = fixture.store.start_scavenge().await.unwrap();
    assert_eq!(going_on.started_at, stopped.started_at);
    assert_eq!(
        fixture.store.start_scavenge().await.unwrap().started_at,
        stopped.started_at
    );
    let finished = ended(&fixture.store).await;
    assert_eq!((finished.streams_done, finished.events_removed), (3_000, 3_000));
}

#[tokio::test(start_paused = true)]
async fn a_scavenge_goes_on_by_itself_after_a_restart() {
    let mut fixture = Fixture::new(settings()).await;
    for n in 0..2_000 {
        let name = format!("s{n}");
        fixture.fill(&name, n..n + 1).await;
        set(&fixture.store, &name, Lifecycle::default().after_tombstone()).await;
    }
    index_all(&fixture.store).await;
    fixture.store.start_scavenge().await.unwrap();
    while fixture.store.scavenge().await.unwrap().unwrap().streams_done == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    fixture.reopen().await;
    let finished = ended(&fixture.store).await;
    assert_eq!(finished.state, ScavengeState::Finished);
    assert_eq!((finished.streams_done, finished.events_removed), (2_000, 2_000));
}

#[tokio::test(start_paused = true)]
async fn the_schedule_starts_one_when_the_last_ended_long_enough_ago_and_something_is_set() {
    let settings = Settings {
        scavenge_every: Some(Duration::from_secs(3_600)),
        ..settings()
    };
    let fixture = Fixture::new(settings).await;
    fixture.fill("s", 0..16).await;
    fixture.indexed(16).await;
    let pass = |seconds: u64| {
        fixture.clock.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(20))
    };
    pass(1).await;
    assert_eq!(fixture.store.scavenge().await.unwrap(), None, "nothing is set");
    set(&fixture.store, "s", keeping(Some(1), 0)).await;
    pass(1).await;
    pass(3_000).await;
    assert_eq!(
        fixture.store.scavenge().await.unwrap(),
        None,
        "too soon after that"
    );
    pass(700).await;
    let first = ended(&fixture.store).await;
    assert_eq!((first.state, first.events_removed), (ScavengeState::Finished, 15));
    pass(3_000).await;
    assert_eq!(
        fixture.store.scavenge().await.unwrap(),
        Some(first.clone()),
        "too soon"
    );
    pass(700).await;
    assert!(ended(&fixture.store).await.started_at > first.started_at);
}

#[tokio::test(start_paused = true)]
async fn an_index_that_lists_a_foreign_position_removes_nothing() {
    let fixture = Fixture::new(settings()).await;
    fixture.fill("a", 0..8).await;
    fixture.fill("b", 8..16).await;
    set(&fixture.store, "a", keeping(None, 8)).await;
    index_all(&fixture.store).await;
    let list = index::postings::encode(&(9..17).map(Position).collect::<Vec<_>>());
    let damage = Commit::durable().set(keys::stream("a", Revision(0)), list);
    fixture.engine.commit(damage).await.unwrap();
    fixture.store.start_scavenge().await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let scavenge = fixture.store.scavenge().await.unwrap().unwrap();
    assert_eq!(
        (scavenge.state, scavenge.events_removed),
        (ScavengeState::Running, 0)
    );
    assert!(scavenge.problem.contains("position 9"), "{}", scavenge.problem);
}

proptest! {
    #[test]
    fn progress_comes_back_and_a_damaged_one_never_panics(
        numbers in any::<[u64; 8]>(), state in 0..3_u8, none in any::<bool>(),
        worker in ".{0,20}", done in ".{0,20}", problem in ".{0,600}",
        at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let state = [ScavengeState::Running, ScavengeState::Stopped, ScavengeState::Finished][usize::from(state)];
        let [started, ended, streams_done, streams_total, events_removed, steps, through, ids_kept] = numbers;
        let scavenge = Scavenge {
            state,
            started_at: Timestamp::from_micros(started),
            ended_at: (ended > 0).then(|| Timestamp::from_micros(ended)),
            streams_done,
            streams_total,
            events_removed,
            bytes_removed: 7,
            problem: shortened(&problem).to_owned(),
            through: Position(through),
            ids_kept,
        };
        let began = !none || state != ScavengeState::Finished;
        let progress = Progress { scavenge, began, worker, steps, done: Some(done).filter(|done| !done.is_empty()) };
        let value = progress.to_value();
        prop_assert_eq!(Progress::from_value(&value).unwrap(), progress.clone());
        // As an earlier version wrote it.
        let mut earlier = progress;
        (earlier.scavenge.through, earlier.scavenge.ids_kept) = (Position::START, 0);
        prop_assert_eq!(Progress::from_value(&value[..value.len() - 16]).unwrap(), earlier);
        let mut damaged = value.to_vec();
        let place = at.index(damaged.len());
        damaged[place] = byte;
        let _ = Progress::from_value(&damaged);
        let _ = Progress::from_value(&damaged[..place]);
    }
}
