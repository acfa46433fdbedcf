//! Removing what may not be kept of a stream's snapshots.

use annals_engine::{Commit, Error as EngineError, Mutation};

use super::entry::{Header, Kept};
use crate::{
    format::keys,
    model::error::{Error, Result},
    shared::Shared,
    values::name::StreamName,
};

/// How often it is tried while others save snapshots of the stream.
const TRIES: usize = 64;

/// Removes snapshots of what the stream lost when it was deleted, or all if it has a tombstone, and returns how many there
/// were. Nobody can load them any more; this gives their space back.
///
/// # Errors
/// [`Error::Unavailable`] as the engine has it. Try again: what was removed is not found again.
pub(crate) async fn remove_dead(shared: &Shared, stream: &StreamName) -> Result<usize> {
    let lifecycle = shared.tail.lifecycles().of(stream.as_str());
    let dead = |header: &Header| lifecycle.tombstoned || header.revision < lifecycle.deleted_before;
    for _ in 0..TRIES {
        let snapshot = shared.engine.snapshot().await?;
        let kept = Kept::read(stream, &*snapshot).await?;
        drop(snapshot);
        let removed: Vec<Header> = kept.headers.iter().copied().filter(dead).collect();
        if removed.is_empty() {
            return Ok(0);
        }
        let mut commit = kept.change(stream, Commit::relaxed())?;
        for header in &removed {
            header.clear(stream, &mut commit);
        }
        if removed.len() == kept.headers.len() {
            let changed = keys::snapshots_changed(stream.as_str());
            commit.mutations.push(Mutation::Clear(changed));
        }
        match shared.engine.commit(commit).await {
            Ok(()) => return Ok(removed.len()),
            Err(EngineError::Conflict | EngineError::TooOld | EngineError::MaybeCommitted(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Overloaded(
        "snapshots of one stream that are saved at a time",
    ))
}
