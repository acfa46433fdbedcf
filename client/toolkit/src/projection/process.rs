//! Process managers: reactions to events by commands, exactly once in effect.
//!
//! 1. One is run like a projection: named, from its checkpoint, with retries, dead letters, lag and `wait_for`.
//! 2. A reaction may run several times, if something dies between it and its checkpoint. Its commands then have the same
//!    ids, which follow from the process's name, the event, the stream and how many commands to that stream came before;
//!    and a repository or `Decisions` gives a command with the same id its effect once. So a reaction must give the same
//!    commands to a stream in the same order each time.
//! 3. The metadata flow: the events of those commands bear the correlation id and the user of the event, and its id as their
//!    cause.
//! 4. What is not a command through the toolkit (an e-mail) happens at least once.
//!
//! A process that must remember something does so in an aggregate of its own, to which it gives commands.

use std::future::Future;

use annals_client::RecordedEvent;
use futures::future::BoxFuture;

use super::definition::Definition;
use crate::metadata::Context;
use crate::store::BoxError;

/// What is done about events.
///
/// ```
/// use annals_client::RecordedEvent;
/// use annals_toolkit::{Aggregate, DomainEvent, ProcessManager, Repository, projection::Definition, store::BoxError};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// # #[serde(tag = "type", content = "data")]
/// # enum OrderEvent { OrderConfirmed {} }
/// # impl DomainEvent for OrderEvent {}
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// # #[serde(tag = "type", content = "data")]
/// # enum ShipmentEvent { Prepared {} }
/// # impl DomainEvent for ShipmentEvent {}
/// # #[derive(Debug, Default)]
/// # struct Shipment;
/// # impl Aggregate for Shipment {
/// #     type Event = ShipmentEvent;
/// #     const CATEGORY: &'static str = "shipment";
/// #     fn apply(&mut self, _: &ShipmentEvent) {}
/// # }
/// # impl Shipment {
/// #     fn prepare(&self) -> Result<[ShipmentEvent; 1], String> { Ok([ShipmentEvent::Prepared {}]) }
/// # }
///
/// struct Shipping {
///     shipments: Repository<Shipment>,
/// }
///
/// impl ProcessManager for Shipping {
///     fn definition(&self) -> Definition {
///         Definition::new("shipping").query(OrderEvent::query_of(["OrderConfirmed"]))
///     }
///
///     async fn react(&self, event: &RecordedEvent) -> Result<(), BoxError> {
///         self.shipments.execute(&event.stream, |shipment: &Shipment| shipment.prepare()).await?;
///         Ok(())
///     }
/// }
/// ```
pub trait ProcessManager: Send + Sync + 'static {
    /// Its name and the events that it reacts to. Asked once. It has no tables.
    fn definition(&self) -> Definition;

    /// Gives the commands that an event calls for.
    fn react(&self, event: &RecordedEvent) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// A [`ProcessManager`] behind a pointer.
pub(crate) trait React: Send + Sync {
    fn react<'a>(&'a self, event: &'a RecordedEvent) -> BoxFuture<'a, Result<(), BoxError>>;
}

pub(crate) struct Reacting<P> {
    pub(crate) process: P,
    pub(crate) name: String,
}

impl<P: ProcessManager> React for Reacting<P> {
    fn react<'a>(&'a self, event: &'a RecordedEvent) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(Context::reacting(event, &self.name).scope(self.process.react(event)))
    }
}
