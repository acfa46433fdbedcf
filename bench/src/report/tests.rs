//! Tests of the table and the JSON report.

use super::*;
use crate::{engine::Engine, load::Latency};

const CALLS: Workload = Workload::Calls {
    clients: 64,
    events: 1,
};
const SESSION: Workload = Workload::Session;
const LIVE: Workload = Workload::Live { per_second: 1_000 };

fn environment() -> Environment {
    Environment {
        cpu_model: "a CPU".to_owned(),
        cores: 2,
        memory_gib: 8.0,
        filesystem: "ext4".to_owned(),
        device: "/dev/vda".to_owned(),
        sync_micros: 500.0,
        kernel: "6.1".to_owned(),
        rustc: "rustc 1.90".to_owned(),
        commit: String::new(),
        load_average: 0.0,
    }
}

fn report(engine: Engine, workload: Workload, annals: &[f64], beside: &[f64]) -> Report {
    report_of(Deployment::single(engine), workload, annals, beside)
}

fn report_of(deployment: Deployment, workload: Workload, annals: &[f64], beside: &[f64]) -> Report {
    let mut report = Report {
        options: json!({}),
        deployment,
        environment: environment(),
        workloads: vec![workload],
        runs: Vec::new(),
    };
    for (target, figures) in [("annals", annals), (deployment.beside(), beside)] {
        for (round, &figure) in (1..).zip(figures) {
            let latency = Latency {
                p99_ms: figure,
                ..Latency::default()
            };
            let measured = Measured {
                events_per_second: figure,
                latency: Some(latency),
                ..Measured::default()
            };
            report.add(Run {
                round,
                target,
                workload,
                measured,
            });
        }
    }
    report
}

/// Returns the first line of the table that begins with the workload's name.
fn row(report: &Report) -> String {
    let name = report.workloads[0].name();
    report
        .table()
        .lines()
        .find(|line| line.starts_with(&name))
        .unwrap()
        .to_owned()
}

#[test]
fn a_row_tells_median_extremes_echo_ratio_and_goal() {
    let row = row(&report(
        Engine::Embedded,
        CALLS,
        &[70_000.0, 60_000.0, 61_234.0],
        &[100_000.0; 3],
    ));
    let cells: Vec<&str> = row
        .split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect();
    let expected = [
        "unary, 1 event, 64 clients",
        "61,234",
        "(60,000 - 70,000)",
        "events/s",
        "100,000",
        "0.61",
        ">= 0.60 of echo",
        "yes",
    ];
    assert_eq!(cells, expected);
}

#[test]
fn a_ratio_that_is_rounded_up_to_the_goal_does_not_meet_it() {
    let row = row(&report(Engine::Embedded, CALLS, &[59_999.0], &[100_000.0]));
    assert!(row.contains("0.60 ") && row.ends_with("NO"), "{row}");
}

#[test]
fn a_goal_of_a_latency_is_met_below_it() {
    assert!(row(&report(Engine::Embedded, LIVE, &[9.0], &[1.0])).ends_with("yes"));
    assert!(row(&report(Engine::Embedded, LIVE, &[10.0], &[1.0])).ends_with("NO"));
}

#[test]
fn what_is_not_durable_meets_no_goal() {
    let report = report(Engine::Memory, SESSION, &[900_000.0], &[900_000.0]);
    assert!(row(&report).ends_with('-'), "{}", row(&report));
    assert!(report.table().contains("nothing is durable"));
}

#[test]
fn on_foundationdb_the_embedded_engine_stands_beside_and_a_latency_counts() {
    // The figure of each run is also its latency.
    let fast = report(Engine::FoundationDb, SESSION, &[60_000.0], &[120_000.0]);
    let row = row(&fast);
    assert!(
        row.contains("120,000") && row.contains("0.50") && row.ends_with("yes"),
        "{row}"
    );
    assert!(fast.table().contains("embedded server"), "{}", fast.table());
    let late = report(Engine::FoundationDb, CALLS, &[12_000.0], &[12_000.0]);
    assert!(
        late.table().contains(">= 12,000, p99 < 20 ms  NO"),
        "{}",
        late.table()
    );
}

const SERVERS_CALLS: Workload = Workload::Calls {
    clients: 96,
    events: 1,
};

/// Builds one round of servers with these counts and this latency, compared with a single server with 1,000 events
/// a second.
fn servers_report(events_by_server: &[u64], p99_ms: f64) -> Report {
    let deployment = Deployment::new(Engine::FoundationDb, events_by_server.len()).unwrap();
    let events = events_by_server.iter().sum::<u64>();
    let mut report = report_of(deployment, SERVERS_CALLS, &[events as f64], &[1_000.0]);
    let measured = &mut report.runs[0].measured;
    measured.events = events;
    measured.events_by_server = events_by_server.to_vec();
    measured.latency = Some(Latency {
        p99_ms,
        ..Latency::default()
    });
    report
}

/// Returns whether rate, least share and latency have met their goals.
fn met(report: &Report) -> Vec<Option<bool>> {
    report.rows().map(|row| row.met).collect()
}

#[test]
fn three_servers_have_goals_of_rate_share_and_latency() {
    let yes = Some(true);
    let no = Some(false);
    // At the limits of rate and share, and just below the limit of the latency.
    assert_eq!(met(&servers_report(&[300, 300, 200], 59.9)), [yes, yes, yes]);
    assert_eq!(met(&servers_report(&[335, 335, 134], 60.0)), [yes, yes, no]);
    assert_eq!(met(&servers_report(&[400, 400, 100], 10.0)), [yes, no, yes]);
    assert_eq!(met(&servers_report(&[266, 266, 266], 10.0)), [no, yes, yes]);
}

#[test]
fn rate_share_and_latency_of_servers_are_told_with_their_goals() {
    let text = servers_report(&[350, 350, 100], 61.25).table();
    let line = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let rate = "unary, 1 event, 96 clients 800 (800 - 800) events/s 1,000 0.80 >= 0.80 of single yes";
    assert_eq!(line("unary"), rate);
    let share = "slowest server, of its fair share 0.38 (0.38 - 0.38) share - - >= 0.50 NO";
    assert_eq!(line("slowest"), share);
    assert!(line("append over").ends_with("< 60 ms NO"), "{text}");
    assert!(text.contains("3 servers compared with a single one"), "{text}");
}

#[test]
fn json_tells_what_each_server_did_and_the_three_figures() {
    let text = servers_report(&[350, 350, 100], 12.5).json();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        json["runs"][0]["measured"]["events_by_server"],
        json!([350, 350, 100])
    );
    assert_eq!(json["runs"][1]["measured"].get("events_by_server"), None);
    let figures = json["figures"].as_array().unwrap();
    let names: Vec<&str> = figures
        .iter()
        .filter_map(|figure| figure["figure"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "unary, 1 event, 96 clients",
            "slowest server, of its fair share",
            "append over all servers, p99"
        ]
    );
    assert_eq!(figures[0]["ratio"], 0.8);
    assert_eq!(figures[0]["single"]["median"], 1_000.0);
    assert_eq!(figures[1]["annals"]["median"], 0.375);
    assert_eq!(figures[1]["met"], false);
    assert_eq!(figures[2]["annals"]["median"], 12.5);
}

#[test]
fn other_numbers_of_servers_are_told_without_goals() {
    assert_eq!(met(&servers_report(&[500, 500], 1.0)), [None; 3]);
}

#[test]
fn a_share_of_echo_that_was_not_measured_is_not_met() {
    assert!(row(&report(Engine::Embedded, CALLS, &[900_000.0], &[])).ends_with('-'));
}

#[test]
fn rounds_that_differ_much_are_told() {
    assert!(
        report(Engine::Embedded, SESSION, &[80.0, 100.0, 120.0], &[])
            .table()
            .contains("the rounds differ by 40%")
    );
    assert!(
        !report(Engine::Embedded, SESSION, &[99.0, 100.0, 101.0], &[])
            .table()
            .contains("differ")
    );
}

#[test]
fn cores_that_others_took_are_told() {
    let mut report = report(Engine::Embedded, SESSION, &[100.0], &[]);
    assert!(!report.table().contains("others"));
    report.runs[0].measured.others_cores_busy = 0.98;
    assert!(
        report.table().contains("other programs used 0.98 cores"),
        "{}",
        report.table()
    );
}

#[test]
fn json_has_every_run_and_the_unrounded_figures() {
    let text = report(Engine::Embedded, SESSION, &[100_000.25, 99_999.75], &[1.0]).json();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["runs"].as_array().unwrap().len(), 3);
    assert_eq!(json["figures"][0]["annals"]["median"], 100_000.0);
    assert_eq!(json["figures"][0]["annals"]["min"], 99_999.75);
    assert_eq!(json["figures"][0]["met"], true);
    assert_eq!(json["environment"]["cores"], 2);
}

#[test]
fn columns_are_aligned() {
    let mut table = Table::new([("name", Align::Left), ("value", Align::Right)]);
    table.add(["a".to_owned(), "1".to_owned()]);
    table.add(["longer".to_owned(), "123,456".to_owned()]);
    assert_eq!(
        table.to_string(),
        "name      value\n------  -------\na             1\nlonger  123,456\n"
    );
}

#[test]
fn a_table_without_rows_is_empty() {
    assert_eq!(Table::new([("name", Align::Left)]).to_string(), "");
}

#[test]
fn numbers_have_commas_and_small_ones_decimals() {
    assert_eq!(number(1_234_567.4), "1,234,567");
    assert_eq!(number(100.0), "100");
    assert_eq!(number(99.999), "100.00");
    assert_eq!(number(1.5), "1.50");
    assert_eq!(number(f64::INFINITY), "inf");
}
