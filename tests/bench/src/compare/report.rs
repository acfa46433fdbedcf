//! Runs into figures, and those into tables, JSON and plots.

mod plots;
mod tables;
#[cfg(test)]
mod tests;

use std::{fmt::Write, path::Path};

use serde_json::{Value, json};

use super::{
    Options, Outcome,
    goal::{Goal, goals},
    workload::Workload,
};
use crate::{
    Error, Result,
    environment::Environment,
    report::{OTHERS_CORES_BUSY, table::number},
    statistics::Summary,
    stores::{Name, Setting},
};

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

    fn pairs(&self) -> impl Iterator<Item = (Workload, Name)> + '_ {
        let stores = |&workload: &Workload| self.stores.iter().map(move |(name, _)| (workload, *name));
        self.workloads.iter().flat_map(stores)
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
}
