//! A projection into state, on a server that has the log, too. The server and the projection are killed in turns, at
//! random moments, while events are appended: in the end the read model equals the log, each event applied once.
//!
//! The projection is a task that is dropped wherever it is; `client/toolkit/tests/killed.rs` kills one in a process
//! of its own.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use annals_client::{Client, Event, ExpectedRevision, QueryItem, RecordedEvent};
use annals_tests::harness::{Engine, PATIENCE, Server, seed, within_patience};
use annals_toolkit::{
    Projection, Projections, RunningProjections,
    projection::{Definition, ProjectionPolicy, wait_for},
    store::{
        BoxError, ReadModelStore,
        state::{StateModel, StateStore},
    },
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::alone;

/// Number of kills.
const KILLS: u32 = 50;
const NAME: &str = "counts";

/// Counts the events of each stream.
struct Counts;

impl Projection<StateModel> for Counts {
    fn definition(&self) -> Definition {
        Definition::new(NAME)
            .query(QueryItem::new().in_stream_prefix("count-"))
            .state_table("counted")
    }

    async fn handle(&self, event: &RecordedEvent, model: &mut StateModel) -> Result<(), BoxError> {
        let counted: Option<u64> = model.get_json("counted", &event.stream).await?;
        let counted = counted.unwrap_or_default();
        if counted != event.revision.0 {
            return Err(format!("{} follows {counted} events", event.revision).into());
        }
        model.put_json("counted", &event.stream, &(counted + 1))
    }
}

fn start(client: &Client) -> RunningProjections {
    let policy = ProjectionPolicy {
        // Batches of one to some events, so that many writes can be cut off.
        batch_max: 5,
        pause_first: Duration::from_millis(5),
        pause_max: Duration::from_millis(100),
        ..ProjectionPolicy::default()
    };
    let store = StateStore::new(client.clone());
    let projections = Projections::new(client.clone()).policy(policy);
    projections.add(&store, Counts).start()
}

async fn append(client: Client, seed: u64, over: Arc<AtomicBool>) {
    let mut random = StdRng::seed_from_u64(seed);
    while !over.load(Ordering::Relaxed) {
        let stream = format!("count-{}", random.random_range(0..5));
        let events = (0..random.random_range(1..20)).map(|_| Event::new("A", "{}"));
        let appended = client.append(stream, ExpectedRevision::Any, events).await;
        appended.unwrap();
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

async fn a_projection_equals_the_log_however_often_it_is_killed(engine: Engine) {
    let _alone = alone().await;
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut server = Server::start(engine);
    let client = Client::builder().endpoint(server.endpoint()).timeout(PATIENCE);
    let client = client.build().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn(append(client.clone(), seed, Arc::clone(&over)));
    let mut projections = start(&client);
    let mut positions = Vec::new();
    for kill in 0..KILLS {
        tokio::time::sleep(Duration::from_micros(random.random_range(0..300_000))).await;
        if kill % 2 == 0 {
            server.kill();
            tokio::time::sleep(Duration::from_micros(random.random_range(0..50_000))).await;
            server.start_again();
        } else {
            positions.push(projections.get(NAME).unwrap().progress().position.0);
            drop(projections);
            projections = start(&client);
        }
    }
    over.store(true, Ordering::Relaxed);
    within_patience("the appends to end", writing).await.unwrap();
    let head = client.server_info().await.unwrap().head;
    let store = StateStore::new(client.clone());
    wait_for(&store, NAME, head, PATIENCE).await.unwrap();
    assert_eq!(store.dead_letters(NAME).await.unwrap(), []);
    let entries = store.entries("counted", "").await.unwrap();
    let counted: BTreeMap<String, u64> = entries
        .iter()
        .map(|entry| (entry.key.clone(), entry.json().unwrap()))
        .collect();
    let mut logged: BTreeMap<String, u64> = BTreeMap::new();
    for event in client.read_all().await.unwrap().collect().await.unwrap() {
        *logged.entry(event.stream).or_default() += 1;
    }
    assert_eq!(counted, logged);
    positions.dedup();
    assert!(
        positions.len() > 5,
        "the projection was killed where it had begun: {positions:?}"
    );
    println!("{}: {head} events, {KILLS} kills: equal", engine.name());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_embedded() {
    a_projection_equals_the_log_however_often_it_is_killed(Engine::Embedded).await;
}

annals_tests::tests_that_need!(foundationdb: on_foundationdb);

async fn on_foundationdb() {
    a_projection_equals_the_log_however_often_it_is_killed(Engine::FoundationDb).await;
}
