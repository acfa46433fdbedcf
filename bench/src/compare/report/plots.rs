//! Line plots: rates by clients, latencies by quantile, and the costs of a growing log.

use super::Report;
use crate::{
    compare::{
        course::{Outcome, Step},
        overview, plot,
        workload::Workload,
    },
    stores::{Name, Setting},
};

impl Report {
    /// Plots rates by clients, latency by quantile, and rates while a log grows, as far as they were measured.
    pub(super) fn plots(&self) -> Vec<(String, String)> {
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
        let ticks = [1, 4, 16, 64, 256].map(|clients| (f64::from(clients), clients.to_string()));
        let appends = plot::Plot::new("appends of one event", "clients", "events/s", lines(&clients));
        add("appends.svg".to_owned(), appends.x_ticks(ticks.into()));
        for &workload in &self.workloads {
            let quantiles = |store| self.quantiles(workload, store);
            let title = format!("latency: {}", workload.subject());
            let latencies = plot::Plot::new(&title, "quantile", "ms", lines(&quantiles));
            let ticks = QUANTILES.map(|(quantile, words)| (rarity(quantile), words.to_owned()));
            add(
                format!("latency-{}.svg", workload.name()),
                latencies.x_ticks(ticks.into()),
            );
        }
        for (name, title, unit, of) in GROWTH {
            let growth = |store| self.steps(store, of);
            let growth = plot::Plot::new(title, "million events", unit, lines(&growth));
            add(name.to_owned(), growth.linear());
        }
        plots.extend(self.overview().map(|svg| ("overview.svg".to_owned(), svg)));
        plots
    }

    /// Compares every store with the first, in every workload.
    fn overview(&self) -> Option<String> {
        let stores: Vec<&str> = self.stores.iter().map(|(name, _)| name.text()).collect();
        let row = |&workload: &Workload| {
            let times = |(nth, (store, _)): (usize, &(Name, Option<Setting>))| {
                Some((nth, self.times(workload, *store)?.recip())).filter(|(_, times)| times.is_finite())
            };
            let times: Vec<(usize, f64)> = self.stores.iter().enumerate().filter_map(times).collect();
            (times.len() > 1).then(|| overview::Row {
                name: workload.words(),
                times,
            })
        };
        let rows: Vec<overview::Row> = self.workloads.iter().filter_map(row).collect();
        (!rows.is_empty()).then(|| overview::svg(&stores, &rows))
    }

    /// Quantiles by rarity; only those that have enough samples.
    fn quantiles(&self, workload: Workload, store: Name) -> Vec<(f64, f64)> {
        let point = |(nth, (quantile, _)): (usize, &(f64, &str))| {
            let of = |outcome: &Outcome| {
                let samples = outcome.samples as f64;
                let (_, ms) = outcome.quantiles.iter().find(|(of, _)| of == quantile)?;
                (samples >= rarity(*quantile) || nth + 1 == QUANTILES.len()).then_some(*ms)
            };
            Some((rarity(*quantile), self.summary(workload, store, of)?.median))
        };
        QUANTILES.iter().enumerate().filter_map(point).collect()
    }

    /// A quantity by millions of events.
    fn steps(&self, store: Name, of: fn(&Step) -> f64) -> Vec<(f64, f64)> {
        let outcome = self.outcomes(Workload::Growth, store).next();
        let steps = outcome
            .map(|outcome| outcome.growth.as_slice())
            .unwrap_or_default();
        steps
            .iter()
            .map(|step| (step.events as f64 / 1e6, of(step)))
            .collect()
    }
}

/// A plot of a growing log: file, title, unit and quantity.
type OfGrowth = (&'static str, &'static str, &'static str, fn(&Step) -> f64);
const GROWTH: [OfGrowth; 4] = [
    (
        "growth.svg",
        "100 events a request, 16 clients, while the log grows",
        "events/s",
        |step| step.events_per_second,
    ),
    (
        "growth-p999.svg",
        "p99.9 of an append of 100 events while the log grows",
        "ms",
        |step| step.latency.p999_ms,
    ),
    (
        "growth-longest.svg",
        "the longest append of 100 events while the log grows",
        "ms",
        |step| step.latency.max_ms,
    ),
    (
        "growth-memory.svg",
        "memory of the server while the log grows",
        "MiB",
        |step| step.memory_peak_mib,
    ),
];

/// Quantiles of the latency, with their names; the last is the maximum.
const QUANTILES: [(f64, &str); 6] = [
    (0.5, "p50"),
    (0.9, "p90"),
    (0.99, "p99"),
    (0.999, "p99.9"),
    (0.9999, "p99.99"),
    (1.0, "max"),
];

/// Returns n where one in n latencies is longer.
fn rarity(quantile: f64) -> f64 {
    1.0 / (1.0 - quantile.min(0.99999))
}
