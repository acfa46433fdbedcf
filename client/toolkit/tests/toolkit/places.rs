//! The kinds of stores used in the tests of projections, and the projection they run, which counts the events of each
//! stream.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use annals_client::{QueryItem, RecordedEvent};
use annals_toolkit::projection::Definition;
use annals_toolkit::sqlx::postgres::PgPoolOptions;
use annals_toolkit::sqlx::{self, Row};
use annals_toolkit::store::memory::MemoryStore;
use annals_toolkit::store::postgres::{PostgresModel, PostgresStore};
use annals_toolkit::store::sqlite::{SqliteModel, SqliteStore};
use annals_toolkit::store::state::{StateModel, StateStore};
use annals_toolkit::store::{BoxError, ReadModelStore};
use annals_toolkit::testing::Server;
use annals_toolkit::{Projection, Projections};
use tempfile::TempDir;

use crate::postgres::Cluster;

/// Number of events by stream.
pub type Counted = BTreeMap<String, i64>;

/// Counts the events of each stream; fails on events of type `Poison`, and panics on events of type `Venom`.
#[derive(Clone)]
pub struct Counts {
    pub definition: Definition,
    /// Number of times it fails on the event with revision 2 before it succeeds.
    pub failures: Arc<AtomicU32>,
}

pub const NAME: &str = "counts";

impl Counts {
    pub fn new() -> Self {
        let create = "CREATE TABLE {counted} (stream TEXT PRIMARY KEY, events BIGINT NOT NULL)";
        let definition = Definition::new(NAME)
            .query(QueryItem::new().in_stream_prefix("count-"))
            .table("counted", create)
            .statement("CREATE INDEX {counted}_by_events ON {counted} (events)");
        Counts {
            definition,
            failures: Arc::default(),
        }
    }

    pub fn version(mut self, version: u32) -> Self {
        self.definition = self.definition.version(version);
        self
    }

    fn check(&self, event: &RecordedEvent) -> Result<(), BoxError> {
        if event.event_type == "Poison" {
            return Err("poisoned".into());
        }
        assert_ne!(event.event_type, "Venom", "deadly");
        let fails = |left: u32| left.checked_sub(1);
        if event.revision == 2
            && self
                .failures
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fails)
                .is_ok()
        {
            return Err("not yet".into());
        }
        Ok(())
    }
}

const COUNT: &str =
    "INSERT INTO {counted} AS c VALUES ($1, 1) ON CONFLICT (stream) DO UPDATE SET events = c.events + 1";

impl Projection<Counted> for Counts {
    fn definition(&self) -> Definition {
        self.definition.clone()
    }

    async fn handle(&self, event: &RecordedEvent, counted: &mut Counted) -> Result<(), BoxError> {
        let count = counted.entry(event.stream.clone()).or_default();
        // Changes made before a failure are rolled back.
        *count += 1;
        self.check(event)?;
        assert_eq!(*count, event.revision.0 as i64 + 1);
        Ok(())
    }
}

impl Projection<SqliteModel> for Counts {
    fn definition(&self) -> Definition {
        self.definition.clone()
    }

    async fn handle(&self, event: &RecordedEvent, model: &mut SqliteModel) -> Result<(), BoxError> {
        let count = model.query(COUNT).bind(event.stream.clone());
        count.execute(model.connection()).await?;
        self.check(event)
    }
}

impl Projection<PostgresModel> for Counts {
    fn definition(&self) -> Definition {
        self.definition.clone()
    }

    async fn handle(&self, event: &RecordedEvent, model: &mut PostgresModel) -> Result<(), BoxError> {
        let count = model.query(COUNT).bind(event.stream.clone());
        count.execute(model.connection()).await?;
        if event.event_type == "Swallow" {
            // An ignored error of the database invalidates the transaction.
            drop(
                model
                    .query("SELECT * FROM missing")
                    .execute(model.connection())
                    .await,
            );
        }
        self.check(event)
    }
}

impl Projection<StateModel> for Counts {
    fn definition(&self) -> Definition {
        self.definition.clone()
    }

    async fn handle(&self, event: &RecordedEvent, model: &mut StateModel) -> Result<(), BoxError> {
        let count: i64 = model
            .get_json("counted", &event.stream)
            .await?
            .unwrap_or_default();
        model.put_json("counted", &event.stream, &(count + 1))?;
        self.check(event)?;
        assert_eq!(count, event.revision.0 as i64);
        Ok(())
    }
}

/// A kind of store.
pub trait Place: Sized + Send + Sync + 'static {
    type Store: ReadModelStore;

    async fn open() -> Self;
    fn store(&self) -> &Self::Store;
    fn add(&self, projections: Projections, counts: Counts) -> Projections;
    /// Returns the content of the read model as readers see it.
    async fn counted(&self) -> Counted;
}

pub struct Memory(MemoryStore<Counted>);

impl Place for Memory {
    type Store = MemoryStore<Counted>;

    async fn open() -> Self {
        Memory(MemoryStore::new())
    }

    fn store(&self) -> &Self::Store {
        &self.0
    }

    fn add(&self, projections: Projections, counts: Counts) -> Projections {
        projections.add(&self.0, counts)
    }

    async fn counted(&self) -> Counted {
        self.0.model(NAME).unwrap_or_default()
    }
}

pub struct Sqlite {
    store: SqliteStore,
    pub folder: TempDir,
}

impl Place for Sqlite {
    type Store = SqliteStore;

    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("read-models.db"))
            .await
            .unwrap();
        Sqlite { store, folder }
    }

    fn store(&self) -> &Self::Store {
        &self.store
    }

    fn add(&self, projections: Projections, counts: Counts) -> Projections {
        projections.add(&self.store, counts)
    }

    async fn counted(&self) -> Counted {
        let rows = sqlx::query("SELECT stream, events FROM counted")
            .fetch_all(self.store.pool())
            .await;
        rows.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

pub struct Postgres {
    store: PostgresStore,
    _cluster: Arc<Cluster>,
}

impl Place for Postgres {
    type Store = PostgresStore;

    async fn open() -> Self {
        let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
        let options = cluster.database().await;
        let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
        Postgres {
            store: PostgresStore::new(pool),
            _cluster: cluster,
        }
    }

    fn store(&self) -> &Self::Store {
        &self.store
    }

    fn add(&self, projections: Projections, counts: Counts) -> Projections {
        projections.add(&self.store, counts)
    }

    async fn counted(&self) -> Counted {
        let rows = sqlx::query("SELECT stream, events FROM counted")
            .fetch_all(self.store.pool())
            .await;
        rows.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

/// The state of a server that does not have the log.
pub struct State {
    store: StateStore,
    _server: Server,
}

impl Place for State {
    type Store = StateStore;

    async fn open() -> Self {
        let server = Server::start().unwrap();
        State {
            store: StateStore::new(server.client().unwrap()),
            _server: server,
        }
    }

    fn store(&self) -> &Self::Store {
        &self.store
    }

    fn add(&self, projections: Projections, counts: Counts) -> Projections {
        projections.add(&self.store, counts)
    }

    async fn counted(&self) -> Counted {
        let entries = self.store.entries("counted", "").await.unwrap();
        let count = |entry: annals_client::StateEntry| (entry.key.clone(), entry.json().unwrap());
        entries.into_iter().map(count).collect()
    }
}

/// Defines a test of a body for each kind of store.
macro_rules! on_every_store {
    ($($body:ident)*) => {
        $(
            mod $body {
                use crate::places::{Memory, Place, Postgres, Sqlite, State};

                #[tokio::test]
                async fn in_memory() {
                    super::$body(Memory::open().await).await;
                }

                #[tokio::test]
                async fn in_sqlite() {
                    super::$body(Sqlite::open().await).await;
                }

                #[tokio::test]
                async fn in_state() {
                    super::$body(State::open().await).await;
                }

                annals_installed::needs_postgresql! {
                    #[tokio::test]
                    async fn in_postgres() {
                        super::$body(Postgres::open().await).await;
                    }
                }
            }
        )*
    };
}
pub(crate) use on_every_store;
