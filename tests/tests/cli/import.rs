//! `annals import`: everything that it imported is stored in order, at dense positions and revisions, once and
//! durably. With generated events always, and with the file of real ones where it is available.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use annals_tests::{
    harness::{Cli, Engine, Server, sample},
    on_every_engine, on_every_engine_that_persists, tests_that_need,
};
use serde_json::{Value, json};

on_every_engine!(
    what_was_imported_is_read_back_in_file_order,
    importing_again_adds_nothing,
    importing_a_file_that_has_grown_adds_only_what_is_new,
    importing_the_own_export_of_a_log_adds_nothing_whatever_its_appends_expected,
    a_subscription_gives_what_a_read_gives_from_any_place_and_of_any_type,
    bad_lines_are_named_and_cost_none_of_the_good_ones,
);
on_every_engine_that_persists!(
    after_a_restart_all_is_the_same,
    after_being_killed_all_is_the_same
);
tests_that_need!(foundationdb: foundationdb_holds_what_the_embedded_engine_holds);

/// A file to import, and its contents.
struct Input {
    path: PathBuf,
    lines: Vec<Value>,
    /// The type of the first event of every stream.
    first_type: &'static str,
}

impl Input {
    /// Generated events, and real ones where they are available.
    fn all(server: &Server) -> Vec<Input> {
        let path = server.folder().join("cases.ndjson");
        let lines = sample::cases(2_000, 7);
        sample::write_lines(&path, &lines);
        let generated = Input {
            path,
            lines,
            first_type: sample::FIRST_TYPE,
        };
        let real = sample::real_events().map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let lines = text
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            Input {
                path,
                lines,
                first_type: "Confirmation of receipt",
            }
        });
        [Some(generated), real].into_iter().flatten().collect()
    }

    fn streams(&self) -> HashSet<&str> {
        self.lines
            .iter()
            .map(|line| line["stream"].as_str().unwrap())
            .collect()
    }

    fn import(&self, cli: &Cli) -> Value {
        let mut printed = cli
            .run(["import", self.path.to_str().unwrap()])
            .expect_code(0)
            .json_lines();
        assert_eq!(printed.len(), 1, "{printed:?}");
        printed.remove(0)
    }
}

/// Runs a case with a new server for each input, so that positions count from 1.
fn with_each_input(server: &Server, case: impl Fn(&Server, &Input)) {
    for input in Input::all(server) {
        let server = Server::start(server.engine());
        case(&server, &input);
    }
}

fn read_all(cli: &Cli) -> Vec<Value> {
    cli.run(["read", "--all", "--format", "ndjson"])
        .expect_code(0)
        .json_lines()
}

#[track_caller]
fn assert_is_the_file(events: &[Value], lines: &[Value]) {
    assert_eq!(events.len(), lines.len());
    let mut revisions: BTreeMap<&str, u64> = BTreeMap::new();
    for ((position, event), line) in (1..).zip(events).zip(lines) {
        let stream = line["stream"].as_str().unwrap();
        let revision = revisions.entry(stream).or_default();
        assert_eq!(event["position"], json!(position), "{event}");
        assert_eq!(event["revision"], json!(*revision), "{event}");
        *revision += 1;
        assert_eq!(event["stream"], line["stream"]);
        assert_eq!(event["type"], line["type"]);
        assert_eq!(event["data"], line["data"]);
        assert_eq!(event["metadata"], json!({"original_time": line["time"]}));
        assert_eq!(event["tags"], json!([]));
        let keys: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "position", "stream", "revision", "id", "type", "time", "data", "metadata", "tags"
            ]
        );
    }
}

async fn what_was_imported_is_read_back_in_file_order(server: Server) {
    with_each_input(&server, |server, input| {
        let cli = Cli::of(server);
        let summary = input.import(&cli);
        let (events, streams) = (input.lines.len(), input.streams().len());
        println!("{}: {events} events, {streams} streams", input.path.display());
        if input.path.ends_with("receipt.ndjson") {
            assert_eq!((events, streams), (8_577, 1_434));
        }
        assert_eq!(
            summary,
            json!({"imported": events, "already_there": 0, "bad": 0, "streams": streams})
        );
        assert_is_the_file(&read_all(&cli), &input.lines);
        let listed = cli.run(["streams"]).expect_code(0).json_lines();
        assert_eq!(listed.len(), streams);
        let names: Vec<&str> = listed
            .iter()
            .map(|stream| stream["stream"].as_str().unwrap())
            .collect();
        assert!(
            names.is_sorted(),
            "streams are listed in the order of their names"
        );
    });
}

async fn importing_again_adds_nothing(server: Server) {
    with_each_input(&server, |server, input| {
        let cli = Cli::of(server);
        input.import(&cli);
        let before = read_all(&cli);
        let summary = input.import(&cli);
        let (events, streams) = (input.lines.len(), input.streams().len());
        assert_eq!(
            summary,
            json!({"imported": 0, "already_there": events, "bad": 0, "streams": streams})
        );
        assert_eq!(read_all(&cli), before);
    });
}

async fn importing_a_file_that_has_grown_adds_only_what_is_new(server: Server) {
    let cli = Cli::of(&server);
    let mut input = Input::all(&server).swap_remove(0);
    let all = std::mem::take(&mut input.lines);
    input.lines = all[..1_500].to_vec();
    sample::write_lines(&input.path, &input.lines);
    input.import(&cli);
    input.lines = all;
    sample::write_lines(&input.path, &input.lines);
    let summary = input.import(&cli);
    assert_eq!(
        (&summary["imported"], &summary["already_there"]),
        (&json!(500), &json!(1_500))
    );
    assert_is_the_file(&read_all(&cli), &input.lines);
}

async fn importing_the_own_export_of_a_log_adds_nothing_whatever_its_appends_expected(server: Server) {
    use annals_client::{Append, Event, ExpectedRevision as Expected, Revision};
    let (client, cli) = (server.client(), Cli::of(&server));
    let event = |n: u32| Event::json("Counted", &n).unwrap();
    for (n, expected) in [
        Expected::NoStream,
        Expected::Exactly(Revision(0)),
        Expected::StreamExists,
        Expected::Any,
    ]
    .into_iter()
    .enumerate()
    {
        client.append("s", expected, [event(n as u32)]).await.unwrap();
    }
    let to_many = Append::new()
        .write("s", [event(4)])
        .write("t", [event(5), event(6)])
        .expect_stream("s", Expected::Exactly(Revision(3)))
        .expect_stream("t", Expected::NoStream);
    client.append_to_many(to_many).await.unwrap();
    client
        .append("deleted", Expected::NoStream, [event(7)])
        .await
        .unwrap();
    let _ = cli.run(["retention", "t", "--max-count", "5"]).expect_code(0);
    let whole = server.folder().join("whole.ndjson");
    let part = server.folder().join("part.ndjson");
    let _ = cli.run(["export", whole.to_str().unwrap()]).expect_code(0);
    let _ = cli
        .run(["export", part.to_str().unwrap(), "--stream-prefix", "s"])
        .expect_code(0);
    // A later deletion or change remains.
    let _ = cli.run(["delete", "deleted"]).expect_code(0);
    let _ = cli.run(["retention", "t", "--max-count", "7"]).expect_code(0);
    let before = (read_all(&cli), cli.run(["retention", "t"]).stdout);
    for (file, events) in [(&whole, 9), (&part, 5)] {
        let summary = cli
            .run(["import", file.to_str().unwrap()])
            .expect_code(0)
            .json_lines()
            .remove(0);
        assert_eq!(
            (&summary["imported"], &summary["already_there"], &summary["bad"]),
            (&json!(0), &json!(events), &json!(0)),
            "{}",
            file.display()
        );
        assert_eq!((read_all(&cli), cli.run(["retention", "t"]).stdout), before);
    }
}

async fn a_subscription_gives_what_a_read_gives_from_any_place_and_of_any_type(server: Server) {
    with_each_input(&server, |server, input| {
        let cli = Cli::of(server);
        input.import(&cli);
        let all = read_all(&cli);
        let subscribe = ["subscribe", "--all", "--until-caught-up", "--format", "ndjson"];
        assert_eq!(cli.run(subscribe).expect_code(0).json_lines(), all);

        for after in [0, 1, 1_234, all.len() - 1, all.len()] {
            let followed = cli.run([&subscribe[..], &["--after", &after.to_string()]].concat());
            assert_eq!(
                followed.expect_code(0).json_lines(),
                all[after..],
                "after {after}"
            );
        }
        let beyond = (all.len() + 1).to_string();
        let refused = cli
            .run([&subscribe[..], &["--after", &beyond]].concat())
            .expect_code(3);
        assert!(refused.stderr.contains(&beyond), "{}", refused.stderr);

        let wanted: Vec<Value> = all
            .into_iter()
            .filter(|event| event["type"] == input.first_type)
            .collect();
        // The first event of every stream has this type, and no other event has it.
        assert_eq!(wanted.len(), input.streams().len());
        let of_type = ["--type", input.first_type];
        assert_eq!(
            cli.run([&subscribe[..], &of_type].concat())
                .expect_code(0)
                .json_lines(),
            wanted
        );
        let read = ["read", "--all", "--format", "ndjson"];
        assert_eq!(
            cli.run([&read[..], &of_type].concat())
                .expect_code(0)
                .json_lines(),
            wanted
        );
    });
}

async fn bad_lines_are_named_and_cost_none_of_the_good_ones(server: Server) {
    let cli = Cli::of(&server);
    let mut file: Vec<u8> = Vec::new();
    let good = |n: u32| format!("{{\"stream\":\"s\",\"type\":\"T\",\"data\":{n}}}\n").into_bytes();
    let mut bad = Vec::new();
    let mut number = 0;
    let cases: [(&[u8], &str); 10] = [
        (b"{", "EOF"),
        (b"not json at all", "valid"),
        (b"{\"type\":\"T\",\"data\":1}", "\"stream\" is missing"),
        (b"{\"stream\":\"s\",\"data\":1}", "\"type\" is missing"),
        (b"{\"stream\":\"s\",\"type\":\"T\"}", "\"data\" is missing"),
        (b"{\"stream\":\"\",\"type\":\"T\",\"data\":1}", "stream"),
        (b"{\"stream\":\"$s\",\"type\":\"T\",\"data\":1}", "$"),
        (
            b"{\"stream\":\"s\",\"type\":\"T\",\"data\":1,\"id\":\"7\"}",
            "UUID",
        ),
        (b"{\"stream\":\"s\xff\",\"type\":\"T\",\"data\":1}", "unicode"),
        (
            b"{\"stream\":\"s\",\"type\":\"T\",\"data\":1,\"colour\":2}",
            "colour",
        ),
    ];
    for (line, reason) in cases {
        file.extend(good(number));
        file.extend(line);
        file.push(b'\n');
        number += 2;
        bad.push((number, reason));
    }
    let huge = format!(
        "{{\"stream\":\"s\",\"type\":\"T\",\"data\":\"{}\"}}\n",
        "x".repeat((1 << 20) + 1)
    );
    file.extend(huge.into_bytes());
    bad.push((number + 1, "1048576"));
    file.extend(good(99));
    let imported = cli.run_with(["import", "-"], &file).expect_code(1);
    for (line, reason) in &bad {
        let said = imported
            .stderr
            .lines()
            .find(|said| said.contains(&format!(":{line}: ")));
        let said = said.unwrap_or_else(|| panic!("line {line} is not named: {}", imported.stderr));
        assert!(said.contains(reason), "line {line}: {said}");
    }
    let summary = &imported.json_lines()[0];
    assert_eq!(
        (&summary["imported"], &summary["bad"]),
        (&json!(11), &json!(bad.len()))
    );
    let data: Vec<Value> = read_all(&cli)
        .into_iter()
        .map(|event| event["data"].clone())
        .collect();
    let expected: Vec<Value> = (0..10).map(|n| json!(n * 2)).chain([json!(99)]).collect();
    assert_eq!(data, expected);
    let missing = cli
        .run(["import", Path::new("no-such-file").to_str().unwrap()])
        .expect_code(1);
    assert!(missing.stderr.contains("no-such-file"), "{}", missing.stderr);
}

/// Positions, revisions and bytes do not depend on the engine.
async fn foundationdb_holds_what_the_embedded_engine_holds() {
    for input in Input::all(&Server::start(Engine::Memory)) {
        let [embedded, cluster] = [Engine::Embedded, Engine::FoundationDb].map(|engine| {
            let server = Server::start(engine);
            let cli = Cli::of(&server);
            let summary = input.import(&cli);
            let mut events = read_all(&cli);
            for event in &mut events {
                // Only the recorded times may differ.
                event.as_object_mut().unwrap().remove("time");
            }
            (summary, events)
        });
        assert_eq!(embedded.1.len(), input.lines.len());
        assert_eq!(cluster, embedded);
    }
}

async fn after_a_restart_all_is_the_same(server: Server) {
    survives(server, Server::restart);
}

async fn after_being_killed_all_is_the_same(server: Server) {
    survives(server, |server| {
        server.kill();
        server.start_again();
    });
}

fn survives(server: Server, end_and_start: fn(&mut Server)) {
    for input in Input::all(&server) {
        let mut server = Server::start(server.engine());
        let cli = Cli::of(&server);
        input.import(&cli);
        let subscribe = ["subscribe", "--all", "--until-caught-up", "--format", "ndjson"];
        let info = |cli: &Cli| {
            let info = cli.run(["info"]).expect_code(0).json_lines().remove(0);
            (info["store_id"].clone(), info["head"].clone())
        };
        let before = (info(&cli), read_all(&cli), cli.run(["streams"]).stdout);
        end_and_start(&mut server);
        assert_eq!((info(&cli), read_all(&cli), cli.run(["streams"]).stdout), before);
        assert_eq!(cli.run(subscribe).expect_code(0).json_lines(), before.1);
        let summary = input.import(&cli);
        assert_eq!(
            (&summary["imported"], &summary["already_there"]),
            (&json!(0), &json!(input.lines.len()))
        );
        assert_eq!(read_all(&cli), before.1);
    }
}
