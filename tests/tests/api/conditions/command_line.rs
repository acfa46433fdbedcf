//! Appends with checks from the command line.

use annals_tests::{
    harness::{Cli, Server},
    on_every_engine,
};
use serde_json::json;

on_every_engine!(
    the_command_line_expects_of_other_streams_and_of_the_log,
    the_command_line_appends_a_file_all_or_none,
);

async fn the_command_line_expects_of_other_streams_and_of_the_log(server: Server) {
    let cli = Cli::of(&server);
    let append = |stream: &str, more: &[&str]| {
        let arguments = [&["append", stream, "--type", "Booked", "--data", "{}"], more].concat();
        cli.run(arguments)
    };
    let _ = append("customer-7", &[]).expect_code(0);
    let booked = append(
        "booking-1",
        &[
            "--tag",
            "seat:12A",
            "--no-match-tag",
            "seat:12A",
            "--expect",
            "customer-7=0",
        ],
    );
    let printed = booked.expect_code(0).json_lines().remove(0);
    assert_eq!(
        (&printed["stream"], &printed["revision"], &printed["position"]),
        (&json!("booking-1"), &json!(0), &json!(2))
    );
    let again = append(
        "booking-2",
        &["--no-match-tag", "seat:12A", "--no-match-type", "Booked"],
    );
    let again = again.expect_code(4);
    assert!(
        again
            .stderr
            .contains("the event at position 2 matches, and none should after 0"),
        "{}",
        again.stderr
    );
    assert!(
        again.stderr.contains("annals read --all --from 2 --limit 1"),
        "{}",
        again.stderr
    );
    let _ = append("booking-2", &["--no-match-tag", "seat:12A", "--after", "2"]).expect_code(0);
    let _ = append("booking-3", &["--no-match-stream", "booking-4"]).expect_code(0);
    let both = append(
        "booking-4",
        &[
            "--expect",
            "stream-exists",
            "--expect",
            "customer-7=no-stream",
            "--expect",
            "a=any",
        ],
    );
    let both = both.expect_code(4);
    for said in [
        "check 0: stream \"booking-4\" was expected to be a stream that exists, but it has no events",
        "check 1: stream \"customer-7\" was expected to be no stream, but it is at revision 0",
    ] {
        assert!(both.stderr.contains(said), "{}", both.stderr);
    }
    let _ = append("s", &["--no-match-tag", "x", "--after", "999"]).expect_code(3);
    let _ = append("s", &["--expect", "0", "--expect", "s=1"]).expect_code(2);
    assert_eq!(cli.run(["read", "--all"]).json_lines().len(), 4);
}

async fn the_command_line_appends_a_file_all_or_none(server: Server) {
    let cli = Cli::of(&server);
    let line = |stream: &str, more: &str| {
        format!("{{\"stream\":\"{stream}\",\"type\":\"Entered\",\"data\":1{more}}}\n")
    };
    let id = "0190a3c2-7d5e-7b3a-9c1f-2e4d6f8a0b1c";
    let file = [
        line("account-1", &format!(",\"id\":\"{id}\",\"tags\":[\"x\"]")),
        line("account-2", ""),
        line("account-2", ",\"metadata\":{\"by\":\"ada\"}"),
        "\n".to_owned(),
        line("account-1", ""),
    ]
    .concat();
    let run = |more: &[&str], file: &str| {
        cli.run_with([&["append", "--atomic", "-"], more].concat(), file.as_bytes())
    };
    let expect = [
        "--expect",
        "account-1=no-stream",
        "--expect",
        "account-2=no-stream",
    ];
    let printed = run(&expect, &file).expect_code(0).json_lines().remove(0);
    assert_eq!(
        printed["streams"],
        json!([
            {"stream": "account-1", "first_revision": 0, "last_revision": 1},
            {"stream": "account-2", "first_revision": 0, "last_revision": 1},
        ])
    );
    assert_eq!(
        (&printed["first_position"], &printed["last_position"]),
        (&json!(1), &json!(4))
    );
    let log = cli.run(["read", "--all"]).json_lines();
    let streams: Vec<_> = log
        .iter()
        .map(|event| event["stream"].as_str().unwrap())
        .collect();
    assert_eq!(streams, ["account-1", "account-2", "account-2", "account-1"]);
    assert_eq!(
        (&log[0]["id"], &log[0]["tags"], &log[2]["metadata"]),
        (&json!(id), &json!(["x"]), &json!({"by": "ada"}))
    );
    // A failed append writes nothing, and an invalid line is reported.
    let other = [line("account-3", ""), line("account-1", "")].concat();
    let refused = run(&["--expect", "account-1=0"], &other).expect_code(4);
    assert!(refused.stderr.contains("is at revision 1"), "{}", refused.stderr);
    let refused = run(&["--no-match-tag", "x"], &other).expect_code(4);
    assert!(
        refused.stderr.contains("the event at position 1 matches"),
        "{}",
        refused.stderr
    );
    let wrong = run(
        &[],
        &[line("account-3", ""), line("account-3", ",\"more\":1")].concat(),
    );
    let wrong = wrong.expect_code(2);
    assert!(wrong.stderr.contains("-:2: "), "{}", wrong.stderr);
    let _ = run(&["--expect", "0"], &other).expect_code(2);
    let _ = run(&[], "").expect_code(2);
    assert_eq!(cli.run(["read", "--all"]).json_lines().len(), 4);
    // Exported events with their ids are the same append again, but only all of them together.
    let exported = cli.run(["export", "-"]).expect_code(0).stdout;
    let again = run(&expect, &exported).expect_code(0).json_lines().remove(0);
    assert_eq!(again["already_appended"], json!(true));
    let first = exported.split_inclusive('\n').next().unwrap();
    let _ = run(&expect, &[first, &line("account-2", "")].concat()).expect_code(4);
}
