//! The order of rounds, phases, stores and workloads, and the choice of the run that counts.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    Course, Dataset, Options, Outcome, Scale,
    disturbance::{Beside, Watch},
    refusals,
    report::{Report, Run},
    workload::{Phase, Workload},
};
use crate::{
    Result,
    environment::Environment,
    load::Supply,
    stores::{Name, Store},
    workload::warm_up,
};

/// A comparison in progress.
pub(super) struct Comparison<'a> {
    options: &'a Options,
    scale: Scale,
    stores: Vec<Name>,
    workloads: Vec<Workload>,
    data: PathBuf,
    watch: Watch,
    report: Report,
    /// Stores that have passed the checks in `refusals`.
    asked: Vec<Name>,
}

/// The outcome of one run, or the reason why the store does not support the workload.
type Ran = std::result::Result<Outcome, String>;

impl<'a> Comparison<'a> {
    pub(super) fn new(
        options: &'a Options,
        stores: Vec<Name>,
        workloads: Vec<Workload>,
        data: &Path,
        environment: Environment,
    ) -> Self {
        let scale = options.amounts.scale();
        Self {
            options,
            scale,
            watch: Watch::new(data.to_owned(), environment.sync_micros),
            report: Report::new(options, scale, environment, &stores, &workloads),
            stores,
            workloads,
            data: data.to_owned(),
            asked: Vec::new(),
        }
    }

    pub(super) const fn report(&self) -> &Report {
        &self.report
    }

    /// Measures everything once. Failures are recorded, and the remaining stores are still measured.
    pub(super) async fn round(&mut self, round: u32) -> Result<()> {
        for phase in Phase::ALL {
            let is_of_phase = |workload: &&Workload| workload.phase() == phase;
            let workloads: Vec<Workload> = self.workloads.iter().filter(is_of_phase).copied().collect();
            if workloads.is_empty() {
                continue;
            }
            for name in self.stores.clone() {
                if let Err(error) = self.phase(round, name, phase, &workloads).await {
                    eprintln!("round {round} {}: failed: {error}", name.text());
                    self.report.fail(round, name, &error);
                }
            }
        }
        Ok(())
    }

    /// Runs the workloads of a phase on an empty store.
    async fn phase(&mut self, round: u32, name: Name, phase: Phase, workloads: &[Workload]) -> Result<()> {
        let mut store = name.start(&self.data, &self.options.peers).await?;
        self.report.introduce(name, store.setting());
        let mut course = self.course();
        if !self.asked.contains(&name) {
            // The checks run on a store of their own, so that the log that is read has no extra events.
            let refused = refusals::ask(name, store.as_ref(), &course.supply).await?;
            self.report.refuse(refused);
            self.asked.push(name);
            store.stop().await?;
            store = name.start(&self.data, &self.options.peers).await?;
            course = self.course();
        }
        let is_offered = |workload: &Workload| workload.lacking(&*store).is_none();
        if phase == Phase::Reads && workloads.iter().any(is_offered) && !name.is_limit() {
            course.dataset.fill(&*store, &course).await?;
        }
        for &workload in workloads {
            let (outcome, beside, repeats) = match workload.lacking(&*store) {
                Some(reason) => (Err(reason.to_owned()), Beside::default(), 0),
                None => {
                    self.least_disturbed(workload, store.as_mut(), &mut course)
                        .await?
                }
            };
            let run = Run {
                round,
                store: name,
                workload,
                outcome,
                beside,
                repeats,
            };
            eprintln!("{}", run.line());
            self.report.add(run);
        }
        store.stop().await
    }

    fn course(&self) -> Course {
        let measured = Duration::from_secs(self.scale.seconds);
        Course {
            supply: Arc::new(Supply::default()),
            warm_up: warm_up(measured),
            measured,
            clients_per_connection: self.options.clients_per_connection as usize,
            growth: self.scale.growth,
            growth_time: Duration::from_secs(self.scale.growth_seconds),
            dataset: Dataset::new(self.scale.events),
        }
    }

    /// Runs a workload until a run is undisturbed or the repeats are used up. Returns the least disturbed run, the
    /// activity during it, and the number of repeats.
    async fn least_disturbed(
        &mut self,
        workload: Workload,
        store: &mut dyn Store,
        course: &mut Course,
    ) -> Result<(Ran, Beside, u32)> {
        let patience = Duration::from_secs(self.scale.quiet_wait_seconds);
        let mut best: Option<(Ran, Beside)> = None;
        let repeats_max = if workload.is_repeatable() {
            self.scale.repeats
        } else {
            0
        };
        let mut repeats = 0;
        loop {
            store.settle().await?;
            let settled = self.watch.settled(&store.processes(), patience).await?;
            let outcome = match workload.run(store, course).await {
                Ok(outcome) => outcome,
                Err(error) if error.is_unimplemented() => {
                    let reason = "this server does not have the call".to_owned();
                    return Ok((Err(reason), Beside::default(), repeats));
                }
                Err(error) => return Err(error),
            };
            if !workload.is_timed() {
                return Ok((Ok(outcome), Beside::default(), repeats));
            }
            let beside = self.watch.since(settled, &outcome.measured)?;
            let (ran, beside) = match best.take() {
                Some(best) if best.1.severity() <= beside.severity() => best,
                _ => (Ok(outcome), beside),
            };
            if beside.severity() < 1.0 || repeats == repeats_max {
                return Ok((ran, beside, repeats));
            }
            best = Some((ran, beside));
            repeats += 1;
        }
    }
}
