//! What a projection keeps its read model in: the contract that the adapters fulfil, and the adapters: [`memory`], [`sqlite`],
//! [`postgres`].
//!
//! A read model has *generations*. One of them is live, which is the one that readers see; another may be built beside it
//! from the beginning, and then be switched to. Each has its own checkpoint.
//!
//! 1. `apply` changes the read model and its checkpoint in one transaction: both or neither.
//! 2. It does so only if the checkpoint is where the caller thinks it is. Whoever else works on the same generation, in
//!    another process perhaps, makes it fail with [`StoreError::Superseded`], so that no event is applied twice.
//! 3. `switch` makes another generation live, and removes the old one, in one transaction; but only if it is as far as the
//!    old one, so that what readers have seen does not disappear.
//! 4. What is dropped in the middle of a transaction leaves nothing of it.
//!
//! In a database, the checkpoints are in the table `annals_projections`, and the events that were passed over in
//! `annals_dead_letters`, as the toolkits of the other languages have them.

pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::error::Error;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use annals_client::{RecordedEvent, Timestamp, Uuid};
use futures::FutureExt;

use crate::projection::{Definition, Handler};

/// Any error, for handlers and databases of any kind.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A read model that is built or live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// The projection's name.
    pub name: String,
    /// Which generation, counted from 1.
    pub number: u32,
    /// The projection's version when it was begun.
    pub version: u32,
    /// The checkpoint: everything up to this position is in it.
    pub position: u64,
    /// Whether readers see it.
    pub live: bool,
    /// The event store that it is made from.
    pub store_id: Uuid,
}

/// An event on which a handler failed each time, and which was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The projection's name.
    pub name: String,
    /// Its generation.
    pub generation: u32,
    /// The event's position.
    pub position: u64,
    /// The event's id.
    pub event_id: Uuid,
    /// The event's stream.
    pub stream: String,
    /// The event's revision.
    pub revision: u64,
    /// The event's type.
    pub kind: String,
    /// What the handler failed with at the last try.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was passed over.
    pub buried_at: Timestamp,
}

/// Why a read model could not be changed or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else moved the checkpoint, or removed the generation. Go on from where it is now.
    #[error("somebody else moved the checkpoint")]
    Superseded,
    /// The generation is not as far as the live one yet. Go on with it, then switch.
    #[error("the generation is not as far as the live one yet")]
    Behind,
    /// The handler failed on one of the events; nothing of the transaction is left. Try that event alone.
    #[error("the handler failed on event {index}: {reason}")]
    HandlerFailed {
        /// Which of the events, counted from 0.
        index: usize,
        /// What it failed with.
        reason: BoxError,
    },
    /// The database failed. [`ReadModelStore::is_passing`] says whether it is worth trying again.
    #[error("{0}")]
    Failed(BoxError),
}

/// Keeps read models and their checkpoints. Cheap to clone.
pub trait ReadModelStore: Clone + Send + Sync + 'static {
    /// What handlers change the read model through.
    type Model: Send + 'static;

    /// All generations of a projection, in the order of their numbers.
    fn generations(&self, name: &str) -> impl Future<Output = Result<Vec<Generation>, StoreError>> + Send;

    /// Creates an empty generation, or gives the one with that number if somebody else has just created it.
    fn create(
        &self,
        projection: &Definition,
        number: u32,
        store_id: Uuid,
        live: bool,
    ) -> impl Future<Output = Result<Generation, StoreError>> + Send;

    /// Handles the events and moves the checkpoint from `expected` to `position`, in one transaction.
    ///
    /// Fails with [`StoreError::HandlerFailed`], [`StoreError::Superseded`], [`StoreError::Failed`].
    fn apply(
        &self,
        generation: &Generation,
        checkpoint: Move,
        events: &[RecordedEvent],
        projection: (&Definition, &dyn Handler<Self::Model>),
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Keeps a dead letter and moves the checkpoint from `expected` to its position, in one transaction.
    ///
    /// Fails with [`StoreError::Superseded`], [`StoreError::Failed`].
    fn bury(
        &self,
        generation: &Generation,
        expected: u64,
        letter: &DeadLetter,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes that generation live and removes all before it, in one transaction.
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

    /// The dead letters of a projection's generations, in the order of their positions.
    fn dead_letters(&self, name: &str) -> impl Future<Output = Result<Vec<DeadLetter>, StoreError>> + Send;

    /// Whether an error is the database's and of the moment (locked, unreachable), and no fault of the handler.
    fn is_passing(&self, error: &(dyn Error + 'static)) -> bool;
}

/// From where to where a checkpoint is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Where it must be.
    pub from: u64,
    /// Where it is then.
    pub to: u64,
}

/// Has the events handled, in order. A handler that panics has failed.
pub(crate) async fn handle_all<M: Send>(
    handler: &dyn Handler<M>,
    events: &[RecordedEvent],
    model: &mut M,
) -> Result<(), StoreError> {
    for (index, event) in events.iter().enumerate() {
        // What it leaves in the model is undone.
        let handled = AssertUnwindSafe(handler.handle(event, model))
            .catch_unwind()
            .await;
        handled
            .unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
            .map_err(|reason| StoreError::HandlerFailed { index, reason })?;
    }
    Ok(())
}

pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> BoxError {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", said.unwrap_or("for no reason that it tells")).into()
}

/// Refuses a switch to a generation that is not as far as the live one, or not there.
pub(crate) fn demand_as_far(generations: &[Generation], number: u32) -> Result<(), StoreError> {
    let next = generations.iter().find(|one| one.number == number);
    let next = next.ok_or(StoreError::Superseded)?;
    let ahead = |one: &Generation| one.live && one.position > next.position;
    if generations.iter().any(ahead) {
        return Err(StoreError::Behind);
    }
    Ok(())
}
