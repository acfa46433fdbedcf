//! Simulates the ends of streams: clients that append to their own streams, truncate, delete and tombstone them,
//! under the faults and restarts of [`simulate`](super::simulate) and beside its writers, while another client has
//! removed events scavenged.
//!
//! It is judged differently. Removed events are not in any log that could be read at the end, so the checker of
//! appends and reads cannot judge them. But no other client touches the streams of such a client, and it repeats each
//! request until it knows the outcome: so it knows exactly what must be visible of them, and reads them in every way,
//! through every store.
//!
//! Clocks differ by up to half an hour, so the effect of a maximum age is known only for long ages: streams with a
//! maximum age of a day never lose an event by it. In some simulations all clocks are ahead by more than a day for a
//! while ([`jumper`](super::jumper)); there nothing is scavenged before the end, and visible events are judged only
//! while clocks are right.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{ender, jumper, plan::Plan, restarts, scavenger, world::World, writer};

/// Pause between attempts while waiting.
const REST: Duration = Duration::from_secs(10);
/// Number of clients that end streams.
const ENDERS: u64 = 2;

/// The result of such a simulation.
#[derive(Debug)]
pub struct Ends {
    /// Events that must not happen.
    pub failures: Vec<String>,
    /// How often clients did what.
    pub done: BTreeMap<&'static str, u64>,
}

/// Runs a simulation, on a runtime of one thread with simulated time.
pub async fn simulate_ends(plan: Plan) -> Ends {
    let world = World::new(plan);
    let mut done = BTreeMap::new();
    for node in 0..world.plan.stores {
        world.open(node).await;
    }
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..world.plan.writers {
        writers.spawn(writer::run(Arc::clone(&world), number as u64));
    }
    let restarts = tokio::spawn(restarts::run(Arc::clone(&world)));
    // Concurrently, in this task.
    let enders = (0..ENDERS).map(|number| ender::run(Arc::clone(&world), number));
    let jumps = world.plan.clock_jumps;
    let others = async {
        if jumps {
            jumper::run(Arc::clone(&world)).await
        } else {
            scavenger::run(Arc::clone(&world)).await
        }
    };
    let (mut ended, others) = tokio::join!(futures::future::join_all(enders), others);
    while let Some(joined) = writers.join_next().await {
        world.joined("a writer", joined);
    }
    world.finish();
    world.joined("the restarts", restarts.await);
    let removed = settle(&world, &mut ended).await;
    *done.entry("events that the last scavenge removed").or_default() += removed;
    for counts in ended.into_iter().map(|ender| ender.done).chain([others]) {
        for (what, times) in counts {
            *done.entry(what).or_default() += times;
        }
    }
    let failures = std::mem::take(&mut *world.failures.lock());
    Ends { failures, done }
}

/// After all faults have ended: every store must show the same, before and after all removed events are scavenged and
/// the store is reopened. Returns how many events the scavenge removed.
async fn settle(world: &Arc<World>, enders: &mut [ender::Ender]) -> u64 {
    let mut removed = 0;
    world.hub.calm();
    while world.hub.has_late_commits() {
        tokio::time::sleep(REST).await;
    }
    for round in 0..2 {
        for node in 0..world.plan.stores {
            if round > 0 {
                world.close(node).await;
            }
            if world.running(node).is_none() {
                world.open(node).await;
            }
            let Some(running) = world.running(node) else {
                continue;
            };
            for ender in &mut *enders {
                // A store alone on its engine notices a late commit when it next appends.
                ender.append_somewhere().await;
                if !ender.look_at_all(&running).await {
                    world.fail(format!("without any fault store {node} does not respond"));
                }
            }
        }
        if round == 0
            && let Some(running) = world.running(0)
        {
            removed = scavenger::finish(world, &running.store).await;
        }
        tokio::time::sleep(REST).await;
    }
    removed
}
