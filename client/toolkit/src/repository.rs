//! Repositories: load aggregates of one kind, and append the decisions made on them.
//!
//! 1. A decision is made on the whole stream, and appended only if the stream has not changed since. If it has, the
//!    aggregate is loaded again and the decision is made again: a bounded number of times, with a random pause.
//! 2. A command with an id takes effect once, however often it is executed: its events have the tag `command:ID`, by
//!    which the repository finds them, with or without snapshots. (It does not find events removed by retention or
//!    deletion.)
//! 3. Snapshots are saved after the append, in the background; a lost or old one only costs time.

mod execute;
mod load;
mod snapshots;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use annals_client::Client;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::aggregate::Aggregate;
use crate::command::ConflictPolicy;

pub use execute::Execute;
pub use load::Load;
pub use snapshots::Snapshots;
use snapshots::{Form, Saving};

/// Loads aggregates of one kind, and appends the decisions made on them. Cheap to clone.
///
/// ```no_run
/// # use annals_toolkit::{Aggregate, DomainEvent, CommandError, Repository};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// # #[serde(tag = "type", content = "data")]
/// # enum OrderEvent { OrderConfirmed {} }
/// # impl DomainEvent for OrderEvent {}
/// # #[derive(Debug, Default, Serialize, Deserialize)]
/// # struct Order;
/// # impl Aggregate for Order {
/// #     type Event = OrderEvent;
/// #     const CATEGORY: &'static str = "order";
/// #     fn apply(&mut self, _: &OrderEvent) {}
/// # }
/// # impl Order {
/// #     fn confirm(&self) -> Result<Vec<OrderEvent>, &'static str> { Ok(vec![]) }
/// # }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = annals_client::Client::new("http://127.0.0.1:2113")?;
/// let orders: Repository<Order> = Repository::new(client);
/// match orders.execute("42", |order: &Order| order.confirm()).await {
///     Ok(done) => println!("at position {:?}", done.position),
///     Err(CommandError::Rejected(reason)) => println!("no: {reason}"),
///     Err(error) => return Err(error.into()),
/// }
/// orders.settle().await;
/// # Ok(()) }
/// ```
pub struct Repository<A: Aggregate> {
    client: Client,
    category: Arc<str>,
    conflicts: ConflictPolicy,
    snapshots: Option<(Snapshots, Form<A>)>,
    saving: Saving,
    of: PhantomData<fn() -> A>,
}

impl<A: Aggregate + Serialize + DeserializeOwned> Repository<A> {
    /// Creates a repository that saves a snapshot of each aggregate after every 50 events.
    pub fn new(client: Client) -> Self {
        Repository::without_snapshots(client).snapshots(Snapshots::default())
    }

    /// Sets when snapshots are saved, and the version of their format.
    #[must_use]
    pub fn snapshots(mut self, snapshots: Snapshots) -> Self {
        self.snapshots = Some((snapshots, Form::json()));
        self
    }
}

impl<A: Aggregate> Repository<A> {
    /// Creates a repository that loads each aggregate from its first event.
    pub fn without_snapshots(client: Client) -> Self {
        Repository {
            client,
            category: A::CATEGORY.into(),
            conflicts: ConflictPolicy::default(),
            snapshots: None,
            saving: Saving::default(),
            of: PhantomData,
        }
    }

    /// Sets the prefix of the streams, instead of [`Aggregate::CATEGORY`].
    #[must_use]
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.category = category.into().into();
        self
    }

    /// Sets how often a decision is made again after a conflict with another client.
    #[must_use]
    pub fn conflicts(mut self, conflicts: ConflictPolicy) -> Self {
        self.conflicts = conflicts;
        self
    }

    /// Returns the stream of the aggregate with this id.
    pub fn stream(&self, id: impl fmt::Display) -> String {
        format!("{}-{id}", self.category)
    }

    /// Loads the aggregate with this id from its snapshot, if there is one, and the events after it: add options,
    /// then await it. An aggregate without events has its [`Default`] state.
    ///
    /// Fails with [`ReadError`](crate::ReadError), if the store fails ([`StreamTombstoned`](annals_client::Error)),
    /// or an event is not one of its types.
    pub fn load(&self, id: impl fmt::Display) -> Load<'_, A> {
        Load::new(self, self.stream(id))
    }

    /// Executes a command: loads, decides, appends; starts over if another client appended in the meantime. Add
    /// options, then await it.
    ///
    /// `decide` gets the aggregate and returns the events to append, in order; none if there is nothing to do. It may
    /// be called several times.
    ///
    /// Fails with the rejection of `decide`, or as documented on [`CommandError`](crate::CommandError).
    pub fn execute<D, I, R>(&self, id: impl fmt::Display, decide: D) -> Execute<'_, A, D>
    where
        D: Fn(&A) -> Result<I, R>,
        I: IntoIterator<Item = A::Event>,
    {
        Execute::new(self, self.stream(id), decide)
    }

    /// Waits until the snapshots in progress are saved. Call it before the program ends.
    pub async fn settle(&self) {
        self.saving.settle().await;
    }
}

impl<A: Aggregate> Clone for Repository<A> {
    fn clone(&self) -> Self {
        Repository {
            client: self.client.clone(),
            category: self.category.clone(),
            conflicts: self.conflicts,
            snapshots: self.snapshots,
            saving: self.saving.clone(),
            of: PhantomData,
        }
    }
}

impl<A: Aggregate> fmt::Debug for Repository<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository")
            .field("category", &self.category)
            .field("snapshots", &self.snapshots.map(|(snapshots, _)| snapshots))
            .finish_non_exhaustive()
    }
}
