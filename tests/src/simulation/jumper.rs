//! Injects the fault that all clocks are ahead by more than the longest maximum age, and are then corrected. Events
//! appended in that time leave the log's last recorded time ahead of all clocks.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rand::Rng;

use super::{ender::AGE_SECONDS, world::World};

/// How often the clocks are set ahead.
const JUMPS: usize = 6;

/// Sets the clocks ahead and back; returns how often.
pub(super) async fn run(world: Arc<World>) -> BTreeMap<&'static str, u64> {
    let mut rng = world.plan.rng("jumper", 0);
    let mut done = BTreeMap::new();
    for _ in 0..JUMPS {
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..700))).await;
        let ages = rng.random_range(2..5);
        world.jump.set(ages * AGE_SECONDS * 1_000_000);
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..300))).await;
        world.jump.set(0);
        *done.entry("clocks set ahead and back").or_default() += 1;
    }
    done
}
