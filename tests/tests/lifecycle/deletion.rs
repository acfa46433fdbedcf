//! Deletion and tombstones.

use annals_client::{Error, ExpectedRevision as Expected, Position, Revision};
use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Refusal, Server, sample::event},
    on_every_engine, on_every_engine_that_persists,
};
use tonic::Code;

use super::{append, listed, log, read, revisions};

on_every_engine!(
    a_deleted_stream_is_not_found_and_goes_on_with_its_numbering,
    a_deletion_is_repeated_without_harm,
    a_deletion_that_expects_something_else_is_refused,
    a_tombstone_ends_a_stream_for_ever,
    refusals_have_their_code_reason_and_typed_detail,
);
on_every_engine_that_persists!(what_is_deleted_stays_so_when_the_server_is_killed);

async fn a_deleted_stream_is_not_found_and_goes_on_with_its_numbering(server: Server) {
    let client = server.client();
    append(&client, "order-1", &["A", "B", "C"]).await;
    append(&client, "order-2", &["D"]).await;
    let deleted = client.delete_stream("order-1", Expected::Any).await.unwrap();
    assert_eq!(
        (deleted.last_revision, deleted.position),
        (Revision(2), Position(5))
    );
    assert!(!deleted.already_deleted);
    let missing = client.read_stream("order-1").await.unwrap_err();
    assert!(matches!(missing, Error::StreamNotFound { .. }), "{missing}");
    let missing = client.stream_info("order-1").await.unwrap_err();
    assert!(matches!(missing, Error::StreamNotFound { .. }), "{missing}");
    assert_eq!(listed(&client, "").await, ["order-2"]);
    assert_eq!(log(&client).await, ["D", "$stream-deleted"]);
    for expected in [Expected::StreamExists, Expected::Exactly(Revision(2))] {
        let refused = client
            .append("order-1", expected, [event("E")])
            .await
            .unwrap_err();
        assert!(
            matches!(refused, Error::RevisionConflict { actual: None, .. }),
            "{refused}"
        );
    }

    let again = event("E");
    for already in [false, true] {
        // The second request is a retry after a lost response.
        let begun = client
            .append("order-1", Expected::NoStream, [again.clone()])
            .await
            .unwrap();
        assert_eq!(
            (begun.first_revision, begun.first_position),
            (Revision(3), Position(6))
        );
        assert_eq!(begun.already_appended, already);
    }
    append(&client, "order-1", &["F"]).await;
    let info = client.stream_info("order-1").await.unwrap();
    assert_eq!(
        (info.first_revision, info.last_revision),
        (Revision(3), Revision(4))
    );
    assert_eq!(
        (info.first_position, info.last_position),
        (Position(6), Position(7))
    );
    assert_eq!(info.created_at, read(&client, "order-1").await[0].recorded_at);
    assert_eq!(revisions(&client, "order-1").await, [3, 4]);
    assert_eq!(listed(&client, "").await, ["order-1", "order-2"]);
}

async fn a_deletion_is_repeated_without_harm(server: Server) {
    let client = server.client();
    append(&client, "order-1", &["A", "B"]).await;
    let first = client
        .delete_stream("order-1", Expected::Exactly(Revision(1)))
        .await
        .unwrap();
    for expected in [
        Expected::Exactly(Revision(1)),
        Expected::StreamExists,
        Expected::Any,
    ] {
        let again = client.delete_stream("order-1", expected).await.unwrap();
        assert!(again.already_deleted);
        assert_eq!(
            (again.position, again.last_revision),
            (first.position, Revision(1))
        );
    }
    append(&client, "order-1", &["C"]).await;
    let second = client.delete_stream("order-1", Expected::Any).await.unwrap();
    assert!(!second.already_deleted);
    assert_eq!(second.last_revision, 2);
    assert_eq!(client.retention("order-1").await.unwrap().version, 2);
}

async fn a_deletion_that_expects_something_else_is_refused(server: Server) {
    let client = server.client();
    append(&client, "order-1", &["A", "B"]).await;
    let refused = client
        .delete_stream("order-1", Expected::Exactly(Revision(0)))
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            Error::RevisionConflict {
                actual: Some(Revision(1)),
                ..
            }
        ),
        "{refused}"
    );
    for expected in [Expected::Any, Expected::StreamExists] {
        let missing = client.delete_stream("order-2", expected).await.unwrap_err();
        assert!(matches!(missing, Error::StreamNotFound { .. }), "{missing}");
    }
    let refused = client
        .delete_stream("order-1", Expected::NoStream)
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, Error::InvalidField(fields) if fields[0].field == "expected"),
        "{refused}"
    );
    let refused = client
        .delete_stream("$$order-1", Expected::Any)
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, Error::InvalidField(fields) if fields[0].field == "stream"),
        "{refused}"
    );
    assert_eq!(revisions(&client, "order-1").await, [0, 1]);
}

async fn a_tombstone_ends_a_stream_for_ever(server: Server) {
    let client = server.client();
    append(&client, "order-1", &["A", "B"]).await;
    let refused = client
        .tombstone_stream("order-1", Expected::Exactly(Revision(0)))
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            Error::RevisionConflict {
                actual: Some(Revision(1)),
                ..
            }
        ),
        "{refused}"
    );
    let first = client
        .tombstone_stream("order-1", Expected::Exactly(Revision(1)))
        .await
        .unwrap();
    assert_eq!((first.position, first.already_tombstoned), (Position(3), false));
    let again = client.tombstone_stream("order-1", Expected::Any).await.unwrap();
    assert_eq!((again.position, again.already_tombstoned), (Position(3), true));
    // A stream that never existed.
    let other = client
        .tombstone_stream("order-2", Expected::NoStream)
        .await
        .unwrap();
    assert!(!other.already_tombstoned);
    for stream in ["order-1", "order-2"] {
        let refused = [
            client.append(stream, Expected::Any, [event("C")]).await.map(drop),
            client
                .append(stream, Expected::NoStream, [event("C")])
                .await
                .map(drop),
            client.read_stream(stream).await.map(drop),
            client.stream_info(stream).await.map(drop),
            client.subscribe_stream(stream).await.map(drop),
            client.delete_stream(stream, Expected::Any).await.map(drop),
            client
                .set_retention(stream, annals_client::Retention::new().max_count(1))
                .await
                .map(drop),
        ];
        for (nth, refused) in refused.into_iter().enumerate() {
            assert!(
                matches!(&refused, Err(Error::StreamTombstoned { stream: told }) if told == stream),
                "{nth}: {refused:?}"
            );
        }
    }
    assert!(client.retention("order-1").await.unwrap().tombstoned);
    assert_eq!(log(&client).await, ["$stream-tombstoned", "$stream-tombstoned"]);
    assert_eq!(listed(&client, "").await, Vec::<String>::new());
}

async fn refusals_have_their_code_reason_and_typed_detail(server: Server) {
    let (client, mut stub) = (server.client(), server.stub());
    append(&client, "order-1", &["A"]).await;
    let kept = pb::SetRetentionRequest {
        stream: "order-1".into(),
        retention: Some(pb::Retention {
            max_count: Some(5),
            ..pb::Retention::default()
        }),
        expected_version: Some(4),
    };
    let conflict = Refusal::of(stub.set_retention(kept).await).expect(Code::Aborted, "VERSION_CONFLICT");
    let detail: pb::VersionConflict = conflict.detail("annals.v1.VersionConflict");
    assert_eq!(
        (
            detail.stream.as_str(),
            detail.expected_version,
            detail.actual_version
        ),
        ("order-1", 4, 0)
    );

    client.tombstone_stream("order-1", Expected::Any).await.unwrap();
    let appended = stub
        .append_to_stream(pb::AppendToStreamRequest {
            stream: "order-1".into(),
            expected: None,
            events: vec![event("B").into()],
            recorded_at: None,
        })
        .await;
    let read = pb::ReadStreamRequest {
        stream: "order-1".into(),
        ..pb::ReadStreamRequest::default()
    };
    let tombstoned = [
        Refusal::of(appended),
        Refusal::of(stub.read_stream(read).await.map(drop)),
    ];
    for refusal in tombstoned {
        let refusal = refusal.expect(Code::FailedPrecondition, "STREAM_TOMBSTONED");
        let detail: pb::StreamTombstoned = refusal.detail("annals.v1.StreamTombstoned");
        assert_eq!(detail.stream, "order-1");
    }
}

async fn what_is_deleted_stays_so_when_the_server_is_killed(mut server: Server) {
    let client = server.client();
    for n in 0..20 {
        append(&client, &format!("order-{n}"), &["A", "B"]).await;
    }
    client.delete_stream("order-3", Expected::Any).await.unwrap();
    client.tombstone_stream("order-4", Expected::Any).await.unwrap();
    client
        .set_retention("order-5", annals_client::Retention::new().max_count(1))
        .await
        .unwrap();
    client.delete_stream("order-6", Expected::Any).await.unwrap();
    append(&client, "order-6", &["C"]).await;
    for kills in [true, false] {
        if kills {
            server.kill();
            server.start_again();
        } else {
            server.restart();
        }
        let missing = client.read_stream("order-3").await.unwrap_err();
        assert!(matches!(missing, Error::StreamNotFound { .. }), "{missing}");
        let ended = client.read_stream("order-4").await.unwrap_err();
        assert!(matches!(ended, Error::StreamTombstoned { .. }), "{ended}");
        assert_eq!(revisions(&client, "order-5").await, [1]);
        assert_eq!(revisions(&client, "order-6").await, [2]);
        assert_eq!(client.stream_info("order-6").await.unwrap().first_revision, 2);
        assert_eq!(listed(&client, "order-").await.len(), 18);
        assert_eq!(log(&client).await.len(), 2 * 16 + 1 + 1 + 4);
    }
}
