//! Appends to many streams.

use std::sync::Arc;

use futures::future::join_all;

use super::{failed, found};
use crate::{
    Append, Appended, Check, Direction, Error, Expected, FailedCheck, Limits, Position, Query, QueryItem,
    Rejection, Result, Revision, Settings,
    testing::{
        Counted, Fixture, append, expect, ids, open_counted, place, read_log, read_stream, small, stream,
        until_indexed, write,
    },
};

fn exactly(name: &str, revision: u64) -> Check {
    expect(name, Expected::Exactly(Revision(revision)))
}

/// A check for no event with this tag. Test events have tags by their number modulo 3.
fn no_match(tag: &str, after: u64) -> Check {
    let item = QueryItem {
        tags: vec![tag.to_owned()],
        ..QueryItem::default()
    };
    Check::NoMatch {
        query: Query { items: vec![item] },
        after: Position(after),
    }
}

fn many(writes: &[(&str, &[u128])], checks: Vec<Check>) -> Append {
    let writes = writes.iter().map(|(name, ids)| write(name, ids)).collect();
    Append::to_many(writes, checks, &Limits::default()).unwrap()
}

/// First position, revisions in each stream, and whether it was already appended.
fn places(result: &Result<Appended>) -> (u64, Vec<(u64, u64)>, bool) {
    let appended = result.as_ref().unwrap();
    let revisions = appended
        .revisions()
        .map(|revisions| (revisions.first.0, revisions.last.0));
    (
        appended.first_position.0,
        revisions.collect(),
        appended.already_appended,
    )
}

fn of_stream(index: usize, name: &str, expected: Expected, actual: Option<u64>) -> FailedCheck {
    FailedCheck::Stream {
        index: Some(index),
        stream: stream(name),
        expected,
        actual: actual.map(Revision),
    }
}

#[tokio::test]
async fn events_of_many_streams_stand_in_the_order_in_which_they_were_given() {
    let mut fixture = Fixture::new(small()).await;
    fixture.fill("b", 1..3).await;
    let append = many(
        &[("a", &[3, 4]), ("b", &[5]), ("a", &[6]), ("c", &[7, 8])],
        vec![],
    );
    let result = fixture.store.append(append).await;
    assert_eq!(places(&result), (3, vec![(0, 2), (2, 2), (0, 1)], false));
    assert_eq!(result.unwrap().last_position, Position(8));
    for round in 0..2 {
        let log = read_log(&fixture.store, Direction::Forwards, None, Query::default()).await;
        assert_eq!(ids(&log[..8]), (1..9).collect::<Vec<_>>());
        let of_streams: Vec<_> = log[2..8]
            .iter()
            .map(|record| (record.stream.as_str(), record.revision.0))
            .collect();
        assert_eq!(
            of_streams,
            [("a", 0), ("a", 1), ("b", 2), ("a", 2), ("c", 0), ("c", 1)]
        );
        for (name, wanted) in [("a", vec![3, 4, 6]), ("b", vec![1, 2, 5]), ("c", vec![7, 8])] {
            let back = read_stream(&fixture.store, name, Direction::Forwards, None, None).await;
            assert_eq!(ids(&back), wanted, "{name}");
        }
        fixture
            .fill("filler", 1_000 * (1 + round)..1_000 * (1 + round) + 60)
            .await;
        fixture.indexed(64).await;
        fixture.reopen().await;
    }
}

#[tokio::test]
async fn an_append_over_many_frames_and_windows_comes_back_whole() {
    let mut fixture = Fixture::new(small()).await;
    fixture.fill("s3", 1..4).await;
    let mut writes = Vec::new();
    for n in 0..400_u128 {
        let mut write = write(&format!("s{}", n * 7 % 11), &[10 + 2 * n, 11 + 2 * n]);
        write.events[0].data = vec![n as u8; (n as usize * 37) % 3_000].into();
        writes.push(write);
    }
    let append = Append::to_many(writes.clone(), vec![], &Limits::default()).unwrap();
    let first = places(&fixture.store.append(append.clone()).await);
    for _ in 0..2 {
        let log = read_log(&fixture.store, Direction::Forwards, Some(4), Query::default()).await;
        let wanted = writes.iter().flat_map(|write| {
            let name = write.stream.to_string();
            write.events.iter().map(move |event| (name.clone(), event))
        });
        assert!(
            log.iter()
                .map(|record| (&record.stream, record.id, &record.data))
                .eq(wanted
                    .collect::<Vec<_>>()
                    .iter()
                    .map(|(name, event)| (name, event.id, &event.data)))
        );
        let again = places(&fixture.store.append(append.clone()).await);
        assert_eq!((again.0, &again.1, again.2), (first.0, &first.1, true));
        fixture.reopen().await;
    }
}

#[tokio::test]
async fn nothing_is_written_if_one_check_fails() {
    let fixture = Fixture::new(small()).await;
    fixture.fill("s", 1..4).await;
    let append = many(
        &[("a", &[11]), ("b", &[12])],
        vec![
            expect("a", Expected::NoStream),
            expect("b", Expected::NoStream),
            exactly("s", 1),
        ],
    );
    let wanted = [of_stream(2, "s", Expected::Exactly(Revision(1)), Some(2))];
    assert_eq!(failed(fixture.store.append(append).await), wanted);
    assert_eq!(fixture.store.info().head, Position(3));
    for name in ["a", "b"] {
        let stream = fixture.store.stream(&stream(name)).await;
        assert!(
            matches!(stream, Err(Error::StreamNotFound(_))),
            "{name}: {stream:?}"
        );
    }
    // The ids can still be used.
    let result = fixture
        .store
        .append(many(&[("a", &[11]), ("b", &[12])], vec![]))
        .await;
    assert_eq!(places(&result), (4, vec![(0, 0), (0, 0)], false));
}

#[tokio::test]
async fn every_check_that_fails_is_listed_by_its_number_also_that_of_the_first_stream() {
    let fixture = Fixture::new(small()).await;
    fixture.fill("s", 1..4).await;
    let append = many(
        &[("s", &[11]), ("t", &[12])],
        vec![
            exactly("unwritten", 0),
            no_match("mod3:1", 1),
            no_match("mod3:2", 1),
            exactly("s", 7),
            expect("t", Expected::StreamExists),
        ],
    );
    let wanted = [
        of_stream(0, "unwritten", Expected::Exactly(Revision(0)), None),
        found(2, 1, 2),
        of_stream(3, "s", Expected::Exactly(Revision(7)), Some(2)),
        of_stream(4, "t", Expected::StreamExists, None),
    ];
    assert_eq!(failed(fixture.store.append(append).await), wanted);
    // After the stream's end, at it, and before it: each is a failed check, not a conflict of one stream.
    for expected in [Expected::NoStream, Expected::Exactly(Revision(1))] {
        let append = many(&[("s", &[11])], vec![expect("s", expected)]);
        let wanted = [of_stream(0, "s", expected, Some(2))];
        assert_eq!(failed(fixture.store.append(append).await), wanted);
    }
    let append = many(&[("s", &[11])], vec![exactly("s", 2)]);
    assert_eq!(places(&fixture.store.append(append).await).0, 4);
}

#[tokio::test]
async fn a_stream_that_is_not_written_to_is_checked_wherever_its_end_is_known() {
    let mut fixture = Fixture::new(small()).await;
    fixture.fill("watched", 1..4).await;
    fixture.fill("filler", 1_000..1_060).await;
    fixture.indexed(56).await;
    for round in 0..3_u128 {
        let store = &fixture.store;
        let refused = many(&[("t", &[90])], vec![exactly("watched", 1)]);
        let wanted = [of_stream(0, "watched", Expected::Exactly(Revision(1)), Some(2))];
        assert_eq!(failed(store.append(refused).await), wanted, "round {round}");
        let refused = many(&[("t", &[90])], vec![expect("watched", Expected::NoStream)]);
        assert_eq!(failed(store.append(refused).await).len(), 1, "round {round}");
        let refused = many(&[("t", &[90])], vec![expect("absent", Expected::StreamExists)]);
        assert_eq!(failed(store.append(refused).await).len(), 1, "round {round}");
        let taken = many(
            &[("t", &[100 + round])],
            vec![exactly("watched", 2), expect("absent", Expected::NoStream)],
        );
        assert_eq!(
            places(&store.append(taken).await).1,
            [(round as u64, round as u64)]
        );
        fixture.reopen().await;
    }
}

/// Tests every row of the protocol's table for the first stream, with the earlier appends in memory, on disk, and
/// after reopening. The events of each append make one of its own checks false.
#[tokio::test]
async fn retries_give_the_first_result_although_a_check_fails_now() {
    let mut fixture = Fixture::new(small()).await;
    fixture.fill("s", 1..4).await;
    let tries = [
        // Without a check of the first stream: recognised by its first id.
        many(&[("a", &[11]), ("s", &[12])], vec![exactly("s", 2)]),
        many(
            &[("s", &[13]), ("b", &[14])],
            vec![expect("s", Expected::StreamExists), exactly("s2", 0)],
        ),
        // No stream, and an exact revision: recognised by the revision of the first event.
        many(
            &[("c", &[15, 16]), ("s", &[17]), ("c", &[18])],
            vec![expect("c", Expected::NoStream), exactly("s", 4)],
        ),
        many(
            &[("s", &[19]), ("d", &[20]), ("s", &[21])],
            vec![exactly("s", 5), expect("d", Expected::NoStream)],
        ),
        // By a query, with and without a revision.
        many(&[("e", &[22]), ("f", &[23])], vec![no_match("mod3:1", 14)]),
        many(
            &[("g", &[24]), ("f", &[25])],
            vec![expect("g", Expected::NoStream), no_match("mod3:0", 16)],
        ),
    ];
    fixture.fill("s2", 10..11).await;
    let mut first = Vec::new();
    for append in &tries {
        let (position, revisions, already) = places(&fixture.store.append(append.clone()).await);
        assert!(!already);
        first.push((position, revisions, true));
    }
    assert_eq!(fixture.store.info().head, Position(19));
    for round in 0..3 {
        for (append, first) in tries.iter().zip(&first) {
            let again = fixture.store.append(append.clone()).await;
            assert_eq!(places(&again), *first, "round {round}");
            assert!(again.unwrap().recorded_at.micros > 0);
        }
        match round {
            0 => {
                fixture.fill("filler", 1_000..1_060).await;
                fixture.indexed(72).await;
            }
            _ => fixture.reopen().await,
        }
    }
}

/// A caller that passes a later position states that the append can't have been written before it: in the group, in
/// memory, on disk, and after reopening.
#[tokio::test]
async fn behind_a_later_position_the_same_ids_are_a_new_append_wherever_the_first_one_is() {
    let mut fixture = Fixture::new(small()).await;
    let behind = |after| {
        let checks = vec![no_match("unknown", after)];
        many(&[("a", &[1]), ("b", &[2])], checks)
    };
    let copy = |position, revision, already| (position, vec![(revision, revision); 2], already);
    let mut group = Vec::new();
    for after in [0, 0, 1, 1] {
        group.push(fixture.store.submit(behind(after)).await);
    }
    let mut told = Vec::new();
    for pending in group {
        told.push(places(&pending.unwrap().await));
    }
    let (first, second) = (copy(1, 0, false), copy(3, 1, false));
    assert_eq!(told, [first, copy(1, 0, true), second, copy(3, 1, true)]);
    let (mut position, mut revision) = (3, 1);
    for round in 0..4 {
        let again = fixture.store.append(behind(position - 1)).await;
        assert_eq!(places(&again), copy(position, revision, true), "round {round}");
        let next = fixture.store.info().head.0 + 1;
        let anew = fixture.store.append(behind(position)).await;
        (position, revision) = (next, revision + 1);
        assert_eq!(places(&anew), copy(position, revision, false), "round {round}");
        match round {
            0 => {
                fixture.fill("filler", 1_000..1_060).await;
                fixture.indexed(64).await;
            }
            _ => fixture.reopen().await,
        }
    }
}

#[tokio::test]
async fn what_differs_from_the_first_append_is_no_retry() {
    let mut fixture = Fixture::new(small()).await;
    let keyed = many(&[("a", &[1, 2]), ("b", &[3])], vec![]);
    let placed = many(
        &[("c", &[4]), ("d", &[5]), ("c", &[6])],
        vec![expect("c", Expected::NoStream)],
    );
    fixture.store.append(keyed).await.unwrap();
    fixture.store.append(placed).await.unwrap();
    let differ: [&[(&str, &[u128])]; 6] = [
        &[("a", &[1])],
        &[("a", &[1, 2])],
        &[("a", &[1, 2]), ("x", &[3])],
        &[("a", &[1]), ("b", &[2]), ("b", &[3])],
        &[("a", &[1, 2]), ("b", &[3]), ("c", &[4])],
        &[("x", &[1, 2]), ("b", &[3])],
    ];
    for _ in 0..3 {
        for writes in differ {
            let refused = fixture.store.append(many(writes, vec![])).await;
            assert!(
                matches!(
                    refused,
                    Err(Error::Rejected(Rejection::EventIdConflict {
                        position: Position(1),
                        ..
                    }))
                ),
                "{writes:?}: {refused:?}"
            );
        }
        let differ: [&[(&str, &[u128])]; 4] = [
            &[("c", &[4]), ("d", &[5])],
            &[("c", &[4]), ("x", &[5]), ("c", &[6])],
            &[("c", &[4]), ("d", &[5]), ("c", &[7])],
            &[("c", &[4]), ("d", &[5]), ("c", &[6]), ("d", &[8])],
        ];
        for (n, writes) in differ.into_iter().enumerate() {
            let refused = many(writes, vec![expect("c", Expected::NoStream)]);
            let result = fixture.store.append(refused).await;
            if n == 0 {
                // The append's events are at that position; the log does not show that more were sent with them.
                assert_eq!(places(&result), (4, vec![(0, 0), (0, 0)], true));
                continue;
            }
            assert_eq!(failed(result).len(), 1, "{writes:?}");
        }
        fixture.reopen().await;
    }
}

/// Appends submitted together are evaluated together.
#[tokio::test]
async fn appends_of_one_group_conflict_through_streams_and_queries() {
    let fixture = Fixture::new(small()).await;
    fixture.fill("s", 1..4).await;
    let appends = [
        many(&[("a", &[11]), ("b", &[12])], vec![exactly("s", 2)]),
        // The stream has grown, though not by an append whose first event is in it.
        many(&[("x", &[13])], vec![expect("b", Expected::NoStream)]),
        many(&[("x", &[13])], vec![exactly("b", 0)]),
        // Event 12 has the tag `mod3:0`.
        many(&[("x", &[14])], vec![no_match("mod3:0", 3)]),
        many(&[("y", &[14])], vec![no_match("mod3:0", 5)]),
        // A retry in the same group, whose own events make its check false.
        many(&[("a", &[11]), ("b", &[12])], vec![exactly("s", 2)]),
        many(
            &[("c", &[16]), ("b", &[17]), ("c", &[18])],
            vec![expect("c", Expected::NoStream)],
        ),
        many(
            &[("c", &[16]), ("b", &[17]), ("c", &[18])],
            vec![expect("c", Expected::NoStream)],
        ),
        many(
            &[("c", &[16]), ("a", &[17]), ("c", &[18])],
            vec![expect("c", Expected::NoStream)],
        ),
    ];
    let mut pending = Vec::new();
    for append in appends {
        pending.push(fixture.store.submit(append).await.unwrap());
    }
    let results = join_all(pending).await;
    assert_eq!(places(&results[0]), (4, vec![(0, 0), (0, 0)], false));
    assert_eq!(
        failed(results[1].clone()),
        [of_stream(0, "b", Expected::NoStream, Some(0))]
    );
    assert_eq!(places(&results[2]), (6, vec![(0, 0)], false));
    assert_eq!(failed(results[3].clone()), [found(0, 3, 5)]);
    assert_eq!(places(&results[4]), (7, vec![(0, 0)], false));
    assert_eq!(places(&results[5]), (4, vec![(0, 0), (0, 0)], true));
    assert_eq!(places(&results[6]), (8, vec![(0, 1), (1, 1)], false));
    assert_eq!(places(&results[7]), (8, vec![(0, 1), (1, 1)], true));
    assert_eq!(
        failed(results[8].clone()),
        [of_stream(0, "c", Expected::NoStream, Some(1))]
    );
}

/// The retry needs events of which some are in the log and some in the group, so it waits for the group.
#[tokio::test]
async fn a_retry_that_reaches_into_its_group_is_judged_after_it() {
    let fixture = Fixture::new(small()).await;
    fixture.fill("s", 1..3).await;
    let first = fixture.store.submit(append("t", Expected::Any, &[3])).await;
    let reaching = many(&[("s", &[2]), ("t", &[3])], vec![exactly("s", 0)]);
    let reaching = fixture.store.submit(reaching).await;
    let further = many(&[("s", &[2]), ("t", &[3]), ("t", &[4])], vec![exactly("s", 0)]);
    let further = fixture.store.submit(further).await;
    let behind = fixture.store.submit(append("s", Expected::Any, &[5])).await;
    assert_eq!(place(&first.unwrap().await), (0, 3, false));
    assert_eq!(places(&reaching.unwrap().await), (2, vec![(1, 1), (0, 0)], true));
    assert_eq!(failed(further.unwrap().await).len(), 1);
    assert_eq!(place(&behind.unwrap().await), (2, 4, false));
}

#[tokio::test]
async fn a_position_beyond_the_head_is_refused_whatever_else_fails() {
    let fixture = Fixture::new(small()).await;
    fixture.fill("s", 1..4).await;
    let append = many(
        &[("a", &[11]), ("b", &[12])],
        vec![exactly("s", 9), no_match("mod3:0", 4)],
    );
    let wanted = Rejection::CheckBeyondHead {
        after: Position(4),
        head: Position(3),
    };
    assert_eq!(fixture.store.append(append).await, Err(Error::Rejected(wanted)));
}

#[tokio::test]
async fn a_recent_position_and_recent_streams_need_no_read_of_storage() {
    let counted = Arc::new(Counted::default());
    let settings = Settings {
        window_events: 64,
        ..small()
    };
    let store = open_counted(&counted, settings).await;
    for id in 1..1_001 {
        let name = ["a", "b", "c"][id as usize % 3];
        store.append(append(name, Expected::Any, &[id])).await.unwrap();
    }
    until_indexed(&store, Position(960)).await;
    counted.take();
    let append = many(
        &[("a", &[2_001, 2_002]), ("b", &[2_004])],
        vec![
            expect("a", Expected::StreamExists),
            exactly("b", 333),
            exactly("c", 332),
            no_match("mod3:0", 1_000),
        ],
    );
    let result = store.append(append.clone()).await;
    assert_eq!(places(&result), (1_001, vec![(333, 334), (334, 334)], false));
    let again = store.append(append).await;
    assert_eq!(places(&again), (1_001, vec![(333, 334), (334, 334)], true));
    // The retry compares ids, which are also in memory.
    assert_eq!(counted.take().trips, 0);
}
