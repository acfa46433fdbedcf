//! A simulation of the ends of streams: clients that append to streams of their own, truncate, delete and tombstone them,
//! under the same faults and restarts as [`simulate`](super::simulate) has, among writers that do as they do there, while
//! another client has what is gone scavenged.
//!
//! It is judged otherwise. What is gone is in no log that could be read at the end, so the checker of appends and reads has
//! nothing to go by. But nobody else touches such a client's streams, and it asks again until it is told: so it knows
//! exactly what is to be seen of them, and looks from all sides, through every store.
//!
//! Clocks differ by up to half an hour, so what is to be seen of ages is known only of long ones: streams of which a day is
//! kept never lose an event by it. In some simulations all clocks are ahead by more than a day now and then
//! ([`jumper`](super::jumper)); nothing is scavenged there before the end, and what is seen is judged while they are right.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{ender, jumper, plan::Plan, restarts, scavenger, world::World, writer};

/// Time for whoever waits between tries.
const REST: Duration = Duration::from_secs(10);
/// Clients that end streams.
const ENDERS: u64 = 2;

/// What came of it.
#[derive(Debug)]
pub struct Ends {
    /// What must not happen.
    pub failures: Vec<String>,
    /// How often clients did what.
    pub done: BTreeMap<&'static str, u64>,
}

/// A simulation, for a runtime of one thread and simulated time.
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
    // In this task, side by side.
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

/// Nothing fails any more: every store shows the same, as it is, and once more after all that is gone was scavenged and it
/// was opened anew. Returns how many events were removed then.
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
                // A store alone on its engine learns of a commit that came late when it next appends.
                ender.append_somewhere().await;
                if !ender.look_at_all(&running).await {
                    world.fail(format!("without any fault store {node} does not answer"));
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
