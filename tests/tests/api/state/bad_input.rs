//! Requests about state that are refused: with the field, and without effect.

use annals_proto::v1::{
    self as pb, state_change::Change, state_check::Expected, state_service_client::StateServiceClient,
};
use annals_tests::{
    harness::{Refusal, Server},
    on_every_engine,
};
use tonic::Code;

use super::put;

on_every_engine!(
    writes_that_are_not_valid_are_refused_by_field,
    names_that_are_not_valid_are_refused_by_every_call,
    appends_with_state_that_is_not_valid_are_refused,
);

type Write = pb::WriteStateRequest;

fn check(key: &str, expected: Option<Expected>) -> pb::StateCheck {
    pb::StateCheck {
        scope: "s".to_owned(),
        key: key.to_owned(),
        expected,
    }
}

fn good() -> Write {
    Write {
        id: String::new(),
        changes: vec![put("s", "a", b"1")],
        checks: vec![check("b", Some(Expected::Absent(())))],
    }
}

fn named(count: usize) -> Vec<pb::StateChange> {
    (0..count).map(|n| put("s", &format!("k{n}"), b"1")).collect()
}

const LARGE: &[u8] = &[7; 65_537];

async fn writes_that_are_not_valid_are_refused_by_field(server: Server) {
    let mut stub = StateServiceClient::new(server.channel());
    type Wrong = fn(&mut Write);
    let wrong: [(Wrong, &str, &str); 16] = [
        (|write| write.id = "1234".to_owned(), "INVALID_FIELD", "id"),
        (|write| write.changes.clear(), "INVALID_FIELD", "changes"),
        (|write| write.changes = named(1_001), "INVALID_FIELD", "changes"),
        (
            |write| write.changes[0].scope.clear(),
            "INVALID_FIELD",
            "changes[0].scope",
        ),
        (
            |write| write.changes[0].scope = "$s".to_owned(),
            "INVALID_FIELD",
            "changes[0].scope",
        ),
        (
            |write| write.changes[0].scope = "a\u{7}".to_owned(),
            "INVALID_FIELD",
            "changes[0].scope",
        ),
        (
            |write| write.changes[0].scope = "s".repeat(257),
            "INVALID_FIELD",
            "changes[0].scope",
        ),
        (
            |write| write.changes[0].key.clear(),
            "INVALID_FIELD",
            "changes[0].key",
        ),
        (
            |write| write.changes[0].key = "k".repeat(513),
            "INVALID_FIELD",
            "changes[0].key",
        ),
        (
            |write| write.changes[0].change = None,
            "INVALID_FIELD",
            "changes[0].change",
        ),
        (
            |write| write.changes[0].change = Some(Change::Put(LARGE.into())),
            "TOO_LARGE",
            "changes[0].put",
        ),
        (
            |write| write.changes.push(put("s", "a", b"2")),
            "INVALID_FIELD",
            "changes[1].key",
        ),
        (
            |write| write.checks[0].expected = None,
            "INVALID_FIELD",
            "checks[0].expected",
        ),
        (
            |write| write.checks[0].expected = Some(Expected::Version(0)),
            "INVALID_FIELD",
            "checks[0].version",
        ),
        (
            |write| write.checks.push(check("b", Some(Expected::Version(1)))),
            "INVALID_FIELD",
            "checks[1].key",
        ),
        (
            |write| {
                write.checks = (0..1_001)
                    .map(|n| check(&format!("k{n}"), Some(Expected::Absent(()))))
                    .collect()
            },
            "INVALID_FIELD",
            "checks",
        ),
    ];
    for (change, reason, field) in wrong {
        let mut write = good();
        change(&mut write);
        let refusal = Refusal::of(stub.write_state(write).await).expect(Code::InvalidArgument, reason);
        assert_eq!(refusal.field(), field);
    }
    let large: Vec<_> = (0..70).map(|n| put("s", &format!("k{n}"), &LARGE[1..])).collect();
    let write = Write {
        changes: large,
        ..good()
    };
    let refusal = Refusal::of(stub.write_state(write).await).expect(Code::InvalidArgument, "TOO_LARGE");
    assert_eq!(refusal.field(), "changes");
    let list = pb::ListStateRequest {
        scope: "s".to_owned(),
        ..Default::default()
    };
    let listed = stub.list_state(list).await.unwrap().into_inner();
    assert_eq!(
        (listed.entries.len(), listed.scope_version),
        (0, 0),
        "nothing was written"
    );
    // The limits themselves are accepted.
    let write = Write {
        changes: named(1_000),
        ..good()
    };
    assert_eq!(
        stub.write_state(write).await.unwrap().into_inner().versions.len(),
        1_000
    );
}

async fn names_that_are_not_valid_are_refused_by_every_call(server: Server) {
    let mut stub = StateServiceClient::new(server.channel());
    for (scope, key, field) in [
        ("", "k", "scope"),
        ("$x", "k", "scope"),
        ("s\0", "k", "scope"),
        ("s", "", "key"),
        ("s", "\n", "key"),
    ] {
        let get = pb::GetStateRequest {
            scope: scope.to_owned(),
            key: key.to_owned(),
        };
        let refusal = Refusal::of(stub.get_state(get).await).expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), field);
    }
    let good = || pb::ListStateRequest {
        scope: "s".to_owned(),
        ..Default::default()
    };
    for (list, field) in [
        (
            pb::ListStateRequest {
                scope: "a\u{1}".to_owned(),
                ..good()
            },
            "scope",
        ),
        (
            pb::ListStateRequest {
                key_prefix: "\u{1}".to_owned(),
                ..good()
            },
            "key_prefix",
        ),
        (
            pb::ListStateRequest {
                after_key: "k".repeat(513),
                ..good()
            },
            "after_key",
        ),
        (
            pb::ListStateRequest {
                page_size: Some(0),
                ..good()
            },
            "page_size",
        ),
        (
            pb::ListStateRequest {
                page_size: Some(1_001),
                ..good()
            },
            "page_size",
        ),
    ] {
        let refusal = Refusal::of(stub.list_state(list).await).expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), field);
    }
    for (scope, prefix, field) in [("", "", "scope"), ("s", "\t", "key_prefix")] {
        let subscribe = pb::SubscribeStateRequest {
            scope: scope.to_owned(),
            key_prefix: prefix.to_owned(),
            after_version: None,
        };
        let refusal = Refusal::of(stub.subscribe_state(subscribe).await);
        assert_eq!(
            refusal.expect(Code::InvalidArgument, "INVALID_FIELD").field(),
            field
        );
    }
    let beyond = pb::SubscribeStateRequest {
        scope: "s".to_owned(),
        after_version: Some(u64::MAX),
        ..Default::default()
    };
    let refusal = Refusal::of(stub.subscribe_state(beyond).await);
    let detail: pb::StateVersionOutOfRange = refusal
        .expect(Code::OutOfRange, "STATE_VERSION_BEYOND_END")
        .detail("annals.v1.StateVersionOutOfRange");
    assert_eq!(
        (detail.scope.as_str(), detail.version, detail.last_version),
        ("s", u64::MAX, 0)
    );
}

async fn appends_with_state_that_is_not_valid_are_refused(server: Server) {
    let mut stub = server.stub();
    let good = || pb::AppendToManyRequest {
        writes: vec![pb::Write {
            stream: "x".to_owned(),
            events: vec![pb::NewEvent {
                r#type: "Placed".to_owned(),
                ..Default::default()
            }],
            expected: None,
        }],
        ..Default::default()
    };
    type Append = pb::AppendToManyRequest;
    type Wrong = fn(&mut Append);
    let wrong: [(Wrong, &str, &str); 5] = [
        (
            |append| append.state_changes = named(1_001),
            "INVALID_FIELD",
            "state_changes",
        ),
        (
            |append| append.state_changes = vec![put("", "k", b"1")],
            "INVALID_FIELD",
            "state_changes[0].scope",
        ),
        (
            |append| append.state_changes = vec![put("s", "k", LARGE)],
            "TOO_LARGE",
            "state_changes[0].put",
        ),
        (
            |append| append.state_checks = vec![check("k", None)],
            "INVALID_FIELD",
            "state_checks[0].expected",
        ),
        (
            |append| {
                append.state_changes = (0..70).map(|n| put("s", &format!("k{n}"), &LARGE[1..])).collect()
            },
            "TOO_LARGE",
            "state_changes",
        ),
    ];
    for (change, reason, field) in wrong {
        let mut append = good();
        change(&mut append);
        let refusal = Refusal::of(stub.append_to_many(append).await).expect(Code::InvalidArgument, reason);
        assert_eq!(refusal.field(), field);
    }
    assert_eq!(
        server.client().server_info().await.unwrap().head.0,
        0,
        "nothing was written"
    );
}
