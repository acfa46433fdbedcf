//! Repositories: where aggregates of one kind are loaded from, and decisions on them are appended to.
//!
//! 1. A decision is made on the whole stream, and appended only if the stream has not moved since. If it has, the aggregate
//!    is loaded again and the decision made again: a bounded number of times, with a random pause.
//! 2. A command with an id has its effect once, however often it is executed: its events bear the tag `command:ID`, by which
//!    the effect is found again, snapshots or not. (Not found again is what is gone by retention or deletion.)
//! 3. Snapshots are saved after the append, outside the caller's path; a lost or old one costs time and nothing else.

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

/// Where aggregates of one kind are loaded from, and decisions on them are appended to. Cheap to clone.
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
    /// A repository with a snapshot of each aggregate after every 50 events.
    pub fn new(client: Client) -> Self {
        Repository::without_snapshots(client).snapshots(Snapshots::default())
    }

    /// Says when snapshots are saved, and which form they have.
    #[must_use]
    pub fn snapshots(mut self, snapshots: Snapshots) -> Self {
        self.snapshots = Some((snapshots, Form::json()));
        self
    }
}

impl<A: Aggregate> Repository<A> {
    /// A repository that loads each aggregate from its first event on.
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

    /// Says what the streams begin with, in place of [`Aggregate::CATEGORY`].
    #[must_use]
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.category = category.into().into();
        self
    }

    /// Says how often a decision is made again when somebody else was faster.
    #[must_use]
    pub fn conflicts(mut self, conflicts: ConflictPolicy) -> Self {
        self.conflicts = conflicts;
        self
    }

    /// The stream of the aggregate with that id.
    pub fn stream(&self, id: impl fmt::Display) -> String {
        format!("{}-{id}", self.category)
    }

    /// The aggregate with that id, from its snapshot, if there is one, and the events after it: add options, then await it.
    /// One without events is as [`Default`] makes it.
    ///
    /// Fails with [`ReadError`](crate::ReadError): of the store ([`StreamTombstoned`](annals_client::Error)), or an event
    /// is none of its types.
    pub fn load(&self, id: impl fmt::Display) -> Load<'_, A> {
        Load::new(self, self.stream(id))
    }

    /// Executes a command: loads, decides, appends; from the beginning again if somebody else was faster. Add options, then
    /// await it.
    ///
    /// `decide` is given the aggregate and says what is to happen: events, in order; none, if nothing is. It may be called
    /// several times.
    ///
    /// Fails with what `decide` refuses it with, or as [`CommandError`](crate::CommandError) says.
    pub fn execute<D, I, R>(&self, id: impl fmt::Display, decide: D) -> Execute<'_, A, D>
    where
        D: Fn(&A) -> Result<I, R>,
        I: IntoIterator<Item = A::Event>,
    {
        Execute::new(self, self.stream(id), decide)
    }

    /// Waits until the snapshots that are being saved are: before the program ends.
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
