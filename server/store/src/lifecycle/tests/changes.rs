//! Results of changes to a stream, on the memory engine.

use std::sync::Arc;

use crate::{
    Append, Check, ContentType, Direction, Error, EventType, Expected, Limits, NewEvent, Position, Query,
    QueryItem, Rejection, Retention, Revision, Settings,
    lifecycle::{KIND_DELETED, Lifecycle},
    testing::{
        Cost, Counted, Fixture, append, ids, open_counted, place, read_log, read_stream, small, stream,
    },
};

fn truncated(before: u64) -> Retention {
    Retention {
        truncate_before: Revision(before),
        ..Retention::default()
    }
}

fn counted(count: u64) -> Retention {
    Retention {
        max_count: Some(count),
        ..Retention::default()
    }
}

fn exactly(revision: u64) -> Expected {
    Expected::Exactly(Revision(revision))
}

fn is_conflict(error: &Error, actual: Option<u64>) -> bool {
    let actual = actual.map(Revision);
    matches!(error, Error::Rejected(Rejection::RevisionConflict { actual: found, .. }) if *found == actual)
}

#[tokio::test]
async fn a_deleted_stream_is_not_found_and_goes_on_with_its_numbering() {
    let test = Fixture::new(small()).await;
    test.fill("s", 1..4).await;
    let store = &test.store;
    let deleted = store.delete_stream(&stream("s"), Expected::Any).await.unwrap();
    assert_eq!(
        (
            deleted.last_revision.0,
            deleted.position.0,
            deleted.already_deleted
        ),
        (2, 4, false)
    );
    assert_eq!(
        store.stream(&stream("s")).await,
        Err(Error::StreamNotFound(stream("s")))
    );
    let again = store.append(append("s", Expected::NoStream, &[10, 11])).await;
    assert_eq!(place(&again), (3, 5, false));
    let retried = store.append(append("s", Expected::NoStream, &[10, 11])).await;
    assert_eq!(place(&retried), (3, 5, true));
    assert_eq!(
        ids(&read_stream(store, "s", Direction::Forwards, None, None).await),
        [10, 11]
    );
    let info = store.stream(&stream("s")).await.unwrap();
    assert_eq!(
        (info.first_revision.0, info.last_revision.0, info.first_position.0),
        (3, 4, 5)
    );
}

#[tokio::test]
async fn deleting_twice_is_told_and_writes_nothing() {
    let test = Fixture::new(small()).await;
    test.fill("s", 1..4).await;
    let store = &test.store;
    let first = store.delete_stream(&stream("s"), exactly(2)).await.unwrap();
    for expected in [Expected::Any, Expected::StreamExists, exactly(2)] {
        let again = store.delete_stream(&stream("s"), expected).await.unwrap();
        assert!(again.already_deleted, "{expected:?}");
        assert_eq!(
            (again.position, again.last_revision),
            (first.position, first.last_revision)
        );
    }
    assert!(is_conflict(
        &store.delete_stream(&stream("s"), exactly(1)).await.unwrap_err(),
        None
    ));
    assert_eq!(store.info().head.0, 4);
}

#[tokio::test]
async fn a_delete_that_expects_something_else_is_refused() {
    let test = Fixture::new(small()).await;
    test.fill("s", 1..4).await;
    let store = &test.store;
    assert!(is_conflict(
        &store.delete_stream(&stream("s"), exactly(1)).await.unwrap_err(),
        Some(2)
    ));
    assert!(is_conflict(
        &store.delete_stream(&stream("t"), exactly(1)).await.unwrap_err(),
        None
    ));
    let missing = store.delete_stream(&stream("t"), Expected::StreamExists).await;
    assert_eq!(missing, Err(Error::StreamNotFound(stream("t"))));
    assert_eq!(store.info().head.0, 3);
}

#[tokio::test]
async fn nothing_comes_to_a_stream_with_a_tombstone_and_nothing_is_read_of_it() {
    let test = Fixture::new(small()).await;
    test.fill("s", 1..4).await;
    let store = &test.store;
    let name = stream("s");
    assert!(is_conflict(
        &store.tombstone_stream(&name, exactly(1)).await.unwrap_err(),
        Some(2)
    ));
    let tombstoned = store.tombstone_stream(&name, exactly(2)).await.unwrap();
    assert_eq!((tombstoned.position.0, tombstoned.already_tombstoned), (4, false));
    let again = store.tombstone_stream(&name, exactly(7)).await.unwrap();
    assert_eq!((again.position.0, again.already_tombstoned), (4, true));
    let refused = Err(Error::Rejected(Rejection::Tombstoned { stream: name.clone() }));
    for expected in [Expected::Any, Expected::NoStream, exactly(2)] {
        assert_eq!(store.append(append("s", expected, &[8])).await, refused);
    }
    // A retry of an append that was written is not a new append.
    let retried = store.append(append("s", Expected::Any, &[1])).await;
    assert_eq!(place(&retried), (0, 1, true));
    let gone = || Error::StreamTombstoned(name.clone());
    assert_eq!(store.stream(&name).await, Err(gone()));
    assert_eq!(store.delete_stream(&name, Expected::Any).await, Err(gone()));
    assert_eq!(store.set_retention(&name, counted(1), None).await, Err(gone()));
    assert!(store.retention(&name).await.unwrap().tombstoned);
    let other = append("t", Expected::Any, &[9]).with_checks(vec![Check::Stream {
        stream: name.clone(),
        expected: Expected::NoStream,
    }]);
    assert_eq!(place(&store.append(other.unwrap()).await), (0, 5, false));
    // A name that was never used can be permanently deleted too.
    let early = store
        .tombstone_stream(&stream("u"), Expected::NoStream)
        .await
        .unwrap();
    assert!(!early.already_tombstoned);
}

#[tokio::test]
async fn what_is_kept_is_set_against_a_version() {
    let test = Fixture::new(small()).await;
    test.fill("s", 1..4).await;
    let store = &test.store;
    let name = stream("s");
    assert_eq!(store.retention(&name).await.unwrap().version, 0);
    let set = store.set_retention(&name, counted(5), Some(0)).await.unwrap();
    assert_eq!((set.version, set.retention), (1, counted(5)));
    // Retried, because the reply was lost.
    assert_eq!(
        store.set_retention(&name, counted(5), Some(0)).await,
        Ok(set.clone())
    );
    assert_eq!(store.set_retention(&name, counted(5), None).await, Ok(set));
    let conflict = store.set_retention(&name, counted(6), Some(0)).await;
    let expected = Error::VersionConflict {
        stream: name.clone(),
        expected: 0,
        actual: 1,
    };
    assert_eq!(conflict, Err(expected));
    let set = store.set_retention(&name, counted(6), Some(1)).await.unwrap();
    assert_eq!(set.version, 2);
    store.delete_stream(&name, Expected::Any).await.unwrap();
    let kept = store.retention(&name).await.unwrap();
    assert_eq!(
        (
            kept.version,
            kept.retention.max_count,
            kept.retention.truncate_before.0
        ),
        (3, Some(6), 3)
    );
}

#[tokio::test]
async fn what_does_not_exist_yet_is_not_truncated() {
    let test = Fixture::new(small()).await;
    test.fill("s", 1..4).await;
    let store = &test.store;
    let refused = store.set_retention(&stream("s"), truncated(4), None).await;
    let beyond = Error::RevisionBeyondEnd {
        stream: stream("s"),
        revision: Revision(4),
        last: Some(Revision(2)),
    };
    assert_eq!(refused, Err(beyond));
    store
        .set_retention(&stream("s"), truncated(3), None)
        .await
        .unwrap();
    assert!(
        read_stream(store, "s", Direction::Forwards, None, None)
            .await
            .is_empty()
    );
    let info = store.stream(&stream("s")).await.unwrap();
    assert_eq!((info.first_revision.0, info.last_revision.0), (3, 2));
    // The stream still exists, although all of its events are removed.
    let refused = store.append(append("s", Expected::NoStream, &[8])).await;
    assert!(is_conflict(&refused.unwrap_err(), Some(2)));
}

#[tokio::test]
async fn what_is_gone_by_count_stays_gone_when_more_is_kept() {
    let test = Fixture::new(small()).await;
    test.fill("s", 1..11).await;
    let store = &test.store;
    store.set_retention(&stream("s"), counted(3), None).await.unwrap();
    test.fill("s", 11..13).await;
    let kept = store
        .set_retention(&stream("s"), counted(100), None)
        .await
        .unwrap();
    assert_eq!(kept.retention.truncate_before, Revision(9));
    test.fill("s", 13..15).await;
    let left = read_stream(store, "s", Direction::Backwards, None, None).await;
    assert_eq!(ids(&left), [14, 13, 12, 11, 10]);
}

#[tokio::test]
async fn what_is_gone_by_age_stays_gone_when_more_is_kept() {
    let test = Fixture::new(small()).await;
    let at = |seconds: u64| {
        test.clock
            .0
            .store(seconds * 1_000_000, std::sync::atomic::Ordering::Relaxed)
    };
    for id in 1..21 {
        at(100 + u64::try_from(id).unwrap());
        test.fill("s", id..id + 1).await;
    }
    let aged = Retention {
        max_age_seconds: Some(10),
        ..Retention::default()
    };
    let store = &test.store;
    store.set_retention(&stream("s"), aged, None).await.unwrap();
    at(125);
    // Events recorded at second 115 or later.
    let kept = read_stream(store, "s", Direction::Forwards, None, None).await;
    assert_eq!(ids(&kept), [15, 16, 17, 18, 19, 20]);
    assert_eq!(store.stream(&stream("s")).await.unwrap().first_revision.0, 14);
    let set = store
        .set_retention(&stream("s"), Retention::default(), None)
        .await
        .unwrap();
    assert_eq!(set.retention.truncate_before.0, 14);
    at(1_000);
    assert_eq!(
        read_stream(store, "s", Direction::Forwards, None, None)
            .await
            .len(),
        6
    );
    // A clock that goes back suspends expiry by age; events that are removed for other reasons stay removed.
    store.set_retention(&stream("s"), aged, None).await.unwrap();
    at(50);
    let kept = read_stream(store, "s", Direction::Forwards, None, None).await;
    assert_eq!(ids(&kept), [15, 16, 17, 18, 19, 20]);
}

#[tokio::test]
async fn the_log_says_what_was_set_and_keeps_the_last_of_it() {
    let test = Fixture::new(small()).await;
    test.fill("s", 1..4).await;
    let store = &test.store;
    store.set_retention(&stream("s"), counted(2), None).await.unwrap();
    let kinds = || async {
        let records = read_log(store, Direction::Forwards, None, Query::default()).await;
        let kinds = records.into_iter().filter(|record| record.stream == "$$s");
        kinds.map(|record| record.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds().await, ["$retention-set"]);
    store.delete_stream(&stream("s"), Expected::Any).await.unwrap();
    assert_eq!(kinds().await, ["$stream-deleted"]);
    store.tombstone_stream(&stream("s"), Expected::Any).await.unwrap();
    assert_eq!(kinds().await, ["$stream-tombstoned"]);
    let own = crate::StreamName::to_read("$$s").unwrap();
    let info = store.stream(&own).await.unwrap();
    assert_eq!((info.first_revision.0, info.last_revision.0), (2, 2));
    assert!(store.streams("", None, 10).await.unwrap().is_empty());
    let listed = store.streams("$", None, 10).await.unwrap();
    assert_eq!(listed, [info]);
}

#[tokio::test]
async fn a_stream_is_deleted_in_the_midst_of_appends_to_it() {
    let test = Fixture::new(small()).await;
    test.fill("s", 1..2).await;
    let store = test.store.clone();
    let appends = tokio::spawn(async move {
        for id in 100..400_u128 {
            store.append(append("s", Expected::Any, &[id])).await.unwrap();
        }
    });
    let mut last = None;
    for _ in 0..20 {
        match test.store.delete_stream(&stream("s"), Expected::Any).await {
            Ok(deleted) => last = last.max(Some(deleted.last_revision)),
            Err(error) => panic!("{error}"),
        }
        tokio::task::yield_now().await;
    }
    appends.await.unwrap();
    let records = read_log(&test.store, Direction::Forwards, None, Query::default()).await;
    let left: Vec<u64> = records
        .iter()
        .filter(|record| record.stream == "s")
        .map(|record| record.revision.0)
        .collect();
    let expected: Vec<u64> = (last.unwrap().0 + 1..301).collect();
    assert_eq!(left, expected);
}

#[tokio::test]
async fn a_check_of_what_is_recent_reads_nothing_although_streams_have_states() {
    let engine = Arc::new(Counted::default());
    let store = open_counted(&engine, Settings::default()).await;
    for (id, name) in (1..).zip(["s", "t", "u"]) {
        store.append(append(name, Expected::Any, &[id])).await.unwrap();
    }
    store.set_retention(&stream("s"), counted(1), None).await.unwrap();
    store.delete_stream(&stream("t"), Expected::Any).await.unwrap();
    let odd = QueryItem {
        types: vec!["Odd".to_owned()],
        ..QueryItem::default()
    };
    engine.take();
    let checked = append("u", exactly(0), &[4]).with_checks(vec![Check::NoMatch {
        query: Query { items: vec![odd] },
        after: Position(3),
    }]);
    store.append(checked.unwrap()).await.unwrap();
    assert_eq!(engine.take(), Cost::default());
}

/// Builds the append that deletes a stream of three events without settings.
fn deleting(name: &str) -> Append {
    let event = NewEvent {
        id: uuid::Uuid::from_u128(1 << 100),
        kind: EventType::trusted(KIND_DELETED),
        data: Lifecycle::default().after_deletion(Revision(2)).to_json(),
        metadata: bytes::Bytes::new(),
        tags: Vec::new(),
        content_type: ContentType::default(),
        unknown: bytes::Bytes::new(),
    };
    Append::new(
        stream(name).own(),
        Expected::NoStream,
        vec![event],
        &Limits::default(),
    )
    .unwrap()
}

#[tokio::test]
async fn an_append_behind_a_delete_in_a_group_finds_the_stream_deleted() {
    let test = Fixture::new(small()).await;
    test.fill("s", 1..4).await;
    let checked = append("t", Expected::Any, &[20]).with_checks(vec![Check::Stream {
        stream: stream("s"),
        expected: Expected::Exactly(Revision(3)),
    }]);
    // They wait together, so they are evaluated together.
    let deleted = test.store.submit(deleting("s")).await.unwrap();
    let conflicting = test.store.submit(append("s", exactly(2), &[10])).await.unwrap();
    let again = test
        .store
        .submit(append("s", Expected::NoStream, &[11]))
        .await
        .unwrap();
    let checked = test.store.submit(checked.unwrap()).await.unwrap();
    assert!(deleted.await.is_ok());
    assert!(is_conflict(&conflicting.await.unwrap_err(), None));
    assert_eq!(place(&again.await), (3, 5, false));
    assert_eq!(place(&checked.await), (0, 6, false));
}

#[tokio::test]
async fn a_check_behind_an_append_in_a_group_does_not_see_what_that_one_pushed_out() {
    let test = Fixture::new(small()).await;
    test.fill("s", 1..2).await;
    let store = &test.store;
    store.set_retention(&stream("s"), counted(1), None).await.unwrap();
    let odd = QueryItem {
        types: vec!["Odd".to_owned()],
        ..QueryItem::default()
    };
    let checked = append("t", Expected::Any, &[4]).with_checks(vec![Check::NoMatch {
        query: Query { items: vec![odd] },
        after: Position::START,
    }]);
    let pushing = store.submit(append("s", Expected::Any, &[2])).await.unwrap();
    let checked = store.submit(checked.unwrap()).await.unwrap();
    assert!(pushing.await.is_ok());
    assert_eq!(place(&checked.await), (0, 4, false));
}
