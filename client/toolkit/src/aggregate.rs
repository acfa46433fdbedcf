//! Aggregates: the state of one entity, built from the events of its stream, on which commands decide. This module
//! does no I/O.

use annals_client::{ExpectedRevision, Position, RecordedEvent, Revision};

use crate::schema::DomainEvent;

/// The state of one entity.
///
/// Rules are methods that read the state and return the events to append, or reject the command:
///
/// ```
/// use annals_toolkit::{Aggregate, DomainEvent};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// #[serde(tag = "type", content = "data")]
/// enum OrderEvent {
///     ItemAdded { sku: String },
///     OrderConfirmed {},
/// }
///
/// impl DomainEvent for OrderEvent {}
///
/// #[derive(Debug, Default, Serialize, Deserialize)]
/// struct Order {
///     items: Vec<String>,
///     confirmed: bool,
/// }
///
/// impl Aggregate for Order {
///     type Event = OrderEvent;
///     const CATEGORY: &'static str = "order"; // order 42 is stream order-42
///
///     fn apply(&mut self, event: &OrderEvent) {
///         match event {
///             OrderEvent::ItemAdded { sku } => self.items.push(sku.clone()),
///             OrderEvent::OrderConfirmed {} => self.confirmed = true,
///         }
///     }
/// }
///
/// impl Order {
///     fn confirm(&self) -> Result<Vec<OrderEvent>, &'static str> {
///         match (self.confirmed, self.items.is_empty()) {
///             (true, _) => Ok(vec![]), // already done, so no events
///             (_, true) => Err("an empty order can't be confirmed"),
///             _ => Ok(vec![OrderEvent::OrderConfirmed {}]),
///         }
///     }
/// }
/// ```
pub trait Aggregate: Default + Send + Sync + 'static {
    /// The events of the entity.
    type Event: DomainEvent;

    /// The prefix of its streams: the entity `42` of the category `order` is the stream `order-42`.
    const CATEGORY: &'static str;

    /// Updates the state with an event. Can't fail, because the event has already been recorded.
    fn apply(&mut self, event: &Self::Event);
}

/// An aggregate, and the revision up to which its stream was read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Loaded<A> {
    /// The aggregate.
    pub state: A,
    /// The stream's last revision; `None` if it has no events.
    pub revision: Option<Revision>,
    /// The revision of the snapshot that the state was loaded from; `None` if it was loaded from the first event.
    pub snapshot_revision: Option<Revision>,
    /// The events after the snapshot, if they were requested.
    pub events: Vec<RecordedEvent>,
}

impl<A> Loaded<A> {
    /// Returns the expected revision for an append that depends on this state.
    pub fn expected(&self) -> ExpectedRevision {
        self.revision
            .map_or(ExpectedRevision::NoStream, ExpectedRevision::Exactly)
    }
}

/// The result of a command.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Executed<A, E> {
    /// The aggregate after the command.
    pub state: A,
    /// The aggregate's stream.
    pub stream: String,
    /// The events appended; empty if the command decided on none.
    pub events: Vec<E>,
    /// The stream's last revision after the command; `None` if it has no events.
    pub revision: Option<Revision>,
    /// The position of the command's last event, for `wait_for` of a projection; `None` if there is none.
    pub position: Option<Position>,
    /// Whether the command had already been executed, so that it had no effect this time.
    pub already_executed: bool,
}
