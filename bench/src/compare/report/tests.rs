use super::*;
use crate::{
    compare::{course::Step, goal::Quantity},
    load::Measured,
};

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
        scale: Value::Null,
        refusals: Vec::new(),
        failures: Vec::new(),
        environment: environment(),
        stores: stores.iter().map(|&name| (name, None)).collect(),
        workloads: vec![SINGLE, LOAD, CONDITIONAL, Workload::Pipelined, Workload::Growth],
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
                beside: Beside::default(),
                repeats: 0,
            });
        }
    }
    report
}

fn verdict(report: &Report, subject: Name, workload: Workload, quantity: Quantity) -> Option<Verdict> {
    let mut verdicts = report
        .verdicts(subject)
        .into_iter()
        .chain(report.standings(subject));
    let is_meant = |verdict: &Verdict| (verdict.workload, verdict.goal.quantity) == (workload, quantity);
    verdicts.find(is_meant)
}

#[test]
fn annals_is_ahead_where_rates_are_higher_and_times_are_shorter() {
    let report = report(
        &[Name::Annals, Name::Nats, Name::MessageDb],
        &[
            (Name::Annals, SINGLE, &[900.0, 300.0, 300.0]),
            (Name::Nats, SINGLE, &[150.0]),
            (Name::MessageDb, SINGLE, &[300.0]),
            (Name::Annals, LOAD, &[2.0]),
            (Name::Nats, LOAD, &[1.0]),
        ],
    );
    let of = |workload, name| {
        let verdict = verdict(&report, Name::Annals, workload, Quantity::Ahead(name))?;
        Some((verdict.reached, verdict.is_met))
    };
    assert_eq!(of(SINGLE, Name::Nats), Some((2.0, Some(true))));
    assert_eq!(of(SINGLE, Name::MessageDb), Some((1.0, Some(false))));
    assert_eq!(of(LOAD, Name::Nats), Some((0.5, Some(false))));
    assert_eq!(of(LOAD, Name::MessageDb), None);
}

#[test]
fn of_umadbs_settings_the_better_one_counts() {
    let report = report(
        &[Name::Annals, Name::Umadb, Name::UmadbPipelined],
        &[
            (Name::Annals, SINGLE, &[600.0]),
            (Name::Umadb, SINGLE, &[300.0]),
            (Name::UmadbPipelined, SINGLE, &[500.0]),
            (Name::Annals, Workload::Pipelined, &[4_999.0]),
        ],
    );
    let verdict = |workload, quantity| verdict(&report, Name::Annals, workload, quantity).unwrap();
    let single = verdict(SINGLE, Quantity::Times(Name::Umadb));
    assert_eq!(
        (single.reached, single.beside, single.is_met),
        (1.2, Some(500.0), Some(false))
    );
    let pipelined = verdict(Workload::Pipelined, Quantity::TimesBestOfUmaDb);
    assert_eq!((pipelined.beside, pipelined.is_met), (Some(500.0), Some(false)));
}

#[test]
fn a_load_is_measured_in_times_of_the_echo() {
    let report = report(
        &[Name::Annals, Name::Echo],
        &[(Name::Annals, LOAD, &[0.5]), (Name::Echo, LOAD, &[0.25])],
    );
    let verdict = verdict(&report, Name::Annals, LOAD, Quantity::Times(Name::Echo)).unwrap();
    assert_eq!((verdict.reached, verdict.is_met), (2.0, Some(false)));
}

#[test]
fn both_engines_are_judged_each_by_its_own_figures() {
    let report = report(
        &[Name::Annals, Name::AnnalsFoundationdb, Name::Umadb],
        &[
            (Name::Annals, SINGLE, &[600.0]),
            (Name::AnnalsFoundationdb, SINGLE, &[100.0]),
            (Name::Umadb, SINGLE, &[300.0]),
        ],
    );
    let reached = |subject| {
        verdict(&report, subject, SINGLE, Quantity::Times(Name::Umadb))
            .unwrap()
            .reached
    };
    assert_eq!(reached(Name::Annals), 2.0);
    assert_eq!(reached(Name::AnnalsFoundationdb), 100.0 / 300.0);
    let goals = report.json()["goals"].clone();
    assert_eq!(
        (
            &goals[0]["store"],
            &goals[0]["met"],
            &goals[1]["store"],
            &goals[1]["met"]
        ),
        (
            &"annals".into(),
            &true.into(),
            &"annals-foundationdb".into(),
            &false.into()
        )
    );
    let markdown = report.markdown();
    let row = "| append 1 event, 64 clients | 1.3 or more times umadb \
               | 100 events/s | 300 events/s | 0.33x | NO |";
    assert!(markdown.contains(row), "{markdown}");
}

#[test]
fn goals_are_told_only_of_what_was_measured() {
    let alone = report(&[Name::Annals], &[(Name::Annals, SINGLE, &[600.0])]);
    assert_eq!(alone.verdicts(Name::Annals), []);
    let without_annals = report(
        &[Name::Umadb, Name::Nats],
        &[(Name::Umadb, SINGLE, &[1.0]), (Name::Nats, SINGLE, &[1.0])],
    );
    assert_eq!(without_annals.subjects(), []);
    assert_eq!(without_annals.standings(Name::Umadb), []);
}

#[test]
fn a_log_that_was_not_grown_to_its_end_is_not_judged() {
    for (events, is_met) in [(19_000_000, None), (20_000_000, Some(false))] {
        let step = |events| Step {
            events,
            latency: crate::load::Latency {
                p999_ms: 49.0,
                max_ms: 250.0,
                ..Default::default()
            },
            ..Step::default()
        };
        let mut report = report(&[Name::Annals], &[]);
        report.add(Run {
            round: 1,
            store: Name::Annals,
            workload: Workload::Growth,
            outcome: Ok(Outcome {
                growth: vec![step(1_000_000), step(events)],
                ..Outcome::of(0.9)
            }),
            beside: Beside::default(),
            repeats: 0,
        });
        let longest = verdict(&report, Name::Annals, Workload::Growth, Quantity::GrowthLongest).unwrap();
        assert_eq!((longest.reached, longest.is_met), (250.0, is_met));
    }
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
        beside: Beside::default(),
        repeats: 0,
    });
    let text = report.text();
    assert!(
        text.contains("note: nats, conditional append, 64 clients: not supported: no conditions"),
        "{text}"
    );
    let runs = report.json()["runs"].clone();
    assert_eq!(runs[1]["not_offered"], "no conditions");
}

#[test]
fn repeats_disturbances_and_failures_stand_in_the_report() {
    let mut report = report(&[Name::Annals], &[]);
    report.add(Run {
        round: 2,
        store: Name::Annals,
        workload: SINGLE,
        outcome: Ok(Outcome::of(1.0)),
        beside: Beside {
            others_cores_busy: 0.75,
            ..Beside::default()
        },
        repeats: 2,
    });
    report.fail(1, Name::Annals, &Error::wrong("append", "it has ended"));
    assert_eq!(report.failures(), 1);
    let text = report.text();
    for words in [
        "note: annals, round 1: failed: append: it has ended",
        "note: 1 of 1 runs were repeated, 2 times in total",
        "note: annals: disturbed runs (1): append-1x64 in round 2 (other programs used 0.75 cores)",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert_eq!(report.json()["runs"][0]["repeats"], 2);
}

#[test]
fn the_least_and_the_most_of_the_rounds_are_told_of_every_store() {
    let report = report(
        &[Name::Annals, Name::Nats],
        &[
            (Name::Annals, SINGLE, &[900.0, 300.0, 600.0]),
            (Name::Nats, SINGLE, &[150.9, 100.0]),
        ],
    );
    let markdown = report.markdown();
    for row in [
        "| append 1 event, 64 clients | events/s | 600 |  | 125 | 4.78x |",
        "| append 1 event, 64 clients | events/s | 300 to 900 | 100 to 150 |",
    ] {
        assert!(markdown.contains(row), "{row} in {markdown}");
    }
}
