//! Read models in PostgreSQL, by sqlx, in the first schema of the search path.
//!
//! A commit whose result was lost is settled by reading the checkpoint again. TLS is a feature of sqlx
//! (`sqlx = { version = "0.9", features = ["tls-rustls"] }` beside the toolkit).

use sqlx::postgres::{PgPool, PgPoolOptions, Postgres};
use sqlx::{AssertSqlSafe, Row};

use super::StoreError;
use super::sql::{Cell, Column, Dialect, SqlModel, SqlStore, Value, calls};

/// What handlers change a read model in PostgreSQL with.
///
/// ```
/// use annals_client::RecordedEvent;
/// use annals_toolkit::store::{BoxError, postgres::PostgresModel};
///
/// async fn place(event: &RecordedEvent, model: &mut PostgresModel) -> Result<(), BoxError> {
///     let insert = model.query("INSERT INTO {orders} (id, position) VALUES ($1, $2)");
///     let insert = insert.bind(event.stream.clone()).bind(event.position as i64);
///     insert.execute(model.connection()).await?;
///     Ok(())
/// }
/// ```
pub type PostgresModel = SqlModel<Postgres>;

/// Keeps read models in one PostgreSQL database.
pub type PostgresStore = SqlStore<Postgres>;

impl SqlStore<Postgres> {
    /// Connects to a database: `postgres://user:password@host/database`. With [`SqlStore::new`] it takes a pool with options
    /// of your own; each projection that has something to do takes one connection of it.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let pool: PgPool = PgPoolOptions::new()
            .connect(url)
            .await
            .map_err(|error| StoreError::Failed(error.into()))?;
        Ok(SqlStore::new(pool))
    }
}

impl Dialect for Postgres {
    const BOOKKEEPING: &'static [&'static str] = &[
        "CREATE TABLE IF NOT EXISTS annals_projections (
            name text NOT NULL,
            generation int NOT NULL,
            version int NOT NULL,
            position bigint NOT NULL,
            live boolean NOT NULL,
            store_id uuid NOT NULL,
            PRIMARY KEY (name, generation)
        )",
        "CREATE TABLE IF NOT EXISTS annals_dead_letters (
            name text NOT NULL,
            generation int NOT NULL,
            position bigint NOT NULL,
            event_id uuid NOT NULL,
            stream text NOT NULL,
            revision bigint NOT NULL,
            type text NOT NULL,
            reason text NOT NULL,
            attempts int NOT NULL,
            buried_at timestamptz NOT NULL,
            PRIMARY KEY (name, generation, position)
        )",
    ];
    const BEGIN: &'static str = "BEGIN";
    // The number is that of the other languages' toolkits, which may share the database.
    const LOCK: &'static str = "SELECT pg_advisory_xact_lock(7236278101)";
    const FOR_UPDATE: &'static str = "FOR UPDATE";
    const AS_UUID_AND_TIME: [&'static str; 2] = ["::uuid", "::timestamptz"];

    calls!();

    fn is_passing(error: &sqlx::Error) -> bool {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
            // Connections (08), another transaction in the way (40, 55P03), resources (53), operators (57).
            sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                ["08", "40", "53", "57"]
                    .iter()
                    .any(|class| code.starts_with(class))
                    || code == "55P03"
            }),
            _ => false,
        }
    }
}
