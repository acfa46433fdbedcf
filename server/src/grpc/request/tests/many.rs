//! Appends to several streams.

use annals_proto::v1::{self as pb, check, expected_revision::Expected as OneOf};
use annals_store::{Check, Expected, Position, Revision};

use super::{ID, assert_refused, event, limits};
use crate::grpc::{
    request::{append_to_many, pipelined_append},
    status::Fault::{self, Invalid, TooLarge},
};

fn write(stream: &str, events: usize) -> pb::Write {
    pb::Write {
        stream: stream.into(),
        events: vec![event(); events],
        expected: None,
    }
}

fn expected(expected: OneOf) -> Option<pb::ExpectedRevision> {
    Some(pb::ExpectedRevision {
        expected: Some(expected),
    })
}

fn stream(stream: &str, expected: Option<pb::ExpectedRevision>) -> pb::Check {
    let check = pb::StreamCheck {
        stream: stream.into(),
        expected,
    };
    pb::Check {
        check: Some(check::Check::Stream(check)),
    }
}

fn no_match(change: impl FnOnce(&mut pb::QueryItem)) -> pb::Check {
    let mut item = pb::QueryItem {
        tags: vec!["course:c1".into()],
        ..pb::QueryItem::default()
    };
    change(&mut item);
    let check = pb::NoMatchCheck {
        query: Some(pb::Query { items: vec![item] }),
        after: 7,
    };
    pb::Check {
        check: Some(check::Check::NoMatch(check)),
    }
}

/// Two valid writes and a valid check, followed by these.
fn request(writes: Vec<pb::Write>, checks: Vec<pb::Check>) -> pb::AppendToManyRequest {
    pb::AppendToManyRequest {
        writes: [vec![write("a", 2), write("b", 1)], writes].concat(),
        checks: [vec![stream("a", expected(OneOf::NoStream(())))], checks].concat(),
        ..pb::AppendToManyRequest::default()
    }
}

fn third(change: impl FnOnce(&mut pb::NewEvent)) -> pb::AppendToManyRequest {
    let mut write = write("a", 2);
    change(&mut write.events[1]);
    request(vec![write], vec![])
}

#[test]
fn each_bad_field_of_a_write_is_named_by_its_path() {
    let twice = |write: &mut pb::Write| write.events[0].id = ID.into();
    let (mut one, mut other) = (write("a", 1), write("c", 1));
    twice(&mut one);
    twice(&mut other);
    let large = pb::NewEvent {
        data: vec![0; 900].into(),
        ..event()
    };
    let of_large = pb::Write {
        stream: "a".into(),
        events: vec![large; 3],
        expected: None,
    };
    let cases: Vec<(pb::AppendToManyRequest, &str, Fault)> = vec![
        (pb::AppendToManyRequest::default(), "writes", Invalid),
        (request(vec![write("", 1)], vec![]), "writes[2].stream", Invalid),
        (request(vec![write("$a", 1)], vec![]), "writes[2].stream", Invalid),
        (
            request(vec![write(&"s".repeat(1 << 20), 1)], vec![]),
            "writes[2].stream",
            Invalid,
        ),
        (request(vec![write("c", 0)], vec![]), "writes[2].events", Invalid),
        (request(vec![write("c", 1); 999], vec![]), "writes", TooLarge),
        (request(vec![write("c", 9_998)], vec![]), "writes", TooLarge),
        (request(vec![of_large], vec![]), "writes", TooLarge),
        (
            third(|event| event.data = vec![0; 1_001].into()),
            "writes[2].events[1].data",
            TooLarge,
        ),
        (
            third(|event| event.metadata = vec![0; 65_537].into()),
            "writes[2].events[1].metadata",
            TooLarge,
        ),
        (
            third(|event| event.r#type = "$t".into()),
            "writes[2].events[1].type",
            Invalid,
        ),
        (
            third(|event| event.tags = vec!["a".into(), "a".into()]),
            "writes[2].events[1].tags",
            Invalid,
        ),
        (
            third(|event| event.tags = vec!["a".into(), String::new()]),
            "writes[2].events[1].tags[1]",
            Invalid,
        ),
        (
            third(|event| event.id = "1".into()),
            "writes[2].events[1].id",
            Invalid,
        ),
        (
            request(vec![one, other], vec![]),
            "writes[3].events[0].id",
            Invalid,
        ),
    ];
    refused(cases);
}

#[test]
fn each_bad_field_of_a_check_is_named_by_its_path() {
    let checks = |checks: Vec<pb::Check>| request(vec![], checks);
    let any = || expected(OneOf::Any(()));
    let empty = Some(pb::ExpectedRevision { expected: None });
    let one = |check| checks(vec![check]);
    let names = |n: usize| -> Vec<String> { (0..n).map(|n| n.to_string()).collect() };
    let many_names = pb::QueryItem {
        types: names(1_000),
        ..pb::QueryItem::default()
    };
    let too_many_names = pb::NoMatchCheck {
        query: Some(pb::Query {
            items: vec![many_names; 5],
        }),
        after: 1,
    };
    let too_many_names = pb::Check {
        check: Some(check::Check::NoMatch(too_many_names)),
    };
    let numbered = |n: usize| stream(&format!("s{n}"), any());
    let cases: Vec<(pb::AppendToManyRequest, &str, Fault)> = vec![
        (one(pb::Check { check: None }), "checks[1].check", Invalid),
        (checks((0..64).map(numbered).collect()), "checks", Invalid),
        (one(stream("", any())), "checks[1].stream.stream", Invalid),
        (one(stream("$a", any())), "checks[1].stream.stream", Invalid),
        (one(stream("c", None)), "checks[1].stream.expected", Invalid),
        (one(stream("c", empty)), "checks[1].stream.expected", Invalid),
        (
            checks(vec![numbered(1), stream("a", any())]),
            "checks[2].stream.stream",
            Invalid,
        ),
        (
            one(no_match(|item| item.types.push(String::new()))),
            "checks[1].no_match.query.items[0].types[0]",
            Invalid,
        ),
        (
            one(no_match(|item| item.types = names(1_000))),
            "checks[1].no_match.query.items[0]",
            Invalid,
        ),
        (
            one(no_match(|item| item.type_prefixes.push("T".into()))),
            "checks[1].no_match.query",
            Invalid,
        ),
        (
            one(no_match(|item| item.stream_prefixes.push("s".into()))),
            "checks[1].no_match.query",
            Invalid,
        ),
        (one(too_many_names), "checks[1].no_match.query", Invalid),
    ];
    refused(cases);
}

fn refused(cases: Vec<(pb::AppendToManyRequest, &str, Fault)>) {
    for (request, field, fault) in cases {
        assert_refused(append_to_many(request.clone().into(), &limits()), field, fault);
        let in_pipeline = pb::PipelinedAppend {
            append: Some(pb::pipelined_append::Append::AppendToMany(request)),
        };
        assert_refused(pipelined_append(in_pipeline.into(), &limits()), field, fault);
    }
}

#[test]
fn an_append_within_the_limits_is_taken_as_it_is_meant() {
    let every_event = pb::Check {
        check: Some(check::Check::NoMatch(pb::NoMatchCheck::default())),
    };
    let checks = vec![
        stream("c", expected(OneOf::Revision(7))),
        no_match(|_| ()),
        every_event,
    ];
    let mut request = request(vec![write("a", 1)], checks);
    request.recorded_at = Some(prost_types::Timestamp {
        seconds: 7,
        nanos: 1_000,
    });
    let append = append_to_many(request.into(), &limits()).unwrap();
    let writes: Vec<_> = append
        .encoded_writes()
        .map(|(stream, events)| (stream.to_string(), events.len()))
        .collect();
    assert_eq!(
        writes,
        [("a".to_owned(), 2), ("b".to_owned(), 1), ("a".to_owned(), 1)]
    );
    assert_eq!(append.given_time().unwrap().micros, 7_000_001);
    let checks = append.checks();
    assert!(
        matches!(&checks[0], Check::Stream { stream, expected: Expected::NoStream } if stream.as_str() == "a")
    );
    assert!(matches!(
        &checks[1],
        Check::Stream {
            expected: Expected::Exactly(Revision(7)),
            ..
        }
    ));
    assert!(
        matches!(&checks[2], Check::NoMatch { query, after: Position(7) } if query.items[0].tags == ["course:c1"])
    );
    assert!(matches!(&checks[3], Check::NoMatch { query, after: Position(0) } if query.matches_all()));
}
