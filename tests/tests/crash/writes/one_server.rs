//! A server that is killed repeatedly while 32 clients write to it.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use annals_tests::harness::{Engine, Server, assert_sound, seed, within_patience};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{load::Load, rounds, subscriber::subscribe};
use crate::alone;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_however_often_the_server_is_killed() {
    let _alone = alone().await;
    let rounds = rounds(20);
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut server = Server::start(Engine::Embedded);
    let load = Load::start(&[server.endpoint()], seed);
    let subscribers = subscribe(&server, &load.recorder).await;
    let client = server.client();
    let mut log = Vec::new();
    let mut killed_while_opening = 0;
    let began = Instant::now();
    for round in 0..rounds {
        let moment = Duration::from_micros(random.random_range(50_000..700_000));
        tokio::time::sleep(moment).await;
        server.kill();
        while random.random_bool(0.25) {
            server.spawn();
            tokio::time::sleep(Duration::from_micros(random.random_range(0..60_000))).await;
            server.kill();
            killed_while_opening += 1;
        }
        server.start_again();
        // There are no writes while the log is read, so it is the complete result of the history.
        let resting = within_patience("the writers to rest", load.gate.write()).await;
        log = client.read_all().await.unwrap().collect().await.unwrap();
        let history = load.recorder.history();
        println!(
            "round {round}: killed after {} ms, {} events, {} appends asked",
            moment.as_millis(),
            log.len(),
            history.appends.len()
        );
        assert_sound(&history, &log);
        drop(resting);
    }
    let counts = load.stop().await;
    let head = client.server_info().await.unwrap().head;
    assert!(head >= log.len() as u64);
    for subscriber in subscribers {
        subscriber.stop_at(head.0, &server).await;
    }
    log = client.read_all().await.unwrap().collect().await.unwrap();
    let history = counts.recorder.history();
    assert_sound(&history, &log);
    println!(
        "{rounds} kills under load and {killed_while_opening} while opening, in {:?}: {} events in the log; {}",
        began.elapsed(),
        log.len(),
        counts.words()
    );
    for (what, count) in [
        ("acknowledged", &counts.acknowledged),
        ("repeated", &counts.repeated),
        ("refused", &counts.refused),
        ("of unknown outcome", &counts.unknown),
    ] {
        assert!(
            count.load(Ordering::Relaxed) > 0,
            "the load had no append that was {what}"
        );
    }
}
