//! One server, killed and started again.

use std::{slice, time::Duration};

use annals_tests::{
    harness::{Server, is_long, seed},
    on_every_engine_that_persists,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::race::Race;
use crate::{alone, races::stretch};

on_every_engine_that_persists!(events_and_state_are_written_together_by_a_server_that_is_killed);

async fn events_and_state_are_written_together_by_a_server_that_is_killed(mut server: Server) {
    let _alone = alone().await;
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut race = Race::start(slice::from_ref(&server), seed);
    let rounds = if is_long() { 20 } else { 4 };
    for round in 0..rounds {
        tokio::time::sleep(stretch().mul_f64(random.random_range(0.1..0.4))).await;
        server.kill();
        tokio::time::sleep(Duration::from_millis(random.random_range(0..200))).await;
        server.start_again();
        race.check(&format!("kill {round}")).await;
    }
    race.end(&format!("{rounds} kills on {}", server.engine().name()))
        .await;
}
