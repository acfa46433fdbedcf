//! Retentions of prefixes, beyond what the model covers.

use std::sync::Arc;

use crate::{
    Check, Direction, Error, Expected, Position, Query, QueryItem, Retention, Revision, Settings, Store,
    StreamPrefix,
    testing::{Cost, Counted, Fixture, append, ids, open_counted, place, read_stream, small, stream},
    values::limits::PREFIXES_MAX,
};

fn counted(count: u64) -> Retention {
    Retention {
        max_count: Some(count),
        ..Retention::default()
    }
}

fn prefix(prefix: &str) -> StreamPrefix {
    StreamPrefix::new(prefix).unwrap()
}

async fn keep(store: &Store, name: &str, retention: Retention) {
    store
        .set_prefix_retention(&prefix(name), retention, None)
        .await
        .unwrap();
}

fn no_odd(after: u64) -> Check {
    let odd = QueryItem {
        types: vec!["Odd".to_owned()],
        ..QueryItem::default()
    };
    Check::NoMatch {
        query: Query { items: vec![odd] },
        after: Position(after),
    }
}

#[tokio::test]
async fn streams_of_a_prefix_take_no_memory() {
    let mut test = Fixture::new(small()).await;
    keep(&test.store, "session-", counted(1)).await;
    for n in 0..50_u128 {
        test.fill(&format!("session-{n}"), 2 * n..2 * n + 2).await;
    }
    for n in 0..50_u128 {
        let kept = read_stream(
            &test.store,
            &format!("session-{n}"),
            Direction::Forwards,
            None,
            None,
        )
        .await;
        assert_eq!(ids(&kept), [2 * n + 1]);
    }
    assert_eq!(test.store.shared().tail.lifecycles().len(), 1);
    test.reopen().await;
    assert_eq!(test.store.shared().tail.lifecycles().len(), 1);
}

#[tokio::test]
async fn one_prefix_too_many_is_refused_until_another_is_taken_back() {
    let test = Fixture::new(Settings::default()).await;
    for n in 0..PREFIXES_MAX {
        keep(&test.store, &format!("p{n}-"), counted(1)).await;
    }
    let last = prefix("last-");
    let refused = test.store.set_prefix_retention(&last, counted(1), None).await;
    assert_eq!(refused, Err(Error::TooManyPrefixes));
    // A prefix that has a retention can be changed.
    keep(&test.store, "p7-", counted(2)).await;
    keep(&test.store, "p7-", Retention::default()).await;
    keep(&test.store, "last-", counted(1)).await;
    let first = test.store.prefix_retentions(None, 2).await.unwrap();
    let names: Vec<&str> = first.iter().map(|kept| kept.prefix.as_str()).collect();
    assert_eq!(names, ["last-", "p0-"]);
    let next = test
        .store
        .prefix_retentions(Some(&prefix("p0-")), 1)
        .await
        .unwrap();
    assert_eq!(next[0].prefix.as_str(), "p1-");
    let all = test
        .store
        .prefix_retentions(None, 2 * PREFIXES_MAX)
        .await
        .unwrap();
    assert_eq!(all.len(), PREFIXES_MAX);
}

#[tokio::test]
async fn a_check_behind_an_append_in_a_group_does_not_see_what_that_one_pushed_out() {
    let test = Fixture::new(small()).await;
    test.fill("session-1", 1..2).await;
    let store = &test.store;
    keep(store, "session-", counted(1)).await;
    let checked = append("t", Expected::Any, &[4]).with_checks(vec![no_odd(0)]);
    // They wait together, so they are evaluated together.
    let pushing = store
        .submit(append("session-1", Expected::Any, &[2]))
        .await
        .unwrap();
    let checked = store.submit(checked.unwrap()).await.unwrap();
    assert!(pushing.await.is_ok());
    assert_eq!(place(&checked.await), (0, 4, false));
}

#[tokio::test]
async fn a_check_of_what_is_recent_reads_nothing_although_a_prefix_keeps_less() {
    let engine = Arc::new(Counted::default());
    let store = open_counted(&engine, Settings::default()).await;
    for (id, name) in (1..).zip(["session-1", "u"]) {
        store.append(append(name, Expected::Any, &[id])).await.unwrap();
    }
    keep(&store, "session-", counted(1)).await;
    engine.take();
    let checked = append("u", Expected::Any, &[4]).with_checks(vec![no_odd(2)]);
    store.append(checked.unwrap()).await.unwrap();
    assert_eq!(engine.take(), Cost::default());
}

#[tokio::test]
async fn a_prefix_that_is_set_under_another_takes_over_what_is_gone_by_age() {
    let test = Fixture::new(small()).await;
    let aged = |seconds| Retention {
        max_age_seconds: Some(seconds),
        ..Retention::default()
    };
    let at = |second: u64| {
        test.clock
            .0
            .store(second * 1_000_000, std::sync::atomic::Ordering::Relaxed);
    };
    let seen = async |name: &str| ids(&read_stream(&test.store, name, Direction::Forwards, None, None).await);
    at(100);
    test.fill("a-eu-1", 1..2).await;
    test.fill("a-us-1", 2..3).await;
    keep(&test.store, "a-", aged(10)).await;
    at(120);
    test.fill("a-eu-1", 3..4).await;
    assert_eq!(seen("a-eu-1").await, [3]);
    keep(&test.store, "a-eu-", aged(1_000)).await;
    assert_eq!(seen("a-eu-1").await, [3], "removed events stay removed");
    keep(&test.store, "a-", Retention::default()).await;
    assert_eq!(seen("a-us-1").await, [0_u128; 0]);
    keep(&test.store, "a-eu-", Retention::default()).await;
    at(2_000);
    assert_eq!(seen("a-eu-1").await, [3], "nothing is set any more");
    // New events of a stream with the prefix are not affected.
    test.fill("a-us-1", 4..5).await;
    assert_eq!(seen("a-us-1").await, [4]);
}

#[tokio::test]
async fn a_streams_change_waits_for_no_other_prefix_and_rests_on_its_own() {
    let test = Fixture::new(small()).await;
    test.fill("session-1", 1..9).await;
    keep(&test.store, "session-", counted(2)).await;
    let (name, session) = (stream("session-1"), prefix("session-"));
    let (of_prefix, of_stream) = tokio::join!(
        test.store.set_prefix_retention(&session, counted(3), None),
        test.store.set_retention(&name, counted(5), None),
    );
    assert_eq!(of_prefix.unwrap().version, 2);
    let before = of_stream.unwrap().retention.truncate_before;
    assert!(
        [Revision(5), Revision(6)].contains(&before),
        "{before:?}: one of them was first"
    );
    let info = test.store.retention(&name).await.unwrap();
    assert_eq!(info.from_prefix, None);
}
