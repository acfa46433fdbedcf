//! Removes snapshots that may not be kept.

use annals_engine::{Commit, Error as EngineError, Mutation};

use super::entry::{Header, Kept};
use crate::{
    format::keys,
    model::error::{Error, Result},
    shared::Shared,
    values::name::StreamName,
};

/// Maximum number of attempts while other clients save snapshots of the stream.
const TRIES: usize = 64;

/// Removes snapshots of events that the stream lost by deletion, or all if it has a tombstone, and returns their
/// number. They can't be loaded any more; this reclaims their space.
///
/// # Errors
/// [`Error::Unavailable`] as reported by the engine. It can be retried: snapshots that were removed are not found
/// again.
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
    Err(Error::Overloaded("concurrent saves of snapshots of one stream"))
}
