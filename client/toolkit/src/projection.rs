//! Projections: read models built from the log, each event applied exactly once, even after a crash.
//!
//! 1. The checkpoint is stored in the transaction of the changes: after a crash the projection continues directly
//!    after it.
//! 2. If a handler fails (or panics) on an event, it is retried on that event alone, with growing pauses. Then the
//!    event is skipped and becomes a dead letter, with the reason. The events before it are applied first, so order
//!    is kept.
//! 3. A temporary failure of the event store or a database is retried without limit and without dead letters.
//! 4. Several projections run independently; one that fails does not stop the others.
//! 5. [`rebuild`](RunningProjection::rebuild) builds a new generation from the beginning, next to the live one, and
//!    switches when it has caught up. The same happens if the definition's version is newer than that of the live
//!    generation; the old generation is not updated until the switch, because this code may not fit it.
//! 6. Several processes may run the same projection: a compare-and-set on the checkpoint lets one apply each event,
//!    and the others wait.
//! 7. A projection reports its checkpoint to the event store at most once a second, whatever database it writes to
//!    (`annals checkpoints` shows them). It does not wait for the report, and continues if that fails.

mod definition;
mod follower;
mod one;
mod process;
mod reports;
mod runner;
mod running;

use std::sync::Arc;
use std::time::Duration;

use annals_client::{Position, RecordedEvent, Uuid};
use rand::Rng;

pub use definition::{Definition, Handler, Projection};
pub use one::{RunningProjection, wait_for};
pub use process::ProcessManager;
pub use running::{Projections, RunningProjections};

use crate::store::BoxError;

/// Why a projection stopped. Other projections continue.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectionError {
    /// The read model was built from another event store. Rebuild it in an empty database, or correct the
    /// configuration.
    #[error(
        "projection {name:?} was built from store {made_from}, but the client is connected to store {given}; \
         connect to the right store, or start with an empty read model"
    )]
    WrongStore {
        /// The projection.
        name: String,
        /// The store that it was built from.
        made_from: Uuid,
        /// The store that the client is connected to.
        given: Uuid,
    },
    /// The read model was built by a newer version of the projection. Update this program.
    #[error("projection {name:?} was built by version {made_by}, but this program has version {given}")]
    NewerVersion {
        /// The projection.
        name: String,
        /// The version of its live generation.
        made_by: u32,
        /// The version of this program.
        given: u32,
    },
    /// The event store returned a permanent error. [`PositionBeyondHead`](annals_client::Error::PositionBeyondHead)
    /// means that the checkpoint comes from another store, or from one that was restored from an older backup.
    #[error("{0}")]
    Store(#[from] annals_client::Error),
    /// The database failed permanently, such as with an invalid `CREATE TABLE` statement.
    #[error("the read model of projection {name:?} failed: {reason}")]
    ReadModel {
        /// The projection.
        name: String,
        /// The error of the database.
        reason: Arc<BoxError>,
    },
    /// It was stopped.
    #[error("projection {name:?} was stopped")]
    Stopped {
        /// The projection.
        name: String,
    },
}

/// Why waiting for a projection failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The projection did not reach the position in time.
    #[error("projection {name:?} is at position {reached}, not yet at {position}, after {after:?}")]
    TimedOut {
        /// The projection.
        name: String,
        /// The requested position.
        position: Position,
        /// The position that the projection has reached.
        reached: Position,
        /// The time waited.
        after: Duration,
    },
    /// The projection is no longer running.
    #[error("{0}")]
    Failed(#[from] ProjectionError),
}

/// Batch size and retries of projections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectionPolicy {
    /// Maximum number of events in one transaction, at least 1. 500 unless set.
    pub batch_max: usize,
    /// Maximum number of attempts to handle an event before it is skipped, at least 1. 5 unless set.
    pub attempts_max: u32,
    /// Pause after the first failure; it doubles each time, with half of it random. 100 ms unless set.
    pub pause_first: Duration,
    /// Maximum pause. 10 s unless set.
    pub pause_max: Duration,
}

impl Default for ProjectionPolicy {
    fn default() -> Self {
        ProjectionPolicy {
            batch_max: 500,
            attempts_max: 5,
            pause_first: Duration::from_millis(100),
            pause_max: Duration::from_secs(10),
        }
    }
}

impl ProjectionPolicy {
    /// The pause after failure number `failed` (from 1).
    pub(crate) fn pause(&self, failed: u32) -> Duration {
        let nominal = self
            .pause_first
            .saturating_mul(1 << failed.saturating_sub(1).min(20));
        nominal
            .min(self.pause_max)
            .mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

/// The state of a projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum State {
    /// It is loading its checkpoint.
    #[default]
    Starting,
    /// It is applying older events.
    CatchingUp,
    /// It has caught up, and applies new events as they are appended.
    Live,
    /// It is being rebuilt, because its version is newer.
    Rebuilding,
    /// It is waiting for the event store, for the database, or for another process that runs it.
    Waiting,
    /// It has failed and does nothing any more.
    Failed,
}

/// How far a projection is behind the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lag {
    /// Number of positions that it has not processed yet.
    pub events: u64,
    /// Age of the oldest event that it has not handled, in seconds; 0 if there is none.
    pub seconds: f64,
}

/// The position and the state of a projection.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Everything up to this position is in the live read model.
    pub position: Position,
    /// The current state.
    pub state: State,
    /// The last error, whether it has been resolved or not.
    pub last_error: Option<Arc<str>>,
    /// Why the projection failed; `None` if it has not.
    pub failure: Option<ProjectionError>,
}

/// The reason in a dead letter: the error and its causes.
pub(crate) fn reason(error: &BoxError) -> String {
    let mut told: Vec<String> = Vec::new();
    for cause in crate::error::chain(error.as_ref()) {
        let text = cause.to_string();
        // An error that includes its cause in its own text would repeat it.
        if told.last().is_none_or(|last| !last.ends_with(&text)) {
            told.push(text);
        }
    }
    told.join(": ")
}

/// The work of a projection, in the transaction of its checkpoint or before it.
pub(crate) enum Work<M> {
    InTransaction(Box<dyn Handler<M>>),
    Before(Box<dyn process::React>),
}

/// Handler for transactions that only move the checkpoint.
pub(crate) struct Nothing;

impl<M: Send> Handler<M> for Nothing {
    fn handle<'a>(
        &'a self,
        _: &'a RecordedEvent,
        _: &'a mut M,
    ) -> futures::future::BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}
