//! What is measured, and which goal each figure has.

use std::time::Duration;

use crate::{
    Result,
    engine::Engine,
    load::{Measured, Subject, calls, live, read, session},
};

/// Appends of a session that may be unanswered.
const SESSION_IN_FLIGHT: u64 = 2_048;

/// A load, and the figure that stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// Clients that append `events` events in each unary call.
    Calls {
        /// How many clients.
        clients: usize,
        /// Events in a call.
        events: u32,
    },
    /// One session with one event in a message.
    Session,
    /// Appends at a fixed rate, seen by a subscriber.
    Live {
        /// Appends a second.
        per_second: u32,
    },
    /// The whole log.
    ReadAll,
}

/// The order in which they run. The log grows along the way, and is read at the end.
pub(crate) const QUICK: [Workload; 8] = [
    Workload::Calls {
        clients: 1,
        events: 1,
    },
    Workload::Calls {
        clients: 16,
        events: 1,
    },
    Workload::Calls {
        clients: 64,
        events: 1,
    },
    Workload::Calls {
        clients: 256,
        events: 1,
    },
    Workload::Live { per_second: 1_000 },
    Workload::Session,
    Workload::Calls {
        clients: 16,
        events: 100,
    },
    Workload::ReadAll,
];

/// What a figure must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// There is none.
    None,
    /// So much or more.
    AtLeast(f64),
    /// So much or more, with the 99th percentile of latencies below so many milliseconds.
    AtLeastWithin(f64, f64),
    /// Less than this.
    Below(f64),
    /// So large a share of the echo server's figure, or more.
    ShareOfEcho(f64),
}

impl Goal {
    /// Whether the goal is met; `None` if there is none, or nothing to compare with.
    pub(crate) fn is_met(self, figure: f64, p99_ms: Option<f64>, echo: Option<f64>) -> Option<bool> {
        match self {
            Self::None => None,
            Self::AtLeastWithin(least, limit) => p99_ms.map(|p99_ms| figure >= least && p99_ms < limit),
            Self::AtLeast(least) => Some(figure >= least),
            Self::Below(limit) => Some(figure < limit),
            Self::ShareOfEcho(share) => echo.filter(|&echo| echo > 0.0).map(|echo| figure / echo >= share),
        }
    }
}

impl Workload {
    /// For people and for JSON.
    pub(crate) fn name(self) -> String {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        match self {
            Self::Calls { clients, events: 1 } => {
                format!("unary, 1 event, {clients} client{}", plural(clients))
            }
            Self::Calls { clients, events } => {
                format!("unary, {events} events, {clients} client{}", plural(clients))
            }
            Self::Session => format!("one session, 1 event a message, {SESSION_IN_FLIGHT} in flight"),
            Self::Live { per_second } => format!("append to live delivery at {per_second}/s, p99"),
            Self::ReadAll => "read all, decoded".to_owned(),
        }
    }

    /// Of the figure.
    pub(crate) const fn unit(self) -> &'static str {
        match self {
            Self::Live { .. } => "ms",
            _ => "events/s",
        }
    }

    /// The first figures that the product set itself.
    pub(crate) const fn goal(self, engine: Engine) -> Goal {
        match engine {
            Engine::Embedded | Engine::Memory => self.goal_on_one_machine(),
            Engine::FoundationDb => self.goal_on_a_cluster(),
        }
    }

    const fn goal_on_a_cluster(self) -> Goal {
        match self {
            Self::Calls {
                clients: 64,
                events: 1,
            } => Goal::AtLeastWithin(12_000.0, 20.0),
            Self::Calls {
                clients: 256,
                events: 1,
            } => Goal::AtLeast(18_000.0),
            Self::Calls {
                clients: 16,
                events: 100,
            } => Goal::AtLeast(200_000.0),
            Self::Session => Goal::AtLeast(60_000.0),
            Self::Calls { .. } | Self::Live { .. } | Self::ReadAll => Goal::None,
        }
    }

    const fn goal_on_one_machine(self) -> Goal {
        match self {
            Self::Calls {
                clients: 64,
                events: 1,
            } => Goal::ShareOfEcho(0.60),
            Self::Calls {
                clients: 16,
                events: 100,
            } => Goal::AtLeast(300_000.0),
            Self::Calls { .. } => Goal::None,
            Self::Session => Goal::AtLeast(100_000.0),
            Self::Live { .. } => Goal::Below(10.0),
            Self::ReadAll => Goal::AtLeast(500_000.0),
        }
    }

    /// The number that stands for a run.
    pub(crate) fn figure(self, measured: &Measured) -> f64 {
        match self {
            Self::Live { .. } => measured.latency.map_or(f64::INFINITY, |latency| latency.p99_ms),
            _ => measured.events_per_second,
        }
    }

    /// Runs it once.
    pub(crate) async fn run(self, subject: &Subject<'_>, echoed_events: u64) -> Result<Measured> {
        match self {
            Self::Calls { clients, events } => calls::run(subject, clients, events).await,
            Self::Session => session::run(subject, SESSION_IN_FLIGHT).await,
            Self::Live { per_second } => live::run(subject, per_second).await,
            Self::ReadAll => read::run(subject, echoed_events).await,
        }
    }
}

/// Warm-up of a load that is measured for so long.
pub(crate) fn warm_up(measured: Duration) -> Duration {
    (measured / 5).max(Duration::from_millis(500))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_at_its_limit_and_not_short_of_it() {
        assert_eq!(Goal::AtLeast(100_000.0).is_met(100_000.0, None, None), Some(true));
        assert_eq!(Goal::AtLeast(100_000.0).is_met(99_999.9, None, None), Some(false));
        assert_eq!(Goal::Below(10.0).is_met(9.99, None, None), Some(true));
        assert_eq!(Goal::Below(10.0).is_met(10.0, None, None), Some(false));
        assert_eq!(
            Goal::ShareOfEcho(0.6).is_met(59.9, None, Some(100.0)),
            Some(false)
        );
        assert_eq!(Goal::ShareOfEcho(0.6).is_met(60.0, None, Some(100.0)), Some(true));
    }

    #[test]
    fn a_goal_with_a_latency_needs_both() {
        let goal = Goal::AtLeastWithin(12_000.0, 20.0);
        assert_eq!(goal.is_met(12_000.0, Some(19.99), None), Some(true));
        assert_eq!(goal.is_met(11_999.9, Some(1.0), None), Some(false));
        assert_eq!(goal.is_met(99_000.0, Some(20.0), None), Some(false));
        assert_eq!(goal.is_met(99_000.0, None, None), None);
    }

    #[test]
    fn without_a_goal_or_an_echo_nothing_is_met() {
        assert_eq!(Goal::None.is_met(1.0, None, Some(1.0)), None);
        assert_eq!(Goal::ShareOfEcho(0.6).is_met(1.0, None, None), None);
        assert_eq!(Goal::ShareOfEcho(0.6).is_met(1.0, None, Some(0.0)), None);
    }

    #[test]
    fn a_live_run_without_a_latency_misses_every_goal() {
        let live = Workload::Live { per_second: 1 };
        assert_eq!(
            live.goal(Engine::Embedded)
                .is_met(live.figure(&Measured::default()), None, None),
            Some(false)
        );
    }

    #[test]
    fn no_two_workloads_share_a_name() {
        let names: std::collections::HashSet<String> = QUICK.iter().map(|workload| workload.name()).collect();
        assert_eq!(names.len(), QUICK.len());
    }
}
