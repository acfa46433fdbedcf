//! Three servers on one FoundationDB cluster. Each writes state itself; one writes the log, and the others forward
//! appends to it, with their changes and checks of state.

use annals_fdbserver::{Cluster, Layout};
use annals_tests::harness::{ClusterStore, Options, Server, foundationdb, is_long, seed};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::race::Race;
use crate::{alone, races::stretch};

annals_tests::tests_that_need!(foundationdb:
    events_and_state_are_written_together_by_servers_that_are_killed,
);

async fn events_and_state_are_written_together_by_servers_that_are_killed() {
    let _alone = alone().await;
    let programs = foundationdb::programs();
    let cluster = tokio::task::block_in_place(|| Cluster::start(programs, Layout::SINGLE));
    let store = ClusterStore::fresh_in(cluster.cluster_file());
    let mut servers: Vec<Server> = (0..3).map(|_| Options::on(&store).start()).collect();
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut race = Race::start(&servers, seed);
    let rounds = if is_long() { 30 } else { 6 };
    for round in 0..rounds {
        tokio::time::sleep(stretch().mul_f64(random.random_range(0.1..0.4))).await;
        // The server that writes the log is among them.
        let killed = round % servers.len();
        servers[killed].kill();
        race.goes_on(50).await;
        servers[killed].start_again();
        race.check(&format!("round {round}, server {killed} was killed"))
            .await;
    }
    race.end(&format!("{rounds} kills of three servers")).await;
}
