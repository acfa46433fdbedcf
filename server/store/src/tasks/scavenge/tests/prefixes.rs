//! Tests of streams that lose events by the retention of a prefix.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use proptest::prelude::*;

use super::{ended, index_all, scavenge, settings, stored};
use crate::{
    Direction, Query, Retention, Revision, Settings, Store, StreamName, StreamPrefix,
    tasks::scavenge::names,
    testing::{Fixture, ids, read_log, read_stream, stream},
};

const HOUR: u64 = 3_600;

async fn keep(store: &Store, prefix: &str, max_count: Option<u64>, max_age_seconds: Option<u64>) {
    let retention = Retention {
        max_count,
        max_age_seconds,
        ..Retention::default()
    };
    let prefix = StreamPrefix::new(prefix).unwrap();
    store
        .set_prefix_retention(&prefix, retention, None)
        .await
        .unwrap();
}

fn set_clock(test: &Fixture, second: u64) {
    test.clock.0.store(second * 1_000_000, Ordering::Relaxed);
}

#[tokio::test]
async fn streams_of_a_prefix_are_scavenged_though_nothing_is_set_for_them() {
    let test = Fixture::new(settings()).await;
    for n in 0..100_u128 {
        test.fill(&format!("session-{n}"), 3 * n..3 * n + 3).await;
    }
    test.fill("order-1", 1_000..1_004).await;
    keep(&test.store, "session-", None, Some(HOUR)).await;
    set_clock(&test, 2 * HOUR);
    test.fill("session-7", 2_000..2_001).await;
    index_all(&test.store).await;
    assert_eq!(
        test.store.shared().tail.lifecycles().len(),
        1,
        "no memory for each stream"
    );
    let done = scavenge(&test.store).await;
    assert_eq!(done.events_removed, 300);
    assert_eq!(
        (done.streams_done, done.streams_total),
        (101, 101),
        "the streams and the prefix itself"
    );
    let left = stored(&*test.engine).await;
    assert_eq!(
        left,
        read_log(&test.store, Direction::Forwards, None, Query::default()).await
    );
    let kept = read_stream(&test.store, "session-7", Direction::Forwards, None, None).await;
    assert_eq!(ids(&kept), [2_000]);
    let again = scavenge(&test.store).await;
    assert_eq!(again.events_removed, 0);
}

#[tokio::test]
async fn of_what_was_set_for_a_prefix_the_last_is_kept() {
    let test = Fixture::new(settings()).await;
    for count in 1..10 {
        keep(&test.store, "session-", Some(count), None).await;
    }
    index_all(&test.store).await;
    assert_eq!(scavenge(&test.store).await.events_removed, 8);
    let log = read_log(&test.store, Direction::Forwards, None, Query::default()).await;
    let own = log.iter().filter(|record| record.stream == "$$$session-");
    assert_eq!(own.map(|record| record.revision.0).collect::<Vec<_>>(), [8]);
}

#[tokio::test]
async fn a_scavenge_removes_nothing_that_a_prefix_keeps_again() {
    let settings = Settings {
        scavenge_step_events: 1,
        ..settings()
    };
    let test = Fixture::new(settings).await;
    for n in 0..20_u128 {
        test.fill(&format!("session-{n:02}"), 3 * n..3 * n + 3).await;
    }
    keep(&test.store, "session-", Some(1), None).await;
    index_all(&test.store).await;
    test.store.start_scavenge().await.unwrap();
    let removed = async || test.store.scavenge().await.unwrap().unwrap().events_removed;
    while removed().await < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    keep(&test.store, "session-", Some(3), None).await;
    let kept = read_log(&test.store, Direction::Forwards, None, Query::default()).await;
    let done = ended(&test.store).await;
    assert!(done.events_removed < 40, "it continued with the earlier settings");
    let left = read_log(&test.store, Direction::Forwards, None, Query::default()).await;
    assert!(
        left.len() + 2 >= kept.len(),
        "only a step that was being committed may still remove events"
    );
}

/// A stream whose prefix keeps the given retention, after the prefix kept only the last two of its eight events, and
/// the others were scavenged.
async fn scavenged_by_count(max_count: Option<u64>, max_age_seconds: Option<u64>) -> Fixture {
    let test = Fixture::new(settings()).await;
    test.fill("session-1", 1..9).await;
    keep(&test.store, "session-", Some(2), None).await;
    index_all(&test.store).await;
    assert_eq!(scavenge(&test.store).await.events_removed, 6);
    keep(&test.store, "session-", max_count, max_age_seconds).await;
    let kept = read_stream(&test.store, "session-1", Direction::Forwards, None, None).await;
    assert_eq!(ids(&kept), [7, 8]);
    test
}

#[tokio::test]
async fn the_first_revision_is_that_of_the_first_event_that_was_not_scavenged() {
    for (max_count, max_age_seconds) in [(Some(7), None), (None, Some(HOUR)), (None, None)] {
        let test = scavenged_by_count(max_count, max_age_seconds).await;
        let info = test.store.stream(&stream("session-1")).await.unwrap();
        assert_eq!((info.first_revision.0, info.last_revision.0), (6, 7));
    }
}

#[tokio::test]
async fn a_stream_that_keeps_more_than_its_prefix_records_which_events_were_scavenged() {
    for (max_count, max_age_seconds) in [(Some(7), None), (None, Some(HOUR))] {
        let test = scavenged_by_count(max_count, max_age_seconds).await;
        let own = Retention {
            max_count: Some(100),
            max_age_seconds: None,
            truncate_before: Revision(3),
        };
        let set = test.store.set_retention(&stream("session-1"), own, None).await;
        assert_eq!(set.unwrap().retention.truncate_before.0, 6);
    }
}

#[tokio::test]
async fn names_come_in_order_from_wherever_they_are() {
    let test = Fixture::new(settings()).await;
    let streams = ["!early", "a", "ab", "ab1", "ab2", "abc", "b", "b1", "zz"];
    for (n, name) in streams.iter().enumerate() {
        let id = 10 + n as u128;
        test.fill(name, id..id + 1).await;
    }
    for prefix in ["ab", "abc", "b", "none"] {
        keep(&test.store, prefix, Some(1), None).await;
    }
    for name in ["!early", "ab1", "unused"] {
        let retention = Retention {
            max_count: Some(1),
            ..Retention::default()
        };
        test.store
            .set_retention(&stream(name), retention, None)
            .await
            .unwrap();
    }
    index_all(&test.store).await;
    let expected = [
        "!early", "$ab", "$abc", "$b", "$none", "ab", "ab1", "ab2", "abc", "b", "b1", "unused",
    ];
    for count_max in 1..14 {
        let mut found: Vec<StreamName> = Vec::new();
        loop {
            let after = found.last().map(StreamName::to_string);
            let next = names::next(test.store.shared(), after.as_deref(), count_max)
                .await
                .unwrap();
            if next.is_empty() {
                break;
            }
            found.extend(next);
        }
        let found: Vec<&str> = found.iter().map(StreamName::as_str).collect();
        assert_eq!(found, expected, "{count_max} at a time");
    }
}

type Rule = (usize, Option<u64>, Option<u64>);

/// After a scavenge, exactly the events are stored that were visible before it, and the same events are visible.
async fn scavenged(appends: &[(usize, u64)], rules: &[Rule], own: &[Rule]) {
    const NAMES: [&str; 5] = ["a", "ab", "aba", "abb", "c"];
    let test = Fixture::new(settings()).await;
    for (n, (name, second)) in appends.iter().enumerate() {
        set_clock(&test, 60 + second);
        let id = 1 + n as u128;
        test.fill(NAMES[*name], id..id + 1).await;
    }
    set_clock(&test, 100);
    for (name, max_count, max_age_seconds) in rules {
        keep(&test.store, NAMES[*name], *max_count, *max_age_seconds).await;
    }
    for (name, max_count, max_age_seconds) in own {
        let retention = Retention {
            max_count: *max_count,
            max_age_seconds: *max_age_seconds,
            ..Retention::default()
        };
        test.store
            .set_retention(&stream(NAMES[*name]), retention, None)
            .await
            .unwrap();
    }
    index_all(&test.store).await;
    let seen = read_log(&test.store, Direction::Forwards, None, Query::default()).await;
    scavenge(&test.store).await;
    assert_eq!(stored(&*test.engine).await, seen);
    assert_eq!(
        read_log(&test.store, Direction::Forwards, None, Query::default()).await,
        seen
    );
    let names: BTreeSet<&str> = appends.iter().map(|(name, _)| NAMES[*name]).collect();
    for name in names {
        let of_stream = seen.iter().filter(|record| record.stream == name).cloned();
        let read = read_stream(&test.store, name, Direction::Backwards, None, None).await;
        assert_eq!(read, of_stream.rev().collect::<Vec<_>>(), "{name}");
    }
    test.store.close().await;
}

fn rules(most: usize) -> impl Strategy<Value = Vec<Rule>> {
    let rule = (
        0..5_usize,
        proptest::option::of(1..4_u64),
        proptest::option::of(5..39_u64),
    );
    proptest::collection::vec(rule, 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_is_seen_is_what_stays_stored(
        mut appends in proptest::collection::vec((0..5_usize, 0..40_u64), 1..40),
        rules in rules(8),
        own in rules(3),
    ) {
        appends.sort_by_key(|(_, second)| *second);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(scavenged(&appends, &rules, &own));
    }
}
