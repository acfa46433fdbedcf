//! Refusals of appends on the wire.

use annals_client::{Append, Error, ExpectedRevision as Expected, QueryItem};
use annals_proto::v1::{self as pb, check, expected_revision, failed_check};
use annals_tests::{
    harness::{Refusal, Server, sample::event},
    on_every_engine,
};
use tonic::Code;

on_every_engine!(
    checks_that_fail_have_their_code_reason_and_typed_detail,
    what_is_wrong_is_told_by_its_field,
);

async fn checks_that_fail_have_their_code_reason_and_typed_detail(server: Server) {
    let (client, mut stub) = (server.client(), server.stub());
    client
        .append("s", Expected::Any, [event("A").with_tag("x")])
        .await
        .unwrap();
    let stream = |stream: &str, expected| pb::Check {
        check: Some(check::Check::Stream(pb::StreamCheck {
            stream: stream.to_owned(),
            expected: Some(pb::ExpectedRevision {
                expected: Some(expected),
            }),
        })),
    };
    let no_match = |after| pb::Check {
        check: Some(check::Check::NoMatch(pb::NoMatchCheck {
            query: Some(pb::Query {
                items: vec![pb::QueryItem {
                    tags: vec!["x".to_owned()],
                    ..pb::QueryItem::default()
                }],
            }),
            after,
        })),
    };
    use expected_revision::Expected as Wire;
    let request = |checks| pb::AppendToManyRequest {
        writes: vec![pb::Write {
            stream: "t".to_owned(),
            events: vec![event("T").into()],
            expected: None,
        }],
        checks,
        ..pb::AppendToManyRequest::default()
    };
    let checks = vec![
        stream("t", Wire::NoStream(())),
        stream("s", Wire::Revision(7)),
        no_match(0),
        stream("u", Wire::StreamExists(())),
    ];
    let refusal =
        Refusal::of(stub.append_to_many(request(checks)).await).expect(Code::Aborted, "CHECKS_FAILED");
    assert!(refusal.message.contains("at revision 7"), "{}", refusal.message);
    let detail: pb::ChecksFailed = refusal.detail("annals.v1.ChecksFailed");
    let conflict = |index, stream: &str, expected, actual_revision| pb::FailedCheck {
        index,
        found: Some(failed_check::Found::Stream(pb::RevisionConflict {
            stream: stream.to_owned(),
            expected: Some(pb::ExpectedRevision {
                expected: Some(expected),
            }),
            actual_revision,
        })),
    };
    let matched = pb::FailedCheck {
        index: 2,
        found: Some(failed_check::Found::Match(pb::MatchFound {
            after: 0,
            position: 1,
        })),
    };
    assert_eq!(
        detail.failed,
        [
            conflict(1, "s", Wire::Revision(7), Some(0)),
            matched,
            conflict(3, "u", Wire::StreamExists(()), None),
        ]
    );
    assert_eq!(detail.count, 3);
    // Of very many checks with long names, as many are reported as fit into a trailer.
    let many = (0..64).map(|n| stream(&format!("{n:0>500}"), Wire::StreamExists(())));
    let refusal = Refusal::of(stub.append_to_many(request(many.collect())).await);
    let detail: pb::ChecksFailed = refusal
        .expect(Code::Aborted, "CHECKS_FAILED")
        .detail("annals.v1.ChecksFailed");
    assert_eq!(detail.count, 64);
    assert!((1..16).contains(&detail.failed.len()));
    // Beyond the head: a checkpoint of another store.
    let refused = stub
        .append_to_many(request(vec![stream("s", Wire::Revision(7)), no_match(2)]))
        .await;
    let refusal = Refusal::of(refused).expect(Code::OutOfRange, "POSITION_BEYOND_HEAD");
    let detail: pb::PositionBeyondHead = refusal.detail("annals.v1.PositionBeyondHead");
    assert_eq!((detail.position, detail.head), (2, 1));
}

async fn what_is_wrong_is_told_by_its_field(server: Server) {
    let (client, mut stub) = (server.client(), server.stub());
    let write = |stream: &str, events| pb::Write {
        stream: stream.to_owned(),
        events,
        expected: None,
    };
    let good = || write("a", vec![event("T").into()]);
    let request = |writes, checks| pb::AppendToManyRequest {
        writes,
        checks,
        ..pb::AppendToManyRequest::default()
    };
    let prefix = pb::Check {
        check: Some(check::Check::NoMatch(pb::NoMatchCheck {
            query: Some(annals_client::Query::from(QueryItem::new().in_stream_prefix("a")).into()),
            after: 0,
        })),
    };
    let nothing = pb::Check { check: None };
    let cases = [
        (request(vec![], vec![]), "writes"),
        (
            request(vec![good(), write("b", vec![])], vec![]),
            "writes[1].events",
        ),
        (
            request(vec![good(), write("$b", vec![event("T").into()])], vec![]),
            "writes[1].stream",
        ),
        (
            request(
                vec![good(), write("b", vec![event("T").into(), event("").into()])],
                vec![],
            ),
            "writes[1].events[1].type",
        ),
        (request(vec![good()], vec![nothing]), "checks[0].check"),
        (request(vec![good()], vec![prefix]), "checks[0].no_match.query"),
    ];
    for (request, field) in cases {
        let refusal = Refusal::of(stub.append_to_many(request).await);
        assert_eq!(
            refusal.expect(Code::InvalidArgument, "INVALID_FIELD").field(),
            field
        );
    }
    let twice = Append::new()
        .write("a", [event("T")])
        .expect_stream("s", Expected::Any)
        .expect_stream("s", Expected::NoStream);
    let Err(Error::InvalidField(violations)) = client.append_to_many(twice).await else {
        panic!("taken");
    };
    assert_eq!(violations[0].field, "checks[1].stream.stream");
    let limits = client.server_info().await.unwrap().limits;
    assert_eq!(limits.max_append_checks, 64);
    let checked = |checks| {
        (0..checks).fold(Append::new().write("a", [event("T")]), |append, n| {
            append.expect_stream(format!("other-{n}"), Expected::NoStream)
        })
    };
    client.append_to_many(checked(64)).await.unwrap();
    let Err(Error::InvalidField(violations)) = client.append_to_many(checked(65)).await else {
        panic!("taken");
    };
    assert_eq!(violations[0].field, "checks");
    assert_eq!(client.server_info().await.unwrap().head, 1);
}
