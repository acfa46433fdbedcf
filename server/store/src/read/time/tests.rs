use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
};

use annals_engine::{Commit, Engine};
use proptest::prelude::*;

use super::position_at;
use crate::{
    Expected, Position, Store, Timestamp,
    format::frame::Frame,
    model::log,
    testing::{Counted, Fixture, TestClock, append, open_counted_at, small},
};

const MINUTE: u64 = 60_000_000;

/// Microseconds since the previous append, and the number of events of the append.
type Step = (u64, usize);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pause = prop_oneof![
        4 => Just(0),
        4 => 1..3_u64,
        3 => 1..MINUTE,
        1 => Just(MINUTE),
        2 => MINUTE..5 * MINUTE,
    ];
    proptest::collection::vec((pause, 1..4_usize), 1..40)
}

/// Appends, and returns the recorded time of each event.
async fn fill(fixture: &Fixture, steps: &[Step]) -> Vec<u64> {
    let mut times = Vec::new();
    for (pause, count) in steps {
        let now = fixture.clock.0.fetch_add(*pause, Ordering::Relaxed) + pause;
        let ids: Vec<u128> = (0..*count).map(|n| (times.len() + n) as u128).collect();
        fixture
            .store
            .append(append("s", Expected::Any, &ids))
            .await
            .unwrap();
        times.extend(std::iter::repeat_n(now, *count));
    }
    times
}

/// Reference implementation on a list of all times.
fn wanted(times: &[u64], time: u64) -> Position {
    Position(times.iter().filter(|at| **at <= time).count() as u64)
}

/// Times at which the result may change, and those next to them.
fn interesting(times: &[u64]) -> Vec<u64> {
    let minutes = times.iter().map(|at| at / MINUTE * MINUTE);
    let mut all: Vec<u64> = times
        .iter()
        .copied()
        .chain(minutes.flat_map(|at| [at, at + MINUTE]))
        .flat_map(|at| [at - 1, at, at + 1])
        .chain([0, u64::MAX])
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Checks the time of the first event after each position, of those that are not removed.
async fn check_times_after(store: &Store, times: &[u64], removed: &HashSet<u64>) {
    let head = store.head().await.unwrap();
    assert_eq!(head.0, times.len() as u64);
    for position in 0..=head.0 {
        let next = (position + 1..=head.0).find(|next| !removed.contains(next));
        let wanted = next.map(|next| Timestamp::from_micros(times[next as usize - 1]));
        let found = store.recorded_after(Position(position), head).await.unwrap();
        assert_eq!(found, wanted, "after {position} of {times:?}");
    }
}

async fn at(store: &Store, time: u64) -> Position {
    store.position_at(Timestamp::from_micros(time)).await.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_position_at_a_time_is_that_of_the_last_event_recorded_by_then(steps in steps(), more in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut fixture = Fixture::new(small()).await;
            let mut times = fill(&fixture, &steps).await;
            for _ in 0..2 {
                for time in interesting(&times) {
                    assert_eq!(at(&fixture.store, time).await, wanted(&times, time), "at {time}, events at {times:?}");
                }
                check_times_after(&fixture.store, &times, &HashSet::new()).await;
                // All but the last window on disk, and memory empty.
                fixture.indexed(times.len() as u64 / 8 * 8).await;
                fixture.reopen().await;
            }
            let behind = fixture.another().await;
            let first = times.len() as u128;
            for (n, (pause, _)) in more.iter().enumerate() {
                let now = fixture.clock.0.fetch_add(*pause, Ordering::Relaxed) + pause;
                behind.append(append("s", Expected::Any, &[first + n as u128])).await.unwrap();
                times.push(now);
            }
            for time in interesting(&times) {
                assert_eq!(at(&behind, time).await, wanted(&times, time), "at {time}, events at {times:?}");
            }
            behind.close().await;
        });
    }

    #[test]
    fn events_that_are_gone_move_the_position_only_where_there_are_none(
        steps in steps(),
        gone in proptest::collection::vec(any::<bool>(), 120),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut fixture = Fixture::new(small()).await;
            let times = fill(&fixture, &steps).await;
            let indexed = times.len() as u64 / 8 * 8;
            fixture.indexed(indexed).await;
            fixture.store.close().await;
            // The last indexed event is kept: the tail begins with its minute.
            let gone = |position: u64| position < indexed && gone[position as usize];
            let gone = remove(&fixture, gone, indexed).await;
            fixture.reopen().await;
            check_times_after(&fixture.store, &times, &gone).await;
            for time in interesting(&times) {
                let (is, would_be) = (at(&fixture.store, time).await.0, wanted(&times, time).0);
                let between = is.min(would_be) + 1..=is.max(would_be);
                prop_assert!(
                    between.clone().all(|position| gone.contains(&position)),
                    "{is}, but {would_be} with all events, at {time}: {times:?}"
                );
            }
            Ok(())
        })?;
    }
}

/// Removes events from the frames up to a position, as scavenging does, and returns their positions.
async fn remove(fixture: &Fixture, gone: impl Fn(u64) -> bool, up_to: u64) -> HashSet<u64> {
    let (mut next, mut removed) = (1, HashSet::new());
    while next <= up_to {
        let frames = log::page(
            &*fixture.engine,
            Position(next),
            annals_engine::Direction::Forwards,
            1,
        )
        .await
        .unwrap();
        let frame = &frames[0];
        next = frame.last.0 + 1;
        if next > up_to + 1 {
            break;
        }
        let (mut entries, mut body) = (frame.entries(), Vec::new());
        while let Some(entry) = entries.next_entry().unwrap() {
            let position = entry.view().unwrap().position.0;
            if gone(position) {
                removed.insert(position);
            } else {
                body.extend_from_slice(&entry.into_bytes());
            }
        }
        let frame = Frame::new(frame.batch, frame.first, frame.last, &[], &body);
        let mut commit = Commit::relaxed();
        for (key, value) in frame.to_values() {
            commit = commit.set(key, value);
        }
        fixture.engine.commit(commit).await.unwrap();
    }
    removed
}

#[tokio::test]
async fn an_empty_log_is_at_its_start_at_any_time() {
    let fixture = Fixture::new(small()).await;
    for time in [0, 1, 60_000_000, u64::MAX] {
        assert_eq!(at(&fixture.store, time).await, Position::START);
    }
}

#[tokio::test]
async fn what_was_appended_behind_a_head_is_not_before_it() {
    let fixture = Fixture::new(small()).await;
    fixture.fill("s", 0..10).await;
    let shared = fixture.store.shared();
    let time = Timestamp::from_micros(u64::MAX);
    assert_eq!(position_at(shared, time, Position(7)).await.unwrap(), Position(7));
}

#[tokio::test]
async fn a_time_in_a_long_minute_is_found_by_reading_few_frames() {
    let engine = Arc::new(Counted::default());
    let clock = Arc::new(TestClock::default());
    let store = open_counted_at(&engine, &clock, small()).await;
    // Nine minutes of 4,096 events each, one per millisecond, each followed by a minute without events.
    for n in 0..9 * 4_096_u64 {
        clock
            .0
            .store(n / 4_096 * 2 * MINUTE + n % 4_096 * 1_000, Ordering::Relaxed);
        store
            .append(append("s", Expected::Any, &[u128::from(n)]))
            .await
            .unwrap();
    }
    let minute = |n: u64| n * 2 * MINUTE;
    // (time, position, maximum round trips): within a minute, one read of the index and one frame per step of the
    // search.
    let table = [
        (minute(4) + 1_234_567, 4 * 4_096 + 1_235, 1 + 13),
        (minute(4), 4 * 4_096 + 1, 1 + 13),
        (minute(4) + MINUTE - 1, 5 * 4_096, 1 + 13),
        (minute(0), 1, 1 + 13),
        (minute(5) - 1, 5 * 4_096, 1),
        (minute(1_000), 9 * 4_096, 1),
    ];
    for (time, position, trips_max) in table {
        engine.take();
        assert_eq!(at(&store, time).await, Position(position), "at {time}");
        let cost = engine.take();
        assert!(cost.trips <= trips_max, "{cost:?} at {time}");
    }
    store.close().await;
}
