//! Kills (SIGKILL) the server and the projection in turns, at random moments: the read model equals the log, with
//! no event applied twice or skipped.
//!
//! `ANNALS_KILL_ROUNDS` sets the number of kills (5 unless set; use 50 to verify the toolkit's guarantees), and
//! `ANNALS_SEED` the moments. The process that is killed is this program, started with the argument `projector`.

#![allow(clippy::unwrap_used, reason = "a failing test should show where it failed")]

#[allow(dead_code, reason = "the other tests use the rest of it")]
#[path = "toolkit/postgres.rs"]
mod postgres;

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use annals_client::{Client, Event, ExpectedRevision, Position, QueryItem, RecordedEvent};
use annals_installed::{Needed, required};
use annals_toolkit::projection::{Definition, ProjectionPolicy, wait_for};
use annals_toolkit::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use annals_toolkit::sqlx::{self, ConnectOptions, Row};
use annals_toolkit::store::postgres::{PostgresModel, PostgresStore};
use annals_toolkit::store::sqlite::{SqliteModel, SqliteStore};
use annals_toolkit::store::state::{StateModel, StateStore};
use annals_toolkit::store::{BoxError, ReadModelStore};
use annals_toolkit::testing::Server;
use annals_toolkit::{Projection, Projections};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::postgres::Cluster;

const NAME: &str = "counts";
const COUNT: &str =
    "INSERT INTO {counted} AS c VALUES ($1, 1) ON CONFLICT (stream) DO UPDATE SET events = c.events + 1";
const COUNTED: &str = "SELECT stream, events FROM counted";

/// Counts the events of each stream, slowly enough to be killed in the middle of a transaction.
struct Counts;

impl Counts {
    fn of() -> Definition {
        let create = "CREATE TABLE {counted} (stream TEXT PRIMARY KEY, events BIGINT NOT NULL)";
        Definition::new(NAME)
            .query(QueryItem::new().in_stream_prefix("count-"))
            .table("counted", create)
    }

    async fn linger(event: &RecordedEvent) {
        if event.position.0.is_multiple_of(4) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Projection<SqliteModel> for Counts {
    fn definition(&self) -> Definition {
        Counts::of()
    }

    async fn handle(&self, event: &RecordedEvent, model: &mut SqliteModel) -> Result<(), BoxError> {
        let count = model.query(COUNT).bind(event.stream.clone());
        count.execute(model.connection()).await?;
        Counts::linger(event).await;
        Ok(())
    }
}

impl Projection<PostgresModel> for Counts {
    fn definition(&self) -> Definition {
        Counts::of()
    }

    async fn handle(&self, event: &RecordedEvent, model: &mut PostgresModel) -> Result<(), BoxError> {
        let count = model.query(COUNT).bind(event.stream.clone());
        count.execute(model.connection()).await?;
        Counts::linger(event).await;
        Ok(())
    }
}

impl Projection<StateModel> for Counts {
    fn definition(&self) -> Definition {
        Counts::of()
    }

    async fn handle(&self, event: &RecordedEvent, model: &mut StateModel) -> Result<(), BoxError> {
        let count: i64 = model
            .get_json("counted", &event.stream)
            .await?
            .unwrap_or_default();
        model.put_json("counted", &event.stream, &(count + 1))?;
        Counts::linger(event).await;
        Ok(())
    }
}

/// The location of the read model.
enum Target {
    /// The server that has the log.
    State,
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

impl Target {
    fn arguments(&self) -> [String; 2] {
        match self {
            Target::State => ["state".to_owned(), String::new()],
            Target::Sqlite(path) => ["sqlite".to_owned(), path.to_str().unwrap().to_owned()],
            Target::Postgres(options) => ["postgres".to_owned(), options.to_url_lossy().to_string()],
        }
    }
}

async fn projector(endpoint: &str, kind: &str, target: &str) {
    let client = Client::new(endpoint).unwrap();
    let policy = ProjectionPolicy {
        pause_first: Duration::from_millis(10),
        pause_max: Duration::from_millis(200),
        ..ProjectionPolicy::default()
    };
    let projections = Projections::new(client.clone()).policy(policy);
    let projections = match kind {
        "state" => projections.add(&StateStore::new(client), Counts),
        "sqlite" => projections.add(&SqliteStore::open(target).await.unwrap(), Counts),
        _ => projections.add(&PostgresStore::connect(target).await.unwrap(), Counts),
    };
    let _running = projections.start();
    std::future::pending::<()>().await;
}

fn start_projector(server: &Server, target: &Target) -> Child {
    Command::new(env::current_exe().unwrap())
        .arg("projector")
        .arg(server.endpoint())
        .args(target.arguments())
        .spawn()
        .unwrap()
}

fn kill(mut process: Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

async fn write(client: Client, seed: u64, over: Arc<AtomicBool>) {
    let mut chance = StdRng::seed_from_u64(seed);
    while !over.load(Ordering::Relaxed) {
        let stream = format!("count-{}", chance.random_range(0..5));
        let events: Vec<_> = (0..chance.random_range(1..20))
            .map(|_| Event::new("A", "{}"))
            .collect();
        client
            .append(stream, ExpectedRevision::Any, events)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

/// Kills the projector and the server in turns while events are appended. Both are running at the end.
async fn torment(server: &mut Server, target: &Target, seed: u64, rounds: u32) -> (Child, [u32; 2]) {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut process = start_projector(server, target);
    let mut kills = [0, 0];
    for round in 0..rounds {
        tokio::time::sleep(Duration::from_millis(chance.random_range(100..900))).await;
        let which = round as usize % 2;
        kills[which] += 1;
        if which == 0 {
            kill(process);
            process = start_projector(server, target);
        } else {
            tokio::task::block_in_place(|| server.restart()).unwrap();
        }
    }
    (process, kills)
}

/// The expected content of the read model, computed from the log.
async fn logged(client: &Client) -> BTreeMap<String, i64> {
    let mut counted = BTreeMap::new();
    let mut events = client.read_all().await.unwrap();
    while let Some(event) = events.next().await {
        *counted.entry(event.unwrap().stream).or_default() += 1;
    }
    counted
}

async fn in_the_end<S: ReadModelStore>(store: &S, head: Position) {
    wait_for(store, NAME, head, Duration::from_secs(120))
        .await
        .unwrap();
    assert_eq!(store.dead_letters(NAME).await.unwrap(), []);
}

async fn the_read_model_equals_the_log(kind: &str, target: Target, seed: u64, rounds: u32) {
    println!("{kind}: ANNALS_SEED={seed} ANNALS_KILL_ROUNDS={rounds}");
    let mut server = Server::builder().embedded().start().unwrap();
    let client = Client::builder()
        .endpoint(server.endpoint())
        .timeout(Duration::from_secs(60));
    let client = client.build().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn(write(client.clone(), seed, over.clone()));
    let (process, [projectors, servers]) = torment(&mut server, &target, seed, rounds).await;
    over.store(true, Ordering::Relaxed);
    writing.await.unwrap();
    let head = client.server_info().await.unwrap().head;
    let counted: BTreeMap<String, i64> = match &target {
        Target::State => {
            let store = StateStore::new(client.clone());
            in_the_end(&store, head).await;
            let entries = store.entries("counted", "").await.unwrap();
            entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.json().unwrap()))
                .collect()
        }
        Target::Sqlite(path) => {
            let store = SqliteStore::open(path).await.unwrap();
            in_the_end(&store, head).await;
            let rows = sqlx::query(COUNTED).fetch_all(store.pool()).await.unwrap();
            rows.iter().map(|row| (row.get(0), row.get(1))).collect()
        }
        Target::Postgres(options) => {
            let pool = PgPoolOptions::new()
                .connect_with(options.as_ref().clone())
                .await
                .unwrap();
            let store = PostgresStore::new(pool);
            in_the_end(&store, head).await;
            let rows = sqlx::query(COUNTED).fetch_all(store.pool()).await.unwrap();
            rows.iter().map(|row| (row.get(0), row.get(1))).collect()
        }
    };
    kill(process);
    assert_eq!(counted, logged(&client).await);
    assert!(head > 50, "too few events were written: {head}");
    println!("{kind}: {head} events, {projectors} kills of the projection, {servers} of the server: equal");
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [word, endpoint, kind, target] = &arguments[..]
        && word == "projector"
    {
        return projector(endpoint, kind, target).await;
    }
    let number = |name| env::var(name).ok().map(|text| text.parse().unwrap());
    let rounds = number("ANNALS_KILL_ROUNDS").map_or(5, |rounds| u32::try_from(rounds).unwrap());
    let seed = number("ANNALS_SEED").unwrap_or_else(rand::random);
    the_read_model_equals_the_log("state", Target::State, seed, rounds).await;
    println!("test state ... ok");
    let folder = tempfile::tempdir().unwrap();
    let file = Target::Sqlite(folder.path().join("read-models.db"));
    the_read_model_equals_the_log("sqlite", file, seed, rounds).await;
    println!("test sqlite ... ok");
    // This program has its own main function, so it reports in the words of Rust's.
    if Needed::PostgreSql.find().is_none() && !required().contains(&Needed::PostgreSql.name().to_owned()) {
        println!("test postgres ... ignored, no PostgreSQL is installed");
        return;
    }
    let cluster = tokio::task::block_in_place(Cluster::start);
    let database = Target::Postgres(Box::new(cluster.database().await));
    the_read_model_equals_the_log("postgres", database, seed, rounds).await;
    println!("test postgres ... ok");
}
