//! Recorded times that a server accepts, and those it refuses.

use std::fs;

use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Cli, Refusal, Server},
    on_every_engine,
};
use prost_types::Timestamp;
use tonic::Code;

use super::{accepting, append_at, log};

on_every_engine!(
    times_are_refused_unless_the_server_was_told_to_take_them,
    times_never_go_backwards_nor_beyond_now,
    a_line_that_can_not_be_moved_ends_it,
);

fn at(seconds: i64, nanos: i32) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos })
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
