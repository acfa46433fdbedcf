use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::Instant;

use super::{CALM, CLOCK_SKEW_MAX, ClockState, Episode, Report};
use crate::{
    Check, Direction, Error, Expected, Position, Query, QueryItem, Rejection, Retention, Revision,
    ScavengeState, Settings, Store, Timestamp,
    testing::{Fixture, append, ids, read_log, read_stream, small, stream},
};

const HOUR: u64 = 3_600;

fn state(now: u64, last_recorded: u64) -> ClockState {
    ClockState::new(Timestamp::from_micros(now), Timestamp::from_micros(last_recorded))
}

#[test]
fn expiry_is_suspended_while_the_log_is_ahead_by_more_than_the_skew() {
    let skew = CLOCK_SKEW_MAX.as_micros() as u64;
    let table = [
        ("an empty log", 7, 0, 0, false),
        ("the clock is ahead", 7, 3, 0, false),
        ("both agree", 7, 7, 0, false),
        ("the log is ahead by the skew", 7, 7 + skew, skew, false),
        ("the log is ahead by more", 7, 8 + skew, skew + 1, true),
        ("a clock that does not know the time", 0, u64::MAX, u64::MAX, true),
    ];
    for (name, now, last_recorded, ahead, suspended) in table {
        let state = state(now, last_recorded);
        assert_eq!(state.log_ahead, Duration::from_micros(ahead), "{name}");
        assert_eq!(state.expiry_suspended(), suspended, "{name}");
    }
}

#[test]
fn an_episode_is_reported_once_and_its_end_once() {
    let began = Instant::now();
    let mut episode = Episode::default();
    let mut see = |suspended, seconds| episode.see(suspended, began + Duration::from_secs(seconds));
    assert_eq!(see(false, 0), None);
    assert_eq!(see(true, 100), Some(Report::Suspended));
    assert_eq!(see(true, 101), None);
    assert_eq!(see(false, 102), None, "it may continue");
    assert_eq!(see(true, 103), None, "it continues");
    assert_eq!(see(false, 200), None);
    assert_eq!(see(false, 199 + CALM.as_secs()), None);
    assert_eq!(see(false, 200 + CALM.as_secs()), Some(Report::Resumed));
    assert_eq!(see(false, 900), None);
    assert_eq!(see(true, 901), Some(Report::Suspended));
}

fn set_clock(test: &Fixture, second: u64) {
    test.clock.0.store(second * 1_000_000, Ordering::Relaxed);
}

async fn keep_for(store: &Store, name: &str, seconds: u64) {
    let retention = Retention {
        max_age_seconds: Some(seconds),
        ..Retention::default()
    };
    store.set_retention(&stream(name), retention, None).await.unwrap();
}

/// Creates stream `a` with the events 1 to 8, which are kept for an hour, and one event in `b` that was recorded two
/// hours later, when the clock was ahead. The clock is then back at the time when `a` was written.
async fn after_a_jump(settings: Settings) -> Fixture {
    let test = Fixture::new(settings).await;
    set_clock(&test, HOUR);
    keep_for(&test.store, "a", HOUR).await;
    test.fill("a", 1..9).await;
    set_clock(&test, 3 * HOUR);
    test.fill("b", 100..101).await;
    set_clock(&test, HOUR);
    test
}

/// Checks the events of `a` in every way in which they can be read.
async fn assert_seen(store: &Store, expected: &[u128], when: &str) {
    let of_stream = Query {
        items: vec![QueryItem {
            streams: vec!["a".to_owned()],
            ..QueryItem::default()
        }],
    };
    let read = read_stream(store, "a", Direction::Forwards, None, None).await;
    assert_eq!(ids(&read), expected, "read, {when}");
    let log = read_log(store, Direction::Forwards, None, of_stream.clone()).await;
    assert_eq!(ids(&log), expected, "log, {when}");
    let info = store.stream(&stream("a")).await.unwrap();
    let kept = info.last_revision.0 + 1 - info.first_revision.0;
    assert_eq!(kept, expected.len() as u64, "stream info, {when}");
    let check = Check::NoMatch {
        query: of_stream,
        after: Position::START,
    };
    let never = Check::Stream {
        stream: stream("neither"),
        expected: Expected::StreamExists,
    };
    let judged = append("never", Expected::NoStream, &[u128::MAX]).with_checks(vec![check, never]);
    let error = store.append(judged.unwrap()).await.unwrap_err();
    let Error::Rejected(Rejection::ChecksFailed { failed, .. }) = error else {
        panic!("{error}");
    };
    let matched = failed
        .iter()
        .any(|failed| matches!(failed, crate::FailedCheck::Match { .. }));
    assert_eq!(matched, !expected.is_empty(), "check, {when}");
}

const ALL: [u128; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

#[tokio::test]
async fn a_clock_that_was_ahead_expires_nothing() {
    let mut test = after_a_jump(small()).await;
    assert_eq!(test.store.clock().log_ahead, Duration::from_secs(2 * HOUR));
    assert!(test.store.clock().expiry_suspended());
    assert_seen(&test.store, &ALL, "the clock was corrected").await;
    // Older than an hour, but nothing expires until the clock has caught up with the log.
    set_clock(&test, 2 * HOUR + 1);
    assert_seen(&test.store, &ALL, "suspended").await;
    test.reopen().await;
    assert_seen(&test.store, &ALL, "opened again").await;
    let other = test.another().await;
    assert_seen(&other, &ALL, "through another store").await;
    other.close().await;
    set_clock(&test, 3 * HOUR);
    assert!(!test.store.clock().expiry_suspended());
    assert_seen(&test.store, &[], "caught up").await;
}

#[tokio::test]
async fn servers_whose_clocks_differ_by_little_expire_events() {
    let test = Fixture::new(small()).await;
    set_clock(&test, HOUR);
    keep_for(&test.store, "a", HOUR).await;
    test.fill("a", 1..9).await;
    set_clock(&test, 3 * HOUR + CLOCK_SKEW_MAX.as_secs());
    test.fill("b", 100..101).await;
    set_clock(&test, 3 * HOUR);
    assert_seen(&test.store, &[], "within the skew").await;
}

#[tokio::test]
async fn more_can_be_kept_while_expiry_is_suspended_and_nothing_is_lost() {
    let test = after_a_jump(small()).await;
    keep_for(&test.store, "a", 9 * HOUR).await;
    let info = test.store.stream(&stream("a")).await.unwrap();
    assert_eq!(info.retention.truncate_before, Revision::FIRST);
    set_clock(&test, 4 * HOUR);
    assert_seen(&test.store, &ALL, "caught up").await;
}

async fn scavenge(store: &Store) -> u64 {
    store.start_scavenge().await.unwrap();
    loop {
        let scavenge = store.scavenge().await.unwrap().unwrap();
        if scavenge.state == ScavengeState::Finished {
            return scavenge.events_removed;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn scavenging_removes_nothing_by_age_until_the_clock_has_caught_up() {
    let test = after_a_jump(small()).await;
    test.fill("b", 101..130).await;
    test.indexed(16).await;
    // `$$a` and `a` fill the first windows.
    assert_eq!(scavenge(&test.store).await, 0);
    assert_seen(&test.store, &ALL, "scavenged").await;
    set_clock(&test, 3 * HOUR);
    assert_eq!(scavenge(&test.store).await, 8);
    assert_seen(&test.store, &[], "caught up").await;
}

#[tokio::test]
async fn a_scavenge_stops_to_remove_by_age_when_the_clock_is_set_back() {
    let settings = Settings {
        scavenge_step_events: 1,
        ..small()
    };
    let test = Fixture::new(settings).await;
    set_clock(&test, HOUR);
    keep_for(&test.store, "a", HOUR).await;
    test.fill("a", 1..9).await;
    test.fill("b", 101..130).await;
    test.indexed(16).await;
    // Ahead, and nothing in the log reveals it.
    set_clock(&test, 3 * HOUR);
    test.store.start_scavenge().await.unwrap();
    let removed = async || test.store.scavenge().await.unwrap().unwrap().events_removed;
    while removed().await < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    set_clock(&test, HOUR);
    while test.store.scavenge().await.unwrap().unwrap().state != ScavengeState::Finished {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(removed().await < 8, "the scavenge continued with a wrong clock");
    let kept = read_stream(&test.store, "a", Direction::Forwards, None, None).await;
    assert_eq!(kept.len() as u64, 8 - removed().await);
}

#[tokio::test]
async fn a_scavenge_that_ended_while_the_clock_was_ahead_does_not_hold_up_the_next_one() {
    let settings = Settings {
        scavenge_every: Some(Duration::from_secs(HOUR)),
        ..small()
    };
    let mut test = Fixture::new(settings).await;
    keep_for(&test.store, "a", HOUR).await;
    set_clock(&test, 1_000 * HOUR);
    scavenge(&test.store).await;
    set_clock(&test, 2 * HOUR);
    test.reopen().await;
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let last = test.store.scavenge().await.unwrap().unwrap();
        if last.started_at == Timestamp::from_micros(2 * HOUR * 1_000_000) {
            break;
        }
        assert!(Instant::now() < deadline, "no scavenge is started: {last:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
