//! Snapshots over gRPC and on the command line.

use annals_client::{Client, Error, ExpectedRevision as Expected, Revision, Timestamp};
use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Cli, Options, Refusal, Server, sample, seed},
    on_every_engine, on_every_engine_that_persists,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use tonic::Code;

on_every_engine!(
    the_latest_that_is_wanted_is_given,
    clients_that_save_together_leave_the_greatest_revisions,
    large_snapshots_come_back_byte_for_byte,
    what_can_not_be_saved_is_refused_and_changes_nothing,
    the_limit_is_the_operators,
    people_save_and_load_on_the_command_line,
);
on_every_engine_that_persists!(snapshots_outlive_the_servers_end);

async fn fill(client: &Client, stream: &str, events: usize) {
    let events = (0..events).map(|_| sample::event("Placed"));
    client.append(stream, Expected::Any, events).await.unwrap();
}

fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; len];
    StdRng::seed_from_u64(seed).fill(&mut bytes[..]);
    bytes
}

async fn the_latest_that_is_wanted_is_given(server: Server) {
    let client = server.client();
    fill(&client, "order-1", 50).await;
    fill(&client, "order-10", 5).await;
    assert_eq!(client.load_snapshot("order-1").await.unwrap(), None);
    for (revision, version) in [(10, 1), (20, 1), (20, 2), (40, 2)] {
        let state = format!("{revision}/{version}");
        let save = client.save_snapshot("order-1", revision, state);
        let saved_at = save.schema_version(version).keep(4).await.unwrap();
        assert!(saved_at <= Timestamp::now());
    }
    client.save_snapshot("order-10", 3, "another").await.unwrap();
    let latest = client.load_snapshot("order-1");
    let table = [
        (latest.clone(), Some("40/2")),
        (latest.clone().at_or_before(39), Some("20/2")),
        (latest.clone().at_or_before(20), Some("20/2")),
        (latest.clone().at_or_before(19), Some("10/1")),
        (latest.clone().at_or_before(9), None),
        (latest.clone().schema_version(1), Some("20/1")),
        (latest.clone().schema_version(1).at_or_before(19), Some("10/1")),
        (latest.clone().schema_version(2).at_or_before(19), None),
        (latest.clone().schema_version(0), None),
    ];
    for (n, (load, wanted)) in table.into_iter().enumerate() {
        let found = load.await.unwrap().map(|snapshot| snapshot.data);
        assert_eq!(
            found.as_deref(),
            wanted.map(str::as_bytes),
            "{n}: of schema and revision"
        );
    }
    // A snapshot of the same revision and schema version is replaced; three are kept by default.
    client
        .save_snapshot("order-1", 40, "again")
        .schema_version(2)
        .await
        .unwrap();
    let latest = client.load_snapshot("order-1").await.unwrap().unwrap();
    assert_eq!(&latest.data[..], b"again");
    let pruned = client.load_snapshot("order-1").at_or_before(19).await;
    assert_eq!(pruned.unwrap(), None);
    let latest = client.load_snapshot("order-10").await.unwrap().unwrap();
    assert_eq!(
        (latest.revision, &latest.data[..]),
        (Revision(3), &b"another"[..])
    );
}

async fn clients_that_save_together_leave_the_greatest_revisions(server: Server) {
    let client = server.client();
    fill(&client, "order-1", 24).await;
    let saves = (0..24).map(|revision| {
        let client = server.client();
        tokio::spawn(async move {
            let state = noise(1_000, revision);
            client.save_snapshot("order-1", revision, state).keep(2).await
        })
    });
    for saved in saves.collect::<Vec<_>>() {
        saved.await.unwrap().unwrap();
    }
    for revision in [23, 22] {
        let found = client
            .load_snapshot("order-1")
            .at_or_before(revision)
            .await
            .unwrap()
            .expect("a snapshot at or before the revision");
        assert_eq!(
            (found.revision, found.data),
            (Revision(revision), noise(1_000, revision).into())
        );
    }
    let older = client.load_snapshot("order-1").at_or_before(21).await;
    assert_eq!(older.unwrap(), None);
}

async fn large_snapshots_come_back_byte_for_byte(server: Server) {
    let client = server.client();
    fill(&client, "order-1", 3).await;
    let seed = seed();
    let max = client.server_info().await.unwrap().limits.max_snapshot_bytes;
    assert_eq!(max, 4_000_000);
    for len in [max as usize, 0, 1, 95_904, 95_905, 300_000, max as usize] {
        let state = noise(len, seed);
        client.save_snapshot("order-1", 2, state.clone()).await.unwrap();
        let loaded = client.load_snapshot("order-1").await.unwrap().unwrap();
        assert!(loaded.data == state, "{} of {len} bytes", loaded.data.len());
    }
    let over = noise(max as usize + 1, seed);
    let refused = client.save_snapshot("order-1", 2, over).await.unwrap_err();
    assert!(
        matches!(&refused, Error::TooLarge(fields) if fields[0].field == "data"),
        "{refused}"
    );
}

async fn what_can_not_be_saved_is_refused_and_changes_nothing(server: Server) {
    let client = server.client();
    fill(&client, "order-1", 3).await;
    client.save_snapshot("order-1", 1, "kept").await.unwrap();
    let mut stub = server.stub();
    let good = || pb::SaveSnapshotRequest {
        stream: "order-1".to_owned(),
        revision: 2,
        data: "new".into(),
        ..Default::default()
    };
    type Change = fn(&mut pb::SaveSnapshotRequest);
    let wrong: [(Change, &str); 6] = [
        (|save| save.stream.clear(), "stream"),
        (|save| save.stream = "$order".to_owned(), "stream"),
        (|save| save.stream = "a\0b".to_owned(), "stream"),
        (|save| save.keep = Some(0), "keep"),
        (|save| save.keep = Some(101), "keep"),
        (|save| save.keep = Some(u32::MAX), "keep"),
    ];
    for (change, field) in wrong {
        let mut save = good();
        change(&mut save);
        let refusal =
            Refusal::of(stub.save_snapshot(save).await).expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), field);
    }
    for revision in [3, u64::MAX] {
        let save = pb::SaveSnapshotRequest { revision, ..good() };
        let refusal = Refusal::of(stub.save_snapshot(save).await);
        let detail: pb::RevisionBeyondEnd = refusal
            .expect(Code::OutOfRange, "REVISION_BEYOND_END")
            .detail("annals.v1.RevisionBeyondEnd");
        assert_eq!((detail.revision, detail.last_revision), (revision, Some(2)));
    }
    let save = pb::SaveSnapshotRequest {
        stream: "order-2".to_owned(),
        ..good()
    };
    let refusal = Refusal::of(stub.save_snapshot(save).await);
    let detail: pb::StreamNotFound = refusal
        .expect(Code::NotFound, "STREAM_NOT_FOUND")
        .detail("annals.v1.StreamNotFound");
    assert_eq!(detail.stream, "order-2");

    let load = |stream: &str| pb::LoadSnapshotRequest {
        stream: stream.to_owned(),
        ..Default::default()
    };
    let refusal =
        Refusal::of(stub.load_snapshot(load("")).await).expect(Code::InvalidArgument, "INVALID_FIELD");
    assert_eq!(refusal.field(), "stream");
    let refusal = Refusal::of(stub.load_snapshot(load("order-2")).await);
    let detail: pb::SnapshotNotFound = refusal
        .expect(Code::NotFound, "SNAPSHOT_NOT_FOUND")
        .detail("annals.v1.SnapshotNotFound");
    assert_eq!(detail.stream, "order-2");
    let kept = client.load_snapshot("order-1").await.unwrap().unwrap();
    assert_eq!((kept.revision, &kept.data[..]), (Revision(1), &b"kept"[..]));
    assert_eq!(
        client.server_info().await.unwrap().head,
        3,
        "a snapshot is no event"
    );
}

async fn the_limit_is_the_operators(server: Server) {
    for bytes in [1_000_usize, 8_000_000] {
        let server = Options::new(server.engine())
            .set("--max-snapshot-bytes", &bytes.to_string())
            .start();
        let client = server.client();
        fill(&client, "order-1", 1).await;
        let limits = client.server_info().await.unwrap().limits;
        assert_eq!(limits.max_snapshot_bytes as usize, bytes);
        client.save_snapshot("order-1", 0, noise(bytes, 1)).await.unwrap();
        let refused = client
            .save_snapshot("order-1", 0, noise(bytes + 1, 1))
            .await
            .unwrap_err();
        assert!(matches!(refused, Error::TooLarge(_)), "{refused}");
        let loaded = client.load_snapshot("order-1").await.unwrap().unwrap();
        assert!(
            loaded.data == noise(bytes, 1),
            "{} of {bytes} bytes",
            loaded.data.len()
        );
    }
}

async fn snapshots_outlive_the_servers_end(mut server: Server) {
    let client = server.client();
    fill(&client, "order-1", 10).await;
    let large = noise(4_000_000, seed());
    client.save_snapshot("order-1", 3, "small").await.unwrap();
    client.save_snapshot("order-1", 9, large.clone()).await.unwrap();
    // A saved snapshot is durable: the server gets no chance to close anything.
    server.kill();
    server.start_again();
    for _ in 0..2 {
        let client = server.client();
        assert!(client.load_snapshot("order-1").await.unwrap().unwrap().data == large);
        let small = client
            .load_snapshot("order-1")
            .at_or_before(8)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((small.revision, &small.data[..]), (Revision(3), &b"small"[..]));
        server.restart();
    }
}

async fn people_save_and_load_on_the_command_line(server: Server) {
    fill(&server.client(), "order-1", 10).await;
    let cli = Cli::of(&server);
    let missing = cli.run(["snapshot", "load", "order-1"]).expect_code(3);
    assert!(missing.stderr.contains("no such snapshot"), "{}", missing.stderr);
    let state = r#"{"total": 12345678901234567890, "a": 1}"#;
    let file = server.folder().join("state.json");
    std::fs::write(&file, state).unwrap();
    let file = file.to_str().unwrap();
    let saved = cli
        .run(["snapshot", "save", "order-1", file, "--revision", "4"])
        .expect_code(0);
    let saved = saved.json_lines().remove(0);
    assert_eq!(
        (&saved["revision"], &saved["bytes"], &saved["schema_version"]),
        (&json!(4), &json!(state.len()), &json!(0))
    );
    let arguments = [
        "snapshot",
        "save",
        "order-1",
        "-",
        "--revision",
        "7",
        "--schema-version",
        "2",
    ];
    let _ = cli.run_with(arguments, b"\xff\x00binary").expect_code(0);

    let shown = cli.run(["snapshot", "load", "order-1"]).expect_code(0);
    let line = &shown.json_lines()[0];
    assert_eq!(
        (&line["revision"], &line["data_base64"]),
        (&json!(7), &json!("/wBiaW5hcnk="))
    );
    let shown = cli
        .run(["snapshot", "load", "order-1", "--schema-version", "0"])
        .expect_code(0);
    assert!(
        shown.stdout.contains(state),
        "numbers and keys stay: {}",
        shown.stdout
    );
    let shown = cli
        .run([
            "snapshot",
            "load",
            "order-1",
            "--at-or-before",
            "6",
            "--format",
            "table",
        ])
        .expect_code(0);
    assert!(
        shown.stdout.contains("schema version  0") && shown.stdout.contains(state),
        "{}",
        shown.stdout
    );

    let out = server.folder().join("out");
    let arguments = ["snapshot", "load", "order-1", "--out", out.to_str().unwrap()];
    let _ = cli.run(arguments).expect_code(0);
    assert_eq!(std::fs::read(&out).unwrap(), b"\xff\x00binary");
    let arguments = ["snapshot", "load", "order-1", "--out", "-", "--at-or-before", "4"];
    assert_eq!(cli.run(arguments).expect_code(0).stdout, state);

    let beyond = cli
        .run(["snapshot", "save", "order-1", file, "--revision", "10"])
        .expect_code(3);
    assert!(beyond.stderr.contains("beyond the end"), "{}", beyond.stderr);
    let unread = cli
        .run(["snapshot", "save", "order-1", "no-such-file", "--revision", "1"])
        .expect_code(1);
    assert!(unread.stderr.contains("no-such-file"), "{}", unread.stderr);
    let _ = cli
        .run([
            "snapshot",
            "save",
            "order-1",
            file,
            "--revision",
            "1",
            "--keep",
            "0",
        ])
        .expect_code(2);
}
