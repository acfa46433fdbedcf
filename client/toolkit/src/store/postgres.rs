//! Read models in PostgreSQL, with sqlx, in the first schema of the search path.
//!
//! If the result of a commit is lost, reading the checkpoint again shows whether it took effect. TLS is a feature of
//! sqlx (add `sqlx = { version = "0.9", features = ["tls-rustls"] }` to the dependencies).

use sqlx::postgres::{PgPool, PgPoolOptions, Postgres};
use sqlx::{AssertSqlSafe, Row};

use super::StoreError;
use super::sql::{Cell, Column, Dialect, SqlModel, SqlStore, Value, calls};

/// Access to a read model in PostgreSQL, for handlers.
///
/// ```
/// use annals_client::RecordedEvent;
/// use annals_toolkit::store::{BoxError, postgres::PostgresModel};
///
/// async fn place(event: &RecordedEvent, model: &mut PostgresModel) -> Result<(), BoxError> {
///     let insert = model.query("INSERT INTO {orders} (id, position) VALUES ($1, $2)");
///     let insert = insert.bind(event.stream.clone()).bind(event.position.0 as i64);
///     insert.execute(model.connection()).await?;
///     Ok(())
/// }
/// ```
pub type PostgresModel = SqlModel<Postgres>;

/// Stores read models in one PostgreSQL database.
pub type PostgresStore = SqlStore<Postgres>;

impl SqlStore<Postgres> {
    /// Connects to a database: `postgres://user:password@host/database`. For custom options, pass a pool to
    /// [`SqlStore::new`]; each active projection uses one connection of it.
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
    // The toolkits of the other languages use the same number, since they may share the database.
    const LOCK: &'static str = "SELECT pg_advisory_xact_lock(7236278101)";
    const FOR_UPDATE: &'static str = "FOR UPDATE";
    const AS_UUID_AND_TIME: [&'static str; 2] = ["::uuid", "::timestamptz"];

    calls!();

    fn is_passing(error: &sqlx::Error) -> bool {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
            // Connection errors (08), conflicts with other transactions (40, 55P03), resources (53), operators (57).
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
