//! The functional style: one entity's rules as three functions, without an aggregate that changes.
//!
//! ```no_run
//! use annals_toolkit::{CommandHandler, Decider, DomainEvent};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
//! #[serde(tag = "type", content = "data")]
//! enum OrderEvent {
//!     ItemAdded { sku: String },
//!     OrderConfirmed {},
//! }
//!
//! impl DomainEvent for OrderEvent {}
//!
//! enum OrderCommand {
//!     AddItem { sku: String },
//!     Confirm,
//! }
//!
//! enum Order {
//!     Open { items: Vec<String> },
//!     Confirmed,
//! }
//!
//! /// The rules of orders.
//! struct Orders;
//!
//! impl Decider for Orders {
//!     type Command = OrderCommand;
//!     type Event = OrderEvent;
//!     type State = Order;
//!     type Rejection = &'static str;
//!     const CATEGORY: &'static str = "order"; // order 42 is stream order-42
//!
//!     fn initial() -> Order {
//!         Order::Open { items: Vec::new() }
//!     }
//!
//!     fn decide(command: &OrderCommand, order: &Order) -> Result<Vec<OrderEvent>, &'static str> {
//!         match (command, order) {
//!             (OrderCommand::AddItem { sku }, Order::Open { .. }) => {
//!                 Ok(vec![OrderEvent::ItemAdded { sku: sku.clone() }])
//!             }
//!             (OrderCommand::AddItem { .. }, Order::Confirmed) => Err("the order is confirmed"),
//!             (OrderCommand::Confirm, Order::Open { items }) if items.is_empty() => Err("the order is empty"),
//!             (OrderCommand::Confirm, Order::Open { .. }) => Ok(vec![OrderEvent::OrderConfirmed {}]),
//!             (OrderCommand::Confirm, Order::Confirmed) => Ok(vec![]), // already done
//!         }
//!     }
//!
//!     fn evolve(order: Order, event: &OrderEvent) -> Order {
//!         match (order, event) {
//!             (Order::Open { mut items }, OrderEvent::ItemAdded { sku }) => {
//!                 items.push(sku.clone());
//!                 Order::Open { items }
//!             }
//!             (_, OrderEvent::OrderConfirmed {}) => Order::Confirmed,
//!             (order, _) => order,
//!         }
//!     }
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = annals_client::Client::new("http://127.0.0.1:2113")?;
//! let orders = CommandHandler::<Orders>::new(client);
//! orders.execute("42", OrderCommand::AddItem { sku: "book".into() }).await?;
//! let done = orders.execute("42", OrderCommand::Confirm).await?;
//! assert!(matches!(*done.state, Order::Confirmed));
//! # Ok(()) }
//! ```

use std::fmt;
use std::ops::Deref;

use annals_client::Client;

use crate::aggregate::Aggregate;
use crate::command::ConflictPolicy;
use crate::repository::{Execute, Load, Repository};
use crate::schema::DomainEvent;

/// The rules of one kind of entity, as functions. They do no I/O and can be tested by calling them.
pub trait Decider: 'static {
    /// A command.
    type Command: Send + Sync;
    /// The events of the entity.
    type Event: DomainEvent;
    /// The state of the entity.
    type State: Send + Sync + 'static;
    /// The reason why a command is refused.
    type Rejection: Send;

    /// The prefix of the streams: the entity `42` of the category `order` is the stream `order-42`.
    const CATEGORY: &'static str;

    /// Returns the state before the first event.
    fn initial() -> Self::State;

    /// Returns the events to append, in order; none if there is nothing to do. May be called several times for a
    /// command.
    fn decide(command: &Self::Command, state: &Self::State) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// Returns the state after an event. Can't fail, because the event has already been recorded.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;
}

/// The state of an entity, as its decider's functions made it.
pub struct Evolved<D: Decider>(Option<D::State>);

impl<D: Decider> Evolved<D> {
    /// Returns the state.
    pub fn into_inner(self) -> D::State {
        self.0.unwrap_or_else(D::initial)
    }
}

impl<D: Decider> Default for Evolved<D> {
    fn default() -> Self {
        Evolved(Some(D::initial()))
    }
}

impl<D: Decider> Deref for Evolved<D> {
    type Target = D::State;

    fn deref(&self) -> &D::State {
        self.0
            .as_ref()
            .expect("it is only taken while an event is applied")
    }
}

impl<D: Decider> fmt::Debug for Evolved<D>
where
    D::State: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<D: Decider> Aggregate for Evolved<D> {
    type Event = D::Event;
    const CATEGORY: &'static str = D::CATEGORY;

    fn apply(&mut self, event: &D::Event) {
        self.0 = self.0.take().map(|state| D::evolve(state, event));
    }
}

/// What a decider decides.
type Decided<D> = Result<Vec<<D as Decider>::Event>, <D as Decider>::Rejection>;

/// Executes commands by the rules of a [`Decider`]. Conflicts, command ids and metadata work as for a [`Repository`].
/// There are no snapshots: the whole stream is read for each command. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CommandHandler<D: Decider> {
    repository: Repository<Evolved<D>>,
}

impl<D: Decider> CommandHandler<D> {
    /// Creates a command handler.
    pub fn new(client: Client) -> Self {
        CommandHandler {
            repository: Repository::without_snapshots(client),
        }
    }

    /// Sets the prefix of the streams, instead of [`Decider::CATEGORY`].
    #[must_use]
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.repository = self.repository.category(category);
        self
    }

    /// Sets how often a decision is made again after a conflict with another client.
    #[must_use]
    pub fn conflicts(mut self, conflicts: ConflictPolicy) -> Self {
        self.repository = self.repository.conflicts(conflicts);
        self
    }

    /// Returns the stream of the entity with this id.
    pub fn stream(&self, id: impl fmt::Display) -> String {
        self.repository.stream(id)
    }

    /// Loads the state of an entity; see [`Repository::load`].
    pub fn load(&self, id: impl fmt::Display) -> Load<'_, Evolved<D>> {
        self.repository.load(id)
    }

    /// Executes a command: loads, decides, appends; starts over if another client appended in the meantime. Add
    /// options, then await it; see [`Repository::execute`].
    pub fn execute(
        &self,
        id: impl fmt::Display,
        command: D::Command,
    ) -> Execute<'_, Evolved<D>, impl Fn(&Evolved<D>) -> Decided<D>> {
        self.repository
            .execute(id, move |state: &Evolved<D>| D::decide(&command, state))
    }
}
