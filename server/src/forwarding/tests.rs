use annals_proto::v1::{self as pb, pipelined_result::Result as OneOf};
use annals_store::{
    Append, Check, ContentType, Error, EventType, Expected, FailedCheck, Forwarded, Forwarder, Limits,
    NewEvent, Position, Query, QueryItem, Rejection, Revision, StreamName, Tag, Timestamp, Write,
};
use bytes::Bytes;
use uuid::Uuid;

use super::{OtherServers, message, outcome};
use crate::grpc::{Refusal, forwarded_append, to_rpc};

fn event(id: u128, data_bytes: usize) -> NewEvent {
    NewEvent {
        id: Uuid::from_u128(id),
        kind: EventType::new("OrderPlaced").unwrap(),
        data: vec![7; data_bytes].into(),
        metadata: if id.is_multiple_of(2) {
            "{}".into()
        } else {
            "".into()
        },
        tags: (0..id % 3)
            .map(|n| Tag::new(&format!("tag:{n}")).unwrap())
            .collect(),
        content_type: ContentType::new(if id.is_multiple_of(2) { "" } else { "text/plain" }).unwrap(),
        // Field 20 with the number 7: of a newer client.
        unknown: Bytes::from_static(if id.is_multiple_of(3) {
            &[0xA0, 0x01, 0x07]
        } else {
            &[]
        }),
    }
}

fn append(expected: Expected, ids: std::ops::Range<u128>, data_bytes: usize) -> Append {
    let stream = StreamName::new("order-1").unwrap();
    let events = ids.map(|id| event(id, data_bytes)).collect();
    Append::new(stream, expected, events, &Limits::default()).unwrap()
}

fn write(stream: &str, id: u128) -> Write {
    Write {
        stream: StreamName::new(stream).unwrap(),
        events: vec![event(id, 10)],
    }
}

fn checks() -> Vec<Check> {
    let item = |tags: &[&str]| QueryItem {
        types: vec!["A".to_owned(), "B".to_owned()],
        streams: vec!["s".to_owned()],
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..QueryItem::default()
    };
    vec![
        Check::Stream {
            stream: StreamName::new("other").unwrap(),
            expected: Expected::Exactly(Revision(3)),
        },
        Check::NoMatch {
            query: Query {
                items: vec![item(&["a", "b"]), item(&[])],
            },
            after: Position(17),
        },
    ]
}

/// Three events of one stream, with one of another stream before the last.
fn many(ids: std::ops::Range<u128>) -> Append {
    let writes = vec![
        write("order-1", ids.start),
        write("order-1", ids.start + 1),
        write("payment-1", ids.end),
        write("order-1", ids.start + 2),
    ];
    Append::to_many(writes, checks(), &Limits::default()).unwrap()
}

#[test]
fn an_append_arrives_as_it_was_given() {
    let all = [
        append(Expected::Any, 1..2, 0),
        append(Expected::NoStream, 2..9, 300),
        append(Expected::StreamExists, 9..10, 100_000),
        append(Expected::Exactly(Revision(7)), 10..12, 1),
        append(Expected::Any, 12..13, 1).recorded_at(Timestamp::from_micros(1_700_000_000_123_456)),
        many(20..23),
        many(30..33).recorded_at(Timestamp::from_micros(1_700_000_000_123_457)),
        many(40..43).searched_to(Position(12), Some(3)),
    ];
    let appends: Vec<&Append> = all.iter().collect();
    let messages = message::requests(&appends, 50_000);
    assert_eq!(messages.len(), 3, "split by size");
    let arrived = messages.into_iter().flat_map(|message| message.appends);
    for (sent, arrived) in all.iter().zip(arrived) {
        let arrived = forwarded_append(arrived, &Limits::default()).unwrap();
        assert_eq!(arrived.expected(), sent.expected());
        assert_eq!(arrived.given_time(), sent.given_time());
        assert_eq!(arrived.searched(), sent.searched());
        assert_eq!(arrived.checks(), sent.checks());
        assert!(arrived.encoded_writes().eq(sent.encoded_writes()));
    }
}

#[test]
fn what_is_expected_beside_checks_arrives_as_the_first_of_them() {
    let checks = checks();
    let sent = append(Expected::NoStream, 1..2, 1)
        .with_checks(checks.clone())
        .unwrap();
    let messages = message::requests(&[&sent], 50_000);
    let arrived = forwarded_append(messages[0].appends[0].clone(), &Limits::default()).unwrap();
    let own = Check::Stream {
        stream: sent.stream().clone(),
        expected: Expected::NoStream,
    };
    assert_eq!(arrived.checks(), [vec![own], checks].concat());
    assert!(arrived.encoded_writes().eq(sent.encoded_writes()));
}

#[test]
fn checks_count_for_how_much_a_message_has() {
    let large = |id| {
        let names = (0..1_000).map(|n| format!("{n:0>50}")).collect();
        let item = QueryItem {
            tags: names,
            ..QueryItem::default()
        };
        let check = Check::NoMatch {
            query: Query { items: vec![item] },
            after: Position(1),
        };
        append(Expected::Any, id..id + 1, 1)
            .with_checks(vec![check])
            .unwrap()
    };
    let appends = [large(1), large(2), large(3)];
    let appends: Vec<&Append> = appends.iter().collect();
    assert_eq!(message::requests(&appends, 120_000).len(), 2);
}

fn told(error: Error, append: &Append) -> Forwarded {
    let status = to_rpc(&Refusal::Store(error));
    let result = pb::PipelinedResult {
        result: Some(OneOf::Error(status)),
    };
    outcome::outcome(result, append)
}

#[test]
fn checks_that_failed_there_failed_here() {
    let many = many(20..23);
    let failed = |index, (stream, expected)| FailedCheck::Stream {
        index,
        stream: StreamName::new(stream).unwrap(),
        expected,
        actual: Some(Revision(8)),
    };
    let matched = |index| FailedCheck::Match {
        index,
        after: Position(17),
        position: Position(18),
    };
    let of_many = Rejection::ChecksFailed {
        failed: vec![
            failed(Some(0), ("other", Expected::Exactly(Revision(3)))),
            matched(1),
        ],
        unlisted: 0,
    };
    assert_eq!(
        told(of_many.clone().into(), &many),
        Forwarded::Answered(Err(of_many))
    );
    // The append's own expectation was sent as the first check, so the others have different indexes there.
    let own = append(Expected::NoStream, 1..2, 1).with_checks(checks()).unwrap();
    let there = Rejection::ChecksFailed {
        failed: vec![failed(Some(0), ("order-1", Expected::NoStream)), matched(2)],
        unlisted: 0,
    };
    let here = Rejection::ChecksFailed {
        failed: vec![failed(None, ("order-1", Expected::NoStream)), matched(1)],
        unlisted: 0,
    };
    assert_eq!(told(there.into(), &own), Forwarded::Answered(Err(here)));
    // A result about a check that the append does not have is not trusted.
    let strange = Rejection::ChecksFailed {
        failed: vec![matched(0)],
        unlisted: 0,
    };
    assert_eq!(told(strange.into(), &many), Forwarded::Unknown);
    let beyond = Rejection::CheckBeyondHead {
        after: Position(17),
        head: Position(16),
    };
    assert_eq!(
        told(beyond.clone().into(), &many),
        Forwarded::Answered(Err(beyond))
    );
}

#[test]
fn more_checks_than_are_told_of_are_still_counted() {
    let check = |n: u64| Check::Stream {
        stream: StreamName::new(&format!("s{n}")).unwrap(),
        expected: Expected::Exactly(Revision(n)),
    };
    let checks: Vec<_> = (0..40).map(check).collect();
    let many = Append::to_many(vec![write("order-1", 1)], checks, &Limits::default()).unwrap();
    let failed: Vec<_> = (0..40)
        .map(|n| FailedCheck::Stream {
            index: Some(n as usize),
            stream: StreamName::new(&format!("s{n}")).unwrap(),
            expected: Expected::Exactly(Revision(n)),
            actual: None,
        })
        .collect();
    let rejection = Rejection::ChecksFailed {
        failed: failed.clone(),
        unlisted: 0,
    };
    let wanted = Rejection::ChecksFailed {
        failed: failed[..16].to_vec(),
        unlisted: 24,
    };
    assert_eq!(
        told(rejection.into(), &many),
        Forwarded::Answered(Err(wanted.clone()))
    );
    assert_eq!(
        told(wanted.clone().into(), &many),
        Forwarded::Answered(Err(wanted)),
        "an outcome can be forwarded again"
    );
}

#[test]
fn what_many_streams_got_there_they_got_here() {
    let many = many(20..23);
    let written = |stream: &str, first_revision, last_revision| pb::WrittenStream {
        stream: stream.into(),
        first_revision,
        last_revision,
    };
    let answer = |streams| {
        let answer = pb::AppendToManyResponse {
            first_position: 20,
            last_position: 23,
            recorded_at: Some(prost_types::Timestamp::default()),
            already_appended: true,
            streams,
            state_versions: vec![7, 0],
        };
        let result = pb::PipelinedResult {
            result: Some(OneOf::AppendedToMany(answer)),
        };
        outcome::outcome(result, &many)
    };
    let Forwarded::Answered(Ok(appended)) =
        answer(vec![written("order-1", 3, 5), written("payment-1", 0, 0)])
    else {
        panic!("not accepted");
    };
    let revisions: Vec<_> = appended
        .revisions()
        .map(|revisions| (revisions.first.0, revisions.last.0))
        .collect();
    assert_eq!(revisions, [(3, 5), (0, 0)]);
    assert!(appended.already_appended);
    for strange in [
        vec![],
        vec![written("order-1", 3, 5)],
        vec![written("payment-1", 3, 5), written("order-1", 0, 0)],
    ] {
        assert_eq!(answer(strange), Forwarded::Unknown);
    }
}

#[test]
fn an_answer_means_here_what_it_means_there() {
    let append = append(Expected::Exactly(Revision(3)), 1..2, 1);
    let told = |error: Error| told(error, &append);
    let rejections = [
        Rejection::RevisionConflict {
            stream: append.stream().clone(),
            expected: append.expected().unwrap(),
            actual: Some(Revision(9)),
        },
        Rejection::RevisionConflict {
            stream: append.stream().clone(),
            expected: append.expected().unwrap(),
            actual: None,
        },
        Rejection::EventIdConflict {
            id: Uuid::from_u128(1),
            stream: StreamName::new("other").unwrap(),
            revision: Some(Revision(2)),
            position: Position(17),
        },
        Rejection::Tombstoned {
            stream: append.stream().clone(),
        },
        Rejection::RecordedTimeOutOfRange {
            recorded_at: Timestamp::from_micros(1_000_001),
            earliest: Some(Timestamp::from_micros(2_000_002)),
            latest: Timestamp::from_micros(3_000_003),
        },
        Rejection::RecordedTimeOutOfRange {
            recorded_at: Timestamp::from_micros(4_000_004),
            earliest: None,
            latest: Timestamp::from_micros(3_000_003),
        },
    ];
    for rejection in rejections {
        assert_eq!(
            told(Error::Rejected(rejection.clone())),
            Forwarded::Answered(Err(rejection))
        );
    }
    assert_eq!(told(Error::Overloaded("waiting appends")), Forwarded::Refused);
    let not_accepted = Error::Rejected(Rejection::RecordedTimeNotAccepted);
    assert_eq!(
        told(not_accepted),
        Forwarded::Refused,
        "this server may accept it"
    );
    for error in [
        Error::Closed,
        Error::Unavailable("commit".into()),
        Error::Failed("disk".into()),
        Error::Internal("fault".into()),
    ] {
        assert_eq!(told(error), Forwarded::Unknown);
    }
    assert_eq!(
        outcome::outcome(pb::PipelinedResult { result: None }, &append),
        Forwarded::Unknown
    );
}

#[tokio::test]
async fn what_cannot_have_arrived_is_refused() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let append = append(Expected::Any, 1..2, 1);
    for writer in [address.as_str(), "not an address"] {
        let outcomes = OtherServers::new(1 << 20)
            .forward(writer, &[&append, &append])
            .await;
        assert_eq!(outcomes, [Forwarded::Refused, Forwarded::Refused]);
    }
}

/// Simulates a paused server: its kernel accepts connections, but it never answers.
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_leaves_it_open() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let append = append(Expected::Any, 1..2, 1);
    let outcomes = OtherServers::new(1 << 20).forward(&address, &[&append]).await;
    assert!(
        outcomes == [Forwarded::Unknown] || outcomes == [Forwarded::Refused],
        "{outcomes:?}"
    );
}
