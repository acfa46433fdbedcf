//! Figures as lines.

use super::Report;
use crate::{
    compare::{course::Outcome, plot, workload::Workload},
    stores::Name,
};

impl Report {
    /// Rates by clients, latency by quantile, and rates while a log grows, where they were measured.
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
