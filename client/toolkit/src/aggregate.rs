//! Aggregates: the state of one entity, made of the events of its stream, on which commands decide. Pure: nothing here
//! reads or writes.

use annals_client::{ExpectedRevision, RecordedEvent};

use crate::schema::DomainEvent;

/// The state of one entity.
///
/// Rules are methods that look at the state and say what is to happen, or refuse:
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
///             (true, _) => Ok(vec![]), // nothing is to be done
///             (_, true) => Err("an empty order can't be confirmed"),
///             _ => Ok(vec![OrderEvent::OrderConfirmed {}]),
///         }
///     }
/// }
/// ```
pub trait Aggregate: Default + Send + Sync + 'static {
    /// What happens to it.
    type Event: DomainEvent;

    /// What its streams begin with: the entity `42` of the category `order` is the stream `order-42`.
    const CATEGORY: &'static str;

    /// Takes over what happened. Can't fail: it has happened.
    fn apply(&mut self, event: &Self::Event);
}

/// An aggregate, and how far its stream was read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Loaded<A> {
    /// The aggregate.
    pub state: A,
    /// The stream's last revision; `None` if it has no events.
    pub revision: Option<u64>,
    /// The revision of the snapshot that it was made from, if it was.
    pub snapshot_revision: Option<u64>,
    /// The events after the snapshot, if they were asked for.
    pub events: Vec<RecordedEvent>,
}

impl<A> Loaded<A> {
    /// What an append that rests on it expects.
    pub fn expected(&self) -> ExpectedRevision {
        self.revision
            .map_or(ExpectedRevision::NoStream, ExpectedRevision::Exactly)
    }
}

/// What a command led to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Executed<A, E> {
    /// The aggregate after it.
    pub state: A,
    /// Its stream.
    pub stream: String,
    /// What was decided; empty if nothing was to be done.
    pub events: Vec<E>,
    /// The stream's last revision after it; `None` if it has no events.
    pub revision: Option<u64>,
    /// The position of the command's last event, for `wait_for` of a projection; `None` if there is none.
    pub position: Option<u64>,
    /// Whether the command had its effect before, and this time had none.
    pub already_executed: bool,
}
