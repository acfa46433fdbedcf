//! `annals retention`, `annals delete`, `annals tombstone`.

use annals_tests::{
    harness::{Cli, Server},
    on_every_engine,
};
use serde_json::{Value, json};

use super::append;

on_every_engine!(
    what_is_kept_is_shown_and_changed_option_by_option,
    changes_that_are_refused_end_with_their_code,
    streams_are_deleted_and_tombstoned,
    what_is_kept_of_a_prefix_is_shown_changed_and_listed,
);

fn one(cli: &Cli, arguments: &[&str]) -> Value {
    cli.run(arguments).expect_code(0).json_lines().remove(0)
}

fn kept(count: Option<u64>, age_seconds: Option<u64>, before: u64, version: u64) -> Value {
    json!({
        "stream": "order-1",
        "max_count": count,
        "max_age_seconds": age_seconds,
        "truncate_before": before,
        "version": version,
        "tombstoned": false,
    })
}

async fn what_is_kept_is_shown_and_changed_option_by_option(server: Server) {
    let cli = Cli::of(&server);
    append(&server.client(), "order-1", &["A", "B", "C"]).await;
    let retention = |more: &[&str]| one(&cli, &[&["retention", "order-1"], more].concat());
    assert_eq!(retention(&[]), kept(None, None, 0, 0));
    assert_eq!(retention(&["--max-count", "2"]), kept(Some(2), None, 0, 1));
    assert_eq!(
        retention(&["--max-age", "30d"]),
        kept(Some(2), Some(2_592_000), 0, 2)
    );
    assert_eq!(
        retention(&["--truncate-before", "2"]),
        kept(Some(2), Some(2_592_000), 2, 3)
    );
    assert_eq!(
        retention(&["--clear", "--max-count", "1"]),
        kept(Some(1), None, 2, 4)
    );
    assert_eq!(retention(&["--clear"]), kept(None, None, 2, 5));
    assert_eq!(
        retention(&["--max-age", "90s", "--expect-version", "5"]),
        kept(None, Some(90), 2, 6)
    );
    let table = cli
        .run(["retention", "order-1", "--format", "table"])
        .expect_code(0)
        .stdout;
    let shown = [
        "stream           order-1",
        "max count        any",
        "max age          1m30s",
        "truncate before  2",
        "version          6",
    ];
    assert_eq!(table.lines().collect::<Vec<_>>(), shown);
    let stream = one(&cli, &["stream", "order-1"]);
    assert_eq!(
        (&stream["first_revision"], &stream["max_age_seconds"]),
        (&json!(2), &json!(90))
    );
}

async fn changes_that_are_refused_end_with_their_code(server: Server) {
    let cli = Cli::of(&server);
    append(&server.client(), "order-1", &["A", "B"]).await;
    let cases: [(&[&str], i32, &str); 15] = [
        (
            &[
                "retention",
                "order-1",
                "--max-count",
                "1",
                "--expect-version",
                "7",
            ],
            4,
            "version 7",
        ),
        (
            &["retention", "order-1", "--truncate-before", "3"],
            3,
            "revision 3",
        ),
        (&["retention", "order-1", "--max-count", "0"], 2, "0"),
        (&["retention", "order-1", "--max-age", "soon"], 2, "30d"),
        (&["retention", "$$order-1", "--max-count", "1"], 2, "$"),
        (&["delete", "order-1", "--expect", "0"], 4, "is at revision 1"),
        (&["delete", "order-2"], 3, "order-2"),
        (&["tombstone", "order-1", "--expect", "0"], 4, "is at revision 1"),
        (&["delete"], 2, "STREAM"),
        (&["retention"], 2, "STREAM"),
        (&["retention", "order-1", "--prefix", "order-"], 2, "--prefix"),
        (
            &["retention", "--prefix", "order-", "--truncate-before", "1"],
            2,
            "--truncate-before",
        ),
        (&["retention", "--prefix", "$order-", "--max-count", "1"], 2, "$"),
        (&["retention", "--prefix", "", "--max-count", "1"], 2, "empty"),
        (
            &[
                "retention",
                "--prefix",
                "order-",
                "--max-count",
                "1",
                "--expect-version",
                "7",
            ],
            4,
            "annals retention --prefix",
        ),
    ];
    for (arguments, code, told) in cases {
        let refused = cli.run(arguments).expect_code(code);
        assert!(refused.stderr.contains(told), "{arguments:?}: {}", refused.stderr);
        assert_eq!(refused.stdout, "");
    }
}

async fn streams_are_deleted_and_tombstoned(server: Server) {
    let cli = Cli::of(&server);
    append(&server.client(), "order-1", &["A", "B"]).await;
    let deleted =
        |already| json!({"stream": "order-1", "last_revision": 1, "position": 3, "already_deleted": already});
    assert_eq!(one(&cli, &["delete", "order-1", "--expect", "1"]), deleted(false));
    assert_eq!(one(&cli, &["delete", "order-1", "--expect", "1"]), deleted(true));
    let table = cli
        .run(["delete", "order-1", "--format", "table"])
        .expect_code(0)
        .stdout;
    assert!(table.contains("was deleted before"), "{table}");
    assert!(
        cli.run(["read", "order-1"])
            .expect_code(3)
            .stderr
            .contains("does not exist")
    );
    let ended = |already| json!({"stream": "order-1", "position": 4, "already_tombstoned": already});
    assert_eq!(one(&cli, &["tombstone", "order-1"]), ended(false));
    assert_eq!(one(&cli, &["tombstone", "order-1"]), ended(true));
    let refused = cli
        .run(["append", "order-1", "--type", "C", "--data", "{}"])
        .expect_code(3);
    assert!(refused.stderr.contains("permanently"), "{}", refused.stderr);
    assert_eq!(one(&cli, &["retention", "order-1"])["tombstoned"], json!(true));
}

async fn what_is_kept_of_a_prefix_is_shown_changed_and_listed(server: Server) {
    let cli = Cli::of(&server);
    append(&server.client(), "session-1", &["A", "B", "C"]).await;
    let kept = |prefix: &str, count: Option<u64>, age_seconds: Option<u64>, version: u64| {
        json!({
            "prefix": prefix,
            "max_count": count,
            "max_age_seconds": age_seconds,
            "version": version,
        })
    };
    let retention = |more: &[&str]| one(&cli, &[&["retention", "--prefix", "session-"], more].concat());
    assert_eq!(retention(&[]), kept("session-", None, None, 0));
    assert_eq!(
        retention(&["--max-age", "30d"]),
        kept("session-", None, Some(2_592_000), 1)
    );
    assert_eq!(
        retention(&["--max-count", "2"]),
        kept("session-", Some(2), Some(2_592_000), 2)
    );
    let stream = one(&cli, &["stream", "session-1"]);
    assert_eq!(
        (&stream["first_revision"], &stream["retention_prefix"]),
        (&json!(1), &json!("session-"))
    );
    one(&cli, &["retention", "--prefix", "order-", "--max-count", "7"]);
    let listed = cli.run(["retention", "--prefixes"]).expect_code(0).json_lines();
    assert_eq!(
        listed,
        [
            kept("order-", Some(7), None, 1),
            kept("session-", Some(2), Some(2_592_000), 2)
        ]
    );
    assert_eq!(retention(&["--clear"]), kept("session-", None, None, 3));
    let table = cli
        .run(["retention", "--prefixes", "--format", "table"])
        .expect_code(0)
        .stdout;
    let shown = [
        "prefix     order-",
        "max count  7",
        "max age    any",
        "version    1",
    ];
    assert_eq!(table.lines().collect::<Vec<_>>(), shown);
}
