//! Tests of retries of appends whose events were removed from storage.

use super::*;
use crate::{Appended, testing};

const DAY: u64 = 24 * 60 * 60 * 1_000_000;

fn exactly(revision: u64) -> Expected {
    Expected::Exactly(Revision(revision))
}

/// Asserts that each append gets its first result, and nothing is written.
async fn are_recognised(store: &Store, appends: &[(Append, Appended)]) {
    let head = store.info().head;
    for (append, first) in appends {
        let wanted = Appended {
            already_appended: true,
            ..first.clone()
        };
        assert_eq!(store.append(append.clone()).await, Ok(wanted), "{append:?}");
    }
    assert_eq!(store.info().head, head);
}

async fn write(store: &Store, appends: Vec<Append>) -> Vec<(Append, Appended)> {
    let mut written = Vec::new();
    for append in appends {
        let appended = store.append(append.clone()).await.unwrap();
        written.push((append, appended));
    }
    written
}

/// Appends with every expectation, of one event and of some.
fn every_kind() -> Vec<Append> {
    vec![
        append("s", Expected::NoStream, &[1, 2]),
        append("s", exactly(1), &[3]),
        append("s", Expected::Any, &[4, 5, 6]),
        append("s", Expected::StreamExists, &[7]),
        append("s", exactly(6), &[8, 9]),
    ]
}

/// Found by the simulation (seed 611 of the ends of streams).
#[tokio::test(start_paused = true)]
async fn an_append_is_recognised_although_nothing_is_left_of_it() {
    let mut fixture = Fixture::new(settings()).await;
    let appends = write(&fixture.store, every_kind()).await;
    fixture
        .store
        .delete_stream(&stream("s"), Expected::Any)
        .await
        .unwrap();
    index_all(&fixture.store).await;
    are_recognised(&fixture.store, &appends).await;
    assert_eq!(scavenge(&fixture.store).await.events_removed, 9);
    are_recognised(&fixture.store, &appends).await;
    fixture.reopen().await;
    are_recognised(&fixture.store, &appends).await;
    let other = append("s", Expected::Any, &[4, 5, 60]);
    let refused = fixture.store.append(other).await.unwrap_err();
    assert!(
        matches!(
            refused,
            Error::Rejected(Rejection::EventIdConflict {
                position: Position(4),
                ..
            })
        ),
        "{refused}"
    );
    let new = fixture.store.append(append("s", Expected::NoStream, &[10])).await;
    assert_eq!(place(&new).0, 9);
}

#[tokio::test(start_paused = true)]
async fn an_append_is_recognised_whichever_of_its_events_were_removed() {
    for kept in 1..9 {
        let fixture = Fixture::new(settings()).await;
        let appends = write(&fixture.store, every_kind()).await;
        set(&fixture.store, "s", keeping(None, kept)).await;
        index_all(&fixture.store).await;
        assert_eq!(scavenge(&fixture.store).await.events_removed, kept);
        are_recognised(&fixture.store, &appends).await;
        set(&fixture.store, "s", keeping(None, 9)).await;
        index_all(&fixture.store).await;
        scavenge(&fixture.store).await;
        are_recognised(&fixture.store, &appends).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_append_to_many_streams_is_recognised_when_one_of_them_was_removed() {
    for (removed, others) in [("a", ["b", "c"]), ("b", ["c", "a"]), ("c", ["a", "b"])] {
        let fixture = Fixture::new(settings()).await;
        let part = testing::write;
        let writes = vec![
            part("a", &[1, 2]),
            part("b", &[3]),
            part("a", &[4]),
            part("c", &[5, 6]),
        ];
        let many = Append::to_many(writes, Vec::new(), &Limits::default()).unwrap();
        let appends = write(&fixture.store, vec![append("c", Expected::Any, &[90]), many]).await;
        for name in std::iter::once(removed).chain(others) {
            fixture
                .store
                .delete_stream(&stream(name), Expected::Any)
                .await
                .unwrap();
            index_all(&fixture.store).await;
            assert!(scavenge(&fixture.store).await.events_removed > 0);
            are_recognised(&fixture.store, &appends).await;
        }
    }
}

/// An append that takes several frames, of which each step of a scavenge processes some.
#[tokio::test(start_paused = true)]
async fn a_large_append_is_recognised_whichever_of_its_frames_were_removed() {
    for step_events in [1, 3, 100] {
        let fixture = Fixture::new(Settings {
            scavenge_step_events: step_events,
            ..settings()
        })
        .await;
        let mut large: Vec<NewEvent> = (1..8).map(event).collect();
        large
            .iter_mut()
            .for_each(|event| event.data = vec![b' '; 30_000].into());
        let large = |expected| Append::new(stream("s"), expected, large.clone(), &Limits::default()).unwrap();
        let mut appends = write(&fixture.store, vec![large(Expected::NoStream)]).await;
        appends.extend(write(&fixture.store, vec![append("s", exactly(6), &[8])]).await);
        for removed in [2, 5, 7, 8] {
            set(&fixture.store, "s", keeping(None, removed)).await;
            index_all(&fixture.store).await;
            scavenge(&fixture.store).await;
            are_recognised(&fixture.store, &appends).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_life_of_a_stream_is_recognised_when_all_are_removed() {
    let fixture = Fixture::new(settings()).await;
    let mut appends = Vec::new();
    for n in 1..=3 {
        let life = append("s", Expected::NoStream, &[10 * n, 10 * n + 1]);
        appends.extend(write(&fixture.store, vec![life]).await);
        fixture
            .store
            .delete_stream(&stream("s"), Expected::Any)
            .await
            .unwrap();
    }
    index_all(&fixture.store).await;
    assert!(scavenge(&fixture.store).await.events_removed >= 6);
    are_recognised(&fixture.store, &appends).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_recorded_a_day_ago_and_is_removed_takes_no_space() {
    for is_old_when_removed in [false, true] {
        let fixture = Fixture::new(settings()).await;
        write(&fixture.store, every_kind()).await;
        let store = &fixture.store;
        for ids in [&[20][..], &[30, 31]] {
            store.delete_stream(&stream("s"), Expected::Any).await.unwrap();
            store.append(append("s", Expected::NoStream, ids)).await.unwrap();
        }
        store.delete_stream(&stream("s"), Expected::Any).await.unwrap();
        index_all(store).await;
        let receipts = async || entries(&*fixture.engine, b"b").await.len();
        assert_eq!(
            receipts().await,
            2,
            "of the two lives that began after a deletion"
        );
        if is_old_when_removed {
            fixture.clock.0.fetch_add(DAY, Ordering::Relaxed);
        }
        assert_eq!(scavenge(store).await.events_removed, 12 + 2, "with two changes");
        if !is_old_when_removed {
            assert!(receipts().await >= 7, "of each append that was removed");
            fixture.clock.0.fetch_add(DAY + 1, Ordering::Relaxed);
            scavenge(store).await;
        }
        assert_eq!(receipts().await, 0);
        assert_eq!(entries(&*fixture.engine, b"e").await, []);
        let ids = entries(&*fixture.engine, b"r").await;
        for id in [4_u128, 7] {
            let key = keys::request(Uuid::from_u128(id));
            assert!(ids.iter().all(|entry| entry.key != key), "{id} is forgotten");
        }
        // A revision is never used twice. After so long, an append without a revision is a new one.
        let late = store.append(append("s", exactly(1), &[3])).await.unwrap_err();
        assert!(
            matches!(late, Error::Rejected(Rejection::RevisionConflict { .. })),
            "{late}"
        );
        let late = store.append(append("s", Expected::Any, &[4, 5, 6])).await;
        assert_eq!(place(&late).0, 12);
    }
}
