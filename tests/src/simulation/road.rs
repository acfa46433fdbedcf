//! The network between the stores of a simulation, for appends that they forward to each other. It delays and loses
//! requests and responses, and delivers late, like a network or a server that was paused.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use annals_engine::BoxFuture;
use annals_store::{Append, Error, Forwarded, Forwarder, Pending};
use parking_lot::Mutex;
use rand::{Rng, rngs::StdRng};

use super::{
    coverage::Event,
    world::{Running, World},
};

/// Timeout of a forwarded call.
const PATIENCE: Duration = Duration::from_secs(1);

/// The network connection of one store, for as long as that is open.
pub(super) struct Road {
    world: Weak<World>,
    rng: Mutex<StdRng>,
}

impl Road {
    pub(super) fn new(world: Weak<World>, rng: StdRng) -> Arc<Self> {
        Arc::new(Self {
            world,
            rng: Mutex::new(rng),
        })
    }

    /// The outcomes of appends: first those that are known, then `Unknown` for the others.
    async fn deliver(&self, world: &Arc<World>, to: Running, appends: Vec<Append>) -> Vec<Forwarded> {
        let chance = world.plan.faults.forwarding;
        let happens = || !world.hub.is_quiet() && self.rng.lock().random_ratio(chance, 1_000);
        let (asked_ms, heard) = {
            let mut rng = self.rng.lock();
            (rng.random_range(0..3), rng.random_range(0..=appends.len()))
        };
        if chance > 0 && happens() {
            world.coverage.count(Event::ForwardingLost);
            tokio::time::sleep(PATIENCE).await;
            return Vec::new();
        }
        if chance > 0 && happens() {
            let late_ms = self.rng.lock().random_range(500..30_000);
            let world = Arc::clone(world);
            world.hub.late_begun();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(late_ms)).await;
                world.coverage.count(Event::ForwardingLate);
                for pending in submit(&world, &to, appends).await {
                    let _ = to.call(&world, "an append that arrived late", pending).await;
                }
                world.hub.late_ended();
            });
            tokio::time::sleep(PATIENCE).await;
            return Vec::new();
        }
        tokio::time::sleep(Duration::from_millis(asked_ms)).await;
        let heard = if chance > 0 && happens() {
            world.coverage.count(Event::ForwardingAnswerLost);
            heard
        } else {
            appends.len()
        };
        let mut outcomes = Vec::new();
        let to_many = appends.iter().filter(|append| append.expected().is_none());
        world
            .coverage
            .add(Event::AppendToManyForwarded, to_many.count() as u64);
        for pending in submit(world, &to, appends).await {
            let answer = to.call(
                world,
                "a forwarded append",
                tokio::time::timeout(PATIENCE, pending),
            );
            let outcome = match answer.await {
                Some(Ok(Ok(appended))) => Forwarded::Answered(Ok(appended)),
                Some(Ok(Err(Error::Rejected(rejection)))) => Forwarded::Answered(Err(rejection)),
                Some(Ok(Err(Error::Overloaded(_)))) => Forwarded::Refused,
                Some(Ok(Err(error))) => {
                    world.judge(to.node, &error);
                    return outcomes;
                }
                Some(Err(_)) | None => return outcomes,
            };
            if outcomes.len() == heard {
                tokio::time::sleep(PATIENCE).await;
                return outcomes;
            }
            world.coverage.count(Event::AppendForwarded);
            outcomes.push(outcome);
        }
        outcomes
    }
}

/// Submits appends to a store in order; returns fewer if it closes or is killed.
async fn submit(world: &World, to: &Running, appends: Vec<Append>) -> Vec<Pending> {
    let mut pending = Vec::new();
    for append in appends {
        let submitted = to.store.submit_forwarded(append);
        match to.call(world, "forwarding appends", submitted).await {
            Some(Ok(submitted)) => pending.push(submitted),
            _ => break,
        }
    }
    pending
}

impl Forwarder for Road {
    fn forward<'a>(&'a self, writer: &'a str, appends: &'a [&'a Append]) -> BoxFuture<'a, Vec<Forwarded>> {
        Box::pin(async move {
            let world = self.world.upgrade();
            let node = writer.strip_prefix("node-").and_then(|node| node.parse().ok());
            let Some((world, to)) = world
                .zip(node)
                .and_then(|(world, node)| Some((Arc::clone(&world), world.running(node)?)))
            else {
                return vec![Forwarded::Refused; appends.len()];
            };
            let copies = appends.iter().map(|append| (*append).clone()).collect();
            let mut outcomes = self.deliver(&world, to, copies).await;
            outcomes.resize(appends.len(), Forwarded::Unknown);
            outcomes
        })
    }
}
