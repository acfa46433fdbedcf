//! The command line as a tool: its output, its arguments, and its exit codes. (`import.rs` covers `import`.)

use std::{
    io::{BufRead, BufReader, Read},
    process::Stdio,
};

use annals_tests::{
    harness::{Cli, Engine, Server, sample},
    on_every_engine,
};
use serde_json::json;

on_every_engine!(
    an_append_that_expects_no_stream_succeeds_once,
    an_append_with_its_id_repeated_succeeds_with_the_first_result,
    conflicts_name_the_expected_and_the_actual_revision,
    the_id_of_another_append_is_a_conflict,
    what_does_not_exist_ends_with_3,
    what_makes_no_sense_ends_with_2,
    reads_and_subscriptions_take_the_same_filters,
    a_subscription_prints_events_as_they_come,
);

fn append<'a>(stream: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["append", stream, "--type", "Placed", "--data", "{}"], more].concat()
}

async fn an_append_that_expects_no_stream_succeeds_once(server: Server) {
    let cli = Cli::of(&server);
    let first = cli
        .run(append("order-1", &["--expect", "no-stream"]))
        .expect_code(0);
    let printed = &first.json_lines()[0];
    assert_eq!(
        (&printed["revision"], &printed["position"]),
        (&json!(0), &json!(1))
    );
    let second = cli
        .run(append("order-1", &["--expect", "no-stream"]))
        .expect_code(4);
    assert!(second.stderr.contains("expected no stream"), "{}", second.stderr);
    assert!(second.stderr.contains("is at revision 0"), "{}", second.stderr);
    assert_eq!(cli.run(["read", "order-1"]).json_lines().len(), 1);
}

async fn an_append_with_its_id_repeated_succeeds_with_the_first_result(server: Server) {
    let cli = Cli::of(&server);
    let id = "0190a3c2-7d5e-7b3a-9c1f-2e4d6f8a0b1c";
    for expect in ["no-stream", "0", "any"] {
        // Each is a different append: revisions 0, 1 and 2.
        let id = format!("{}{}", &id[..35], expect.len());
        let arguments = append("order-1", &["--id", &id, "--expect", expect]);
        let first = cli.run(&arguments).expect_code(0).json_lines().remove(0);
        assert_eq!(first["already_appended"], json!(false));
        let mut second = cli.run(&arguments).expect_code(0).json_lines().remove(0);
        assert_eq!(second["already_appended"], json!(true));
        second["already_appended"] = json!(false);
        assert_eq!(second, first);
    }
    assert_eq!(cli.run(["read", "--all"]).json_lines().len(), 3);
}

async fn conflicts_name_the_expected_and_the_actual_revision(server: Server) {
    let cli = Cli::of(&server);
    let missing = cli
        .run(append("order-1", &["--expect", "stream-exists"]))
        .expect_code(4);
    assert!(missing.stderr.contains("has no events"), "{}", missing.stderr);
    for _ in 0..3 {
        let _ = cli.run(append("order-1", &[])).expect_code(0);
    }
    for expect in ["0", "1", "3", "18446744073709551615"] {
        let refused = cli.run(append("order-1", &["--expect", expect])).expect_code(4);
        let named = format!("expected revision {expect}, but it is at revision 2");
        assert!(refused.stderr.contains(&named), "{}", refused.stderr);
        assert_eq!(refused.stdout, "");
    }
    let _ = cli.run(append("order-1", &["--expect", "2"])).expect_code(0);
}

async fn the_id_of_another_append_is_a_conflict(server: Server) {
    let cli = Cli::of(&server);
    let id = ["--id", "0190a3c2-7d5e-7b3a-9c1f-2e4d6f8a0b1c"];
    let _ = cli.run(append("order-1", &id)).expect_code(0);
    let refused = cli.run(append("order-2", &id)).expect_code(4);
    assert!(
        refused.stderr.contains(id[1]) && refused.stderr.contains("order-1"),
        "{}",
        refused.stderr
    );
}

async fn what_does_not_exist_ends_with_3(server: Server) {
    let cli = Cli::of(&server);
    let _ = cli.run(append("order-1", &[])).expect_code(0);
    let cases: [&[&str]; 6] = [
        &["read", "order-2"],
        &["stream", "order-2"],
        &["read", "--all", "--from", "3"],
        &["read", "order-1", "--from", "2"],
        &["subscribe", "--all", "--after", "2"],
        &["subscribe", "order-1", "--after", "1"],
    ];
    for arguments in cases {
        let refused = cli.run(arguments).expect_code(3);
        assert_eq!(refused.stdout, "", "{arguments:?}");
        assert!(
            refused.stderr.starts_with("error: "),
            "{arguments:?}: {}",
            refused.stderr
        );
    }
}

async fn what_makes_no_sense_ends_with_2(server: Server) {
    let cli = Cli::of(&server);
    let long = "x".repeat(513);
    let cases: [&[&str]; 14] = [
        &[],
        &["sing"],
        &["read"],
        &["read", "--all", "order-1"],
        &["read", "--all", "--limit", "0"],
        &["read", "--all", "--limit", "-1"],
        &["read", "--all", "--from", "0"],
        &["append", "order-1", "--type", "T", "--data", "no json"],
        &["append", "order-1", "--type", "T", "--data", "{}", "--id", "7"],
        &[
            "append", "order-1", "--type", "T", "--data", "{}", "--expect", "perhaps",
        ],
        &["append", "", "--type", "T", "--data", "{}"],
        &["append", "order-1", "--type", "", "--data", "{}"],
        &["append", &long, "--type", "T", "--data", "{}"],
        &["subscribe", "--all", "--after", "1", "--from-end"],
    ];
    for arguments in cases {
        let refused = cli.run(arguments).expect_code(2);
        assert_eq!(refused.stdout, "", "{arguments:?}");
        assert!(!refused.stderr.is_empty(), "{arguments:?}");
    }
    let wrong = Cli::at("ftp://127.0.0.1:1").run(["info"]).expect_code(2);
    assert!(wrong.stderr.contains("ftp://"), "{}", wrong.stderr);
    let path = format!("{}/x", server.endpoint());
    let wrong = Cli::at(&path).run(["info"]).expect_code(2);
    assert_eq!(
        wrong.stderr.trim(),
        format!("error: endpoint {path:?} has a path; write only http://host:port")
    );
    let http = format!("http://{}", server.http_address());
    let wrong = Cli::at(&http).run(["info"]).expect_code(2);
    assert_eq!(
        wrong.stderr.trim(),
        format!(
            "error: {http:?} answers HTTP/1.1: it is the port for health and metrics; gRPC listens on another port \
             (2113 by default)"
        )
    );
    assert_eq!(
        cli.run(["info"]).json_lines()[0]["head"],
        json!(0),
        "nothing was written"
    );
}

async fn reads_and_subscriptions_take_the_same_filters(server: Server) {
    let cli = Cli::of(&server);
    for n in 0..12 {
        let (stream, kind) = (
            ["order-1", "order-2", "user-1"][n % 3],
            ["Placed", "Paid"][n / 3 % 2],
        );
        let data = n.to_string();
        let tag = format!("parity:{}", n % 2);
        let event = ["append", stream, "--type", kind, "--data", &data, "--tag", &tag];
        let _ = cli.run(event).expect_code(0);
    }
    type Wanted = fn(u64) -> bool;
    let cases: [(&[&str], Wanted); 6] = [
        (&["--type", "Paid"], |n| n / 3 % 2 == 1),
        (&["--type", "Paid", "--type", "Placed"], |_| true),
        (&["--type-prefix", "Pl"], |n| n / 3 % 2 == 0),
        (&["--stream-prefix", "order-"], |n| n % 3 < 2),
        (&["--tag", "parity:1", "--stream-prefix", "user-"], |n| {
            n % 2 == 1 && n % 3 == 2
        }),
        (&["--type", "Refunded"], |_| false),
    ];
    for (filter, wanted) in cases {
        let expected: Vec<u64> = (0..12).filter(|n| wanted(*n)).collect();
        let numbers = |arguments: &[&str]| -> Vec<u64> {
            let printed = cli.run([arguments, filter].concat()).expect_code(0).json_lines();
            printed
                .iter()
                .map(|event| event["data"].as_u64().unwrap())
                .collect()
        };
        assert_eq!(numbers(&["read", "--all"]), expected, "{filter:?}");
        assert_eq!(
            numbers(&["subscribe", "--all", "--until-caught-up"]),
            expected,
            "{filter:?}"
        );
        assert_eq!(numbers(&["export"]), expected, "{filter:?}");
        let backwards = numbers(&["read", "--all", "--backwards", "--limit", "2"]);
        let last: Vec<u64> = expected.iter().rev().take(2).copied().collect();
        assert_eq!(backwards, last, "{filter:?}");
    }
}

async fn a_subscription_prints_events_as_they_come(server: Server) {
    let cli = Cli::of(&server);
    let _ = cli.run(append("order-1", &[])).expect_code(0);
    let mut command = cli.command(["subscribe", "--all", "--limit", "3"]);
    let mut following = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    // Each event is printed before the next one is appended, otherwise this would wait indefinitely.
    for position in 1..=3 {
        let line: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(line["position"], json!(position));
        let _ = cli.run(append("order-1", &[])).expect_code(0);
    }
    assert_eq!(following.wait().unwrap().code(), Some(0));
}

#[test]
fn a_server_that_is_not_there_ends_with_5() {
    // A port that was just free, without a listener.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let endpoint = format!("http://{free}");
    let cli = Cli::at(&endpoint);
    let cases: [&[&str]; 3] = [
        &["info"],
        &["read", "--all"],
        &["append", "a", "--type", "T", "--data", "1"],
    ];
    for arguments in cases {
        let refused = cli.run(arguments).expect_code(5);
        assert!(refused.stderr.contains(&endpoint), "{}", refused.stderr);
        assert!(
            refused.stderr.contains("ANNALS_ENDPOINT"),
            "the message states what to do: {}",
            refused.stderr
        );
    }
}

#[test]
fn the_endpoint_is_taken_from_the_environment_too() {
    let server = Server::start(Engine::Memory);
    let mut command = std::process::Command::new(annals_tests::harness::binary("annals"));
    command.arg("info").env("ANNALS_ENDPOINT", server.endpoint());
    let finished = annals_tests::harness::finish(command, &[]).expect_code(0);
    assert_eq!(finished.json_lines()[0]["engine"], json!("memory"));
}

#[test]
fn shells_are_told_how_to_complete() {
    // This needs no server.
    let cli = Cli::at("http://127.0.0.1:1");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = cli.run(["completions", shell]).expect_code(0).stdout;
        for word in ["annals", "subscribe", "until-caught-up"] {
            assert!(script.contains(word), "the script for {shell} lacks {word}");
        }
    }
    let _ = cli.run(["completions", "abacus"]).expect_code(2);
}

#[test]
fn help_of_commands_has_examples() {
    let cli = Cli::at("http://127.0.0.1:1");
    for command in [
        "append",
        "read",
        "subscribe",
        "streams",
        "stream",
        "position-at",
        "retention",
        "delete",
        "tombstone",
        "scavenge",
        "import",
        "export",
        "completions",
    ] {
        let help = cli.run([command, "--help"]).expect_code(0).stdout;
        assert!(help.contains("Examples:"), "{command}: {help}");
    }
    let help = cli.run(["--help"]).expect_code(0).stdout;
    assert!(help.contains("Exit codes:"), "{help}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let server = Server::start(Engine::Memory);
    let cli = Cli::of(&server);
    let file = server.folder().join("cases.ndjson");
    sample::write_lines(&file, &sample::cases(2_000, 3));
    let _ = cli.run(["import", file.to_str().unwrap()]).expect_code(0);
    for arguments in [
        &["read", "--all"][..],
        &["subscribe", "--all"],
        &["export"],
        &["streams"],
    ] {
        let mut command = cli.command(arguments);
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Like `head -n 1`.
        let mut first = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut first)
            .unwrap();
        assert!(first.starts_with('{'), "{arguments:?}: {first}");
        if arguments[0] == "subscribe" {
            // It notices at its next line.
            let _ = cli.run(append("case-1", &[])).expect_code(0);
        }
        let mut said = String::new();
        process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = process.wait().unwrap();
        assert!(
            !said.contains("panicked") && !said.contains("error"),
            "{arguments:?}: {said}"
        );
        assert_eq!(status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn tables_are_printed_instead_of_json() {
    let server = Server::start(Engine::Memory);
    let cli = Cli::of(&server);
    let _ = cli.run(append("order-1", &[])).expect_code(0);
    for arguments in [
        &["read", "--all"][..],
        &["streams"],
        &["stream", "order-1"],
        &["info"],
    ] {
        let table = cli
            .run([arguments, &["--format", "table"]].concat())
            .expect_code(0)
            .stdout;
        assert!(
            !table.starts_with('{') && table.lines().count() >= 2,
            "{arguments:?}: {table}"
        );
    }
}
