//! Consumers of a server on the embedded engine.

use std::time::Duration;

use annals_tests::harness::{Engine, Server, is_long, seed};
use rand::Rng;

use super::scene::Scene;
use crate::alone;

/// How long the consumers of a server that was started again may take to get events.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_that_fail_lose_pass_and_repeat_nothing() {
    let _alone = alone().await;
    for streams in [1, 5_000] {
        let servers = [Server::start(Engine::Embedded)];
        let scene = Scene::start(&servers, streams, seed()).await;
        scene.almost_done().await;
        scene
            .end(&servers[0], &format!("{streams} streams, undisturbed"))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_passes_and_repeats_nothing() {
    let _alone = alone().await;
    let mut servers = [Server::start(Engine::Embedded)];
    let mut scene = Scene::start(&servers, 300, seed()).await;
    for _ in 0..if is_long() { 20 } else { 5 } {
        let wait = scene.random.random_range(100..1_500);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        scene.fault();
        servers[0].kill();
        servers[0].start_again();
        scene.fault();
        scene.goes_on(50, PATIENCE).await;
    }
    scene.end(&servers[0], "a server that is killed").await;
}
