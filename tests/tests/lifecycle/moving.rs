//! Exports and imports a log with retention settings.

use annals_client::{Error, ExpectedRevision as Expected, Retention};
use annals_tests::{
    harness::{Cli, Options, Server, sample::event},
    on_every_engine,
};
use serde_json::json;

use super::{append, read};

on_every_engine!(
    an_imported_log_is_kept_as_the_one_it_comes_from,
    a_moved_log_is_kept_as_the_one_it_comes_from,
    lines_that_pretend_to_be_of_the_store_are_refused,
);

/// Streams of every kind, and the file to which they are exported.
async fn exported(server: &Server) -> String {
    let client = server.client();
    append(&client, "counted", &["A", "B", "C"]).await;
    append(&client, "deleted", &["D"]).await;
    append(&client, "ended", &["E"]).await;
    append(&client, "again", &["F"]).await;
    client
        .set_retention("counted", Retention::new().max_count(2))
        .await
        .unwrap();
    client
        .set_prefix_retention("count", Retention::new().max_count(9))
        .await
        .unwrap();
    client.delete_stream("deleted", Expected::Any).await.unwrap();
    client.tombstone_stream("ended", Expected::Any).await.unwrap();
    client.delete_stream("again", Expected::Any).await.unwrap();
    append(&client, "again", &["G", "H"]).await;
    let file = server.folder().join("log.ndjson");
    let file = file.to_str().unwrap().to_owned();
    let _ = Cli::of(server).run(["export", &file]).expect_code(0);
    file
}

async fn is_kept_there(there: &Server) {
    let client = there.client();
    let kinds = |events: Vec<annals_client::RecordedEvent>| -> Vec<String> {
        events.into_iter().map(|event| event.event_type).collect()
    };
    assert_eq!(kinds(read(&client, "counted").await), ["B", "C"]);
    assert_eq!(
        client.retention("counted").await.unwrap().retention,
        Retention::new().max_count(2)
    );
    let prefixes = client.prefix_retentions().await.unwrap();
    assert_eq!(prefixes.len(), 1);
    assert_eq!(
        (prefixes[0].prefix.as_str(), prefixes[0].retention),
        ("count", Retention::new().max_count(9))
    );
    assert_eq!(kinds(read(&client, "again").await), ["G", "H"]);
    let missing = client.read_stream("deleted").await.unwrap_err();
    assert!(matches!(missing, Error::StreamNotFound { .. }), "{missing}");
    let refused = client
        .append("ended", Expected::Any, [event("X")])
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::StreamTombstoned { .. }), "{refused}");
}

async fn an_imported_log_is_kept_as_the_one_it_comes_from(server: Server) {
    let file = exported(&server).await;
    let there = Server::start(server.engine());
    for imported in [4, 0] {
        let summary = Cli::of(&there)
            .run(["import", &file, "--renumber"])
            .expect_code(0)
            .json_lines()
            .remove(0);
        assert_eq!(summary["imported"], json!(imported), "{summary}");
        assert_eq!(summary["retention_set"], json!(3), "{summary}");
        is_kept_there(&there).await;
    }
}

async fn a_moved_log_is_kept_as_the_one_it_comes_from(server: Server) {
    let file = exported(&server).await;
    let there = Options::new(server.engine())
        .set("--accept-recorded-times", "true")
        .start();
    let moved = read(&server.client(), "again").await;
    // Including the events that state the retention of streams and of a prefix.
    for imported in [9, 0] {
        let import = ["import", &file, "--keep-recorded-times"];
        let summary = Cli::of(&there).run(import).expect_code(0).json_lines().remove(0);
        assert_eq!(summary["imported"], json!(imported), "{summary}");
        is_kept_there(&there).await;
        let same = |events: Vec<annals_client::RecordedEvent>| -> Vec<_> {
            events
                .into_iter()
                .map(|event| (event.id, event.recorded_at))
                .collect()
        };
        assert_eq!(same(read(&there.client(), "again").await), same(moved.clone()));
    }
}

async fn lines_that_pretend_to_be_of_the_store_are_refused(server: Server) {
    let cli = Cli::of(&server);
    let lines = concat!(
        r#"{"stream":"$$s","type":"Mine","data":{}}"#,
        "\n",
        r#"{"stream":"$$s","type":"$retention-set","data":{"colour":"blue"}}"#,
        "\n",
        r#"{"stream":"$$s","type":"$retention-set","data":[1]}"#,
        "\n",
        r#"{"stream":"s","type":"T","data":1}"#,
        "\n",
    );
    let import = cli.run_with(["import", "-"], lines.as_bytes()).expect_code(1);
    let summary = import.json_lines().remove(0);
    assert_eq!(
        (&summary["imported"], &summary["bad"]),
        (&json!(1), &json!(3)),
        "{summary}"
    );
    for told in [
        "standard input:1: ",
        "\"Mine\"",
        "standard input:2: ",
        "colour",
        "standard input:3: ",
    ] {
        assert!(import.stderr.contains(told), "{told}: {}", import.stderr);
    }
    assert_eq!(server.client().retention("s").await.unwrap().version, 0);
}
