mod checks;
mod many;
mod prefetch;

use crate::{
    Append, Appended, Clock, Direction, Error, Expected, FailedCheck, Position, Query, Rejection, Revision,
    Settings, Timestamp,
    testing::{Fixture, append, event, ids, place, read_log, read_stream, small, stream},
};

fn exactly(revision: u64) -> Expected {
    Expected::Exactly(Revision(revision))
}

/// Returns all checks that failed. Panics if the append was not refused by its checks.
fn failed(result: crate::Result<Appended>) -> Vec<FailedCheck> {
    match result {
        Err(Error::Rejected(Rejection::ChecksFailed { failed, unlisted: 0 })) => failed,
        other => panic!("not refused by its checks: {other:?}"),
    }
}

fn found(index: usize, after: u64, position: u64) -> FailedCheck {
    FailedCheck::Match {
        index,
        after: Position(after),
        position: Position(position),
    }
}

/// Tests every row of the table on a real store, with the earlier appends in memory, on disk, and after reopening.
#[tokio::test]
async fn retries_give_the_first_result_wherever_the_first_one_is() {
    let mut fixture = Fixture::new(small()).await;
    let store = &fixture.store;
    assert_eq!(
        place(&store.append(append("s", Expected::NoStream, &[1, 2])).await),
        (0, 1, false)
    );
    assert_eq!(
        place(&store.append(append("s", exactly(1), &[3])).await),
        (2, 3, false)
    );
    assert_eq!(
        place(&store.append(append("t", Expected::Any, &[4, 5])).await),
        (0, 4, false)
    );
    assert_eq!(
        place(&store.append(append("s", Expected::StreamExists, &[6])).await),
        (3, 6, false)
    );
    for round in ["in memory", "on disk", "reopened"] {
        let store = &fixture.store;
        assert_eq!(
            place(&store.append(append("s", Expected::NoStream, &[1, 2])).await),
            (0, 1, true),
            "{round}"
        );
        assert_eq!(
            place(&store.append(append("s", exactly(1), &[3])).await),
            (2, 3, true),
            "{round}"
        );
        assert_eq!(
            place(&store.append(append("t", Expected::Any, &[4, 5])).await),
            (0, 4, true),
            "{round}"
        );
        assert_eq!(
            place(&store.append(append("s", Expected::StreamExists, &[6])).await),
            (3, 6, true),
            "{round}"
        );
        assert_eq!(
            place(&store.append(append("s", Expected::Any, &[6])).await),
            (3, 6, true),
            "{round}"
        );
        for expected in [Expected::NoStream, exactly(0), exactly(2)] {
            let error = store.append(append("s", expected, &[77])).await.unwrap_err();
            let conflict = matches!(
                error,
                Error::Rejected(Rejection::RevisionConflict {
                    actual: Some(Revision(3)),
                    ..
                })
            );
            assert!(conflict, "{round}: {error}");
        }
        let error = store.append(append("t", Expected::Any, &[4])).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Rejected(Rejection::EventIdConflict {
                    position: Position(4),
                    ..
                })
            ),
            "{error}"
        );
        let error = store
            .append(append("u", Expected::Any, &[4, 5]))
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::Rejected(Rejection::EventIdConflict { .. })),
            "{round}: {error}"
        );
        let error = store
            .append(append("new", Expected::StreamExists, &[99]))
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::Rejected(Rejection::RevisionConflict { actual: None, .. })
            ),
            "{error}"
        );
        match round {
            "in memory" => {
                fixture.fill("filler", 1_000..1_060).await;
                fixture.indexed(64).await;
            }
            _ => fixture.reopen().await,
        }
    }
    assert_eq!(
        read_log(&fixture.store, Direction::Forwards, None, Query::default())
            .await
            .len(),
        66
    );
}

#[tokio::test]
async fn a_conflict_tells_what_was_expected_and_what_is() {
    let fixture = Fixture::new(small()).await;
    fixture.fill("s", 1..4).await;
    let error = fixture
        .store
        .append(append("s", exactly(0), &[9]))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "stream \"s\" was expected at revision 0 but it is at revision 2"
    );
    let error = fixture
        .store
        .append(append("t", exactly(0), &[9]))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "stream \"t\" was expected at revision 0 but it has no events"
    );
}

#[tokio::test]
async fn an_event_recorded_at_the_very_start_of_1970_is_kept() {
    let mut fixture = Fixture::new(small()).await;
    fixture.clock.0.store(0, std::sync::atomic::Ordering::Relaxed);
    fixture.fill("s", 1..20).await;
    for _ in 0..2 {
        let log = read_log(&fixture.store, Direction::Forwards, None, Query::default()).await;
        assert_eq!(ids(&log), (1..20).collect::<Vec<_>>());
        assert!(
            log.iter()
                .all(|record| record.recorded_at == Timestamp::default())
        );
        fixture.reopen().await;
    }
}

/// Appends submitted together are evaluated together: each against the events that earlier ones add.
#[tokio::test]
async fn appends_of_one_group_see_each_other_in_order() {
    let fixture = Fixture::new(small()).await;
    let appends = [
        append("s", Expected::NoStream, &[1]),
        append("s", exactly(0), &[2, 3]),
        append("s", Expected::NoStream, &[1]),
        append("s", Expected::NoStream, &[7]),
        append("t", Expected::Any, &[4]),
        append("t", Expected::Any, &[4]),
        append("t", Expected::Any, &[4, 5]),
        append("s", exactly(2), &[6]),
        append("s", exactly(0), &[2, 3]),
    ];
    let mut pending = Vec::new();
    for append in appends {
        pending.push(fixture.store.submit(append).await.unwrap());
    }
    let mut results = Vec::new();
    for pending in pending {
        results.push(pending.await);
    }
    assert_eq!(place(&results[0]), (0, 1, false));
    assert_eq!(place(&results[1]), (1, 2, false));
    assert_eq!(place(&results[2]), (0, 1, true));
    assert!(matches!(
        results[3],
        Err(Error::Rejected(Rejection::RevisionConflict {
            actual: Some(Revision(2)),
            ..
        }))
    ));
    assert_eq!(place(&results[4]), (0, 4, false));
    assert_eq!(place(&results[5]), (0, 4, true));
    assert!(matches!(
        results[6],
        Err(Error::Rejected(Rejection::EventIdConflict { .. }))
    ));
    assert_eq!(place(&results[7]), (3, 5, false));
    assert_eq!(place(&results[8]), (1, 2, true));
    let log = read_log(&fixture.store, Direction::Forwards, None, Query::default()).await;
    assert_eq!(ids(&log), [1, 2, 3, 4, 6]);
}

/// The retry needs events of which some are in the log and some in the group, so it waits for the group.
#[tokio::test]
async fn a_retry_that_straddles_its_group_is_judged_after_it() {
    let fixture = Fixture::new(small()).await;
    fixture.fill("s", 1..3).await;
    let first = fixture.store.submit(append("s", exactly(1), &[3])).await.unwrap();
    let straddling = fixture
        .store
        .submit(append("s", exactly(0), &[2, 3]))
        .await
        .unwrap();
    let behind = fixture.store.submit(append("s", exactly(2), &[4])).await.unwrap();
    assert_eq!(place(&first.await), (2, 3, false));
    assert_eq!(place(&straddling.await), (1, 2, true));
    assert_eq!(place(&behind.await), (3, 4, false));
}

#[tokio::test]
async fn large_events_and_large_appends_come_back_whole() {
    let mut fixture = Fixture::new(small()).await;
    let mut events: Vec<_> = (1..40_u128).map(event).collect();
    for (n, event) in events.iter_mut().enumerate() {
        event.data = vec![n as u8; n * 7_000].into();
    }
    events[20].data = vec![20; 1 << 20].into();
    let limits = crate::Limits {
        append_bytes_max: 8_000_000,
        ..crate::Limits::default()
    };
    let large = Append::new(stream("big"), Expected::Any, events.clone(), &limits).unwrap();
    assert_eq!(place(&fixture.store.append(large.clone()).await), (0, 1, false));
    fixture.fill("small", 100..120).await;
    for _ in 0..2 {
        let back = read_stream(&fixture.store, "big", Direction::Forwards, None, None).await;
        assert!(
            back.iter()
                .map(|record| &record.data)
                .eq(events.iter().map(|event| &event.data))
        );
        let mut backwards = read_stream(&fixture.store, "big", Direction::Backwards, None, None).await;
        backwards.reverse();
        assert_eq!(back, backwards);
        let mut log = read_log(&fixture.store, Direction::Backwards, None, Query::default()).await;
        log.reverse();
        assert_eq!(
            log,
            read_log(&fixture.store, Direction::Forwards, None, Query::default()).await
        );
        assert_eq!(place(&fixture.store.append(large.clone()).await), (0, 1, true));
        fixture.reopen().await;
    }
}

#[tokio::test]
async fn recorded_times_never_go_backwards() {
    let fixture = Fixture::new(small()).await;
    for (n, micros) in [(1, 100), (2, 50), (3, 200), (4, 0)] {
        fixture
            .clock
            .0
            .store(micros, std::sync::atomic::Ordering::Relaxed);
        fixture
            .store
            .append(append("s", Expected::Any, &[n]))
            .await
            .unwrap();
    }
    let log = read_log(&fixture.store, Direction::Forwards, None, Query::default()).await;
    let times: Vec<u64> = log.iter().map(|record| record.recorded_at.micros).collect();
    assert_eq!(times, [100, 100, 200, 200]);
}

#[tokio::test]
async fn a_closed_store_takes_nothing_and_has_answered_everything() {
    let fixture = Fixture::new(small()).await;
    let mut pending = Vec::new();
    for id in 1..100 {
        pending.push(
            fixture
                .store
                .submit(append("s", Expected::Any, &[id]))
                .await
                .unwrap(),
        );
    }
    fixture.store.close().await;
    for pending in pending {
        pending.await.unwrap();
    }
    assert_eq!(
        fixture.store.append(append("s", Expected::Any, &[100])).await,
        Err(Error::Closed)
    );
}

/// The indexer stops at once, and appends that wait for it would never finish.
#[tokio::test]
async fn closing_answers_appends_that_wait_for_the_indexer() {
    let settings = crate::Settings {
        window_events: 1,
        waiting_windows_max: 0,
        group_appends_max: 1,
        ..small()
    };
    let fixture = Fixture::new(settings).await;
    let mut pending = Vec::new();
    for id in 1..100 {
        let append = append("s", Expected::Any, &[id]);
        pending.push(fixture.store.submit(append).await.unwrap());
    }
    fixture.store.close().await;
    for pending in pending {
        pending.await.unwrap();
    }
}

#[tokio::test]
async fn two_stores_on_one_engine_write_one_log() {
    let settings = crate::Settings {
        shared_engine: true,
        ..small()
    };
    let fixture = Fixture::new(settings).await;
    let other = fixture.another().await;
    for id in 1..50 {
        let store = if id % 2 == 0 { &fixture.store } else { &other };
        store.append(append("s", Expected::Any, &[id])).await.unwrap();
        // The retry is sent to the other store.
        let store = if id % 2 == 1 { &fixture.store } else { &other };
        let again = store.append(append("s", Expected::Any, &[id])).await;
        assert_eq!(place(&again), (id as u64 - 1, id as u64, true));
    }
    let log = read_log(&other, Direction::Forwards, None, Query::default()).await;
    assert_eq!(
        log,
        read_log(&fixture.store, Direction::Forwards, None, Query::default()).await
    );
    assert_eq!(ids(&log), (1..50).collect::<Vec<_>>());
}

/// The clock of these stores shows one minute past 1970.
#[tokio::test]
async fn given_times_are_kept_within_a_group_and_hold_for_what_follows() {
    let settings = Settings {
        accept_recorded_times: true,
        ..small()
    };
    let fixture = Fixture::new(settings).await;
    let at = |stream: &str, id: u128, micros: Option<u64>| {
        let append = append(stream, Expected::Any, &[id]);
        match micros {
            Some(micros) => append.recorded_at(Timestamp::from_micros(micros)),
            None => append,
        }
    };
    let far = fixture.clock.now().micros + 1;
    let group = [
        (at("s", 1, Some(10)), Some(10)),
        (at("t", 2, Some(10)), Some(10)),
        (at("s", 3, Some(30)), Some(30)),
        // A retry returns the first time, whatever time it contains now.
        (at("s", 1, Some(40)), Some(10)),
        (at("s", 4, Some(20)), None),
        (at("s", 5, Some(far)), None),
        (at("u", 6, Some(31)), Some(31)),
    ];
    let mut pending = Vec::new();
    for (append, expected) in group {
        pending.push((fixture.store.submit(append).await.unwrap(), expected));
    }
    for (nth, (pending, expected)) in pending.into_iter().enumerate() {
        match (pending.await, expected) {
            (Ok(appended), Some(micros)) => assert_eq!(appended.recorded_at.micros, micros, "{nth}"),
            (Err(Error::Rejected(Rejection::RecordedTimeOutOfRange { earliest, .. })), None) => {
                assert_eq!(earliest, Some(Timestamp::from_micros(30)), "{nth}");
            }
            (other, _) => panic!("{nth}: {other:?}"),
        }
    }
    let now = fixture.store.append(at("s", 7, None)).await.unwrap();
    assert_eq!(now.recorded_at, fixture.clock.now());
    let back = fixture.store.append(at("s", 8, Some(32))).await;
    assert!(
        matches!(
            back,
            Err(Error::Rejected(Rejection::RecordedTimeOutOfRange { .. }))
        ),
        "{back:?}"
    );
    let times: Vec<u64> = read_log(&fixture.store, Direction::Forwards, None, Query::default())
        .await
        .iter()
        .map(|event| event.recorded_at.micros)
        .collect();
    assert_eq!(times, [10, 10, 30, 31, fixture.clock.now().micros]);
}

#[tokio::test]
async fn given_times_are_refused_unless_settings_take_them() {
    let fixture = Fixture::new(small()).await;
    let given = append("s", Expected::Any, &[1]).recorded_at(Timestamp::from_micros(1));
    let refused = fixture.store.append(given).await;
    assert!(
        matches!(refused, Err(Error::Rejected(Rejection::RecordedTimeNotAccepted))),
        "{refused:?}"
    );
}
