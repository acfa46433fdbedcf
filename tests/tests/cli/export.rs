//! `annals export`.

use std::fs;

use annals_tests::{
    harness::{Cli, Engine, Server, sample},
    on_every_engine,
};
use serde_json::Value;

on_every_engine!(an_export_is_what_a_read_prints_and_can_be_imported_elsewhere);

fn read_all(cli: &Cli) -> Vec<Value> {
    let read = ["read", "--all", "--format", "ndjson"];
    cli.run(read).expect_code(0).json_lines()
}

async fn an_export_is_what_a_read_prints_and_can_be_imported_elsewhere(server: Server) {
    let cli = Cli::of(&server);
    let cases = server.folder().join("cases.ndjson");
    sample::write_lines(&cases, &sample::cases(500, 17));
    let _ = cli.run(["import", cases.to_str().unwrap()]).expect_code(0);
    let bytes = [
        "append",
        "case-1",
        "--type",
        "Scanned",
        "--content-type",
        "text/plain",
        "--data",
        "no json",
        "--tag",
        "a:1",
    ];
    let _ = cli.run(bytes).expect_code(0);
    let file = server.folder().join("export.ndjson");
    let exported = cli.run(["export", file.to_str().unwrap()]).expect_code(0);
    assert_eq!(exported.stdout, "");
    let text = fs::read_to_string(&file).unwrap();
    let events: String = text
        .split_inclusive('\n')
        .filter(|line| line.starts_with("{\"position\""))
        .collect();
    assert_eq!(events, cli.run(["read", "--all", "--format", "ndjson"]).stdout);
    let part = cli.run(["export", "--type", "Scanned"]).expect_code(0).stdout;
    assert_eq!(
        part,
        cli.run(["read", "--all", "--type", "Scanned", "--format", "ndjson"])
            .stdout
    );
    assert_eq!(cli.run(["export"]).expect_code(0).stdout, text);

    let elsewhere = Server::start(Engine::Memory);
    let there = Cli::of(&elsewhere);
    let _ = there
        .run(["import", file.to_str().unwrap(), "--renumber"])
        .expect_code(0);
    let without_time = |events: Vec<Value>| -> Vec<Value> {
        let strip = |mut event: Value| {
            event.as_object_mut().unwrap().remove("time");
            if event["type"] == "Scanned" {
                // It had no metadata, so after the import it has the original time.
                event.as_object_mut().unwrap().remove("metadata");
            }
            event
        };
        events.into_iter().map(strip).collect()
    };
    assert_eq!(without_time(read_all(&there)), without_time(read_all(&cli)));
    let again = there
        .run(["import", file.to_str().unwrap(), "--renumber"])
        .expect_code(0)
        .json_lines();
    assert_eq!(again[0]["imported"], 0, "{again:?}");
}
