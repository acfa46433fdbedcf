use bytes::{Bytes, BytesMut};

use crate::{
    Append, AppendError, Check, Expected, Limits, NewEvent, Position, Query, Revision, Write,
    format::record,
    testing::{append, event, expect, stream},
};

fn write(name: &str, ids: std::ops::Range<u128>) -> Write {
    Write {
        stream: stream(name),
        events: ids.map(event).collect(),
    }
}

fn encoded(event: &NewEvent) -> Bytes {
    let mut body = BytesMut::new();
    record::put_body(&mut body, event);
    body.freeze()
}

fn refused(writes: Vec<Write>, checks: Vec<Check>) -> AppendError {
    Append::to_many(writes, checks, &Limits::default()).unwrap_err()
}

#[test]
fn an_append_gives_back_what_it_was_made_of() {
    let writes = vec![write("a", 1..3), write("b", 3..4), write("a", 4..6)];
    let checks = vec![expect("a", Expected::NoStream), expect("c", Expected::Any)];
    let many = Append::to_many(writes.clone(), checks.clone(), &Limits::default()).unwrap();
    let given: Vec<(_, Vec<_>)> = writes
        .iter()
        .map(|write| (&write.stream, write.events.iter().map(encoded).collect()))
        .collect();
    assert_eq!(many.encoded_writes().collect::<Vec<_>>(), given);
    assert_eq!(
        many.streams().map(|name| name.as_str()).collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(
        many.ids().map(|id| id.as_u128()).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    assert_eq!(many.checks(), checks);
    assert_eq!(many.expected(), None);
    assert_eq!(
        append("a", Expected::NoStream, &[1]).expected(),
        Some(Expected::NoStream)
    );
}

#[test]
fn a_retry_is_told_by_what_is_expected_of_the_first_stream() {
    let cases = [
        (vec![], true),
        (vec![expect("b", Expected::NoStream)], true),
        (vec![expect("a", Expected::Any)], true),
        (vec![expect("a", Expected::StreamExists)], true),
        (
            vec![expect("b", Expected::Any), expect("a", Expected::NoStream)],
            false,
        ),
        (vec![expect("a", Expected::Exactly(Revision(0)))], false),
    ];
    for (checks, keyed) in cases {
        let writes = vec![write("a", 1..2), write("b", 2..3)];
        let append = Append::to_many(writes, checks.clone(), &Limits::default()).unwrap();
        assert_eq!(append.is_keyed(), keyed, "{checks:?}");
    }
}

#[test]
fn limits_are_told_by_what_exceeds_them() {
    assert_eq!(refused(Vec::new(), Vec::new()), AppendError::NoEvents);
    assert_eq!(
        refused(vec![write("a", 1..2), write("b", 2..2)], Vec::new()),
        AppendError::EmptyWrite { write: 1 }
    );
    let many = (0..1_001).map(|n| write("a", n..n + 1)).collect();
    assert_eq!(
        refused(many, Vec::new()),
        AppendError::TooManyWrites {
            writes: 1_001,
            writes_max: 1_000
        }
    );
    assert_eq!(
        refused(vec![write("a", 1..6_000), write("b", 6_000..10_002)], Vec::new()),
        AppendError::TooManyEvents {
            events: 10_001,
            events_max: 10_000
        }
    );
    assert_eq!(
        refused(vec![write("a", 1..3), write("b", 2..4)], Vec::new()),
        AppendError::RepeatedId {
            index: 2,
            id: event(2).id
        },
        "ids are unique over all streams"
    );
    let mut large = vec![write("a", 1..2), write("b", 2..6)];
    for event in &mut large[1].events {
        event.data = vec![0; 1 << 20].into();
    }
    assert!(matches!(
        refused(large.clone(), Vec::new()),
        AppendError::AppendTooLarge { .. }
    ));
    large[1].events[2].data = vec![0; (1 << 20) + 1].into();
    assert!(matches!(
        refused(large, Vec::new()),
        AppendError::DataTooLarge { index: 3, .. }
    ));
    let all = Check::NoMatch {
        query: Query::default(),
        after: Position(1),
    };
    assert_eq!(
        refused(vec![write("a", 1..2)], vec![all; 65]),
        AppendError::TooManyChecks {
            checks: 65,
            checks_max: 64
        }
    );
}

#[test]
fn no_two_checks_are_about_one_streams_revision() {
    let twice = vec![
        expect("x", Expected::Any),
        expect("y", Expected::NoStream),
        expect("x", Expected::NoStream),
    ];
    let repeated = AppendError::RepeatedCheck {
        index: 2,
        stream: stream("x"),
    };
    assert_eq!(refused(vec![write("a", 1..2)], twice.clone()), repeated);
    let own = append("s", Expected::Any, &[1]).with_checks(twice).unwrap_err();
    assert_eq!(own, repeated);
    let checks = vec![expect("t", Expected::Any), expect("s", Expected::Any)];
    assert_eq!(
        append("s", Expected::Any, &[1]).with_checks(checks).unwrap_err(),
        AppendError::RepeatedCheck {
            index: 1,
            stream: stream("s")
        },
        "the append itself already expects a state of its stream"
    );
}
