//! Stores of read models: the contract, and the adapters: [`memory`], [`sqlite`],
//! [`postgres`], [`state`].
//!
//! A read model has *generations*. One of them is live, which is the one that readers see. Another may be built next
//! to it from the beginning, and then switched to. Each has its own checkpoint.
//!
//! 1. `apply` changes the read model and its checkpoint in one transaction: both or neither.
//! 2. It does so only if the checkpoint is where the caller expects it. If another process has moved the checkpoint
//!    of the same generation, it fails with [`StoreError::Superseded`], so that no event is applied twice.
//! 3. `switch` makes another generation live, and removes the old one, in one transaction; but only if it has reached
//!    the position of the old one, so that readers never see an older state.
//! 4. A transaction whose future is dropped has no effect.
//!
//! In a database, the checkpoints are in the table `annals_projections`, and the skipped events in
//! `annals_dead_letters`, in the same format as in the toolkits of the other languages.

pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod state;

use std::error::Error;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use annals_client::{Position, RecordedEvent, Revision, Timestamp, Uuid};
use futures::FutureExt;

use crate::projection::{Definition, Handler};

/// Any error, of a handler or a database.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A read model, live or being built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// The projection's name.
    pub name: String,
    /// The number of the generation, from 1.
    pub number: u32,
    /// The projection's version when the generation was started.
    pub version: u32,
    /// The checkpoint: everything up to this position has been applied.
    pub position: Position,
    /// Whether readers see it.
    pub live: bool,
    /// The event store that it is built from.
    pub store_id: Uuid,
}

/// An event that was skipped because the handler failed on it every time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The projection's name.
    pub name: String,
    /// The generation.
    pub generation: u32,
    /// The event's position.
    pub position: Position,
    /// The event's id.
    pub event_id: Uuid,
    /// The event's stream.
    pub stream: String,
    /// The event's revision.
    pub revision: Revision,
    /// The event's type.
    pub event_type: String,
    /// The error of the handler in the last attempt.
    pub reason: String,
    /// The number of attempts.
    pub attempts: u32,
    /// The time at which it was skipped.
    pub buried_at: Timestamp,
}

/// Why a read model could not be changed or queried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process moved the checkpoint, or removed the generation. Continue from the current checkpoint.
    #[error("another process moved the checkpoint")]
    Superseded,
    /// The generation has not caught up with the live one. Continue it, then switch.
    #[error("the generation has not caught up with the live one yet")]
    Behind,
    /// The handler failed on one of the events; the transaction was rolled back. Retry that event alone.
    #[error("the handler failed on event {index}: {reason}")]
    HandlerFailed {
        /// The index of the event, from 0.
        index: usize,
        /// The error of the handler.
        reason: BoxError,
    },
    /// The changes of several events do not fit into one transaction, which was rolled back. Divide the events.
    #[error("the changes do not fit into one transaction; handle {fitting} of the events first")]
    DoesNotFit {
        /// The number of events to handle first, at least 1 and fewer than all.
        fitting: usize,
    },
    /// The database failed. [`ReadModelStore::is_passing`] returns whether the error is temporary.
    #[error("{0}")]
    Failed(BoxError),
}

/// Stores read models and their checkpoints. Cheap to clone.
pub trait ReadModelStore: Clone + Send + Sync + 'static {
    /// The value through which handlers change the read model.
    type Model: Send + 'static;

    /// Returns all generations of a projection, in the order of their numbers.
    fn generations(&self, name: &str) -> impl Future<Output = Result<Vec<Generation>, StoreError>> + Send;

    /// Creates an empty generation, or returns the existing one if another process has just created it.
    fn create(
        &self,
        projection: &Definition,
        number: u32,
        store_id: Uuid,
        live: bool,
    ) -> impl Future<Output = Result<Generation, StoreError>> + Send;

    /// Handles the events and moves the checkpoint from `expected` to `position`, in one transaction.
    ///
    /// Fails with [`StoreError::HandlerFailed`], [`StoreError::DoesNotFit`], [`StoreError::Superseded`],
    /// [`StoreError::Failed`].
    fn apply(
        &self,
        generation: &Generation,
        checkpoint: Move,
        events: &[RecordedEvent],
        projection: (&Definition, &dyn Handler<Self::Model>),
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Stores a dead letter and moves the checkpoint from `expected` to its position, in one transaction.
    ///
    /// Fails with [`StoreError::Superseded`], [`StoreError::Failed`].
    fn bury(
        &self,
        generation: &Generation,
        expected: Position,
        letter: &DeadLetter,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes a generation live and removes all generations before it, in one transaction.
    ///
    /// Fails with [`StoreError::Behind`], [`StoreError::Superseded`] if there is no such generation,
    /// [`StoreError::Failed`].
    fn switch(
        &self,
        projection: &Definition,
        number: u32,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes a generation that is not live, with its tables.
    fn remove(
        &self,
        projection: &Definition,
        number: u32,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Returns the dead letters of a projection's generations, in the order of their positions.
    fn dead_letters(&self, name: &str) -> impl Future<Output = Result<Vec<DeadLetter>, StoreError>> + Send;

    /// Whether an error is a temporary one of the database (locked, unreachable), and not a failure of the handler.
    fn is_passing(&self, error: &(dyn Error + 'static)) -> bool;
}

/// A move of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// The position before the move, which is required.
    pub from: Position,
    /// The position after the move.
    pub to: Position,
}

/// Runs the handler on the events, in order. A panic counts as a failure.
pub(crate) async fn handle_all<M: Send>(
    handler: &dyn Handler<M>,
    events: &[RecordedEvent],
    model: &mut M,
) -> Result<(), StoreError> {
    for (index, event) in events.iter().enumerate() {
        handle_one(handler, event, model)
            .await
            .map_err(|reason| StoreError::HandlerFailed { index, reason })?;
    }
    Ok(())
}

/// Runs the handler on an event. A panic counts as a failure.
pub(crate) async fn handle_one<M: Send>(
    handler: &dyn Handler<M>,
    event: &RecordedEvent,
    model: &mut M,
) -> Result<(), BoxError> {
    // Its changes to the model are rolled back.
    let handled = AssertUnwindSafe(handler.handle(event, model))
        .catch_unwind()
        .await;
    handled.unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

/// Returns the name of a table of a generation.
pub(crate) fn physical_table(table: &str, generation: u32) -> String {
    format!("{table}__{generation}")
}

pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> BoxError {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", said.unwrap_or("no message given")).into()
}

/// Rejects a switch to a generation that has not caught up with the live one, or does not exist.
pub(crate) fn demand_as_far(generations: &[Generation], number: u32) -> Result<(), StoreError> {
    let next = generations.iter().find(|one| one.number == number);
    let next = next.ok_or(StoreError::Superseded)?;
    let ahead = |one: &Generation| one.live && one.position > next.position;
    if generations.iter().any(ahead) {
        return Err(StoreError::Behind);
    }
    Ok(())
}
