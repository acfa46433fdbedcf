use super::*;
use crate::load::Measured;

const SINGLE: Workload = Workload::Append {
    events: 1,
    clients: 64,
};
const LOAD: Workload = Workload::Load { events: 100 };
const CONDITIONAL: Workload = Workload::Conditional { clients: 64 };

fn environment() -> Environment {
    Environment {
        cpu_model: "a CPU".to_owned(),
        cores: 2,
        memory_gib: 24.0,
        filesystem: "ext4".to_owned(),
        device: "/dev/vda".to_owned(),
        sync_micros: 120.0,
        kernel: "6.1".to_owned(),
        rustc: "rustc".to_owned(),
        commit: String::new(),
        load_average: 0.0,
    }
}

fn report(stores: &[Name], figures: &[(Name, Workload, &[f64])]) -> Report {
    let mut report = Report {
        options: Value::Null,
        environment: environment(),
        stores: stores.iter().map(|&name| (name, None)).collect(),
        workloads: vec![SINGLE, LOAD, CONDITIONAL],
        runs: Vec::new(),
    };
    for &(store, workload, rounds) in figures {
        for (round, &figure) in (1..).zip(rounds) {
            let outcome = Outcome {
                measured: Measured::default(),
                ..Outcome::of(figure)
            };
            report.add(Run {
                round,
                store,
                workload,
                outcome: Ok(outcome),
            });
        }
    }
    report
}

#[test]
fn annals_is_ahead_where_rates_are_higher_and_times_are_shorter() {
    let report = report(
        &[Name::Annals, Name::Umadb],
        &[
            (Name::Annals, SINGLE, &[900.0, 300.0, 300.0]),
            (Name::Umadb, SINGLE, &[150.0]),
            (Name::Annals, LOAD, &[2.0]),
            (Name::Umadb, LOAD, &[1.0]),
        ],
    );
    assert_eq!(report.times(SINGLE, Name::Umadb), Some(2.0));
    assert_eq!(report.times(LOAD, Name::Umadb), Some(0.5));
    assert_eq!(report.times(SINGLE, Name::Nats), None);
}

#[test]
fn of_umadbs_settings_the_better_one_counts() {
    let report = report(
        &[Name::Annals, Name::Umadb, Name::UmadbPipelined],
        &[
            (Name::Annals, SINGLE, &[600.0]),
            (Name::Umadb, SINGLE, &[300.0]),
            (Name::UmadbPipelined, SINGLE, &[500.0]),
        ],
    );
    assert_eq!(report.times(SINGLE, Name::Umadb), Some(1.2));
    assert_eq!(report.best_of_umadb(), Some(500.0));
    let judged = report.judged();
    assert!(
        judged.contains(&(SINGLE, Goal::Times(1.3, Name::Umadb), false)),
        "{judged:?}"
    );
}

#[test]
fn goals_are_told_only_of_what_was_measured() {
    let alone = report(&[Name::Annals], &[(Name::Annals, SINGLE, &[600.0])]);
    assert_eq!(alone.judged(), []);
    let without_annals = report(
        &[Name::Umadb, Name::Nats],
        &[(Name::Umadb, SINGLE, &[1.0]), (Name::Nats, SINGLE, &[1.0])],
    );
    assert_eq!(without_annals.judged(), []);
}

#[test]
fn what_is_not_offered_stands_in_the_report_with_its_reason() {
    let mut report = report(
        &[Name::Annals, Name::Nats],
        &[(Name::Annals, CONDITIONAL, &[10.0])],
    );
    report.add(Run {
        round: 1,
        store: Name::Nats,
        workload: CONDITIONAL,
        outcome: Err("no conditions".to_owned()),
    });
    let text = report.text();
    assert!(
        text.contains("note: nats, conditional append, 64 clients: not offered: no conditions"),
        "{text}"
    );
    let runs = report.json()["runs"].clone();
    assert_eq!(runs[1]["not_offered"], "no conditions");
}
