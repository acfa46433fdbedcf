//! Process managers: reactions to events with commands, exactly once in effect.
//!
//! 1. It runs like a projection: named, from its checkpoint, with retries, dead letters, lag and `wait_for`.
//! 2. A reaction may run several times, after a crash between it and its checkpoint. Its commands then have the same
//!    ids, derived from the process's name, the event, the stream and the number of earlier commands to that stream;
//!    and a repository or `Decisions` executes a command with the same id once. So a reaction must issue the same
//!    commands to a stream in the same order each time.
//! 3. Metadata is propagated: the events of those commands have the correlation id and the user of the event, and its
//!    id as their cause.
//! 4. Effects other than commands through the toolkit (an e-mail) happen at least once.
//!
//! A process that needs state keeps it in its own aggregate, to which it issues commands.

use std::future::Future;

use annals_client::RecordedEvent;
use futures::future::BoxFuture;

use super::definition::Definition;
use crate::metadata::Context;
use crate::store::BoxError;

/// Reacts to events with commands.
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
    /// Returns the name and the query for the events to react to. Called once. Tables are not used.
    fn definition(&self) -> Definition;

    /// Issues the commands that an event requires.
    fn react(&self, event: &RecordedEvent) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// An object-safe [`ProcessManager`].
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
