//! A retry of an acknowledged append returns its first result, whatever happened to its events, on the memory engine.

use crate::{
    Append, Error, Expected, Limits, Position, Rejection, Retention, Revision, Store,
    testing::{Fixture, append, place, small, stream, write},
};

fn exactly(revision: u64) -> Expected {
    Expected::Exactly(Revision(revision))
}

fn is_id_conflict(error: &Error, at: u64) -> bool {
    matches!(error, Error::Rejected(Rejection::EventIdConflict { position, .. }) if *position == Position(at))
}

async fn delete(store: &Store, name: &str) {
    let deleted = store.delete_stream(&stream(name), Expected::Any).await.unwrap();
    assert!(!deleted.already_deleted);
}

/// An append that another server forwards, or that a client retries, may wait for a long time. Found by the
/// simulation (seed 86 of the ends of streams).
#[tokio::test]
async fn every_append_of_a_deleted_stream_is_answered_with_its_first_result() {
    for expected in [Expected::NoStream, Expected::Any] {
        let test = Fixture::new(small()).await;
        let store = &test.store;
        let appends = [
            append("s", expected, &[1, 2]),
            append("s", exactly(1), &[3]),
            append("s", Expected::StreamExists, &[4]),
        ];
        for append in &appends {
            store.append(append.clone()).await.unwrap();
        }
        delete(store, "s").await;
        let head = store.info().head;
        for (append, first) in appends.iter().zip([(0, 1, true), (2, 3, true), (3, 4, true)]) {
            assert_eq!(place(&store.append(append.clone()).await), first, "{append:?}");
        }
        assert_eq!(store.info().head, head, "nothing was written");
        assert_eq!(
            store.stream(&stream("s")).await,
            Err(Error::StreamNotFound(stream("s"))),
            "the stream stays deleted"
        );
    }
}

#[tokio::test]
async fn every_life_of_a_stream_is_remembered_in_memory_and_on_disk() {
    let mut test = Fixture::new(small()).await;
    let life = |n: u128| append("s", Expected::NoStream, &[10 * n, 10 * n + 1]);
    let mut firsts = Vec::new();
    for n in 1..=5 {
        let (revision, position, already) = place(&test.store.append(life(n)).await);
        assert!(!already);
        firsts.push((revision, position, true));
        delete(&test.store, "s").await;
    }
    for round in 0..3 {
        for (n, first) in (1..).zip(&firsts) {
            let again = test.store.append(life(n)).await;
            assert_eq!(place(&again), *first, "life {n}, round {round}");
        }
        match round {
            0 => {
                test.fill("other", 100..116).await;
                test.indexed(24).await;
            }
            _ => test.reopen().await,
        }
    }
    let begun = test.store.append(life(6)).await;
    assert_eq!(place(&begun).0, 10, "a new append begins the stream again");
    assert_eq!(place(&test.store.append(life(3)).await), firsts[2]);
}

#[tokio::test]
async fn an_append_to_many_streams_is_remembered_although_one_of_them_is_deleted() {
    let test = Fixture::new(small()).await;
    let store = &test.store;
    let many = |expected| {
        let writes = vec![write("a", &[1, 2]), write("b", &[3])];
        let check = crate::Check::Stream {
            stream: stream("a"),
            expected,
        };
        Append::to_many(writes, vec![check], &Limits::default()).unwrap()
    };
    store.append(many(Expected::NoStream)).await.unwrap();
    for deleted in ["b", "a"] {
        delete(store, deleted).await;
        let again = store.append(many(Expected::NoStream)).await;
        assert_eq!(place(&again), (0, 1, true), "{deleted} is deleted");
        let others: Vec<u64> = again.unwrap().others.iter().map(|r| r.first.0).collect();
        assert_eq!(others, [0]);
    }
}

#[tokio::test]
async fn truncated_and_expired_events_are_still_compared() {
    let test = Fixture::new(small()).await;
    let store = &test.store;
    let appends = [
        append("s", Expected::NoStream, &[1, 2]),
        append("s", exactly(1), &[3, 4]),
        append("s", Expected::Any, &[5]),
    ];
    for append in &appends {
        store.append(append.clone()).await.unwrap();
    }
    let retention = Retention {
        max_count: Some(1),
        truncate_before: Revision(5),
        ..Retention::default()
    };
    store.set_retention(&stream("s"), retention, None).await.unwrap();
    for (append, first) in appends.iter().zip([(0, 1, true), (2, 3, true), (4, 5, true)]) {
        assert_eq!(place(&store.append(append.clone()).await), first, "{append:?}");
    }
}

#[tokio::test]
async fn a_tombstone_refuses_new_appends_and_no_retry() {
    let test = Fixture::new(small()).await;
    let store = &test.store;
    let appends = [
        append("s", Expected::NoStream, &[1, 2]),
        append("s", exactly(1), &[3]),
        append("s", Expected::Any, &[4]),
    ];
    for append in &appends {
        store.append(append.clone()).await.unwrap();
    }
    store.tombstone_stream(&stream("s"), Expected::Any).await.unwrap();
    for (append, first) in appends.iter().zip([(0, 1, true), (2, 3, true), (3, 4, true)]) {
        assert_eq!(place(&store.append(append.clone()).await), first, "{append:?}");
    }
    let refused = Err(Error::Rejected(Rejection::Tombstoned { stream: stream("s") }));
    for expected in [Expected::NoStream, Expected::Any, exactly(3), exactly(1)] {
        assert_eq!(
            store.append(append("s", expected, &[9])).await,
            refused,
            "{expected:?}"
        );
    }
}

#[tokio::test]
async fn an_id_that_began_a_life_of_a_stream_begins_it_no_other_way() {
    let test = Fixture::new(small()).await;
    let store = &test.store;
    for ids in [[1, 2], [3, 4]] {
        store.append(append("s", Expected::NoStream, &ids)).await.unwrap();
        delete(store, "s").await;
    }
    let begins = |ids: &[u128]| store.append(append("s", Expected::NoStream, ids));
    assert!(is_id_conflict(&begins(&[1, 9]).await.unwrap_err(), 1));
    assert!(is_id_conflict(&begins(&[3]).await.unwrap_err(), 4));
    assert_eq!(place(&begins(&[9, 1]).await), (4, 7, false));
}

/// Decision 20: ids distinguish appends, they are not keys of events.
#[tokio::test]
async fn a_revision_tells_an_append_apart_whatever_its_ids() {
    let test = Fixture::new(small()).await;
    let store = &test.store;
    store.append(append("s", Expected::NoStream, &[1])).await.unwrap();
    assert_eq!(
        place(&store.append(append("s", exactly(0), &[1])).await),
        (1, 2, false)
    );
    assert_eq!(
        place(&store.append(append("s", exactly(0), &[1])).await),
        (1, 2, true)
    );
    assert_eq!(
        place(&store.append(append("s", Expected::NoStream, &[1])).await),
        (0, 1, true)
    );
}
