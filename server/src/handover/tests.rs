use annals_proto::v1::{self as pb, session_result::Result as OneOf};
use annals_store::{
    Append, Error, EventType, Expected, HandedOver, Handover, Limits, NewEvent, Position, Rejection,
    Revision, StreamName, Tag, Timestamp,
};
use uuid::Uuid;

use super::{OtherServers, message};
use crate::grpc::{Refusal, session_append, to_rpc};

fn append(expected: Expected, ids: std::ops::Range<u128>, data_bytes: usize) -> Append {
    let event = |id| NewEvent {
        id: Uuid::from_u128(id),
        kind: EventType::new("OrderPlaced").unwrap(),
        data: vec![7; data_bytes].into(),
        metadata: if id % 2 == 0 { "{}".into() } else { "".into() },
        tags: (0..id % 3)
            .map(|n| Tag::new(&format!("tag:{n}")).unwrap())
            .collect(),
    };
    let stream = StreamName::new("order-1").unwrap();
    Append::new(stream, expected, ids.map(event).collect(), &Limits::default()).unwrap()
}

#[test]
fn an_append_arrives_as_it_was_given() {
    let all = [
        append(Expected::Any, 1..2, 0),
        append(Expected::NoStream, 2..9, 300),
        append(Expected::StreamExists, 9..10, 100_000),
        append(Expected::Exactly(Revision(7)), 10..12, 1),
        append(Expected::Any, 12..13, 1).recorded_at(Timestamp::from_micros(1_700_000_000_123_456)),
    ];
    let appends: Vec<&Append> = all.iter().collect();
    let messages = message::requests(&appends, 50_000);
    assert_eq!(messages.len(), 3, "cut by their bytes");
    let arrived = messages.into_iter().flat_map(|message| message.appends);
    for (sent, arrived) in all.iter().zip(arrived) {
        let arrived = session_append(arrived, &Limits::default()).unwrap();
        assert_eq!(arrived.stream(), sent.stream());
        assert_eq!(arrived.expected(), sent.expected());
        assert_eq!(arrived.given_time(), sent.given_time());
        assert!(arrived.events().eq(sent.events()));
    }
}

#[test]
fn an_answer_means_here_what_it_means_there() {
    let append = append(Expected::Exactly(Revision(3)), 1..2, 1);
    let told = |error: Error| {
        let status = to_rpc(&Refusal::Store(error));
        let result = pb::SessionResult {
            result: Some(OneOf::Error(status)),
        };
        message::outcome(result, &append)
    };
    let rejections = [
        Rejection::RevisionConflict {
            stream: append.stream().clone(),
            expected: append.expected(),
            actual: Some(Revision(9)),
        },
        Rejection::RevisionConflict {
            stream: append.stream().clone(),
            expected: append.expected(),
            actual: None,
        },
        Rejection::EventIdConflict {
            id: Uuid::from_u128(1),
            stream: StreamName::new("other").unwrap(),
            revision: Revision(2),
            position: Position(17),
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
            HandedOver::Answered(Err(rejection))
        );
    }
    assert_eq!(told(Error::Overloaded("appends that wait")), HandedOver::Refused);
    let not_accepted = Error::Rejected(Rejection::RecordedTimeNotAccepted);
    assert_eq!(told(not_accepted), HandedOver::Refused, "it may be accepted here");
    for error in [
        Error::Closed,
        Error::Unavailable("commit".into()),
        Error::Failed("disk".into()),
        Error::Internal("fault".into()),
    ] {
        assert_eq!(told(error), HandedOver::Unknown);
    }
    assert_eq!(
        message::outcome(pb::SessionResult { result: None }, &append),
        HandedOver::Unknown
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
            .hand_over(writer, &[&append, &append])
            .await;
        assert_eq!(outcomes, [HandedOver::Refused, HandedOver::Refused]);
    }
}

/// As a server that was paused: it accepts, since its kernel does, and never answers.
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_leaves_it_open() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let append = append(Expected::Any, 1..2, 1);
    let outcomes = OtherServers::new(1 << 20).hand_over(&address, &[&append]).await;
    assert!(
        outcomes == [HandedOver::Unknown] || outcomes == [HandedOver::Refused],
        "{outcomes:?}"
    );
}
