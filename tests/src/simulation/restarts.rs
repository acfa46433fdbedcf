//! Closes, kills and reopens the stores, one after the other.

use std::{sync::Arc, time::Duration};

use rand::Rng;

use super::{coverage::Event, world::World};

pub(super) async fn run(world: Arc<World>) {
    let Some(every) = world.plan.restart_every else {
        return;
    };
    let mut rng = world.plan.rng("restarts", 0);
    let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
    while !world.is_finished() {
        tokio::time::sleep(Duration::from_millis(rng.random_range(1..2 * every_ms))).await;
        let node = rng.random_range(0..world.plan.stores);
        if rng.random_bool(0.5) {
            world.close(node).await;
        } else {
            world.kill(node);
            // Only where all users of the data die with it.
            if world.plan.stores == 1 && rng.random_bool(0.5) {
                world.coverage.count(Event::PowerLost);
                world.hub.lose_power();
            }
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..1_500))).await;
        world.open(node).await;
    }
}
