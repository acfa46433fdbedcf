//! Turns runs into figures, and figures into a table and JSON.

mod rows;
pub(crate) mod table;

use serde_json::json;

use crate::{
    deployment::Deployment, environment::Environment, load::Measured, quick::Options, statistics::Summary,
    workload::Workload,
};

use table::{Align, Table, number};

/// A larger spread means that the machine was busy, or that the server is not steady.
const NOISY_SPREAD: f64 = 0.15;

/// Cores that other programs may keep busy before a run is reported as disturbed and repeated: a busier machine is
/// slower. Kernel writeback of the server's files takes up to a tenth.
pub(crate) const OTHERS_CORES_BUSY: f64 = 0.2;

/// One run of one workload.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) round: u32,
    /// `annals`, or the name of the baseline.
    pub(crate) target: &'static str,
    pub(crate) workload: Workload,
    pub(crate) measured: Measured,
}

impl Run {
    /// Formats the run for the terminal.
    pub(crate) fn line(&self) -> String {
        let figure = number(self.workload.figure(&self.measured));
        let (name, unit) = (self.workload.name(), self.workload.unit());
        let mut line = format!(
            "round {} {:<8} {name:<48} {figure:>12} {unit}",
            self.round, self.target
        );
        let others = self.measured.others_cores_busy;
        if others > OTHERS_CORES_BUSY {
            line += &format!("  ({others:.2} cores used by other programs)");
        }
        line
    }
}

/// Everything that was measured.
pub(crate) struct Report {
    options: serde_json::Value,
    deployment: Deployment,
    environment: Environment,
    workloads: Vec<Workload>,
    runs: Vec<Run>,
}

impl Report {
    pub(crate) fn new(
        options: &Options,
        deployment: Deployment,
        environment: Environment,
        workloads: &[Workload],
    ) -> Self {
        Self {
            options: json!(options),
            deployment,
            environment,
            workloads: workloads.to_vec(),
            runs: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, run: Run) {
        self.runs.push(run);
    }

    /// Renders figures and goals, latencies, and CPU time.
    pub(crate) fn table(&self) -> String {
        let engine = self.deployment.words();
        let mut text = format!(
            "\n{}\nengine: {engine}; 256-byte events; medians of {} alternating rounds, minimum and \
             maximum in brackets\n\n{}\n{}\n{}",
            self.environment.line(),
            self.runs.iter().map(|run| run.round).max().unwrap_or(0),
            self.figures(),
            self.latencies(),
            self.costs(),
        );
        for note in self.notes() {
            text += &format!("\nnote: {note}");
        }
        text
    }

    /// Lists everything that makes a figure less reliable.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for &workload in &self.workloads {
            for target in ["annals", self.deployment.beside()] {
                let figures = self.summary(workload, target, |measured| Some(workload.figure(measured)));
                if let Some(figures) = figures.filter(|figures| figures.spread() > NOISY_SPREAD) {
                    let percent = figures.spread() * 100.0;
                    notes.push(format!(
                        "{target}, {}: the rounds differ by {percent:.0}%",
                        workload.name()
                    ));
                }
                let others = self.summary(workload, target, |measured| Some(measured.others_cores_busy));
                if let Some(others) = others.filter(|others| others.median > OTHERS_CORES_BUSY) {
                    let cores = others.median;
                    notes.push(format!(
                        "{target}, {}: other programs used {cores:.2} cores",
                        workload.name()
                    ));
                }
            }
        }
        notes
    }

    fn figures(&self) -> Table {
        let beside = self.deployment.beside();
        let mut table = Table::new([
            ("workload", Align::Left),
            ("figure", Align::Right),
            ("", Align::Left),
            ("unit", Align::Left),
            (beside, Align::Right),
            ("ratio", Align::Right),
            ("goal", Align::Left),
            ("met", Align::Left),
        ]);
        for row in self.rows() {
            let Some(figure) = row.annals else { continue };
            let dash = || "-".to_owned();
            table.add([
                row.name.clone(),
                number(figure.median),
                format!("({} - {})", number(figure.min), number(figure.max)),
                row.unit.to_owned(),
                row.beside.map_or_else(dash, |beside| number(beside.median)),
                row.ratio().map_or_else(dash, |ratio| format!("{ratio:.2}")),
                row.goal(beside),
                match row.met {
                    None => dash(),
                    Some(true) => "yes".to_owned(),
                    Some(false) => "NO".to_owned(),
                },
            ]);
        }
        table
    }

    fn latencies(&self) -> Table {
        let beside = self.deployment.beside();
        let mut table = Table::new([
            ("latency, ms", Align::Left),
            ("p50", Align::Right),
            ("p99", Align::Right),
            ("p99.9", Align::Right),
            ("max", Align::Right),
            (&format!("{beside} p50"), Align::Right),
            ("p99", Align::Right),
            ("p99.9", Align::Right),
            ("max", Align::Right),
        ]);
        for &workload in &self.workloads {
            let mut cells = vec![workload.name()];
            for target in ["annals", self.deployment.beside()] {
                for of in LATENCIES {
                    let summary =
                        self.summary(workload, target, |measured| measured.latency.as_ref().map(of));
                    cells.extend(summary.map(|summary| format!("{:.2}", summary.median)));
                }
            }
            if let Ok(cells) = <[String; 9]>::try_from(cells) {
                table.add(cells);
            }
        }
        table
    }

    fn costs(&self) -> Table {
        let beside = self.deployment.beside();
        let mut table = Table::new([
            ("CPU time, us per event", Align::Left),
            ("server", Align::Right),
            ("client", Align::Right),
            ("cores busy", Align::Right),
            (&format!("{beside} server"), Align::Right),
            ("client", Align::Right),
            ("cores busy", Align::Right),
        ]);
        for &workload in &self.workloads {
            let mut cells = vec![workload.name()];
            for target in ["annals", self.deployment.beside()] {
                for of in COSTS {
                    let summary = self.summary(workload, target, |measured| Some(of(measured)));
                    cells.extend(summary.map(|summary| format!("{:.2}", summary.median)));
                }
            }
            if let Ok(cells) = <[String; 7]>::try_from(cells) {
                table.add(cells);
            }
        }
        table
    }

    fn summary(
        &self,
        workload: Workload,
        target: &str,
        of: impl Fn(&Measured) -> Option<f64>,
    ) -> Option<Summary> {
        let runs = self
            .runs
            .iter()
            .filter(|run| run.workload == workload && run.target == target);
        Summary::of(&runs.filter_map(|run| of(&run.measured)).collect::<Vec<f64>>())
    }

    /// Returns the environment, options, runs and figures as JSON.
    pub(crate) fn json(&self) -> String {
        let runs = self.runs.iter().map(|run| {
            json!({"round": run.round, "target": run.target, "workload": run.workload.name(), "measured": run.measured})
        });
        let runs: Vec<_> = runs.collect();
        let beside = self.deployment.beside();
        let figures = self.rows().map(|row| {
            json!({
                "workload": row.workload.name(), "figure": row.name, "unit": row.unit, "annals": row.annals,
                (beside): row.beside, "ratio": row.ratio(), "goal": row.goal(beside), "met": row.met,
            })
        });
        let figures: Vec<_> = figures.collect();
        let all = json!({
            "environment": self.environment, "options": self.options,
            "durable": self.deployment.engine().is_durable(), "figures": figures, "runs": runs,
        });
        format!("{all:#}\n")
    }
}

const LATENCIES: [fn(&crate::load::Latency) -> f64; 4] = [
    |latency| latency.p50_ms,
    |latency| latency.p99_ms,
    |latency| latency.p999_ms,
    |latency| latency.max_ms,
];

const COSTS: [fn(&Measured) -> f64; 3] = [
    |measured| measured.server_cpu_micros_per_event,
    |measured| measured.client_cpu_micros_per_event,
    |measured| {
        let micros = measured.server_cpu_micros_per_event + measured.client_cpu_micros_per_event;
        micros * measured.events_per_second / 1e6
    },
];

#[cfg(test)]
mod tests;
