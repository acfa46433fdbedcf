//! What a projection is: its name, the events that it is about, its tables, and what it does with an event.

use std::future::Future;

use annals_client::{Query, RecordedEvent};
use futures::future::BoxFuture;

use crate::store::BoxError;

/// What a projection is, apart from what it does with events.
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
}

impl Definition {
    /// A projection of every event, without tables. Its checkpoint is kept under the name: two with one name would take
    /// each other's events.
    pub fn new(name: impl Into<String>) -> Self {
        Definition {
            name: name.into(),
            query: Query::all(),
            version: 1,
            tables: Vec::new(),
            schema: Vec::new(),
        }
    }

    /// Says which events it is about.
    #[must_use]
    pub fn query(mut self, query: impl Into<Query>) -> Self {
        self.query = query.into();
        self
    }

    /// Says which version this is, 1 unless set. Raise it when the tables or the meaning of events change: the read model is
    /// then rebuilt.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Adds a table, by the name that readers use, and the statement that makes it, in which `{name}` stands for it. What
    /// readers see under the name is a view of the live generation.
    #[must_use]
    pub fn table(mut self, name: impl Into<String>, create: impl Into<String>) -> Self {
        self.tables.push(name.into());
        self.schema.push(create.into());
        self
    }

    /// Adds a statement to make a generation with, such as that of an index.
    #[must_use]
    pub fn statement(mut self, statement: impl Into<String>) -> Self {
        self.schema.push(statement.into());
        self
    }

    /// The projection's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// What events mean for a read model, which is changed through an `M`:
/// [`SqliteModel`](crate::store::sqlite::SqliteModel), [`PostgresModel`](crate::store::postgres::PostgresModel), or any value
/// in a [`MemoryStore`](crate::store::memory::MemoryStore).
pub trait Projection<M>: Send + Sync + 'static {
    /// What it is. Asked once.
    fn definition(&self) -> Definition;

    /// Takes over what an event changes. It must change nothing but the read model: a transaction may be undone and done
    /// again. Errors of the database are to be passed on, not passed over.
    fn handle(
        &self,
        event: &RecordedEvent,
        model: &mut M,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// A [`Projection`], as stores call it.
pub trait Handler<M>: Send + Sync {
    /// See [`Projection::handle`].
    fn handle<'a>(
        &'a self,
        event: &'a RecordedEvent,
        model: &'a mut M,
    ) -> BoxFuture<'a, Result<(), BoxError>>;
}

/// A projection behind a pointer.
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
