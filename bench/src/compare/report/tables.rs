//! Tables of figures.

use super::Report;
use crate::{
    compare::{
        course::Outcome,
        goal::{Bound, Quantity},
        workload::Workload,
    },
    report::table::{Align, Table, cut, number, raised},
    stores::Name,
};

impl Report {
    /// Returns a row for each workload and a column for each store.
    pub(super) fn figures(&self) -> Table {
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
                        let shown = |figure: f64| workload.shown(figure);
                        cells.push(shown(figure.median));
                        let times = self.times(workload, name).filter(|_| name != self.first());
                        cells.push(times.map_or_else(String::new, |times| format!("{}x", cut(times))));
                    }
                    None => cells.extend(["-".to_owned(), String::new()]),
                }
            }
            table.add_row(cells);
        }
        table
    }

    /// Like [`Self::figures`], with the minimum and maximum of the rounds; empty if there was one round.
    pub(super) fn spreads(&self) -> Table {
        let mut columns = vec![
            ("minimum and maximum of the rounds", Align::Left),
            ("unit", Align::Left),
        ];
        columns.extend(self.stores.iter().map(|(name, _)| (name.text(), Align::Right)));
        let mut table = Table::of(&columns);
        if self.rounds() < 2 {
            return table;
        }
        for &workload in &self.workloads {
            let cell = |&(name, _): &(Name, _)| match self.figure(workload, name) {
                Some(figure) => format!("{} to {}", workload.shown(figure.min), workload.shown(figure.max)),
                None => "-".to_owned(),
            };
            let mut cells = vec![workload.words(), workload.unit().to_owned()];
            cells.extend(self.stores.iter().map(cell));
            table.add_row(cells);
        }
        table
    }

    /// Returns a row for each goal.
    pub(super) fn goals(&self, subject: Name) -> Table {
        let mut table = Table::of(&[
            ("workload", Align::Left),
            ("goal", Align::Left),
            (subject.text(), Align::Right),
            ("compared with", Align::Right),
            ("reached", Align::Right),
            ("met", Align::Left),
        ]);
        for verdict in self.verdicts(subject) {
            let (workload, goal) = (verdict.workload, verdict.goal);
            let figure = |figure: f64| format!("{} {}", workload.shown(figure), workload.unit());
            let own = self.figure(workload, subject).map(|own| figure(own.median));
            let own = own.filter(|_| goal.quantity.is_of_figure());
            let reached = match goal.bound {
                Bound::Below(_) => raised(verdict.reached),
                Bound::AtLeast(_) | Bound::Above(_) => cut(verdict.reached),
            };
            table.add([
                workload.words(),
                goal.words(workload.unit()),
                own.unwrap_or_default(),
                verdict.beside.map(figure).unwrap_or_default(),
                if goal.quantity.is_ratio() {
                    format!("{reached}x")
                } else {
                    reached
                },
                met(verdict.is_met),
            ]);
        }
        table
    }

    /// Returns a row for each workload of a store that Annals must be ahead of.
    pub(super) fn standings_table(&self, subject: Name) -> Table {
        let mut table = Table::of(&[
            ("workload", Align::Left),
            ("compared with", Align::Left),
            (subject.text(), Align::Right),
            ("it", Align::Right),
            ("times as good", Align::Right),
            ("ahead", Align::Left),
        ]);
        for verdict in self.standings(subject) {
            let workload = verdict.workload;
            let Quantity::Ahead(other) = verdict.goal.quantity else {
                continue;
            };
            let figure = |figure: f64| format!("{} {}", workload.shown(figure), workload.unit());
            let own = self.figure(workload, subject).map(|own| figure(own.median));
            table.add([
                workload.words(),
                other.text().to_owned(),
                own.unwrap_or_default(),
                verdict.beside.map(figure).unwrap_or_default(),
                format!("{}x", cut(verdict.reached)),
                met(verdict.is_met),
            ]);
        }
        table
    }

    pub(super) fn latencies(&self) -> Table {
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
                    .map(|summary| raised(summary.median))
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

    /// Returns a row for each million of a growing log.
    pub(super) fn growth_steps(&self) -> Table {
        let mut table = Table::new([
            ("store", Align::Left),
            ("events", Align::Right),
            ("events/s", Align::Right),
            ("p50 ms", Align::Right),
            ("p99", Align::Right),
            ("p99.9", Align::Right),
            ("max", Align::Right),
            ("memory, MiB", Align::Right),
            ("bytes per event", Align::Right),
        ]);
        for (store, outcome) in self.grown() {
            for step in &outcome.growth {
                let latency = step.latency;
                table.add([
                    store.text().to_owned(),
                    number(step.events as f64),
                    cut(step.events_per_second),
                    raised(latency.p50_ms),
                    raised(latency.p99_ms),
                    raised(latency.p999_ms),
                    raised(latency.max_ms),
                    raised(step.memory_peak_mib),
                    raised(step.disk_bytes_per_event),
                ]);
            }
        }
        table
    }

    /// Returns a row for each log that has grown.
    pub(super) fn large_logs(&self) -> Table {
        let mut table = Table::new([
            ("large log", Align::Left),
            ("events", Align::Right),
            ("bytes per event", Align::Right),
            ("peak memory, MiB", Align::Right),
            ("after a start", Align::Right),
            ("start, ms", Align::Right),
            ("cold, after kill -9", Align::Right),
            ("first load after it", Align::Right),
        ]);
        for (store, outcome) in self.grown() {
            let Some(large) = &outcome.large else { continue };
            table.add([
                store.text().to_owned(),
                number(large.events as f64),
                raised(large.disk_bytes_per_event),
                raised(large.memory_peak_mib),
                raised(large.memory_mib_after_start),
                raised(large.start_ms),
                raised(large.killed_cold_start_ms),
                raised(large.first_load_ms),
            ]);
        }
        table
    }

    /// Returns the stores whose logs were grown, each with its first round.
    fn grown(&self) -> impl Iterator<Item = (Name, &Outcome)> {
        let first = |name| Some((name, self.outcomes(Workload::Growth, name).next()?));
        self.stores.iter().filter_map(move |(name, _)| first(*name))
    }

    pub(super) fn costs(&self) -> Table {
        let mut table = Table::new([
            ("CPU time, us per event", Align::Left),
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
}

fn met(is_met: Option<bool>) -> String {
    match is_met {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "not judged",
    }
    .to_owned()
}
