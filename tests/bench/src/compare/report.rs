//! Runs into figures, and those into tables, JSON and plots.

use std::{fmt::Write, path::Path};

use serde_json::{Value, json};

use super::{
    Options, Outcome,
    goal::{Goal, goals},
    plot,
    workload::Workload,
};
use crate::{
    Error, Result,
    environment::Environment,
    report::{
        OTHERS_CORES_BUSY,
        table::{Align, Table, number},
    },
    statistics::Summary,
    stores::{Name, Setting},
};

/// Above this the machine did other things meanwhile, or the store is not steady.
const NOISY_SPREAD: f64 = 0.15;

/// One run of one workload.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) round: u32,
    pub(super) store: Name,
    pub(super) workload: Workload,
    /// Or why the store can't.
    pub(super) outcome: std::result::Result<Outcome, String>,
}

impl Run {
    /// What is shown when it is done.
    pub(super) fn line(&self) -> String {
        let start = format!(
            "round {} {:<20} {:<18}",
            self.round,
            self.store.text(),
            self.workload.name()
        );
        match &self.outcome {
            Ok(outcome) => {
                let mut line = format!("{start} {:>12} {}", number(outcome.figure), self.workload.unit());
                if let Some(latency) = outcome.measured.latency {
                    let _ = write!(
                        line,
                        "  p50 {:.2} p99 {:.2} p99.9 {:.2} max {:.1} ms",
                        latency.p50_ms, latency.p99_ms, latency.p999_ms, latency.max_ms
                    );
                }
                if outcome.measured.others_cores_busy > OTHERS_CORES_BUSY {
                    let _ = write!(
                        line,
                        "  ({:.2} cores taken by others)",
                        outcome.measured.others_cores_busy
                    );
                }
                line
            }
            Err(reason) => format!("{start}  not offered: {reason}"),
        }
    }
}

/// Everything that was measured.
pub(super) struct Report {
    options: Value,
    environment: Environment,
    stores: Vec<(Name, Option<Setting>)>,
    workloads: Vec<Workload>,
    runs: Vec<Run>,
}

impl Report {
    pub(super) fn new(options: &Options, environment: Environment, workloads: &[Workload]) -> Self {
        Self {
            options: json!(options),
            environment,
            stores: options.stores.iter().map(|&name| (name, None)).collect(),
            workloads: workloads.to_vec(),
            runs: Vec::new(),
        }
    }

    /// Says how a store runs.
    pub(super) fn introduce(&mut self, name: Name, setting: &Setting) {
        for (_, known) in self.stores.iter_mut().filter(|(of, _)| *of == name) {
            *known = Some(setting.clone());
        }
    }

    pub(super) fn add(&mut self, run: Run) {
        self.runs.push(run);
    }

    fn outcomes(&self, workload: Workload, store: Name) -> impl Iterator<Item = &Outcome> {
        self.runs
            .iter()
            .filter(move |run| run.workload == workload && run.store == store)
            .filter_map(|run| run.outcome.as_ref().ok())
    }

    fn summary(
        &self,
        workload: Workload,
        store: Name,
        of: impl Fn(&Outcome) -> Option<f64>,
    ) -> Option<Summary> {
        Summary::of(
            &self
                .outcomes(workload, store)
                .filter_map(of)
                .collect::<Vec<f64>>(),
        )
    }

    /// Of the figures.
    fn figure(&self, workload: Workload, store: Name) -> Option<Summary> {
        self.summary(workload, store, |outcome| Some(outcome.figure))
    }

    /// How many times as good the first store is as this one; of UmaDB, as its better setting.
    fn times(&self, workload: Workload, store: Name) -> Option<f64> {
        let stores: &[Name] = match store {
            Name::Umadb => &[Name::Umadb, Name::UmadbPipelined],
            _ => &[store],
        };
        let own = self.figure(workload, self.first())?.median;
        let times = |other: f64| {
            if workload.is_more_better() {
                own / other
            } else {
                other / own
            }
        };
        let others = stores.iter().filter_map(|&store| self.figure(workload, store));
        others
            .map(|other| times(other.median))
            .filter(|times| times.is_finite())
            .min_by(f64::total_cmp)
    }

    fn best_of_umadb(&self) -> Option<f64> {
        let single = |workload: &&Workload| matches!(workload, Workload::Append { events: 1, .. });
        let rates = self.workloads.iter().filter(single).flat_map(|&workload| {
            [Name::Umadb, Name::UmadbPipelined]
                .into_iter()
                .filter_map(move |store| self.figure(workload, store))
        });
        rates.map(|rate| rate.median).max_by(f64::total_cmp)
    }

    /// Which the others are compared with.
    fn first(&self) -> Name {
        self.stores.first().map_or(Name::Annals, |(name, _)| *name)
    }

    /// Everything for people.
    pub(super) fn text(&self) -> String {
        let rounds = self.runs.iter().map(|run| run.round).max().unwrap_or(0);
        let mut text = format!(
            "\n{}\n256-byte events; medians of {rounds} rounds in turn, least and most in brackets\n",
            self.environment.line()
        );
        for (name, setting) in &self.stores {
            if let Some(setting) = setting {
                let _ = write!(
                    text,
                    "\n{}: {}\n  durable: {}\n  client: {}\n",
                    name.text(),
                    setting.program,
                    setting.durable,
                    setting.client
                );
            }
        }
        let _ = write!(
            text,
            "\n{}\n{}\n{}\n{}",
            self.figures(),
            self.goals(),
            self.latencies(),
            self.costs()
        );
        for note in self.notes() {
            let _ = write!(text, "\nnote: {note}");
        }
        text
    }

    /// A row for each workload, a column for each store.
    fn figures(&self) -> Table {
        let mut columns = vec![("workload", Align::Left), ("unit", Align::Left)];
        for (name, _) in &self.stores {
            columns.push((name.text(), Align::Right));
            columns.push(("", Align::Left));
        }
        let mut table = Table::of(&columns);
        for &workload in &self.workloads {
            let mut cells = vec![workload.words(), workload.unit().to_owned()];
            for &(name, _) in &self.stores {
                match self.figure(workload, name) {
                    Some(figure) => {
                        cells.push(number(figure.median));
                        cells.push(if name == self.first() {
                            format!("({} - {})", number(figure.min), number(figure.max))
                        } else {
                            let times = self.times_exactly(workload, name);
                            times.map_or_else(String::new, |times| format!("{times:.2}x"))
                        });
                    }
                    None => cells.extend(["-".to_owned(), String::new()]),
                }
            }
            table.add_row(cells);
        }
        table
    }

    /// As [`Self::times`], of this very store.
    fn times_exactly(&self, workload: Workload, store: Name) -> Option<f64> {
        let (own, other) = (
            self.figure(workload, self.first())?.median,
            self.figure(workload, store)?.median,
        );
        let times = if workload.is_more_better() {
            own / other
        } else {
            other / own
        };
        times.is_finite().then_some(times)
    }

    fn goals(&self) -> Table {
        let mut table = Table::new([
            ("goal", Align::Left),
            ("", Align::Left),
            ("reached", Align::Right),
            ("met", Align::Left),
        ]);
        for (workload, goal, met) in self.judged() {
            let reached = match goal {
                Goal::Times(_, name) => self.times(workload, name).map(|times| format!("{times:.3}x")),
                _ => self
                    .figure(workload, self.first())
                    .map(|figure| number(figure.median)),
            };
            table.add([
                workload.words(),
                goal.words(),
                reached.unwrap_or_default(),
                if met { "yes" } else { "NO" }.to_owned(),
            ]);
        }
        table
    }

    /// Every goal of which something is known, and whether it is met.
    fn judged(&self) -> Vec<(Workload, Goal, bool)> {
        if self.first() != Name::Annals {
            return Vec::new();
        }
        let mut judged = Vec::new();
        for &workload in &self.workloads {
            let Some(figure) = self.figure(workload, Name::Annals) else {
                continue;
            };
            for goal in goals(workload) {
                let times = |store| self.times(workload, store);
                if let Some(met) = goal.is_met(figure.median, times, self.best_of_umadb()) {
                    judged.push((workload, goal, met));
                }
            }
        }
        judged
    }

    fn latencies(&self) -> Table {
        let mut table = Table::new([
            ("latency, ms", Align::Left),
            ("store", Align::Left),
            ("p50", Align::Right),
            ("p99", Align::Right),
            ("p99.9", Align::Right),
            ("max", Align::Right),
        ]);
        for (workload, store) in self.pairs() {
            let of = |of: fn(crate::load::Latency) -> f64| {
                self.summary(workload, store, |outcome| outcome.measured.latency.map(of))
                    .map(|summary| format!("{:.2}", summary.median))
            };
            if let (Some(p50), Some(p99), Some(p999), Some(max)) = (
                of(|latency| latency.p50_ms),
                of(|latency| latency.p99_ms),
                of(|latency| latency.p999_ms),
                of(|latency| latency.max_ms),
            ) {
                table.add([workload.words(), store.text().to_owned(), p50, p99, p999, max]);
            }
        }
        table
    }

    fn costs(&self) -> Table {
        let mut table = Table::new([
            ("CPU time, us an event", Align::Left),
            ("store", Align::Left),
            ("server", Align::Right),
            ("client", Align::Right),
            ("cores busy", Align::Right),
        ]);
        for (workload, store) in self.pairs() {
            let of = |of: fn(&crate::load::Measured) -> f64| {
                self.summary(workload, store, |outcome| Some(of(&outcome.measured)))
                    .map_or(0.0, |summary| summary.median)
            };
            let (server, client) = (
                of(|measured| measured.server_cpu_micros_per_event),
                of(|measured| measured.client_cpu_micros_per_event),
            );
            if server + client == 0.0 {
                continue;
            }
            let busy = (server + client) * of(|measured| measured.events_per_second) / 1e6;
            table.add([
                workload.words(),
                store.text().to_owned(),
                format!("{server:.2}"),
                format!("{client:.2}"),
                format!("{busy:.2}"),
            ]);
        }
        table
    }

    fn pairs(&self) -> impl Iterator<Item = (Workload, Name)> + '_ {
        let stores = |&workload: &Workload| self.stores.iter().map(move |(name, _)| (workload, *name));
        self.workloads.iter().flat_map(stores)
    }

    /// What is not offered, and what makes a figure worth less.
    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        for (workload, store) in self.pairs() {
            let run = self
                .runs
                .iter()
                .find(|run| run.workload == workload && run.store == store);
            if let Some(Err(reason)) = run.map(|run| &run.outcome) {
                notes.push(format!(
                    "{}, {}: not offered: {reason}",
                    store.text(),
                    workload.words()
                ));
            }
            let others = self.summary(workload, store, |outcome| {
                Some(outcome.measured.others_cores_busy)
            });
            if let Some(others) = others.filter(|others| others.median > OTHERS_CORES_BUSY) {
                let cores = others.median;
                notes.push(format!(
                    "{}, {}: others took {cores:.2} cores",
                    store.text(),
                    workload.words()
                ));
            }
            if let Some(figure) = self
                .figure(workload, store)
                .filter(|figure| figure.spread() > NOISY_SPREAD)
            {
                let percent = figure.spread() * 100.0;
                notes.push(format!(
                    "{}, {}: the rounds differ by {percent:.0}%",
                    store.text(),
                    workload.words()
                ));
            }
        }
        notes
    }

    /// Environment, options, settings, every run, and the figures.
    fn json(&self) -> Value {
        let figures = self.pairs().filter_map(|(workload, store)| {
            let figure = self.figure(workload, store)?;
            Some(json!({
                "workload": workload.name(), "store": store, "unit": workload.unit(), "figure": figure,
                "annals_is_so_many_times_as_good": self.times_exactly(workload, store),
            }))
        });
        let runs = self.runs.iter().map(|run| match &run.outcome {
            Ok(outcome) => json!({
                "round": run.round, "store": run.store, "workload": run.workload.name(), "outcome": outcome,
            }),
            Err(reason) => json!({
                "round": run.round, "store": run.store, "workload": run.workload.name(), "not_offered": reason,
            }),
        });
        let goals = self.judged().into_iter().map(
            |(workload, goal, met)| json!({"workload": workload.name(), "goal": goal.words(), "met": met}),
        );
        json!({
            "environment": self.environment, "options": self.options,
            "stores": self.stores.iter().map(|(name, setting)| json!({"name": name, "setting": setting})).collect::<Vec<_>>(),
            "figures": figures.collect::<Vec<_>>(), "goals": goals.collect::<Vec<_>>(), "runs": runs.collect::<Vec<_>>(),
        })
    }

    /// Writes everything into a folder.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)
            .map_err(Error::system(format!("make the folder {}", folder.display())))?;
        let mut files = vec![
            ("compare.json".to_owned(), format!("{:#}\n", self.json())),
            ("compare.txt".to_owned(), format!("{}\n", self.text())),
        ];
        files.extend(self.plots());
        for (name, content) in files {
            let file = folder.join(name);
            std::fs::write(&file, content).map_err(Error::system(format!("write {}", file.display())))?;
        }
        Ok(())
    }

    /// Rates by clients, latency by quantile, and rates while a log grows, where they were measured.
    fn plots(&self) -> Vec<(String, String)> {
        let stores: Vec<Name> = self.stores.iter().map(|(name, _)| *name).collect();
        let lines = |points: &dyn Fn(Name) -> Vec<(f64, f64)>| -> Vec<plot::Line> {
            let line = |(nth, &store): (usize, &Name)| plot::Line {
                name: store.text(),
                color: nth,
                points: points(store),
            };
            stores
                .iter()
                .enumerate()
                .map(line)
                .filter(|line| line.points.len() > 1)
                .collect()
        };
        let mut plots = Vec::new();
        let mut add = |name: String, plot: plot::Plot| {
            if !plot.lines.is_empty() {
                plots.push((name, plot.svg()));
            }
        };
        let clients = |store| {
            let of = |&workload: &Workload| match workload {
                Workload::Append { events: 1, clients } => {
                    Some((clients as f64, self.figure(workload, store)?.median))
                }
                _ => None,
            };
            self.workloads.iter().filter_map(of).collect()
        };
        add(
            "appends.svg".to_owned(),
            plot::Plot::new("appends of one event", "clients", "events/s", lines(&clients)),
        );
        for &workload in &self.workloads {
            let quantiles = |store| -> Vec<(f64, f64)> {
                let Some(first) = self.outcomes(workload, store).next() else {
                    return Vec::new();
                };
                let point = |(nth, (quantile, _)): (usize, &(f64, f64))| {
                    let of = |outcome: &Outcome| outcome.quantiles.get(nth).map(|(_, ms)| *ms);
                    Some((
                        1.0 / (1.0 - quantile.min(0.99999)),
                        self.summary(workload, store, of)?.median,
                    ))
                };
                first.quantiles.iter().enumerate().filter_map(point).collect()
            };
            add(
                format!("latency-{}.svg", workload.name()),
                plot::Plot::new(
                    &workload.words(),
                    "one in so many takes longer",
                    "ms",
                    lines(&quantiles),
                ),
            );
        }
        let growth = |store| {
            let outcome = self.outcomes(Workload::Growth, store).next();
            let steps = outcome
                .map(|outcome| outcome.growth.as_slice())
                .unwrap_or_default();
            steps
                .iter()
                .map(|step| (step.events as f64 / 1e6, step.events_per_second))
                .collect()
        };
        add(
            "growth.svg".to_owned(),
            plot::Plot::new(
                "100 events a request while the log grows",
                "million events",
                "events/s",
                lines(&growth),
            )
            .linear(),
        );
        plots
    }
}
