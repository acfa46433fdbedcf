//! Projections: read models made from the log, each event once in effect, whatever dies on the way.
//!
//! 1. The checkpoint stands in the same transaction as what the events changed: after a crash it goes on exactly behind it.
//! 2. A handler that fails (or panics) is tried again on that event alone, with growing pauses, and then passed over: the
//!    event becomes a dead letter, with the reason. The events before it are applied first, so that order is kept.
//! 3. An event store or a database that is away for the moment is waited for, without end and without dead letters.
//! 4. Several projections run independently; one that fails does not stop the others.
//! 5. [`rebuild`](RunningProjection::rebuild) makes a new generation from the beginning, beside the live one, and switches
//!    when it has caught up. The same happens when the definition's version is newer than that of the live generation; that
//!    one is then left as it is until the switch, because this code may not fit it.
//! 6. Several processes may run the same projection: a compare-and-set on the checkpoint lets one apply each event, and the
//!    others wait.

mod definition;
mod follower;
mod one;
mod process;
mod runner;
mod running;

use std::sync::Arc;
use std::time::Duration;

use annals_client::{RecordedEvent, Uuid};
use rand::Rng;

pub use definition::{Definition, Handler, Projection};
pub use one::{RunningProjection, wait_for};
pub use process::ProcessManager;
pub use running::{Projections, RunningProjections};

use crate::store::BoxError;

/// Why a projection stopped. The others go on.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectionError {
    /// The read model was made from another event store. Rebuild it in an empty database, or mend the configuration.
    #[error(
        "projection {name:?} was made from the store {made_from}, but the client is connected to {given}; connect to the \
         right one, or begin with an empty read model"
    )]
    WrongStore {
        /// The projection.
        name: String,
        /// The store it was made from.
        made_from: Uuid,
        /// The store that was met.
        given: Uuid,
    },
    /// The read model was made by a newer version of the projection. Update this program.
    #[error("projection {name:?} was made by version {made_by}, and this program has version {given}")]
    NewerVersion {
        /// The projection.
        name: String,
        /// The version of its live generation.
        made_by: u32,
        /// The version of this program.
        given: u32,
    },
    /// The event store refused something in a way that does not pass:
    /// [`PositionBeyondHead`](annals_client::Error::PositionBeyondHead) is a checkpoint of another store, or of one that was
    /// restored from an older backup.
    #[error("{0}")]
    Store(#[from] annals_client::Error),
    /// The database failed in a way that does not pass, such as a statement that makes no table.
    #[error("the read model of projection {name:?} failed: {reason}")]
    ReadModel {
        /// The projection.
        name: String,
        /// What the database said.
        reason: Arc<BoxError>,
    },
    /// It was stopped.
    #[error("projection {name:?} was stopped")]
    Stopped {
        /// The projection.
        name: String,
    },
}

/// Why what was waited for is not there.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// It was not there in time.
    #[error("projection {name:?} is at position {reached}, not yet at {position}, after {after:?}")]
    TimedOut {
        /// The projection.
        name: String,
        /// The position that was waited for.
        position: u64,
        /// The position where it is.
        reached: u64,
        /// How long was waited.
        after: Duration,
    },
    /// The projection does not run any more.
    #[error("{0}")]
    Failed(#[from] ProjectionError),
}

/// How projections go about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectionPolicy {
    /// The most events in one transaction, 1 or more. 500 unless set.
    pub batch_max: usize,
    /// How often a handler is tried on an event before it is passed over, 1 or more. 5 unless set.
    pub attempts_max: u32,
    /// Pause after the first failure; twice as long each time, half of it drawn at random. 100 ms unless set.
    pub pause_first: Duration,
    /// The longest pause. 10 s unless set.
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
    /// The pause after the n-th (from 1) failure.
    pub(crate) fn pause(&self, failed: u32) -> Duration {
        let nominal = self
            .pause_first
            .saturating_mul(1 << failed.saturating_sub(1).min(20));
        nominal
            .min(self.pause_max)
            .mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

/// What a projection is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum State {
    /// It looks where it was.
    #[default]
    Starting,
    /// It takes what has happened meanwhile.
    CatchingUp,
    /// It takes what happens.
    Live,
    /// It is rebuilt, because its version is new.
    Rebuilding,
    /// It waits for the event store, for the database, or for another process that works on it.
    Waiting,
    /// It failed, and does nothing any more.
    Failed,
}

/// How far a projection is behind the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lag {
    /// Positions that it has not looked at yet.
    pub events: u64,
    /// Since when the oldest event that it has not handled has been waiting, in seconds; 0 if there is none.
    pub seconds: f64,
}

/// How far a projection is, and what it is about.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Everything up to this position is in the live read model.
    pub position: u64,
    /// What it is about.
    pub state: State,
    /// What went wrong last, whether it has passed or not.
    pub last_error: Option<Arc<str>>,
    /// Why it failed, if it did.
    pub failure: Option<ProjectionError>,
}

/// What a reason looks like in a dead letter: the error, and what led to it.
pub(crate) fn reason(error: &BoxError) -> String {
    let mut told: Vec<String> = Vec::new();
    for cause in crate::error::chain(error.as_ref()) {
        let text = cause.to_string();
        // Errors that pass on what led to them say it twice.
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

/// For transactions in which only the checkpoint moves.
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
