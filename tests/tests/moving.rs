//! Moves a log to another store with `annals export` and `annals import --keep-recorded-times`: the same events in the
//! same order at the same positions, revisions and times.

#![allow(clippy::unwrap_used, reason = "a failing test should show where it failed")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use annals_client::{Event, ExpectedRevision};
use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Cli, Engine, Options, Refusal, Server, sample, within_patience},
    on_every_engine,
};
use prost_types::Timestamp;
use serde_json::Value;
use tokio_stream::StreamExt;
use tonic::Code;

on_every_engine!(
    a_moved_log_is_the_same_and_moving_it_again_adds_nothing,
    a_move_that_was_killed_is_repeated,
    a_file_that_was_cut_is_refused_and_a_stream_that_was_is_continued,
    a_store_takes_no_appends_before_all_of_a_log_has_come,
    what_is_removed_set_and_kept_beside_a_log_is_moved_with_it,
    what_can_not_be_moved_exactly_is_refused_before_anything_is_written,
    a_part_of_a_log_is_moved_with_new_positions_if_that_is_accepted,
    a_retry_of_an_append_made_before_the_move_is_known_after_it,
    times_are_refused_unless_the_server_was_told_to_take_them,
    times_never_go_backwards_nor_beyond_now,
    a_line_that_can_not_be_moved_ends_it,
);

fn accepting(engine: Engine) -> Server {
    Options::new(engine)
        .set("--accept-recorded-times", "true")
        .start()
}

/// A log with events of all kinds, appended one by one, several per append, and pipelined.
async fn fill(server: &Server) -> PathBuf {
    let cli = Cli::of(server);
    let cases = server.folder().join("cases.ndjson");
    sample::write_lines(&cases, &sample::cases(400, 23));
    let _ = cli.run(["import", cases.to_str().unwrap()]).expect_code(0);
    let client = server.client();
    let odd: [(&[u8], &[u8]); 8] = [
        (b"{\n  \"pretty\": 1.10\n}\n", b"{\r\n}"),
        (b" {\"spaces\": 1} ", b" null"),
        (b"\x00\xff\xfe", b"\x80"),
        (b"", b""),
        (b"null", b"null"),
        (b"{\"b\":1,\"a\":10000000000000000000000}", b"[]"),
        ("\"žluťoučký \u{2028} \u{1f600}\"".as_bytes(), b"{}"),
        (b"not json", b"neither"),
    ];
    let events: Vec<_> = odd
        .iter()
        .map(|(data, metadata)| {
            let event = Event::new("Odd", data.to_vec()).with_metadata(metadata.to_vec());
            event.with_tag("b:2").with_tag("a:1")
        })
        .collect();
    client
        .append("odd \"names\"/ž", ExpectedRevision::NoStream, events)
        .await
        .unwrap();
    let session = client.append_session();
    let mut pending = Vec::new();
    for nth in 0..500_u64 {
        let count = 1 + nth % 4;
        let events: Vec<_> = (0..count)
            .map(|n| Event::json("Counted", &(nth * 10 + n)).unwrap())
            .collect();
        let stream = format!("count-{}", nth % 3);
        pending.push(
            session
                .append(stream, ExpectedRevision::Any, events)
                .await
                .unwrap(),
        );
    }
    for appended in pending {
        within_patience("an append", appended).await.unwrap();
    }
    let file = server.folder().join("log.ndjson");
    let _ = cli.run(["export", file.to_str().unwrap()]).expect_code(0);
    file
}

/// Everything about every event.
async fn log(server: &Server) -> Vec<annals_client::RecordedEvent> {
    let events = server.client().read_all().await.unwrap();
    events.map(Result::unwrap).collect().await
}

/// The lines of an export without those that name its store or depend on the state of indexing.
fn content(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let lines = text
        .lines()
        .skip(1)
        .filter(|line| !line.starts_with("{\"appends\""));
    lines.map(str::to_owned).collect()
}

fn export(server: &Server) -> PathBuf {
    let file = server.folder().join("export.ndjson");
    let _ = Cli::of(server)
        .run(["export", file.to_str().unwrap()])
        .expect_code(0);
    file
}

fn move_to(server: &Server, file: &Path) -> Value {
    let import = [
        "import",
        file.to_str().unwrap(),
        "--keep-recorded-times",
        "--format",
        "ndjson",
    ];
    Cli::of(server).run(import).expect_code(0).json_lines().remove(0)
}

async fn a_moved_log_is_the_same_and_moving_it_again_adds_nothing(server: Server) {
    let file = fill(&server).await;
    let there = accepting(server.engine());
    let count = log(&server).await.len();
    let moved = move_to(&there, &file);
    assert_eq!(
        (&moved["imported"], &moved["bad"], &moved["moved"]),
        (&count.into(), &0.into(), &0.into())
    );
    assert_eq!(log(&there).await, log(&server).await);
    let again = move_to(&there, &file);
    assert_eq!(
        (&again["imported"], &again["already_there"], &again["moved"]),
        (&0.into(), &count.into(), &0.into())
    );
    assert_eq!(log(&there).await, log(&server).await);
    let second = there.folder().join("again.ndjson");
    let _ = Cli::of(&there)
        .run(["export", second.to_str().unwrap()])
        .expect_code(0);
    assert_eq!(content(&file), content(&second), "byte for byte");
    // An event appended after the move is recorded now, and continues the log.
    let appended = there
        .client()
        .append(
            "count-0",
            ExpectedRevision::StreamExists,
            [Event::json("New", &1).unwrap()],
        )
        .await
        .unwrap();
    assert_eq!(appended.first_position, count as u64 + 1);
    assert!(appended.recorded_at >= log(&server).await.last().unwrap().recorded_at);
}

async fn a_move_that_was_killed_is_repeated(server: Server) {
    let file = fill(&server).await;
    let there = accepting(server.engine());
    let text = fs::read(&file).unwrap();
    let half = text.len() / 2;
    // The command has half a line too many when it is killed: neither that line nor the append it may belong to is
    // sent, since the end of the append was not seen.
    let mut import = Cli::of(&there)
        .command(["import", "-", "--keep-recorded-times"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = import.stdin.take().unwrap();
    let writing = std::thread::spawn(move || {
        use std::io::Write;
        // It may be killed while it is still reading.
        let _ = input.write_all(&text[..half]);
        input
    });
    let mut subscription = there.client().subscribe_all().await.unwrap();
    for _ in 0..100 {
        within_patience("the first events", subscription.next())
            .await
            .unwrap()
            .unwrap();
    }
    import.kill().unwrap();
    import.wait().unwrap();
    drop(writing.join().unwrap());
    let before = log(&there).await.len();
    assert!(before > 0 && before < log(&server).await.len());
    let moved = move_to(&there, &file);
    assert_eq!(moved["moved"], 0);
    assert!(
        moved["already_there"].as_u64().unwrap() >= before as u64,
        "{moved}"
    );
    assert_eq!(log(&there).await, log(&server).await);
}

async fn a_file_that_was_cut_is_refused_and_a_stream_that_was_is_continued(server: Server) {
    let file = fill(&server).await;
    let there = accepting(server.engine());
    let text = fs::read_to_string(&file).unwrap();
    let part = there.folder().join("part.ndjson");
    let mut before = 0;
    // The odd events are one append of eight, after the header and the 400 of the sample.
    for lines in [404, 406, 700] {
        let cut: String = text.split_inclusive('\n').take(lines).collect();
        fs::write(&part, &cut).unwrap();
        let import = ["import", part.to_str().unwrap(), "--keep-recorded-times"];
        let failed = Cli::of(&there).run(import).expect_code(1);
        assert!(failed.stderr.contains("last line"), "{}", failed.stderr);
        assert_eq!(
            log(&there).await.len(),
            before,
            "no part of an incomplete file is written"
        );
        let import = ["import", "-", "--keep-recorded-times"];
        let failed = Cli::of(&there).run_with(import, cut.as_bytes()).expect_code(1);
        assert!(failed.stderr.contains("last line"), "{}", failed.stderr);
        before = log(&there).await.len();
        assert_eq!(before, lines - 1);
    }
    for _ in 0..2 {
        assert_eq!(move_to(&there, &file)["moved"], 0);
        assert_eq!(log(&there).await, log(&server).await);
    }
}

async fn a_store_takes_no_appends_before_all_of_a_log_has_come(server: Server) {
    let file = fill(&server).await;
    let there = accepting(server.engine());
    let text = fs::read_to_string(&file).unwrap();
    let cut: String = text.split_inclusive('\n').take(500).collect();
    let import = ["import", "-", "--keep-recorded-times"];
    let _ = Cli::of(&there).run_with(import, cut.as_bytes()).expect_code(1);
    let append = || async {
        let events = [Event::json("New", &1).unwrap()];
        there
            .client()
            .append("count-0", ExpectedRevision::Any, events)
            .await
    };
    let refused = append().await.unwrap_err();
    assert!(
        matches!(refused, annals_client::Error::MoveUnfinished { .. }),
        "{refused}"
    );
    move_to(&there, &file);
    assert_eq!(
        append().await.unwrap().first_position,
        log(&server).await.len() as u64 + 1
    );
}

/// Everything that the command line shows of a store.
fn shown(server: &Server) -> Vec<String> {
    let cli = Cli::of(server);
    let head = cli.run(["info", "--format", "ndjson"]).json_lines()[0]["head"].clone();
    let mut shown = vec![head.to_string()];
    for arguments in [
        &["read", "--all"][..],
        &["read", "--all", "--backwards"],
        &["read", "--all", "--type", "Counted", "--tag", "kept"],
        &["subscribe", "--all", "--until-caught-up"],
        &["streams"],
        &["streams", "--prefix", "$"],
    ] {
        shown.push(
            cli.run([arguments, &["--format", "ndjson"]].concat())
                .expect_code(0)
                .stdout,
        );
    }
    for stream in [
        "counted",
        "truncated",
        "emptied",
        "deleted",
        "again",
        "ended",
        "left",
    ] {
        for command in ["stream", "read", "retention"] {
            let run = cli.run([command, stream, "--format", "ndjson"]);
            shown.push(format!("{command} {stream}: {} {}", run.stdout, run.stderr));
        }
        for version in ["0", "1"] {
            let load = [
                "snapshot",
                "load",
                stream,
                "--schema-version",
                version,
                "--format",
                "ndjson",
            ];
            let run = cli.run(load);
            shown.push(format!(
                "snapshot {stream} {version}: {} {}",
                run.stdout, run.stderr
            ));
        }
    }
    shown
}

async fn what_is_removed_set_and_kept_beside_a_log_is_moved_with_it(server: Server) {
    let client = server.client();
    let streams = [
        "counted",
        "truncated",
        "emptied",
        "deleted",
        "again",
        "ended",
        "left",
    ];
    for round in 0..5_u32 {
        for stream in streams {
            let event = Event::json("Counted", &round).unwrap().with_tag("kept");
            client
                .append(stream, ExpectedRevision::Any, [event])
                .await
                .unwrap();
        }
    }
    for (stream, schema_version) in [("counted", 0), ("counted", 1), ("deleted", 0), ("left", 1)] {
        let save = client.save_snapshot(stream, 3, format!("state of {stream}").into_bytes());
        save.schema_version(schema_version).await.unwrap();
    }
    let cli = Cli::of(&server);
    for arguments in [
        &["retention", "counted", "--max-count", "2"][..],
        &["retention", "truncated", "--truncate-before", "3"],
        &["retention", "emptied", "--truncate-before", "5"],
        &["delete", "deleted"],
        &["delete", "again"],
        &["tombstone", "ended"],
    ] {
        let _ = cli.run(arguments.to_vec()).expect_code(0);
    }
    let event = Event::json("Counted", &9).unwrap();
    client
        .append("again", ExpectedRevision::NoStream, [event])
        .await
        .unwrap();
    for _ in 0..2 {
        let file = export(&server);
        let there = accepting(server.engine());
        assert_eq!(move_to(&there, &file)["moved"], 0);
        assert_eq!(shown(&there), shown(&server));
        for (stream, revision) in [("emptied", 5), ("deleted", 5), ("again", 6), ("left", 5)] {
            let event = Event::json("Next", &0).unwrap();
            let next = there
                .client()
                .append(stream, ExpectedRevision::Any, [event])
                .await
                .unwrap();
            assert_eq!(next.first_revision, revision, "{stream}");
        }
        let _ = cli.run(["scavenge"]).expect_code(0);
    }
}

async fn what_can_not_be_moved_exactly_is_refused_before_anything_is_written(server: Server) {
    let file = fill(&server).await;
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let there = accepting(server.engine());
    let bad = there.folder().join("bad.ndjson");
    let without_line = [&lines[..300], &lines[301..]].concat().concat();
    let with_line = [
        &lines[..300],
        &["{\"stream\":\"s\",\"type\":\"T\",\"data\":1}\n"],
        &lines[300..],
    ]
    .concat();
    for (what, content, said) in [
        ("an older export", lines[1..].concat(), "--renumber"),
        ("a line that is missing", without_line, "does not follow"),
        ("a line of something else", with_line.concat(), "line 301"),
        (
            "a line that is no JSON",
            text.replacen("\"Counted\"", "Counted", 1),
            "line ",
        ),
        (
            "a newer format",
            text.replacen("\"annals_export\":1", "\"annals_export\":2", 1),
            "format 2",
        ),
        (
            "an end that is missing",
            lines[..lines.len() - 1].concat(),
            "last line",
        ),
    ] {
        fs::write(&bad, content).unwrap();
        let import = ["import", bad.to_str().unwrap(), "--keep-recorded-times"];
        let failed = Cli::of(&there).run(import).expect_code(1);
        assert!(failed.stderr.contains(said), "{what}: {}", failed.stderr);
        assert!(log(&there).await.is_empty(), "{what}");
    }
    // A store that contains other data, and this same store.
    append_at(&there, None).await.unwrap();
    for (target, said) in [(&there, "empty store"), (&server, "same store")] {
        let before = log(target).await;
        let import = ["import", file.to_str().unwrap(), "--keep-recorded-times"];
        let failed = Cli::of(target).run(import).expect_code(1);
        assert!(failed.stderr.contains(said), "{}", failed.stderr);
        assert_eq!(log(target).await, before);
    }
    // Without recorded times it would still get new positions.
    let failed = Cli::of(&there)
        .run(["import", file.to_str().unwrap()])
        .expect_code(1);
    assert!(failed.stderr.contains("--renumber"), "{}", failed.stderr);
    let _ = Cli::of(&there)
        .run(["import", file.to_str().unwrap(), "--renumber"])
        .expect_code(0);
    assert_eq!(log(&there).await.len(), log(&server).await.len() + 1);
}

async fn a_part_of_a_log_is_moved_with_new_positions_if_that_is_accepted(server: Server) {
    let _ = fill(&server).await;
    let part = server.folder().join("part.ndjson");
    let export = ["export", part.to_str().unwrap(), "--stream-prefix", "count-"];
    let _ = Cli::of(&server).run(export).expect_code(0);
    let there = accepting(server.engine());
    let import = ["import", part.to_str().unwrap(), "--keep-recorded-times"];
    let failed = Cli::of(&there).run(import).expect_code(1);
    assert!(failed.stderr.contains("--renumber"), "{}", failed.stderr);
    for _ in 0..2 {
        let import = [&import[..], &["--renumber", "--format", "ndjson"]].concat();
        let moved = Cli::of(&there).run(import).expect_code(0).json_lines().remove(0);
        assert!(moved["moved"].as_u64().unwrap() > 0, "{moved}");
    }
    let place =
        |event: annals_client::RecordedEvent| (event.stream, event.revision, event.id, event.recorded_at);
    let (here, moved) = (log(&server).await, log(&there).await);
    let wanted = here
        .into_iter()
        .filter(|event| event.stream.starts_with("count-"));
    assert_eq!(
        moved.into_iter().map(place).collect::<Vec<_>>(),
        wanted.map(place).collect::<Vec<_>>()
    );
}

async fn a_retry_of_an_append_made_before_the_move_is_known_after_it(server: Server) {
    let events = [1, 2, 3].map(|n| Event::json("Made", &n).unwrap());
    let first = server
        .client()
        .append("s", ExpectedRevision::Any, events.clone())
        .await
        .unwrap();
    let file = server.folder().join("log.ndjson");
    let _ = Cli::of(&server)
        .run(["export", file.to_str().unwrap()])
        .expect_code(0);
    let there = accepting(server.engine());
    move_to(&there, &file);
    let again = there
        .client()
        .append("s", ExpectedRevision::Any, events)
        .await
        .unwrap();
    assert!(again.already_appended);
    assert_eq!(again.recorded_at, first.recorded_at);
}

fn at(seconds: i64, nanos: i32) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos })
}

async fn append_at(
    server: &Server,
    recorded_at: Option<Timestamp>,
) -> Result<pb::AppendToStreamResponse, tonic::Status> {
    let event = pb::NewEvent {
        id: uuid::Uuid::now_v7().to_string(),
        r#type: "Made".into(),
        ..pb::NewEvent::default()
    };
    let request = pb::AppendToStreamRequest {
        stream: "s".into(),
        events: vec![event],
        recorded_at,
        ..pb::AppendToStreamRequest::default()
    };
    let appended = server.stub().append_to_stream(request).await?;
    Ok(appended.into_inner())
}

async fn times_are_refused_unless_the_server_was_told_to_take_them(server: Server) {
    let refused = append_at(&server, at(1_700_000_000, 0)).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(Refusal::of_status(&refused).reason, "RECORDED_TIME_NOT_ACCEPTED");
    assert!(refused.message().contains("--accept-recorded-times"), "{refused}");
    assert!(log(&server).await.is_empty());
    let file = server.folder().join("one.ndjson");
    let line = r#"{"stream":"s","type":"T","data":1,"time":"2024-05-01T09:30:00Z"}"#;
    fs::write(&file, line).unwrap();
    let import = [
        "import",
        file.to_str().unwrap(),
        "--keep-recorded-times",
        "--renumber",
    ];
    let failed = Cli::of(&server).run(import).expect_code(1);
    assert!(
        failed
            .stderr
            .contains("start the server with --accept-recorded-times"),
        "{}",
        failed.stderr
    );
}

async fn times_never_go_backwards_nor_beyond_now(server: Server) {
    let server = accepting(server.engine());
    let first = append_at(&server, at(1_700_000_000, 123_456_000)).await.unwrap();
    assert_eq!(first.recorded_at, at(1_700_000_000, 123_456_000));
    let same = append_at(&server, at(1_700_000_000, 123_456_000)).await.unwrap();
    assert_eq!(same.recorded_at, first.recorded_at);
    for time in [at(1_700_000_000, 123_455_000), at(0, 0), at(4_000_000_000, 0)] {
        let refused = append_at(&server, time).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        let refusal = Refusal::of_status(&refused);
        assert_eq!(refusal.reason, "RECORDED_TIME_OUT_OF_RANGE");
        let detail: pb::RecordedTimeOutOfRange = refusal.detail("annals.v1.RecordedTimeOutOfRange");
        assert_eq!((detail.recorded_at, detail.earliest), (time, first.recorded_at));
    }
    for time in [
        at(-1, 0),
        at(0, 1),
        at(1_700_000_001, 1_000_000_000),
        at(1 << 60, 0),
        at(1_700_000_001, -1_000),
    ] {
        let refused = append_at(&server, time).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{time:?}");
        assert_eq!(Refusal::of_status(&refused).reason, "INVALID_FIELD");
    }
    let now = append_at(&server, None).await.unwrap();
    assert!(now.recorded_at.unwrap().seconds > 1_700_000_000);
    let back = append_at(&server, at(1_700_000_001, 0)).await.unwrap_err();
    assert_eq!(Refusal::of_status(&back).reason, "RECORDED_TIME_OUT_OF_RANGE");
    assert_eq!(log(&server).await.len(), 3);
}

async fn a_line_that_can_not_be_moved_ends_it(server: Server) {
    let there = accepting(server.engine());
    let file = there.folder().join("bad.ndjson");
    let line =
        |n: u32, time: &str| format!("{{\"stream\":\"s\",\"type\":\"T\",\"data\":{n},\"time\":{time}}}\n");
    let lines = [
        line(1, "\"2024-05-01T09:30:00Z\""),
        line(2, "\"yesterday\""),
        line(3, "\"2024-05-01T09:31:00Z\""),
    ];
    fs::write(&file, lines.concat()).unwrap();
    let import = [
        "import",
        file.to_str().unwrap(),
        "--keep-recorded-times",
        "--renumber",
    ];
    let failed = Cli::of(&there).run(import).expect_code(1);
    assert!(
        failed.stderr.contains("line 2") && failed.stderr.contains("yesterday"),
        "{}",
        failed.stderr
    );
    assert_eq!(log(&there).await.len(), 1);
    // In a file without positions every line is a separate append; once corrected, the import continues.
    fs::write(
        &file,
        lines.concat().replace("yesterday", "2024-05-01T09:30:30.5Z"),
    )
    .unwrap();
    let _ = Cli::of(&there).run(import).expect_code(0);
    let times: Vec<_> = log(&there)
        .await
        .iter()
        .map(|event| event.recorded_at.to_string())
        .collect();
    assert_eq!(
        times,
        [
            "2024-05-01T09:30:00Z",
            "2024-05-01T09:30:30.5Z",
            "2024-05-01T09:31:00Z"
        ]
    );
}
