//! The definition of a projection: its name, its events, its tables, and how it handles an event.

use std::future::Future;

use annals_client::{Query, RecordedEvent};
use futures::future::BoxFuture;

use crate::store::BoxError;

/// The definition of a projection, without its event handler.
///
/// ```
/// use annals_client::QueryItem;
/// use annals_toolkit::projection::Definition;
///
/// let orders = Definition::new("order-list")
///     .query(QueryItem::new().in_stream_prefix("order-"))
///     .table("orders", "CREATE TABLE {orders} (id TEXT PRIMARY KEY, customer TEXT NOT NULL)")
///     .statement("CREATE INDEX {orders}_by_customer ON {orders} (customer)");
/// ```
#[derive(Debug, Clone)]
pub struct Definition {
    pub(crate) name: String,
    pub(crate) query: Query,
    pub(crate) version: u32,
    pub(crate) tables: Vec<String>,
    pub(crate) schema: Vec<String>,
    pub(crate) checkpoint: Option<String>,
}

impl Definition {
    /// Defines a projection of every event, without tables. Its checkpoint is stored under the name, so two
    /// projections with the same name would take each other's events.
    pub fn new(name: impl Into<String>) -> Self {
        Definition {
            name: name.into(),
            query: Query::all(),
            version: 1,
            tables: Vec::new(),
            schema: Vec::new(),
            checkpoint: None,
        }
    }

    /// Sets the query for its events.
    #[must_use]
    pub fn query(mut self, query: impl Into<Query>) -> Self {
        self.query = query.into();
        self
    }

    /// Sets the version, 1 unless set. Increase it when the tables or the meaning of events change: the read model is
    /// then rebuilt.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Sets the name under which it reports its checkpoint to the event store; the projection's name unless set.
    #[must_use]
    pub fn checkpoint(mut self, name: impl Into<String>) -> Self {
        self.checkpoint = Some(name.into());
        self
    }

    /// Adds a table, with the name that readers use, and the statement that creates it, in which `{name}` is replaced
    /// by the table's real name. Readers get a view of the live generation under the name.
    #[must_use]
    pub fn table(mut self, name: impl Into<String>, create: impl Into<String>) -> Self {
        self.tables.push(name.into());
        self.schema.push(create.into());
        self
    }

    /// Adds a table of a read model in a [`StateStore`](crate::store::state::StateStore), which needs no statement.
    #[must_use]
    pub fn state_table(mut self, name: impl Into<String>) -> Self {
        self.tables.push(name.into());
        self
    }

    /// Adds a statement that is run when a generation is created, such as for an index.
    #[must_use]
    pub fn statement(mut self, statement: impl Into<String>) -> Self {
        self.schema.push(statement.into());
        self
    }

    /// Returns the projection's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Applies events to a read model, through an `M`: [`SqliteModel`](crate::store::sqlite::SqliteModel),
/// [`PostgresModel`](crate::store::postgres::PostgresModel), [`StateModel`](crate::store::state::StateModel), or any
/// value in a [`MemoryStore`](crate::store::memory::MemoryStore).
pub trait Projection<M>: Send + Sync + 'static {
    /// Returns the definition. Called once.
    fn definition(&self) -> Definition;

    /// Applies an event to the read model. It must change nothing else, because a transaction may be rolled back and
    /// repeated. Errors of the database must be returned, not ignored.
    fn handle(
        &self,
        event: &RecordedEvent,
        model: &mut M,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// An object-safe [`Projection`], called by stores.
pub trait Handler<M>: Send + Sync {
    /// See [`Projection::handle`].
    fn handle<'a>(
        &'a self,
        event: &'a RecordedEvent,
        model: &'a mut M,
    ) -> BoxFuture<'a, Result<(), BoxError>>;
}

/// Wraps a [`Projection`] as a [`Handler`].
pub(crate) struct Handling<P>(pub(crate) P);

impl<M: Send, P: Projection<M>> Handler<M> for Handling<P> {
    fn handle<'a>(
        &'a self,
        event: &'a RecordedEvent,
        model: &'a mut M,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(self.0.handle(event, model))
    }
}
