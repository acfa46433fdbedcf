//! Notes that qualify the tables.

use super::Report;
use crate::{compare::workload::Workload, stores::Name};

/// A larger spread means that the machine was busy, or that the store is not steady.
const NOISY_SPREAD: f64 = 0.15;

impl Report {
    /// Lists failures, disturbances, unsupported workloads and differences between rounds.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self.failures.clone();
        notes.extend(self.repeats());
        notes.extend(
            self.stores
                .iter()
                .filter_map(|(store, _)| self.disturbances(*store)),
        );
        for (workload, store) in self.pairs() {
            notes.extend(self.lack(workload, store));
            notes.extend(self.spread(workload, store));
        }
        notes
    }

    fn repeats(&self) -> Option<String> {
        let repeated = self.runs.iter().filter(|run| run.repeats > 0).count();
        let (runs, repeats) = (
            self.runs.len(),
            self.runs.iter().map(|run| run.repeats).sum::<u32>(),
        );
        (repeated > 0).then(|| {
            format!(
                "{repeated} of {runs} runs were repeated, {repeats} times in total, because of other programs or a \
                 slow disk"
            )
        })
    }

    /// Lists the disturbed runs of a store, with the cause.
    fn disturbances(&self, store: Name) -> Option<String> {
        let runs = self.runs.iter().filter(|run| run.store == store);
        let disturbed: Vec<String> = runs
            .filter_map(|run| {
                let words = run.beside.words()?;
                Some(format!(
                    "{} in round {} ({words})",
                    run.workload.name(),
                    run.round
                ))
            })
            .collect();
        (!disturbed.is_empty()).then(|| {
            format!(
                "{}: disturbed runs ({}): {}",
                store.text(),
                disturbed.len(),
                disturbed.join("; ")
            )
        })
    }

    fn lack(&self, workload: Workload, store: Name) -> Option<String> {
        let is_this = |run: &&super::Run| run.workload == workload && run.store == store;
        let run = self.runs.iter().find(is_this).filter(|_| !store.is_limit())?;
        let reason = run.outcome.as_ref().err()?;
        Some(format!(
            "{}, {}: not supported: {reason}",
            store.text(),
            workload.words()
        ))
    }

    fn spread(&self, workload: Workload, store: Name) -> Option<String> {
        let figure = self.figure(workload, store)?;
        (figure.spread() > NOISY_SPREAD).then(|| {
            let percent = figure.spread() * 100.0;
            format!(
                "{}, {}: the rounds differ by {percent:.0}%",
                store.text(),
                workload.words()
            )
        })
    }
}
