//! A client that keeps scavenging, and stops a scavenge now and then.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use annals_store::{ScavengeState, Store};
use rand::Rng;

use super::world::World;

/// Number of its steps, usually enough until the clients that end streams are done.
const STEPS: usize = 25;
/// Time limit of a scavenge when there are no faults.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts and stops scavenges; returns how often it did what.
pub(super) async fn run(world: Arc<World>) -> BTreeMap<&'static str, u64> {
    let mut rng = world.plan.rng("scavenger", 0);
    let mut done = BTreeMap::new();
    let mut count = |what| *done.entry(what).or_insert(0) += 1;
    for _ in 0..STEPS {
        let ms = rng.random_range(0..300);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        let Some(running) = world.any(&mut rng).await else {
            break;
        };
        let stops = rng.random_bool(0.2);
        let asked = async {
            if stops {
                running.store.stop_scavenge().await
            } else {
                running.store.start_scavenge().await.map(Some)
            }
        };
        match running.call(&world, "scavenge", asked).await {
            Some(Ok(Some(scavenge))) => {
                count(match scavenge.state {
                    ScavengeState::Running => "scavenge runs",
                    ScavengeState::Stopped => "scavenge was stopped",
                    ScavengeState::Finished => "scavenge was finished",
                });
                if scavenge.events_removed > 0 {
                    count("scavenge that had removed something");
                }
            }
            Some(Ok(None)) => {}
            Some(Err(error)) => world.judge(running.node, &error),
            None => count("scavenge asked for when it was killed"),
        }
    }
    done
}

/// Scavenges to completion after all faults have ended. Returns how many events were removed.
pub(super) async fn finish(world: &World, store: &Store) -> u64 {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    if let Err(error) = store.start_scavenge().await {
        world.fail(format!("without any fault a scavenge cannot be started: {error}"));
        return 0;
    }
    loop {
        match store.scavenge().await {
            Ok(Some(scavenge)) if scavenge.state == ScavengeState::Finished => {
                return scavenge.events_removed;
            }
            Err(error) => world.fail(format!(
                "without any fault the state of a scavenge cannot be read: {error}"
            )),
            Ok(_) => {}
        }
        if tokio::time::Instant::now() > deadline {
            let told = store.scavenge().await;
            world.fail(format!("without any fault a scavenge does not finish: {told:?}"));
            return 0;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
