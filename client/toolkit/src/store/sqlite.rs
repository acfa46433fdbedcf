//! Read models in an SQLite file, with sqlx.
//!
//! Several projections, and several processes, may share a file: they write one after the other. Readers are not
//! blocked (WAL). After a power failure the last transactions may be lost, together with their checkpoints: their
//! events are then handled again.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Row};

use super::StoreError;
use super::sql::{Cell, Column, Dialect, SqlModel, SqlStore, Value, calls};

/// Access to a read model in SQLite, for handlers.
///
/// ```
/// use annals_client::RecordedEvent;
/// use annals_toolkit::store::{BoxError, sqlite::SqliteModel};
///
/// async fn place(event: &RecordedEvent, model: &mut SqliteModel) -> Result<(), BoxError> {
///     let insert = model.query("INSERT INTO {orders} (id, position) VALUES ($1, $2)");
///     let insert = insert.bind(event.stream.clone()).bind(event.position.0 as i64);
///     insert.execute(model.connection()).await?;
///     Ok(())
/// }
/// ```
pub type SqliteModel = SqlModel<Sqlite>;

/// Stores read models in one SQLite file.
pub type SqliteStore = SqlStore<Sqlite>;

/// How long a statement waits for another connection that writes, before it fails and is retried.
const BUSY: Duration = Duration::from_secs(10);

impl SqlStore<Sqlite> {
    /// Opens a file, and creates it if it is missing.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY);
        let pool: SqlitePool = SqlitePoolOptions::new()
            .connect_with(options)
            .await
            .map_err(|error| StoreError::Failed(error.into()))?;
        Ok(SqlStore::new(pool))
    }
}

impl Dialect for Sqlite {
    const BOOKKEEPING: &'static [&'static str] = &[
        "CREATE TABLE IF NOT EXISTS annals_projections (
            name TEXT NOT NULL,
            generation INTEGER NOT NULL,
            version INTEGER NOT NULL,
            position INTEGER NOT NULL,
            live INTEGER NOT NULL,
            store_id TEXT NOT NULL,
            PRIMARY KEY (name, generation)
        )",
        "CREATE TABLE IF NOT EXISTS annals_dead_letters (
            name TEXT NOT NULL,
            generation INTEGER NOT NULL,
            position INTEGER NOT NULL,
            event_id TEXT NOT NULL,
            stream TEXT NOT NULL,
            revision INTEGER NOT NULL,
            type TEXT NOT NULL,
            reason TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            buried_at TEXT NOT NULL,
            PRIMARY KEY (name, generation, position)
        )",
    ];
    // A transaction that reads first can't start to write if another one has written in the meantime.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const LOCK: &'static str = "";
    const FOR_UPDATE: &'static str = "";
    const AS_UUID_AND_TIME: [&'static str; 2] = ["", ""];

    calls!();

    fn is_passing(error: &sqlx::Error) -> bool {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) => true,
            // BUSY, LOCKED, IOERR and FULL, with their extended codes.
            sqlx::Error::Database(error) => error
                .code()
                .and_then(|code| code.parse::<u32>().ok())
                .is_some_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 13)),
            _ => false,
        }
    }
}
