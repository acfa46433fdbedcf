//! The design's table, row by row.

use bytes::Bytes;
use uuid::Uuid;

use super::{Question, Standing, Verdict, ask, compare};
use crate::{
    Append, EventType, Expected, Limits, NewEvent, Position, Rejection, Revision, StreamName, Timestamp,
    lifecycle::Lifecycle, tail::Request,
};

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn append(expected: Expected, ids: &[u128]) -> Append {
    let event = |n: &u128| NewEvent {
        id: id(*n),
        kind: EventType::new("Tested").unwrap(),
        data: Bytes::new(),
        metadata: Bytes::new(),
        tags: Vec::new(),
    };
    let events = ids.iter().map(event).collect();
    Append::new(
        StreamName::new("s").unwrap(),
        expected,
        events,
        &Limits::default(),
    )
    .unwrap()
}

fn exactly(revision: u64) -> Expected {
    Expected::Exactly(Revision(revision))
}

fn conflict(expected: Expected, actual: Option<u64>) -> Verdict {
    Verdict::Reject(Rejection::RevisionConflict {
        stream: StreamName::new("s").unwrap(),
        expected,
        actual: actual.map(Revision),
    })
}

#[test]
fn what_is_asked_follows_the_table() {
    let request = Request {
        first: Position(7),
        events: 1,
    };
    let write = || Question::Decided(Verdict::Write);
    let refuse = |expected, actual| Question::Decided(conflict(expected, actual));
    let cases = [
        ("exactly the current", exactly(3), Some(3), None, write()),
        (
            "exactly one before",
            exactly(2),
            Some(3),
            None,
            Question::Revisions(Revision(3)),
        ),
        (
            "exactly one behind",
            exactly(4),
            Some(3),
            None,
            refuse(exactly(4), Some(3)),
        ),
        (
            "exactly, in no stream",
            exactly(0),
            None,
            None,
            refuse(exactly(0), None),
        ),
        (
            "exactly asks for no id",
            exactly(3),
            Some(3),
            Some(request),
            write(),
        ),
        ("no stream, none", Expected::NoStream, None, None, write()),
        (
            "no stream, one",
            Expected::NoStream,
            Some(0),
            None,
            Question::Revisions(Revision(0)),
        ),
        ("any, none", Expected::Any, None, None, write()),
        ("any, one", Expected::Any, Some(9), None, write()),
        (
            "any, known id",
            Expected::Any,
            Some(9),
            Some(request),
            Question::Request(request),
        ),
        (
            "any, id known of another stream",
            Expected::Any,
            None,
            Some(request),
            Question::Request(request),
        ),
        (
            "exists, none",
            Expected::StreamExists,
            None,
            None,
            refuse(Expected::StreamExists, None),
        ),
        ("exists, one", Expected::StreamExists, Some(0), None, write()),
        (
            "exists, known id",
            Expected::StreamExists,
            Some(0),
            Some(request),
            Question::Request(request),
        ),
    ];
    for (name, expected, last, request, question) in cases {
        assert_eq!(
            ask(
                &append(expected, &[1]),
                last.map(Revision),
                &Lifecycle::default(),
                request
            ),
            question,
            "{name}"
        );
    }
}

#[test]
fn a_deleted_stream_has_no_events_until_it_begins_again() {
    let deleted = Lifecycle::default().after_deletion(Revision(4));
    let write = || Question::Decided(Verdict::Write);
    let refuse = |expected, actual| Question::Decided(conflict(expected, actual));
    let cases = [
        (
            "no stream",
            Expected::NoStream,
            4,
            Question::Deleted(Revision::FIRST),
        ),
        ("any", Expected::Any, 4, write()),
        (
            "exists",
            Expected::StreamExists,
            4,
            refuse(Expected::StreamExists, None),
        ),
        ("exactly the last", exactly(4), 4, refuse(exactly(4), None)),
        ("exactly one before", exactly(2), 4, refuse(exactly(2), None)),
        (
            "begun again, no stream",
            Expected::NoStream,
            6,
            Question::Revisions(Revision(5)),
        ),
        ("begun again, exists", Expected::StreamExists, 6, write()),
        ("begun again, exactly the current", exactly(6), 6, write()),
        (
            "begun again, exactly one before",
            exactly(5),
            6,
            Question::Revisions(Revision(6)),
        ),
        (
            "begun again, exactly the last before",
            exactly(4),
            6,
            Question::Revisions(Revision(5)),
        ),
        (
            "begun again, exactly what is gone",
            exactly(3),
            6,
            refuse(exactly(3), Some(6)),
        ),
    ];
    for (name, expected, last, question) in cases {
        let asked = ask(&append(expected, &[1]), Some(Revision(last)), &deleted, None);
        assert_eq!(asked, question, "{name}");
    }
}

#[test]
fn nothing_is_appended_behind_a_tombstone() {
    let tombstoned = Lifecycle::default().after_tombstone();
    let request = Request {
        first: Position(7),
        events: 1,
    };
    let refused = Question::Decided(Verdict::Reject(Rejection::Tombstoned {
        stream: StreamName::new("s").unwrap(),
    }));
    for expected in [
        Expected::Any,
        Expected::NoStream,
        Expected::StreamExists,
        exactly(3),
    ] {
        for last in [None, Some(Revision(3))] {
            let asked = ask(&append(expected, &[1]), last, &tombstoned, Some(request));
            assert_eq!(asked, refused, "{expected:?} {last:?}");
        }
    }
}

fn standing(stream: &str, from: u64, ids: &[u128]) -> Vec<Standing> {
    let event = |(n, event_id): (u64, &u128)| Standing {
        id: id(*event_id),
        stream: StreamName::new(stream).unwrap(),
        revision: Revision(from + n),
        position: Position(100 + n),
        recorded_at: Timestamp::from_micros(5),
    };
    (0..).zip(ids).map(event).collect()
}

#[test]
fn the_same_ids_give_the_first_result() {
    let verdict = compare(
        &append(exactly(4), &[1, 2]),
        Some(Revision(9)),
        &standing("s", 5, &[1, 2]),
    );
    let Verdict::Already(appended) = verdict else {
        panic!("{verdict:?}")
    };
    assert!(appended.already_appended);
    assert_eq!(
        (appended.first_revision, appended.last_revision),
        (Revision(5), Revision(6))
    );
    assert_eq!(
        (appended.first_position, appended.last_position),
        (Position(100), Position(101))
    );
    assert_eq!(appended.recorded_at, Timestamp::from_micros(5));
}

#[test]
fn anything_but_the_same_ids_in_the_same_stream_is_a_conflict() {
    let cases: [(&str, &[u128], Vec<Standing>); 5] = [
        ("other ids", &[1, 2], standing("s", 5, &[3, 4])),
        ("the first only", &[1, 2], standing("s", 5, &[1])),
        ("another order", &[1, 2], standing("s", 5, &[2, 1])),
        ("more than were written", &[1, 2, 3], standing("s", 5, &[1, 2])),
        ("fewer than were written", &[1], standing("s", 5, &[1, 2])),
    ];
    for (name, ids, standing) in cases {
        let exact = compare(&append(exactly(4), ids), Some(Revision(9)), &standing);
        assert_eq!(exact, conflict(exactly(4), Some(9)), "{name}");
        let keyed = compare(&append(Expected::Any, ids), Some(Revision(9)), &standing);
        assert!(
            matches!(keyed, Verdict::Reject(Rejection::EventIdConflict { .. })),
            "{name}: {keyed:?}"
        );
    }
    let elsewhere = compare(&append(Expected::Any, &[1]), None, &standing("t", 0, &[1]));
    assert!(
        matches!(elsewhere, Verdict::Reject(Rejection::EventIdConflict { .. })),
        "{elsewhere:?}"
    );
}
