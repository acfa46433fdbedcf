//! Compares the goals with the measurements.
//!
//! 1. A goal is judged by the medians as measured, not as shown.
//! 2. A goal needs the figure of Annals and of the store it is compared with; without both it is omitted.
//! 3. A log that was not grown to the length of the goal is shown, and not judged.

use super::Report;
use crate::{
    compare::{
        course::Outcome,
        goal::{BEHIND, Goal, Quantity, ahead_of, goals},
        workload::Workload,
    },
    stores::Name,
};

/// Events in the log to which the goals of growth apply.
const GROWN: u64 = 20_000_000;

/// A goal and how far it was reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) workload: Workload,
    pub(super) goal: Goal,
    /// The figure of the baseline, if there is one.
    pub(super) beside: Option<f64>,
    /// The quantity that the goal bounds.
    pub(super) reached: f64,
    /// Whether the goal is met; `None` if less was measured than the goal requires.
    pub(super) is_met: Option<bool>,
}

impl Report {
    /// Returns the verdicts on the goals that were measured for this store.
    pub(super) fn verdicts(&self, subject: Name) -> Vec<Verdict> {
        let goals = |&workload: &Workload| goals(workload).into_iter().map(move |goal| (workload, goal));
        self.judged(subject, self.workloads.iter().flat_map(goals))
    }

    /// Returns whether this store is ahead of the stores that it must be ahead of.
    pub(super) fn standings(&self, subject: Name) -> Vec<Verdict> {
        let comparable = self.workloads.iter().filter(|workload| workload.is_comparable());
        let goals = |&workload: &Workload| BEHIND.map(|name| (workload, ahead_of(name)));
        self.judged(subject, comparable.flat_map(goals))
    }

    fn judged(&self, subject: Name, goals: impl Iterator<Item = (Workload, Goal)>) -> Vec<Verdict> {
        if !subject.is_annals() {
            return Vec::new();
        }
        goals
            .filter_map(|(workload, goal)| self.verdict(subject, workload, goal))
            .collect()
    }

    fn verdict(&self, subject: Name, workload: Workload, goal: Goal) -> Option<Verdict> {
        let own = self.figure(workload, subject)?.median;
        let beside = match goal.quantity {
            Quantity::Times(name) | Quantity::Ahead(name) => Some(self.best(workload, name)?),
            Quantity::TimesBestOfUmaDb => Some(self.best_single_appends_of_umadb()?),
            _ => None,
        };
        let reached = match goal.quantity {
            Quantity::Figure => own,
            Quantity::Times(_) | Quantity::TimesBestOfUmaDb => own / beside?,
            Quantity::Ahead(_) => times_as_good(workload, own, beside?)?,
            Quantity::GrowthP999 => self.growth(subject, |step| step.latency.p999_ms)?,
            Quantity::GrowthLongest => self.growth(subject, |step| step.latency.max_ms)?,
            Quantity::GrowthMemory => self.growth(subject, |step| step.memory_peak_mib)?,
        };
        let is_grown = workload != Workload::Growth
            || self
                .outcomes(workload, subject)
                .all(|outcome| outcome.growth.last().is_some_and(|step| step.events >= GROWN));
        Some(Verdict {
            workload,
            goal,
            beside,
            reached,
            is_met: is_grown.then(|| goal.bound.is_met(reached)),
        })
    }

    /// Returns the figure of a store; for UmaDB, of its better setting.
    fn best(&self, workload: Workload, store: Name) -> Option<f64> {
        let settings: &[Name] = match store {
            Name::Umadb => &[Name::Umadb, Name::UmadbPipelined],
            _ => &[store],
        };
        let figures = settings
            .iter()
            .filter_map(|&store| Some(self.figure(workload, store)?.median));
        if workload.is_more_better() {
            figures.max_by(f64::total_cmp)
        } else {
            figures.min_by(f64::total_cmp)
        }
        .filter(|figure| *figure > 0.0)
    }

    fn best_single_appends_of_umadb(&self) -> Option<f64> {
        let single = |workload: &&Workload| matches!(workload, Workload::Append { events: 1, .. });
        let rates = self.workloads.iter().filter(single);
        rates
            .filter_map(|&workload| self.best(workload, Name::Umadb))
            .max_by(f64::total_cmp)
    }

    /// Returns the maximum of a quantity over the steps of a growing log; for several rounds, the median.
    fn growth(&self, subject: Name, of: fn(&crate::compare::course::Step) -> f64) -> Option<f64> {
        let most = |outcome: &Outcome| outcome.growth.iter().map(of).max_by(f64::total_cmp);
        Some(self.summary(Workload::Growth, subject, most)?.median)
    }
}

/// Returns how many times better a figure is than another: a value above 1 is better, whether more or less is better.
pub(super) fn times_as_good(workload: Workload, own: f64, other: f64) -> Option<f64> {
    if !workload.is_comparable() {
        return None;
    }
    let times = if workload.is_more_better() {
        own / other
    } else {
        other / own
    };
    times.is_finite().then_some(times)
}
