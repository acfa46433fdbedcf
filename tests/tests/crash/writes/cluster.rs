//! Three servers on one FoundationDB cluster, 96 clients that write to all of them, and three subscribers on each,
//! while servers and processes of the cluster are killed and paused.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use annals_fdbserver::{Cluster, Layout};
use annals_tests::harness::{
    ClusterStore, Metrics, Options, Server, assert_sound, foundationdb, seed, within_patience,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{
    load::Load,
    rounds,
    subscriber::{Subscriber, subscribe},
};
use crate::alone;

annals_tests::tests_that_need!(foundationdb:
    servers_that_are_killed_in_turn_lose_and_repeat_nothing,
    a_cluster_of_three_goes_on_while_one_of_its_processes_is_dead,
    a_single_process_that_is_killed_resumes_with_all_that_was_acknowledged,
    a_server_that_was_paused_in_the_middle_of_commits_breaks_nothing,
);

/// How long a cluster may take to recover: it waits some seconds for the dead process.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(120);
/// Long enough for every transaction of a paused server to be too old, and for the others to forget it.
const PAUSE: Duration = Duration::from_secs(20);

/// Servers under load.
struct Fleet {
    cluster: Cluster,
    servers: Vec<Server>,
    load: Load,
    subscribers: Vec<Subscriber>,
    random: StdRng,
    began: Instant,
}

impl Fleet {
    async fn start(layout: Layout) -> Self {
        let programs = foundationdb::programs();
        let cluster = tokio::task::block_in_place(|| Cluster::start(programs, layout));
        let store = ClusterStore::fresh_in(cluster.cluster_file());
        let servers: Vec<Server> = (0..3).map(|_| Options::on(&store).start()).collect();
        let endpoints: Vec<String> = servers.iter().map(Server::endpoint).collect();
        let seed = seed();
        let load = Load::start(&endpoints, seed);
        let mut subscribers = Vec::new();
        for server in &servers {
            subscribers.extend(subscribe(server, &load.recorder).await);
        }
        Self {
            cluster,
            servers,
            load,
            subscribers,
            random: StdRng::seed_from_u64(seed),
            began: Instant::now(),
        }
    }

    /// Lets the load continue for a random time.
    async fn a_while(&mut self, millis: std::ops::Range<u64>) {
        tokio::time::sleep(Duration::from_millis(self.random.random_range(millis))).await;
    }

    /// Returns when another `count` appends are acknowledged.
    async fn goes_on(&self, count: u64) {
        let enough = self.load.acknowledged() + count;
        let waiting = async {
            while self.load.acknowledged() < enough {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let Ok(()) = tokio::time::timeout(RECOVERY_PATIENCE, waiting).await else {
            panic!(
                "appends do not continue; the cluster reports: {}",
                self.cluster.cli("status")
            );
        };
    }

    /// Judges everything that happened so far.
    async fn check(&self, round: u32, what: &str) {
        // There are no writes while the log is read, so it is the complete result of the history.
        let resting = within_patience("the writers to rest", self.load.gate.write()).await;
        let reader = &self.servers[round as usize % self.servers.len()];
        let log = reader.client().read_all().await.unwrap().collect().await.unwrap();
        let history = self.load.recorder.history();
        println!(
            "round {round}, {what}: {} events, {} appends asked",
            log.len(),
            history.appends.len()
        );
        assert_sound(&history, &log);
        drop(resting);
    }

    /// Stops the load and judges the whole history.
    async fn end(self, faults: &str) {
        let counts = self.load.stop().await;
        let first = &self.servers[0];
        let log = first.client().read_all().await.unwrap().collect().await.unwrap();
        let head = log.len() as u64;
        for (number, subscriber) in self.subscribers.into_iter().enumerate() {
            subscriber.stop_at(head, &self.servers[number / 3]).await;
        }
        for server in &self.servers {
            // Every server must show the same log, byte for byte.
            let shown = server.client().read_all().await.unwrap().collect().await.unwrap();
            assert_eq!(shown, log, "a server shows another log");
        }
        let forwarded: f64 = self
            .servers
            .iter()
            .map(|server| Metrics::of(server).value("annals_forwarded_appends_total"))
            .sum();
        assert_sound(&counts.recorder.history(), &log);
        println!(
            "{faults} in {:?}: {head} events in the log, {forwarded} appends forwarded; {}",
            self.began.elapsed(),
            counts.words()
        );
        assert!(counts.acknowledged.load(Ordering::Relaxed) > 0);
        assert!(counts.repeated.load(Ordering::Relaxed) > 0);
        // Counted since each server's last start.
        assert!(forwarded > 0.0, "no server forwarded appends to the writing one");
    }
}

async fn servers_that_are_killed_in_turn_lose_and_repeat_nothing() {
    let _alone = alone().await;
    let rounds = rounds(6);
    let mut fleet = Fleet::start(Layout::SINGLE).await;
    for round in 0..rounds {
        fleet.a_while(200..1_500).await;
        let killed = round as usize % fleet.servers.len();
        fleet.servers[killed].kill();
        // The others continue without it.
        fleet.goes_on(50).await;
        fleet.servers[killed].start_again();
        fleet
            .check(round + 1, &format!("server {killed} was killed"))
            .await;
    }
    fleet.end(&format!("{rounds} kills of servers")).await;
}

async fn a_cluster_of_three_goes_on_while_one_of_its_processes_is_dead() {
    let _alone = alone().await;
    let rounds = rounds(3);
    let mut fleet = Fleet::start(Layout::DOUBLE).await;
    for round in 0..rounds {
        fleet.a_while(500..2_000).await;
        let killed = round as usize % fleet.cluster.len();
        fleet.cluster.kill(killed);
        fleet.goes_on(200).await;
        fleet.cluster.start_again(killed);
        fleet
            .check(round, &format!("fdbserver {killed} was killed"))
            .await;
    }
    fleet.end(&format!("{rounds} kills in a cluster of three")).await;
}

async fn a_single_process_that_is_killed_resumes_with_all_that_was_acknowledged() {
    let _alone = alone().await;
    let rounds = rounds(4);
    let mut fleet = Fleet::start(Layout::SINGLE).await;
    for round in 0..rounds {
        fleet.a_while(500..2_000).await;
        fleet.cluster.kill(0);
        // Sometimes long enough for the servers to report that they do not serve.
        fleet.a_while(0..8_000).await;
        fleet.cluster.start_again(0);
        fleet.goes_on(200).await;
        fleet.check(round, "the fdbserver was killed").await;
    }
    fleet.end(&format!("{rounds} kills of a single process")).await;
}

async fn a_server_that_was_paused_in_the_middle_of_commits_breaks_nothing() {
    let _alone = alone().await;
    let mut fleet = Fleet::start(Layout::SINGLE).await;
    let rounds = rounds(1);
    for round in 0..rounds {
        fleet.a_while(500..1_500).await;
        let paused = round as usize % fleet.servers.len();
        fleet.servers[paused].pause();
        let before = fleet.load.acknowledged();
        let until = tokio::time::Instant::now() + PAUSE;
        // The others continue, so that its work in progress is very late.
        fleet.goes_on(200).await;
        tokio::time::sleep_until(until).await;
        println!(
            "{} appends were acknowledged meanwhile",
            fleet.load.acknowledged() - before
        );
        fleet.servers[paused].resume();
        fleet.a_while(500..1_500).await;
        fleet
            .check(round, &format!("server {paused} was paused for {PAUSE:?}"))
            .await;
    }
    fleet.end(&format!("{rounds} pauses of {PAUSE:?}")).await;
}
