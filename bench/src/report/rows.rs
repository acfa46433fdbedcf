//! The rows of a workload in the report: its figure and, for several servers, the slowest server's share and the
//! latency.

use crate::{
    goal::Goal,
    load::Measured,
    statistics::Summary,
    workload::{THREE_SERVERS, Workload},
};

use super::{Report, table::number};

/// Goals for three servers, in addition to their rate: the slowest server's share of an equal part, and the 99th
/// percentile of latencies in milliseconds.
const LEAST_SHARE_MIN: f64 = 0.5;
const P99_MS_LIMIT: f64 = 60.0;

/// A number of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    /// The workload's figure.
    Main,
    /// Events of the slowest of several servers, as a share of an equal part.
    LeastShare,
    /// The 99th percentile of the latencies of all appends, over all servers.
    P99,
}

/// A figure over all rounds.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Name for the table.
    pub(super) name: String,
    pub(super) unit: &'static str,
    pub(super) workload: Workload,
    pub(super) annals: Option<Summary>,
    pub(super) beside: Option<Summary>,
    pub(super) goal: Goal,
    pub(super) met: Option<bool>,
}

impl Row {
    /// Returns the ratio of the medians.
    pub(super) fn ratio(&self) -> Option<f64> {
        let (annals, beside) = (self.annals?.median, self.beside?.median);
        (beside > 0.0).then(|| annals / beside)
    }

    /// Describes the goal.
    pub(super) fn goal(&self, beside: &str) -> String {
        match self.goal {
            Goal::None => "-".to_owned(),
            Goal::AtLeast(least) => format!(">= {}", number(least)),
            Goal::AtLeastWithin(least, limit) => format!(">= {}, p99 < {limit:.0} ms", number(least)),
            Goal::Below(limit) => format!("< {limit:.0} {}", self.unit),
            Goal::Share(share) => format!(">= {share:.2} of {beside}"),
        }
    }
}

impl Report {
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        let figures: &[Figure] = match self.deployment.servers() {
            1 => &[Figure::Main],
            _ => &[Figure::Main, Figure::LeastShare, Figure::P99],
        };
        let of = move |&workload| figures.iter().map(move |&figure| self.row(workload, figure));
        self.workloads.iter().flat_map(of)
    }

    fn row(&self, workload: Workload, figure: Figure) -> Row {
        let (name, unit) = match figure {
            Figure::Main => (workload.name(), workload.unit()),
            Figure::LeastShare => ("slowest server, of its fair share".to_owned(), "share"),
            Figure::P99 => ("append over all servers, p99".to_owned(), "ms"),
        };
        let of = |target| self.summary(workload, target, |measured| figure.of(workload, measured));
        let (annals, beside) = (of("annals"), of(self.deployment.beside()));
        let p99 = self.summary(workload, "annals", p99_ms);
        let goal = self.goal(workload, figure);
        let met = annals
            .filter(|_| self.deployment.engine().is_durable())
            .and_then(|annals| {
                let (p99, beside) = (p99.map(|p99| p99.median), beside.map(|beside| beside.median));
                goal.is_met(annals.median, p99, beside)
            });
        Row {
            name,
            unit,
            workload,
            annals,
            beside,
            goal,
            met,
        }
    }

    fn goal(&self, workload: Workload, figure: Figure) -> Goal {
        match (figure, self.deployment.servers()) {
            (Figure::Main, _) => workload.goal(self.deployment),
            (Figure::LeastShare, THREE_SERVERS) => Goal::AtLeast(LEAST_SHARE_MIN),
            (Figure::P99, THREE_SERVERS) => Goal::Below(P99_MS_LIMIT),
            (Figure::LeastShare | Figure::P99, _) => Goal::None,
        }
    }
}

impl Figure {
    fn of(self, workload: Workload, measured: &Measured) -> Option<f64> {
        match self {
            Self::Main => Some(workload.figure(measured)),
            Self::LeastShare => measured.least_share(),
            Self::P99 => p99_ms(measured),
        }
    }
}

fn p99_ms(measured: &Measured) -> Option<f64> {
    measured.latency.map(|latency| latency.p99_ms)
}
