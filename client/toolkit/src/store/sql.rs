//! Common parts of the stores in databases: the statements, and the transactions around them.
//!
//! ```text
//! annals_projections   name, generation -> version, position, live, store_id
//! annals_dead_letters  name, generation, position -> event_id, stream, revision, type, reason, attempts, buried_at
//! ```
//!
//! A table `orders` of generation 2 is called `orders__2`; readers use the view `orders` of the live generation.
//!
//! 1. The checkpoint is moved first in a transaction: of two processes that work on the same generation, the second
//!    waits there for the first, and then finds the checkpoint moved.
//! 2. A transaction that is dropped is rolled back before its connection is used again.

mod dialect;
mod model;
mod rows;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use annals_client::{Position, RecordedEvent, Uuid};
use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool, Transaction};
use tokio::sync::OnceCell;

use super::{
    BoxError, DeadLetter, Generation, Move, ReadModelStore, StoreError, demand_as_far, handle_all,
    physical_table,
};
use crate::error::chain;
use crate::projection::{Definition, Handler};

pub(super) use dialect::calls;
pub use dialect::{Cell, Column, Dialect, Value};
pub use model::SqlModel;
use model::{named, placeholders};
use rows::{DEAD_LETTER, GENERATION, dead_letter, generation};

/// Stores read models in one database. Cheap to clone.
pub struct SqlStore<D: Database> {
    pool: Pool<D>,
    /// Whether the bookkeeping tables are known to exist.
    prepared: Arc<OnceCell<()>>,
}

impl<D: Database> Clone for SqlStore<D> {
    fn clone(&self) -> Self {
        SqlStore {
            pool: self.pool.clone(),
            prepared: self.prepared.clone(),
        }
    }
}

impl<D: Database> fmt::Debug for SqlStore<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").finish_non_exhaustive()
    }
}

impl<D: Dialect> SqlStore<D> {
    /// Stores them in the database of a pool, which may be used for anything else as well.
    pub fn new(pool: Pool<D>) -> Self {
        SqlStore {
            pool,
            prepared: Arc::default(),
        }
    }

    /// Returns the pool, to read the live read models, whose tables have their plain names.
    pub fn pool(&self) -> &Pool<D> {
        &self.pool
    }

    async fn begin(&self) -> Result<Transaction<'static, D>, StoreError> {
        self.pool.begin_with(D::BEGIN).await.map_err(failed)
    }

    /// Begins a transaction in which no other process creates tables and views.
    async fn begin_making(&self) -> Result<Transaction<'static, D>, StoreError> {
        let mut transaction = self.begin().await?;
        if !D::LOCK.is_empty() {
            run::<D>(&mut transaction, D::LOCK, &[]).await?;
        }
        Ok(transaction)
    }

    /// Returns a connection for queries, after creating the bookkeeping tables.
    async fn ask(&self) -> Result<PoolConnection<D>, StoreError> {
        let prepare = || async {
            let mut transaction = self.begin_making().await?;
            for statement in D::BOOKKEEPING {
                run::<D>(&mut transaction, statement, &[]).await?;
            }
            transaction.commit().await.map_err(failed)
        };
        self.prepared.get_or_try_init(prepare).await?;
        self.pool.acquire().await.map_err(failed)
    }

    /// Moves a checkpoint.
    async fn advance(
        transaction: &mut Transaction<'static, D>,
        generation: &Generation,
        checkpoint: Move,
    ) -> Result<(), StoreError> {
        let values = [
            Value::Number(stored(checkpoint.to)),
            Value::Text(&generation.name),
            Value::Number(generation.number.into()),
            Value::Number(stored(checkpoint.from)),
        ];
        let statement = "UPDATE annals_projections SET position = $1 \
                         WHERE name = $2 AND generation = $3 AND position = $4";
        match run::<D>(transaction, statement, &values).await? {
            1 => Ok(()),
            _ => Err(StoreError::Superseded),
        }
    }

    async fn generations_in(
        connection: &mut D::Connection,
        name: &str,
        ending: &str,
    ) -> Result<Vec<Generation>, StoreError> {
        let statement = format!(
            "SELECT CAST(generation AS bigint), CAST(version AS bigint), position, live, CAST(store_id AS text) \
             FROM annals_projections WHERE name = $1 ORDER BY generation {ending}"
        );
        let values = [Value::Text(name)];
        let rows = D::rows(connection, statement, &values, GENERATION).await;
        rows.map_err(failed)?
            .into_iter()
            .map(|row| generation(name, row).ok_or_else(|| garbled("annals_projections")))
            .collect()
    }

    /// Makes a generation visible to readers: views with the tables' plain names.
    async fn show(
        transaction: &mut Transaction<'static, D>,
        projection: &Definition,
        number: u32,
    ) -> Result<(), StoreError> {
        for table in &projection.tables {
            let real = physical_table(table, number);
            run::<D>(transaction, &format!("DROP VIEW IF EXISTS \"{table}\""), &[]).await?;
            let view = format!("CREATE VIEW \"{table}\" AS SELECT * FROM \"{real}\"");
            run::<D>(transaction, &view, &[]).await?;
        }
        Ok(())
    }

    async fn drop_generation(
        transaction: &mut Transaction<'static, D>,
        projection: &Definition,
        number: u32,
    ) -> Result<(), StoreError> {
        for table in &projection.tables {
            let real = physical_table(table, number);
            run::<D>(transaction, &format!("DROP TABLE IF EXISTS \"{real}\""), &[]).await?;
        }
        let values = [Value::Text(&projection.name), Value::Number(number.into())];
        for bookkeeping in ["annals_projections", "annals_dead_letters"] {
            let statement = format!("DELETE FROM {bookkeeping} WHERE name = $1 AND generation = $2");
            run::<D>(transaction, &statement, &values).await?;
        }
        Ok(())
    }

    async fn handle(
        &self,
        generation: &Generation,
        checkpoint: Move,
        events: &[RecordedEvent],
        (projection, handler): (&Definition, &dyn Handler<SqlModel<D>>),
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        Self::advance(&mut transaction, generation, checkpoint).await?;
        let number = generation.number;
        let mut model = SqlModel {
            transaction,
            tables: placeholders(projection, number),
            generation: number,
        };
        handle_all(handler, events, &mut model).await?;
        if let Some(index) = events.len().checked_sub(1) {
            // After an error that a handler ignored, PostgreSQL would accept a COMMIT and roll back.
            let sound = D::execute(&mut model.transaction, "SELECT 1".to_owned(), &[]).await;
            sound.map_err(|error| StoreError::HandlerFailed {
                index,
                reason: error.into(),
            })?;
        }
        model.transaction.commit().await.map_err(failed)
    }
}

impl<D: Dialect> ReadModelStore for SqlStore<D>
where
    SqlModel<D>: Send,
{
    type Model = SqlModel<D>;

    async fn generations(&self, name: &str) -> Result<Vec<Generation>, StoreError> {
        // Every operation starts with this query, so the tables are created here.
        let mut connection = self.ask().await?;
        Self::generations_in(&mut connection, name, "").await
    }

    async fn create(
        &self,
        projection: &Definition,
        number: u32,
        store_id: Uuid,
        live: bool,
    ) -> Result<Generation, StoreError> {
        let mut transaction = self.begin_making().await?;
        let [uuid, _] = D::AS_UUID_AND_TIME;
        let statement = format!(
            "INSERT INTO annals_projections VALUES ($1, $2, $3, 0, $4, $5{uuid}) ON CONFLICT DO NOTHING"
        );
        let id = store_id.to_string();
        let values = [
            Value::Text(&projection.name),
            Value::Number(number.into()),
            Value::Number(projection.version.into()),
            Value::Flag(live),
            Value::Text(&id),
        ];
        if run::<D>(&mut transaction, &statement, &values).await? == 1 {
            let tables = placeholders(projection, number);
            for statement in &projection.schema {
                run::<D>(&mut transaction, &named(statement, &tables), &[]).await?;
            }
            if live {
                Self::show(&mut transaction, projection, number).await?;
            }
        }
        let generations = Self::generations_in(&mut transaction, &projection.name, "").await?;
        transaction.commit().await.map_err(failed)?;
        let created = generations.into_iter().find(|one| one.number == number);
        created.ok_or(StoreError::Superseded)
    }

    async fn apply(
        &self,
        generation: &Generation,
        checkpoint: Move,
        events: &[RecordedEvent],
        projection: (&Definition, &dyn Handler<Self::Model>),
    ) -> Result<(), StoreError> {
        self.handle(generation, checkpoint, events, projection).await
    }

    async fn bury(
        &self,
        generation: &Generation,
        expected: Position,
        letter: &DeadLetter,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let checkpoint = Move {
            from: expected,
            to: letter.position,
        };
        Self::advance(&mut transaction, generation, checkpoint).await?;
        let [uuid, time] = D::AS_UUID_AND_TIME;
        let statement = format!(
            "INSERT INTO annals_dead_letters VALUES ($1, $2, $3, $4{uuid}, $5, $6, $7, $8, $9, $10{time})"
        );
        let (event_id, buried_at) = (letter.event_id.to_string(), letter.buried_at.to_string());
        let values = [
            Value::Text(&letter.name),
            Value::Number(letter.generation.into()),
            Value::Number(stored(letter.position)),
            Value::Text(&event_id),
            Value::Text(&letter.stream),
            Value::Number(stored(letter.revision)),
            Value::Text(&letter.event_type),
            Value::Text(&letter.reason),
            Value::Number(letter.attempts.into()),
            Value::Text(&buried_at),
        ];
        run::<D>(&mut transaction, &statement, &values).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn switch(&self, projection: &Definition, number: u32) -> Result<(), StoreError> {
        let mut transaction = self.begin_making().await?;
        // Locked, so that another process can't move the checkpoint of the live generation in the meantime.
        let generations = Self::generations_in(&mut transaction, &projection.name, D::FOR_UPDATE).await?;
        demand_as_far(&generations, number)?;
        let values = [
            Value::Flag(true),
            Value::Text(&projection.name),
            Value::Number(number.into()),
        ];
        let statement = "UPDATE annals_projections SET live = $1 WHERE name = $2 AND generation = $3";
        run::<D>(&mut transaction, statement, &values).await?;
        Self::show(&mut transaction, projection, number).await?;
        for older in generations.iter().filter(|one| one.number < number) {
            Self::drop_generation(&mut transaction, projection, older.number).await?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn remove(&self, projection: &Definition, number: u32) -> Result<(), StoreError> {
        let mut transaction = self.begin_making().await?;
        Self::drop_generation(&mut transaction, projection, number).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn dead_letters(&self, name: &str) -> Result<Vec<DeadLetter>, StoreError> {
        let mut connection = self.ask().await?;
        let statement = "SELECT CAST(generation AS bigint), position, CAST(event_id AS text), stream, revision, type, \
                         reason, CAST(attempts AS bigint), CAST(buried_at AS text) FROM annals_dead_letters \
                         WHERE name = $1 ORDER BY position";
        let values = [Value::Text(name)];
        let rows = D::rows(&mut connection, statement.to_owned(), &values, DEAD_LETTER).await;
        rows.map_err(failed)?
            .into_iter()
            .map(|row| dead_letter(name, row).ok_or_else(|| garbled("annals_dead_letters")))
            .collect()
    }

    fn is_passing(&self, error: &(dyn Error + 'static)) -> bool {
        chain(error).any(|cause| cause.downcast_ref::<sqlx::Error>().is_some_and(D::is_passing))
    }
}

async fn run<D: Dialect>(
    connection: &mut D::Connection,
    statement: &str,
    values: &[Value<'_>],
) -> Result<u64, StoreError> {
    D::execute(connection, statement.to_owned(), values)
        .await
        .map_err(failed)
}

fn failed(error: sqlx::Error) -> StoreError {
    StoreError::Failed(BoxError::from(error))
}

fn garbled(table: &str) -> StoreError {
    StoreError::Failed(format!("a row of {table} has unexpected values").into())
}

/// Converts a position or revision. These stay far below 2^63, at which a log would be full.
fn stored(number: impl Into<u64>) -> i64 {
    i64::try_from(number.into()).unwrap_or(i64::MAX)
}
