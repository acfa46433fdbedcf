//! Tests that data which an append needs from storage is read before its group, so that it delays no other append,
//! and that events appended meanwhile are taken into account.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use super::{failed, found};
use crate::{
    Append, Appended, Check, Error, Expected, Limits, Position, Query, QueryItem, RecentStreams, Result,
    Retention, Settings, Store, StreamPrefix, Submission, Write,
    model::append::Searched,
    testing::{
        Counted, Gated, TestClock, append, event, open_counted_at, open_on, small, stream, until_indexed,
    },
};

/// A condition on all events with an odd id.
fn no_odd(after: u64) -> Check {
    let item = QueryItem {
        types: vec!["Odd".to_owned()],
        ..QueryItem::default()
    };
    Check::NoMatch {
        query: Query { items: vec![item] },
        after: Position(after),
    }
}

fn if_none(name: &str, id: u128, check: Check) -> Append {
    let write = Write {
        stream: stream(name),
        events: vec![event(id)],
    };
    Append::to_many(vec![write], vec![check], &Limits::default()).unwrap()
}

/// A store with 40 events with even ids in the stream `s`, most of them on disk, on an engine with a gate.
async fn gated(settings: Settings) -> (Arc<Gated>, Store) {
    let engine = Arc::new(Gated::default());
    let clock = Arc::new(TestClock(60_000_000.into()));
    let store = open_on(engine.clone(), &clock, settings, 1).await;
    for id in 1..=40 {
        let event = append("s", Expected::StreamExists, &[id * 2]);
        let first = append("s", Expected::NoStream, &[id * 2]);
        store.append(if id == 1 { first } else { event }).await.unwrap();
    }
    until_indexed(&store, Position(40)).await;
    (engine, store)
}

fn start(store: &Store, append: Append) -> JoinHandle<Result<Appended>> {
    let store = store.clone();
    tokio::spawn(async move { store.append(append).await })
}

async fn appended(append: JoinHandle<Result<Appended>>) -> Result<Appended> {
    let appended = tokio::time::timeout(Duration::from_secs(60), append).await;
    appended.expect("the append gets a reply").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_waits_for_storage_holds_up_no_other_append() {
    let (engine, store) = gated(small()).await;
    engine.shut();
    let conditional = start(&store, if_none("t", 100, no_odd(0)));
    tokio::time::sleep(Duration::from_millis(1)).await;
    // For this stream, memory has everything that its appends need.
    for revision in 39..45_u64 {
        let expected = Expected::Exactly(crate::Revision(revision));
        let plain = start(&store, append("s", expected, &[1_000 + 2 * u128::from(revision)]));
        appended(plain).await.unwrap();
    }
    assert!(!conditional.is_finished());
    engine.open();
    assert_eq!(appended(conditional).await.unwrap().first_position, Position(47));
}

#[tokio::test(start_paused = true)]
async fn a_match_that_comes_while_the_log_is_searched_is_found() {
    let (engine, store) = gated(small()).await;
    engine.shut();
    let conditional = start(&store, if_none("t", 100, no_odd(0)));
    tokio::time::sleep(Duration::from_millis(1)).await;
    let expected = Expected::Exactly(crate::Revision(39));
    appended(start(&store, append("s", expected, &[1_001])))
        .await
        .unwrap();
    engine.open();
    assert_eq!(failed(appended(conditional).await), [found(0, 0, 41)]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_known_although_its_first_try_was_written_while_storage_was_read_for_it() {
    let (engine, store) = gated(small()).await;
    let first = if_none("t", 100, no_odd(0));
    engine.shut();
    let retry = start(&store, first.clone());
    tokio::time::sleep(Duration::from_millis(1)).await;
    let other = start(&store, first);
    engine.open();
    let results = [appended(retry).await.unwrap(), appended(other).await.unwrap()];
    assert!(results.iter().all(|result| result.first_position == Position(41)));
    assert_eq!(results.iter().filter(|result| result.already_appended).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_short_search_does_not_wait_for_the_end_of_a_long_one() {
    let clock = Arc::new(TestClock(60_000_000.into()));
    let settings = Settings {
        lookup_positions_max: 0,
        ..small()
    };
    let store = open_counted_at(&Arc::new(Counted::default()), &clock, settings).await;
    for id in 1..=600_u128 {
        // Candidates that do not match: they have the type or the tag, but never both.
        let mut event = event(id);
        event.tags.truncate(usize::from(id % 2 == 0));
        let append = Append::new(stream("s"), Expected::Any, vec![event], &Limits::default());
        store.append(append.unwrap()).await.unwrap();
    }
    let item = QueryItem {
        types: vec!["Odd".to_owned()],
        tags: (0..3).map(|n| format!("mod3:{n}")).take(1).collect(),
        ..QueryItem::default()
    };
    let long = Check::NoMatch {
        query: Query { items: vec![item] },
        after: Position(0),
    };
    let long = start(&store, if_none("long", 1_000, long));
    tokio::task::yield_now().await;
    let short = start(&store, if_none("short", 1_002, no_odd(598)));
    assert_eq!(failed(appended(short).await), [found(0, 598, 599)]);
    assert!(!long.is_finished());
    appended(long).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_many_appends_need_is_read_in_one_trip_and_may_be_old_when_they_are_submitted() {
    let engine = Arc::new(Counted::default());
    let clock = Arc::new(TestClock(60_000_000.into()));
    let store = open_counted_at(&engine, &clock, small()).await;
    for id in 1..=400 {
        store.append(append("s", Expected::Any, &[id])).await.unwrap();
    }
    until_indexed(&store, Position(384)).await;
    let new = |n: u128| append(&format!("new-{n}"), Expected::NoStream, &[1_000 + n]);
    let mut submissions: Vec<Submission> = (0..8).map(|n| new(n).into()).collect();
    // A retry of an append that was written long ago.
    submissions.push(append("s", Expected::Any, &[7]).into());
    engine.take();
    store.look_up(&mut submissions).await.unwrap();
    let cost = engine.take();
    assert_eq!(
        (cost.trips, cost.reads),
        (2, 10),
        "the second finds the event of the retry"
    );

    // Meanwhile another client starts one of the streams.
    let other = store
        .append(append("new-3", Expected::NoStream, &[2_000]))
        .await
        .unwrap();
    let mut results = Vec::new();
    for submission in submissions {
        let pending = store.try_submit(submission, false).ok().unwrap();
        results.push(pending.await);
    }
    // One trip, to check whether the other client's append is this one.
    assert_eq!(engine.take().trips, 1);
    let retry = results.pop().unwrap().unwrap();
    assert!(retry.already_appended && retry.first_position == Position(7));
    for (n, result) in results.into_iter().enumerate() {
        match result {
            Ok(appended) => assert_eq!(
                appended.first_position,
                Position(402 + n as u64 - u64::from(n > 3))
            ),
            Err(_) => assert_eq!(n, 3),
        }
    }
    assert_eq!(other.first_position, Position(401));
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_does_not_ask_for_streams_to_which_it_appended_lately() {
    let (_, store) = gated(small()).await;
    let mut recent = RecentStreams::default();
    let exactly = |revision| Expected::Exactly(crate::Revision(revision));
    let mut is_looked_up = |append: Append| {
        let submissions = store.submissions([Ok::<_, Error>(append)], &mut recent);
        let submission = submissions.into_iter().next().unwrap().unwrap();
        submission.is_looked_up()
    };
    assert!(!is_looked_up(append("s", exactly(39), &[1_000])));
    assert!(is_looked_up(append("s", exactly(40), &[1_002])));
    assert!(!is_looked_up(append("t", Expected::NoStream, &[1_004])));
    assert!(is_looked_up(append("t", exactly(0), &[1_006])));
    // Appends that may be recognised by an id.
    assert!(!is_looked_up(append("t", Expected::Any, &[1_008])));
    assert!(!is_looked_up(append("s", Expected::NoStream, &[1_010])));
    // Other clients append so much that memory no longer reaches back.
    for id in 1_000..1_200 {
        store
            .append(append("other", Expected::Any, &[id * 2]))
            .await
            .unwrap();
    }
    until_indexed(&store, Position(200)).await;
    assert!(!is_looked_up(append("s", exactly(40), &[1_002])));
}

#[tokio::test(start_paused = true)]
async fn while_storage_does_not_answer_many_appends_are_refused_together() {
    let (engine, store) = gated(small()).await;
    engine.fail(true);
    let mut submissions: Vec<Submission> = (0..20)
        .map(|n| append(&format!("new-{n}"), Expected::NoStream, &[1_000 + n]).into())
        .collect();
    let looked_up = store.look_up(&mut submissions);
    let looked_up = tokio::time::timeout(Duration::from_secs(10), looked_up).await;
    assert!(matches!(
        looked_up.expect("it gives up"),
        Err(Error::Unavailable(_))
    ));
    engine.fail(false);
    store.look_up(&mut submissions).await.unwrap();
    for submission in submissions {
        store.submit(submission).await.unwrap().await.unwrap();
    }
}

/// A store in which all 30,000 events of three streams are expired, and not scavenged: about 3 MB.
async fn expired(engine: &Arc<Counted>) -> Store {
    let clock = Arc::new(TestClock(60_000_000.into()));
    let settings = Settings {
        window_events: 4_096,
        gone_events_max: 32,
        ..small()
    };
    let store = open_counted_at(engine, &clock, settings).await;
    let retention = Retention {
        max_age_seconds: Some(1),
        ..Retention::default()
    };
    for name in ["a", "b", "c"] {
        store.set_retention(&stream(name), retention, None).await.unwrap();
    }
    for n in 0..600_u128 {
        let ids: Vec<u128> = (0..50).map(|nth| n * 100 + nth * 2 + 1).collect();
        let name = ["a", "b", "c"][n as usize % 3];
        store.append(append(name, Expected::Any, &ids)).await.unwrap();
    }
    until_indexed(&store, Position(28_672)).await;
    clock.0.store(120_000_000, std::sync::atomic::Ordering::Relaxed);
    engine.take();
    store
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_expired_is_passed_as_a_whole_and_not_event_by_event() {
    let engine = Arc::new(Counted::default());
    let store = expired(&engine).await;
    store.append(if_none("t", 10_000, no_odd(0))).await.unwrap();
    let cost = engine.take();
    // The first pages of the log, some events to find the first kept one, and then one or two bytes for each event in
    // the lists of its type and its stream.
    assert!(cost.bytes < 1_500_000, "{cost:?}");
}

#[tokio::test(start_paused = true)]
async fn a_small_limit_costs_no_more_than_a_large_one() {
    let mut costs = Vec::new();
    for limit in [1, 1_000] {
        let engine = Arc::new(Counted::default());
        let store = expired(&engine).await;
        let Check::NoMatch { query, .. } = no_odd(0) else {
            unreachable!()
        };
        let read = crate::ReadAll {
            direction: crate::Direction::Forwards,
            from: None,
            limit: Some(limit),
            query,
            until: None,
        };
        assert!(crate::testing::read_all(&store, read).await.is_empty());
        costs.push(engine.take());
    }
    assert!(costs[0].trips <= costs[1].trips + 10, "{costs:?}");
    assert!(costs[0].bytes <= costs[1].bytes * 11 / 10, "{costs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_search_is_made_again_once_a_prefix_keeps_more() {
    let (_, store) = gated(small()).await;
    let prefix = StreamPrefix::new("odd").unwrap();
    let keeping = |count| Retention {
        max_count: Some(count),
        ..Retention::default()
    };
    store
        .set_prefix_retention(&prefix, keeping(1), None)
        .await
        .unwrap();
    store
        .append(append("odd", Expected::Any, &[1_001]))
        .await
        .unwrap();
    let at = store
        .append(append("odd", Expected::Any, &[1_002]))
        .await
        .unwrap();
    let mut conditional = if_none("t", 100, no_odd(0));
    conditional.searched = Searched {
        to: at.last_position,
        prefix_changes: Some(store.shared().tail.lifecycles().prefix_changes()),
    };
    store
        .set_prefix_retention(&prefix, keeping(2), None)
        .await
        .unwrap();
    let again = at.first_position.0 - 1;
    assert_eq!(failed(store.append(conditional).await), [found(0, 0, again)]);
}

#[tokio::test(start_paused = true)]
async fn a_search_ends_when_the_store_closes() {
    let (engine, store) = gated(small()).await;
    engine.shut();
    let conditional = start(&store, if_none("t", 100, no_odd(0)));
    tokio::time::sleep(Duration::from_millis(1)).await;
    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    tokio::time::sleep(Duration::from_millis(1)).await;
    engine.open();
    let result = appended(conditional).await;
    assert!(matches!(result, Ok(_) | Err(Error::Closed)), "{result:?}");
    closing.await.unwrap();
}
