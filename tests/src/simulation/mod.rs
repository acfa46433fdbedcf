//! Deterministic simulation: one to three stores on the memory engine with injected faults, with clients that append,
//! read, subscribe, and do the same with state, on one thread with simulated time; then the
//! [`checker`](crate::checker) judges all responses.
//!
//! 1. Everything follows from the seed: a run can be repeated exactly. So no part takes time, randomness or order
//!    from anywhere else: each part draws from its own generator, no iteration order depends on hashing, every
//!    `select!` is biased, and waiting tasks are woken in order.
//! 2. Every injected fault is one that a real engine, clock, network or operator may cause.
//! 3. Every call to a store ends. A call that takes [`STUCK`] of simulated time is a failure, and so is an error that
//!    a store must never return (corrupt storage, internal error).
//!
//! Limits: the effects of the engines on bytes on disk are not simulated; `annals-embedded` tests those.
//!
//! [`STUCK`]: world::STUCK

mod attempt;
mod clock;
mod convert;
mod coverage;
mod ender;
mod ends;
mod engine;
mod jumper;
mod looks;
mod plan;
mod reader;
mod restarts;
mod road;
mod scavenger;
mod settle;
mod state;
mod subscriber;
mod trace;
mod world;
mod writer;

pub use coverage::{Coverage, Event};
pub use ends::{Ends, simulate_ends};
pub use plan::{Faults, Plan};
pub use trace::trace;

use std::sync::Arc;

use crate::checker::{self, History, Violation};
use world::World;

/// The result of a simulation.
#[derive(Debug)]
pub struct Outcome {
    /// The requests and the responses.
    pub history: History,
    /// Events in the log at the end.
    pub events: usize,
    /// Rules that were broken.
    pub violations: Vec<Violation>,
    /// Failures whatever the responses are: calls that do not end, corrupt storage, panics.
    pub failures: Vec<String>,
    /// The paths that it took.
    pub coverage: Coverage,
}

impl Outcome {
    /// True if nothing was wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.violations.is_empty() && self.failures.is_empty()
    }

    /// The violations and failures, one per line.
    #[must_use]
    pub fn complaints(&self) -> String {
        let violations = self.violations.iter().map(ToString::to_string);
        violations
            .chain(self.failures.iter().cloned())
            .map(|line| format!("  {line}\n"))
            .collect()
    }

    /// A number that differs for different histories.
    #[must_use]
    pub fn digest(&self) -> u64 {
        checker::digest(format!("{:?}", self.history).as_bytes(), &[])
    }
}

/// Runs a simulation, on a runtime of one thread with simulated time.
pub async fn simulate(plan: Plan) -> Outcome {
    let world = World::new(plan);
    let log = play(&world).await;
    let history = std::mem::take(&mut *world.history.lock());
    let failures = std::mem::take(&mut *world.failures.lock());
    // Without the whole log nothing can be judged, and a recorded failure explains why it is missing.
    let violations = log
        .as_ref()
        .map_or(Ok(()), |log| checker::check(&history, log))
        .err()
        .unwrap_or_default();
    Outcome {
        history,
        events: log.map_or(0, |log| log.len()),
        violations,
        failures,
        coverage: world.coverage.clone(),
    }
}

async fn play(world: &Arc<World>) -> Option<Vec<checker::Observed>> {
    for node in 0..world.plan.stores {
        world.open(node).await;
    }
    let plan = &world.plan;
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..plan.writers {
        clients.spawn(writer::run(Arc::clone(world), number as u64));
    }
    for number in 0..plan.readers {
        clients.spawn(reader::run(Arc::clone(world), number as u64));
    }
    state::spawn_clients(world, &mut clients);
    let mut subscribers = tokio::task::JoinSet::new();
    for number in 0..plan.subscribers {
        subscribers.spawn(subscriber::run(Arc::clone(world), number as u64));
    }
    state::spawn_subscribers(world, &mut subscribers);
    let restarts = tokio::spawn(restarts::run(Arc::clone(world)));
    while let Some(joined) = clients.join_next().await {
        world.joined("a client", joined);
    }
    world.finish();
    world.joined("the restarts", restarts.await);
    let log = settle::run(world).await;
    if log.is_none() {
        world.set_last(0);
        world.state.last.lock().get_or_insert_default();
    }
    while let Some(joined) = subscribers.join_next().await {
        world.joined("a subscriber", joined);
    }
    log
}
