//! Moves of a whole log, with its settings and snapshots.

use std::fs;

use annals_client::{Event, ExpectedRevision};
use annals_tests::{
    harness::{Cli, Server},
    on_every_engine,
};

use super::{accepting, append_at, content, export, fill, log, move_to};

on_every_engine!(
    a_moved_log_is_the_same_and_moving_it_again_adds_nothing,
    what_is_removed_set_and_kept_beside_a_log_is_moved_with_it,
    what_can_not_be_moved_exactly_is_refused_before_anything_is_written,
    a_retry_of_an_append_made_before_the_move_is_known_after_it,
);

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
