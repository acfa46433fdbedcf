//! A race on one server.

use std::time::Duration;

use annals_tests::{
    harness::{Server, is_long, seed},
    on_every_engine, on_every_engine_that_persists,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{race::Race, stretch};
use crate::alone;

on_every_engine!(what_succeeds_agrees_and_what_fails_has_a_reason);
on_every_engine_that_persists!(a_server_that_is_killed_forgets_no_reason);

async fn what_succeeds_agrees_and_what_fails_has_a_reason(server: Server) {
    let _alone = alone().await;
    let race = Race::start(&[&server], seed());
    tokio::time::sleep(stretch()).await;
    let tally = race.end(&server, server.engine().name()).await;
    assert_eq!(tally.lost, 0, "no response was lost, because nothing failed");
}

async fn a_server_that_is_killed_forgets_no_reason(mut server: Server) {
    let _alone = alone().await;
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let race = Race::start(&[&server], seed);
    let rounds = if is_long() { 20 } else { 4 };
    for round in 1..=rounds {
        tokio::time::sleep(stretch().mul_f64(random.random_range(0.1..0.5))).await;
        server.kill();
        tokio::time::sleep(Duration::from_millis(random.random_range(0..200))).await;
        server.start_again();
        race.check(&server, &format!("kill {round}")).await;
    }
    tokio::time::sleep(stretch().mul_f64(0.3)).await;
    let what = format!("{rounds} kills on {}", server.engine().name());
    let tally = race.end(&server, &what).await;
    assert!(tally.lost > 0, "no response was lost");
}
