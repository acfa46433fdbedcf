//! Turns runs into figures, and figures into tables, JSON and plots.

mod notes;
mod plots;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod verdicts;

use std::{fmt::Write, path::Path};

use serde_json::{Value, json};

use super::{Options, Outcome, Scale, disturbance::Beside, refusals::Refusal, workload::Workload};
use crate::{
    Error, Result,
    environment::Environment,
    report::table::number,
    statistics::Summary,
    stores::{Name, Setting},
};
use verdicts::{Verdict, times_as_good};

/// One run of one workload.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) round: u32,
    pub(super) store: Name,
    pub(super) workload: Workload,
    /// The outcome, or the reason why the store does not support the workload.
    pub(super) outcome: std::result::Result<Outcome, String>,
    /// Other activity during the run.
    pub(super) beside: Beside,
    /// Number of repeats because of disturbances.
    pub(super) repeats: u32,
}

impl Run {
    /// Formats the run for the terminal.
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
                if self.repeats > 0 {
                    let _ = write!(line, "  (repeated {} times)", self.repeats);
                }
                if let Some(words) = self.beside.words() {
                    let _ = write!(line, "  (disturbed: {words})");
                }
                line
            }
            Err(reason) => format!("{start}  not supported: {reason}"),
        }
    }
}

/// Everything that was measured.
pub(super) struct Report {
    options: Value,
    scale: Value,
    environment: Environment,
    stores: Vec<(Name, Option<Setting>)>,
    workloads: Vec<Workload>,
    runs: Vec<Run>,
    refusals: Vec<Refusal>,
    /// Phases that failed, and why.
    failures: Vec<String>,
}

impl Report {
    pub(super) fn new(
        options: &Options,
        scale: Scale,
        environment: Environment,
        stores: &[Name],
        workloads: &[Workload],
    ) -> Self {
        Self {
            options: json!(options),
            scale: json!(scale),
            environment,
            stores: stores.iter().map(|&name| (name, None)).collect(),
            workloads: workloads.to_vec(),
            runs: Vec::new(),
            refusals: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Adds appends that a store refused, as it must.
    pub(super) fn refuse(&mut self, refusals: Vec<Refusal>) {
        self.refusals.extend(refusals);
    }

    /// Adds the failure of a store's phase.
    pub(super) fn fail(&mut self, round: u32, name: Name, error: &Error) {
        self.failures
            .push(format!("{}, round {round}: failed: {error}", name.text()));
    }

    /// Returns the number of failures.
    pub(super) const fn failures(&self) -> usize {
        self.failures.len()
    }

    /// Adds the settings that a store runs with.
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

    /// Summarizes the figures of a workload and a store.
    fn figure(&self, workload: Workload, store: Name) -> Option<Summary> {
        self.summary(workload, store, |outcome| Some(outcome.figure))
    }

    /// Returns the store that the others are compared with.
    fn first(&self) -> Name {
        self.stores.first().map_or(Name::Annals, |(name, _)| *name)
    }

    /// Returns the number of rounds.
    fn rounds(&self) -> u32 {
        self.runs.iter().map(|run| run.round).max().unwrap_or(0)
    }

    /// Returns how many times better the first store is than this one.
    fn times(&self, workload: Workload, store: Name) -> Option<f64> {
        let (own, other) = (
            self.figure(workload, self.first())?,
            self.figure(workload, store)?,
        );
        times_as_good(workload, own.median, other.median)
    }

    /// Returns the stores that the goals apply to.
    fn subjects(&self) -> Vec<Name> {
        let names = self.stores.iter().map(|(name, _)| *name);
        names.filter(|name| name.is_annals()).collect()
    }

    fn pairs(&self) -> impl Iterator<Item = (Workload, Name)> + '_ {
        let stores = |&workload: &Workload| self.stores.iter().map(move |(name, _)| (workload, *name));
        self.workloads.iter().flat_map(stores)
    }

    /// Returns the environment, options, settings, runs and figures as JSON.
    fn json(&self) -> Value {
        let figures = self.pairs().filter_map(|(workload, store)| {
            let figure = self.figure(workload, store)?;
            Some(json!({
                "workload": workload.name(), "store": store, "unit": workload.unit(), "figure": figure,
                "annals_is_so_many_times_as_good": self.times(workload, store),
            }))
        });
        let runs = self.runs.iter().map(|run| match &run.outcome {
            Ok(outcome) => json!({
                "round": run.round, "store": run.store, "workload": run.workload.name(), "outcome": outcome,
                "repeats": run.repeats, "beside": run.beside, "disturbed": run.beside.words(),
            }),
            Err(reason) => json!({
                "round": run.round, "store": run.store, "workload": run.workload.name(), "not_offered": reason,
            }),
        });
        let subjects = || self.subjects().into_iter();
        let goals = subjects().flat_map(|subject| {
            let verdicts = self.verdicts(subject).into_iter().chain(self.standings(subject));
            verdicts.map(move |verdict| json_of(subject, verdict))
        });
        let stores = self
            .stores
            .iter()
            .map(|(name, setting)| json!({"name": name, "setting": setting}));
        json!({
            "environment": self.environment, "options": self.options, "scale": self.scale,
            "refusals": self.refusals, "failures": self.failures, "notes": self.notes(),
            "stores": stores.collect::<Vec<_>>(), "figures": figures.collect::<Vec<_>>(),
            "goals": goals.collect::<Vec<_>>(), "runs": runs.collect::<Vec<_>>(),
        })
    }

    /// Writes all reports into a folder.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)
            .map_err(Error::system(format!("make the folder {}", folder.display())))?;
        let mut files = vec![
            ("compare.json".to_owned(), format!("{:#}\n", self.json())),
            ("compare.txt".to_owned(), format!("{}\n", self.text())),
            ("compare.md".to_owned(), self.markdown()),
        ];
        files.extend(self.plots());
        for (name, content) in files {
            let file = folder.join(name);
            std::fs::write(&file, content).map_err(Error::system(format!("write {}", file.display())))?;
        }
        Ok(())
    }
}

fn json_of(subject: Name, verdict: Verdict) -> Value {
    let Verdict {
        workload,
        goal,
        beside,
        reached,
        is_met,
    } = verdict;
    json!({
        "store": subject, "workload": workload.name(), "goal": goal.words(workload.unit()), "beside": beside,
        "reached": reached, "met": is_met,
    })
}
