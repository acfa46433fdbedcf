//! Lost events in terms of the store: the positions that are missing, and what an operator can do about it.

use std::{path::Path, sync::Arc};

use annals_embedded::{EmbeddedEngine, Loss};
use annals_store::{Position, position_of_head};

use crate::{Error, Result};

/// Name of the option that accepts a loss.
const OPTION: &str = "--accept-lost-events-after";

/// A loss that was accepted when the engine was opened. Every start reports it until it is settled.
pub(crate) struct AcceptedLoss {
    engine: Arc<EmbeddedEngine>,
    /// Describes the missing events.
    pub(crate) what: String,
}

impl AcceptedLoss {
    /// Returns the loss with which an engine was opened.
    pub(crate) fn of(engine: &Arc<EmbeddedEngine>) -> Option<Self> {
        let what = missing(engine.loss()?);
        Some(Self {
            engine: Arc::clone(engine),
            what,
        })
    }

    /// Marks the loss as settled, after the store has got a new identity.
    pub(crate) async fn settle(self) -> Result<()> {
        let settled = tokio::task::spawn_blocking(move || self.engine.settle_loss()).await;
        settled
            .map_err(|error| Error::Open(error.to_string()))?
            .map_err(|error| Error::Storage(error.to_string()))
    }
}

/// Whether the operator accepts this loss: the last remaining event is the one that they named.
pub(crate) fn is_accepted(loss: &Loss, after: Option<u64>) -> bool {
    loss.can_be_accepted && after.is_some() && left(loss).map(|left| left.0) == after
}

/// Returns the position of the last remaining event; `None` if it is unknown.
fn left(loss: &Loss) -> Option<Position> {
    position_of_head(loss.head_left.as_deref()).ok()
}

/// Explains which events are missing and what to do about it.
pub(crate) fn explain(data: &Path, loss: &Loss, accepted_after: Option<u64>) -> String {
    let (data, missing) = (data.display(), missing(loss));
    let found = format!("{missing} in the data directory {data} ({loss}). Keep a copy of the directory.");
    let Some(left) = left(loss).filter(|_| loss.can_be_accepted) else {
        return format!("{found} Restore a backup: the store cannot continue without them");
    };
    let refused = match accepted_after {
        Some(after) if after != left.0 => format!(" {OPTION} is {after}, but the last event left is {left}."),
        _ => String::new(),
    };
    format!(
        "{found}{refused} Restore a backup, or continue without them: start the server once with {OPTION} {left}. \
         The store then gets a new identity, so that checkpoints from before are recognised as those of another store"
    )
}

/// Describes which events are missing.
fn missing(loss: &Loss) -> String {
    let Some(left) = left(loss) else {
        return "acknowledged events are missing".to_owned();
    };
    let durable = loss.head_durable.as_deref();
    let durable = durable.filter(|_| loss.last_durable.is_some());
    match durable.map(|head| position_of_head(Some(head))) {
        Some(Ok(durable)) if durable.0 == left.0 + 1 => {
            format!("the acknowledged event {durable} is missing")
        }
        Some(Ok(durable)) if durable > left => {
            format!("the acknowledged events {} to {durable} are missing", left.next())
        }
        Some(Ok(durable)) if durable == left => format!(
            "no event is missing, the last one is {left}, but acknowledged changes of snapshots or of the store's \
             own state may be missing"
        ),
        _ => format!("acknowledged events after {left} may be missing"),
    }
}

#[cfg(test)]
mod tests;
