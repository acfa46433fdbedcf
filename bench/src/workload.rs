//! The workloads of `annals-bench quick`.

use std::time::Duration;

use crate::{
    Result,
    deployment::Deployment,
    engine::Engine,
    goal::Goal,
    load::{Measured, Subject, calls, live, pipeline, read, state},
};

/// Appends of a session that may be unanswered.
const SESSION_IN_FLIGHT: u64 = 2_048;

/// A workload and its figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// Clients that append `events` events in each unary call.
    Calls {
        /// Number of clients.
        clients: usize,
        /// Events in a call.
        events: u32,
    },
    /// One session with one event in a message.
    Session,
    /// Appends at a fixed rate, with a subscriber that receives them.
    Live {
        /// Appends per second.
        per_second: u32,
    },
    /// Clients that read or write one entry of state in each call.
    State {
        /// Number of clients.
        clients: usize,
        /// What a call does.
        kind: state::Kind,
    },
    /// Reads of the whole log.
    ReadAll,
}

/// Workloads in the order in which they run. The log grows with each, and is read at the end.
pub(crate) const QUICK: [Workload; 10] = [
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
    Workload::State {
        clients: 64,
        kind: state::Kind::Write,
    },
    Workload::State {
        clients: 64,
        kind: state::Kind::Get,
    },
    Workload::Live { per_second: 1_000 },
    Workload::Session,
    Workload::Calls {
        clients: 16,
        events: 100,
    },
    Workload::ReadAll,
];

/// As many servers as there are goals for.
pub(crate) const THREE_SERVERS: usize = 3;
/// Clients for each of several servers.
const SERVER_CLIENTS: usize = 32;

/// Returns the workloads for this deployment. Several servers are measured with many appending clients; a single
/// client, or a read, does not use all of them.
pub(crate) fn workloads(deployment: Deployment) -> Vec<Workload> {
    match deployment.servers() {
        1 => QUICK.to_vec(),
        servers => vec![Workload::Calls {
            clients: servers * SERVER_CLIENTS,
            events: 1,
        }],
    }
}

impl Workload {
    /// Returns the name for the tables and for JSON.
    pub(crate) fn name(self) -> String {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        match self {
            Self::Calls { clients, events: 1 } => {
                format!("unary, 1 event, {clients} client{}", plural(clients))
            }
            Self::Calls { clients, events } => {
                format!("unary, {events} events, {clients} client{}", plural(clients))
            }
            Self::State { clients, kind } => {
                let call = match kind {
                    state::Kind::Get => "get",
                    state::Kind::Write => "write",
                };
                format!("{call} 1 entry of state, {clients} client{}", plural(clients))
            }
            Self::Session => format!("one session, 1 event a message, {SESSION_IN_FLIGHT} in flight"),
            Self::Live { per_second } => format!("append to live delivery at {per_second}/s, p99"),
            Self::ReadAll => "read all, decoded".to_owned(),
        }
    }

    /// Returns the unit of the figure.
    pub(crate) const fn unit(self) -> &'static str {
        match self {
            Self::Live { .. } => "ms",
            Self::State { .. } => "calls/s",
            _ => "events/s",
        }
    }

    /// Returns the goal of the workload.
    pub(crate) const fn goal(self, deployment: Deployment) -> Goal {
        match (deployment.engine(), deployment.servers()) {
            (Engine::Embedded | Engine::Memory, _) => self.goal_on_one_machine(),
            (Engine::FoundationDb, 1) => self.goal_on_a_cluster(),
            (Engine::FoundationDb, THREE_SERVERS) => Goal::Share(0.80),
            (Engine::FoundationDb, _) => Goal::None,
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
            Self::Calls { .. } | Self::State { .. } | Self::Live { .. } | Self::ReadAll => Goal::None,
        }
    }

    const fn goal_on_one_machine(self) -> Goal {
        match self {
            Self::Calls {
                clients: 64,
                events: 1,
            } => Goal::Share(0.60),
            Self::Calls {
                clients: 16,
                events: 100,
            } => Goal::AtLeast(300_000.0),
            Self::Calls { .. } => Goal::None,
            Self::State {
                kind: state::Kind::Get,
                ..
            } => Goal::Share(0.80),
            Self::State { .. } => Goal::None,
            Self::Session => Goal::AtLeast(100_000.0),
            Self::Live { .. } => Goal::Below(10.0),
            Self::ReadAll => Goal::AtLeast(500_000.0),
        }
    }

    /// Returns the figure of a run.
    pub(crate) fn figure(self, measured: &Measured) -> f64 {
        match self {
            Self::Live { .. } => measured.latency.map_or(f64::INFINITY, |latency| latency.p99_ms),
            _ => measured.events_per_second,
        }
    }

    /// Runs the workload once.
    pub(crate) async fn run(self, subject: &Subject<'_>, echoed_events: u64) -> Result<Measured> {
        match self {
            Self::Calls { clients, events } => calls::run(subject, clients, events).await,
            Self::Session => pipeline::run(subject, SESSION_IN_FLIGHT).await,
            Self::State { clients, kind } => state::run(subject, clients, kind).await,
            Self::Live { per_second } => live::run(subject, per_second).await,
            Self::ReadAll => read::run(subject, echoed_events).await,
        }
    }
}

/// Returns the warm-up of a load that is measured for `measured`.
pub(crate) fn warm_up(measured: Duration) -> Duration {
    (measured / 5).max(Duration::from_millis(500))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_run_without_a_latency_misses_every_goal() {
        let live = Workload::Live { per_second: 1 };
        assert_eq!(
            live.goal(Deployment::single(Engine::Embedded)).is_met(
                live.figure(&Measured::default()),
                None,
                None
            ),
            Some(false)
        );
    }

    #[test]
    fn several_servers_have_as_many_clients_each() {
        let of = |servers| workloads(Deployment::new(Engine::FoundationDb, servers).unwrap());
        let calls = |clients| vec![Workload::Calls { clients, events: 1 }];
        assert_eq!((of(3), of(2)), (calls(96), calls(64)));
        assert_eq!(of(1), QUICK);
    }

    #[test]
    fn no_two_workloads_share_a_name() {
        let names: std::collections::HashSet<String> = QUICK.iter().map(|workload| workload.name()).collect();
        assert_eq!(names.len(), QUICK.len());
    }
}
