//! Tests of the table in the module documentation, row by row.

use bytes::Bytes;
use uuid::Uuid;

use super::{Known, Place, Verdict, compare, compare_receipt, otherwise, places};
use crate::{
    Append, ContentType, EventType, Expected, Limits, NewEvent, Position, Rejection, Revision, StreamName,
    Timestamp, index::Request, lifecycle::Lifecycle, model::stored_event::StoredEvent,
    tasks::receipt::Receipt,
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
        content_type: ContentType::default(),
        unknown: Bytes::new(),
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

/// Facts about an append to a stream without settings.
fn known(last: Option<u64>, request: Option<Request>) -> Known<'static> {
    Known {
        last: last.map(Revision),
        lifecycle: Lifecycle::default(),
        request,
        tombstoned: None,
        receipts: false,
    }
}

fn places_of(expected: Expected, known: &Known<'_>) -> Vec<Place> {
    places(&append(expected, &[1]), known)
        .into_iter()
        .flatten()
        .collect()
}

const REQUEST: Request = Request {
    first: Position(7),
    events: 1,
};

#[test]
fn where_an_earlier_append_may_be_follows_the_table() {
    let at = |revision| vec![Place::Revision(Revision(revision))];
    let request = Some(REQUEST);
    let by_id = || vec![Place::Request(REQUEST)];
    let cases = [
        ("exactly the current", exactly(3), Some(3), None, vec![]),
        ("exactly one before", exactly(2), Some(3), None, at(3)),
        ("exactly one after", exactly(4), Some(3), None, vec![]),
        ("exactly, in no stream", exactly(0), None, None, vec![]),
        ("exactly looks up no id", exactly(3), Some(3), request, vec![]),
        ("no stream, none", Expected::NoStream, None, None, vec![]),
        ("no stream, one", Expected::NoStream, Some(0), None, at(0)),
        ("any, unknown id", Expected::Any, Some(9), None, vec![]),
        ("any, known id", Expected::Any, Some(9), request, by_id()),
        (
            "any, id known of another stream",
            Expected::Any,
            None,
            request,
            by_id(),
        ),
        ("exists, unknown id", Expected::StreamExists, None, None, vec![]),
        (
            "exists, known id",
            Expected::StreamExists,
            Some(0),
            request,
            by_id(),
        ),
    ];
    for (name, expected, last, request, wanted) in cases {
        assert_eq!(places_of(expected, &known(last, request)), wanted, "{name}");
    }
}

#[test]
fn a_new_append_is_judged_by_what_it_expects() {
    let write = || Verdict::Write;
    let cases = [
        ("exactly the current", exactly(3), Some(3), write()),
        (
            "exactly one before",
            exactly(2),
            Some(3),
            conflict(exactly(2), Some(3)),
        ),
        (
            "exactly one after",
            exactly(4),
            Some(3),
            conflict(exactly(4), Some(3)),
        ),
        (
            "exactly, in no stream",
            exactly(0),
            None,
            conflict(exactly(0), None),
        ),
        ("no stream, none", Expected::NoStream, None, write()),
        (
            "no stream, one",
            Expected::NoStream,
            Some(0),
            conflict(Expected::NoStream, Some(0)),
        ),
        ("any, none", Expected::Any, None, write()),
        ("any, one", Expected::Any, Some(9), write()),
        (
            "exists, none",
            Expected::StreamExists,
            None,
            conflict(Expected::StreamExists, None),
        ),
        ("exists, one", Expected::StreamExists, Some(0), write()),
    ];
    for (name, expected, last, verdict) in cases {
        assert_eq!(
            otherwise(&append(expected, &[1]), &known(last, None)),
            verdict,
            "{name}"
        );
    }
}

#[test]
fn a_deleted_stream_has_no_events_until_it_begins_again() {
    let cases = [
        ("no stream", Expected::NoStream, 4, Verdict::Write),
        ("any", Expected::Any, 4, Verdict::Write),
        (
            "exists",
            Expected::StreamExists,
            4,
            conflict(Expected::StreamExists, None),
        ),
        ("exactly the last", exactly(4), 4, conflict(exactly(4), None)),
        ("exactly one before", exactly(2), 4, conflict(exactly(2), None)),
        (
            "started again, no stream",
            Expected::NoStream,
            6,
            conflict(Expected::NoStream, Some(6)),
        ),
        ("started again, exists", Expected::StreamExists, 6, Verdict::Write),
        (
            "started again, exactly the current",
            exactly(6),
            6,
            Verdict::Write,
        ),
        (
            "started again, exactly one before",
            exactly(5),
            6,
            conflict(exactly(5), Some(6)),
        ),
        (
            "started again, exactly a deleted revision",
            exactly(3),
            6,
            conflict(exactly(3), Some(6)),
        ),
    ];
    for (name, expected, last, verdict) in cases {
        let known = Known {
            lifecycle: Lifecycle::default().after_deletion(Revision(4)),
            ..known(Some(last), None)
        };
        assert_eq!(otherwise(&append(expected, &[1]), &known), verdict, "{name}");
    }
}

#[test]
fn a_retry_is_looked_for_in_every_life_of_a_stream() {
    let at = |revision| Place::Revision(Revision(revision));
    let cases = [
        ("deleted", Expected::NoStream, 4, vec![at(0), Place::Receipt]),
        (
            "started again",
            Expected::NoStream,
            6,
            vec![at(5), at(0), Place::Receipt],
        ),
        (
            "a revision that is deleted",
            exactly(2),
            4,
            vec![at(3), Place::Receipt],
        ),
        (
            "the last that is deleted",
            exactly(4),
            6,
            vec![at(5), Place::Receipt],
        ),
        ("any, unknown id", Expected::Any, 4, vec![]),
    ];
    for (name, expected, last, wanted) in cases {
        let known = Known {
            lifecycle: Lifecycle::default().after_deletion(Revision(4)),
            receipts: true,
            ..known(Some(last), None)
        };
        assert_eq!(places_of(expected, &known), wanted, "{name}");
    }
    let keyed = Known {
        receipts: true,
        ..known(None, Some(REQUEST))
    };
    let wanted = [Place::Request(REQUEST), Place::Receipt];
    assert_eq!(places_of(Expected::Any, &keyed), wanted);
}

#[test]
fn a_tombstone_refuses_what_is_new_and_no_retry() {
    let name = StreamName::new("s").unwrap();
    let known = Known {
        lifecycle: Lifecycle::default().after_tombstone(),
        tombstoned: Some(&name),
        receipts: true,
        ..known(Some(3), Some(REQUEST))
    };
    let refused = Verdict::Reject(Rejection::Tombstoned { stream: name.clone() });
    let at = |revision| Place::Revision(Revision(revision));
    let cases = [
        (Expected::Any, Place::Request(REQUEST)),
        (Expected::StreamExists, Place::Request(REQUEST)),
        (Expected::NoStream, at(0)),
        (exactly(2), at(3)),
    ];
    for (expected, place) in cases {
        assert_eq!(
            otherwise(&append(expected, &[1]), &known),
            refused,
            "{expected:?}"
        );
        assert_eq!(
            places_of(expected, &known),
            [place, Place::Receipt],
            "{expected:?}"
        );
        let from = if let Place::Revision(revision) = place {
            revision.0
        } else {
            0
        };
        let verdict = compare(&append(expected, &[1]), &known, place, &standing("s", from, &[1]));
        assert!(
            matches!(verdict, Some(Verdict::Already(_))),
            "{expected:?}: {verdict:?}"
        );
    }
    assert_eq!(
        otherwise(&append(exactly(3), &[1]), &known),
        refused,
        "the last revision"
    );
}

fn standing(stream: &str, from: u64, ids: &[u128]) -> Vec<StoredEvent> {
    let event = |(n, event_id): (u64, &u128)| StoredEvent {
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
    let place = Place::Revision(Revision(5));
    let verdict = compare(
        &append(exactly(4), &[1, 2]),
        &known(Some(9), None),
        place,
        &standing("s", 5, &[1, 2]),
    );
    let Some(Verdict::Already(appended)) = verdict else {
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

fn is_id_conflict(verdict: Option<&Verdict>) -> bool {
    matches!(verdict, Some(Verdict::Reject(Rejection::EventIdConflict { .. })))
}

#[test]
fn anything_but_the_same_ids_in_the_same_stream_is_another_append() {
    let cases: [(&str, &[u128], Vec<StoredEvent>); 5] = [
        ("other ids", &[1, 2], standing("s", 5, &[3, 4])),
        ("the first only", &[1, 2], standing("s", 5, &[1])),
        ("another order", &[1, 2], standing("s", 5, &[2, 1])),
        ("more than were written", &[1, 2, 3], standing("s", 5, &[1, 2])),
        ("fewer than were written", &[1], standing("s", 5, &[1, 2])),
    ];
    for (name, ids, standing) in cases {
        let place = Place::Revision(Revision(5));
        let exact = compare(&append(exactly(4), ids), &known(Some(9), None), place, &standing);
        assert_eq!(exact, None, "{name}");
        let request = Request {
            first: Position(100),
            events: standing.len() as u32,
        };
        let place = Place::Request(request);
        let keyed = compare(
            &append(Expected::Any, ids),
            &known(Some(9), Some(request)),
            place,
            &standing,
        );
        assert!(is_id_conflict(keyed.as_ref()), "{name}: {keyed:?}");
    }
    let place = Place::Request(REQUEST);
    let elsewhere = compare(
        &append(Expected::Any, &[1]),
        &known(None, Some(REQUEST)),
        place,
        &standing("t", 0, &[1]),
    );
    assert!(is_id_conflict(elsewhere.as_ref()), "{elsewhere:?}");
}

#[test]
fn events_of_which_some_are_removed_tell_nothing() {
    let request = Request {
        first: Position(100),
        events: 3,
    };
    let known = known(Some(9), Some(request));
    let append = append(Expected::Any, &[1, 2, 3]);
    assert_eq!(
        compare(
            &append,
            &known,
            Place::Request(request),
            &standing("s", 6, &[2, 3])
        ),
        None
    );
    assert_eq!(compare(&append, &known, Place::Request(request), &[]), None);
    let unknown = otherwise(&append, &known);
    assert!(
        is_id_conflict(Some(&unknown)),
        "it must not be written twice: {unknown:?}"
    );
    let at = Place::Revision(Revision(5));
    let exact = compare(
        &self::append(exactly(4), &[2, 3]),
        &known,
        at,
        &standing("s", 6, &[2, 3]),
    );
    assert_eq!(exact, None, "they do not begin where the append expects them");
}

#[test]
fn a_receipt_stands_for_events_that_are_removed() {
    let receipt = Receipt::of(&standing("s", 5, &[1, 2])).unwrap();
    let removed = Known {
        receipts: true,
        ..known(Some(9), Some(receipt.request))
    };
    for expected in [
        exactly(4),
        Expected::NoStream,
        Expected::Any,
        Expected::StreamExists,
    ] {
        let verdict = compare_receipt(&append(expected, &[1, 2]), &removed, &receipt);
        let Some(Verdict::Already(appended)) = verdict else {
            panic!("{expected:?}: {verdict:?}")
        };
        assert_eq!(
            (
                appended.first_revision,
                appended.last_revision,
                appended.first_position
            ),
            (Revision(5), Revision(6), Position(100))
        );
    }
    let other = |expected| compare_receipt(&append(expected, &[1, 3]), &removed, &receipt);
    assert!(is_id_conflict(other(Expected::Any).as_ref()));
    assert_eq!(other(exactly(4)), None);
    assert_eq!(other(Expected::NoStream), None, "the stream has events");
    let elsewhere = compare_receipt(&append(exactly(7), &[1, 2]), &removed, &receipt);
    assert_eq!(elsewhere, None, "another place is another append");
}

#[test]
fn the_id_that_began_a_life_of_a_stream_begins_no_other() {
    let deleted = Known {
        lifecycle: Lifecycle::default().after_deletion(Revision(4)),
        receipts: true,
        ..known(Some(4), None)
    };
    let place = Place::Revision(Revision::FIRST);
    let other = append(Expected::NoStream, &[1, 3]);
    let verdict = compare(&other, &deleted, place, &standing("s", 0, &[1, 2]));
    assert!(is_id_conflict(verdict.as_ref()), "{verdict:?}");
    let receipt = Receipt::of(&standing("s", 0, &[1, 2])).unwrap();
    let verdict = compare_receipt(&other, &deleted, &receipt);
    assert!(is_id_conflict(verdict.as_ref()), "{verdict:?}");
    let new = append(Expected::NoStream, &[3]);
    assert_eq!(compare(&new, &deleted, place, &standing("s", 0, &[1])), None);
}
