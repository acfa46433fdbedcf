//! Consumers of three servers on one FoundationDB cluster. One leads the group; the others pass consumers through.

use std::time::Duration;

use annals_fdbserver::{Cluster, Layout};
use annals_proto::v1 as pb;
use annals_tests::harness::{ClusterStore, Options, Server, foundationdb, is_long, seed};
use rand::Rng;

use super::scene::{Scene, groups};
use crate::alone;

annals_tests::tests_that_need!(foundationdb:
    servers_that_are_killed_lose_pass_and_repeat_nothing,
    a_leader_that_was_paused_is_replaced_and_has_no_effect,
);

/// How long the consumers may take to get events again, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);
/// Much longer than another server waits for the leader.
const PAUSE: Duration = Duration::from_secs(30);

fn start() -> (Cluster, Vec<Server>) {
    let programs = foundationdb::programs();
    let cluster = tokio::task::block_in_place(|| Cluster::start(programs, Layout::SINGLE));
    let store = ClusterStore::fresh_in(cluster.cluster_file());
    let servers = (0..3).map(|_| Options::on(&store).start()).collect();
    (cluster, servers)
}

/// Returns which server leads the group.
async fn leader(servers: &[Server], not: Option<usize>) -> Option<usize> {
    for (nth, server) in servers.iter().enumerate().filter(|(nth, _)| Some(*nth) != not) {
        let describe = pb::DescribeGroupRequest {
            name: "workers".to_owned(),
        };
        let mut groups = groups(server);
        let described = tokio::time::timeout(Duration::from_secs(2), groups.describe_group(describe));
        if let Ok(Ok(described)) = described.await {
            let leader = described.into_inner().leader;
            return servers
                .iter()
                .position(|server| server.grpc_address().to_string() == leader)
                .or(Some(nth));
        }
    }
    None
}

async fn servers_that_are_killed_lose_pass_and_repeat_nothing() {
    let _alone = alone().await;
    let (_cluster, mut servers) = start();
    let mut scene = Scene::start(&servers, 300, seed()).await;
    for round in 0..if is_long() { 20 } else { 5 } {
        let wait = scene.random.random_range(500..3_000);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        // Every second time it is the leader.
        let gone = match leader(&servers, None).await {
            Some(leader) if round % 2 == 0 => leader,
            _ => scene.random.random_range(0..servers.len()),
        };
        scene.fault();
        servers[gone].kill();
        scene.goes_on(50, PATIENCE).await;
        servers[gone].start_again();
        scene.fault();
    }
    scene.end(&servers[0], "servers that are killed").await;
}

async fn a_leader_that_was_paused_is_replaced_and_has_no_effect() {
    let _alone = alone().await;
    let (_cluster, servers) = start();
    let scene = Scene::start(&servers, 300, seed()).await;
    for _ in 0..if is_long() { 3 } else { 1 } {
        scene.goes_on(200, PATIENCE).await;
        let paused = leader(&servers, None)
            .await
            .expect("a group with consumers has a leader");
        scene.fault();
        servers[paused].pause();
        let began = tokio::time::Instant::now();
        let taken_over = loop {
            match leader(&servers, Some(paused)).await {
                Some(other) if other != paused => break began.elapsed(),
                _ => assert!(began.elapsed() < PATIENCE, "no other server leads the group"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        println!("another server leads after {taken_over:?}");
        scene.goes_on(50, PATIENCE).await;
        tokio::time::sleep_until(began + PAUSE).await;
        scene.fault();
        servers[paused].resume();
        tokio::time::sleep(Duration::from_secs(2)).await;
        scene.fault();
    }
    scene.end(&servers[0], "a leader that was paused").await;
}
