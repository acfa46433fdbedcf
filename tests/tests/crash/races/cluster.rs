//! A race on three servers of one FoundationDB cluster. One of them writes; the others forward appends to it, with
//! their checks, and return its responses.

use std::time::Duration;

use annals_fdbserver::{Cluster, Layout};
use annals_tests::harness::{ClusterStore, Metrics, Options, Server, foundationdb, is_long, seed};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{race::Race, stretch};
use crate::alone;

annals_tests::tests_that_need!(foundationdb:
    three_servers_are_as_one,
    servers_that_stop_or_are_killed_leave_every_reason_to_the_others,
    a_server_that_was_paused_decides_nothing_on_what_it_knew,
);

/// How long a fault may block the others.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(120);
/// Long enough for every transaction of a paused server to be too old, and for the others to take over.
const PAUSE: Duration = Duration::from_secs(8);

struct Fleet {
    /// Outlives the servers.
    _cluster: Cluster,
    servers: Vec<Server>,
    race: Race,
    random: StdRng,
}

impl Fleet {
    fn start() -> Self {
        let programs = foundationdb::programs();
        let cluster = tokio::task::block_in_place(|| Cluster::start(programs, Layout::SINGLE));
        let store = ClusterStore::fresh_in(cluster.cluster_file());
        let servers: Vec<Server> = (0..3).map(|_| Options::on(&store).start()).collect();
        let seed = seed();
        Self {
            _cluster: cluster,
            race: Race::start(&servers.iter().collect::<Vec<_>>(), seed),
            servers,
            random: StdRng::seed_from_u64(seed),
        }
    }

    async fn a_while(&mut self) {
        let part = self.random.random_range(0.2..0.6);
        tokio::time::sleep(stretch().mul_f64(part)).await;
    }

    /// Returns when another `count` calls have responses.
    async fn goes_on(&self, count: u64) {
        let enough = self.race.answers() + count;
        let waiting = async {
            while self.race.answers() < enough {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let went_on = tokio::time::timeout(RECOVERY_PATIENCE, waiting).await;
        assert!(went_on.is_ok(), "there are no more responses");
    }

    /// The number of appends that servers forwarded to the writing one, since each was started.
    fn forwarded(&self) -> f64 {
        let of = |server| Metrics::of(server).value("annals_forwarded_appends_total");
        self.servers.iter().map(of).sum()
    }

    async fn check(&self, round: usize, what: &str) {
        // Every server shows the same log.
        let server = &self.servers[round % self.servers.len()];
        self.race.check(server, what).await;
    }

    async fn end(self, what: &str) {
        let forwarded = self.forwarded();
        self.race.end(&self.servers[0], what).await;
        println!("{what}: {forwarded} appends forwarded");
        assert!(forwarded > 0.0, "no server forwarded appends to the writing one");
    }
}

fn rounds(usual: usize) -> usize {
    if is_long() { 5 * usual } else { usual }
}

async fn three_servers_are_as_one() {
    let _alone = alone().await;
    let fleet = Fleet::start();
    tokio::time::sleep(stretch()).await;
    fleet.end("three servers").await;
}

async fn servers_that_stop_or_are_killed_leave_every_reason_to_the_others() {
    let _alone = alone().await;
    let mut fleet = Fleet::start();
    for round in 0..rounds(6) {
        fleet.a_while().await;
        let gone = round % fleet.servers.len();
        let what = if round % 2 == 1 {
            let status = tokio::task::block_in_place(|| fleet.servers[gone].terminate());
            assert!(status.success(), "asked to stop, the server ended with {status}");
            "stopped"
        } else {
            fleet.servers[gone].kill();
            "killed"
        };
        // The others continue without it.
        fleet.goes_on(100).await;
        fleet.servers[gone].start_again();
        fleet.check(round + 1, &format!("server {gone} was {what}")).await;
    }
    fleet.a_while().await;
    fleet.end("servers that stop or are killed").await;
}

async fn a_server_that_was_paused_decides_nothing_on_what_it_knew() {
    let _alone = alone().await;
    let mut fleet = Fleet::start();
    for round in 0..rounds(3) {
        fleet.a_while().await;
        let paused = round % fleet.servers.len();
        fleet.servers[paused].pause();
        let until = tokio::time::Instant::now() + PAUSE;
        // The others continue, so that its knowledge is very old.
        fleet.goes_on(100).await;
        tokio::time::sleep_until(until).await;
        fleet.servers[paused].resume();
        fleet.a_while().await;
        fleet
            .check(round, &format!("server {paused} was paused for {PAUSE:?}"))
            .await;
    }
    fleet.end("servers that are paused").await;
}
