//! The indexer: one task that writes complete windows of the tail's index to the engine, in the order of their keys.
//!
//! 1. A window is written in several commits; `indexed` moves with the last one. Until then nobody reads what was
//!    written of it, because the tail still knows those positions.
//! 2. Every commit checks `indexed`, so that of several servers only those whose turn it is write, and one that was
//!    paused can't write late. Writing a window twice or in part is harmless: its entries follow from the frames.
//! 3. Nothing here needs to be durable: what is lost can be made again from the frames.
//! 4. Appends wait behind its commits. So while there is time, before the next window is complete, commits are small, and
//!    as long as one took, nothing is written. If windows wait, it goes on as fast as it can: appends would soon wait for it.

use std::{sync::Arc, time::Duration};

use annals_engine::{Commit, Error as EngineError, Mutation, apart};
use tokio::time::Instant;
use tracing::{debug, error, warn};

use crate::{
    format::keys,
    index::{Window, entries::Entries, entry},
    model::error::{Error, Result},
    read::follow,
    shared::Shared,
};

/// How long it waits after trouble.
const RETRY: Duration = Duration::from_millis(200);
/// Commits are this many times smaller while there is time.
const CALM_PARTS: usize = 16;
/// The longest pause between two commits.
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// Writes windows as they are completed, until the store closes.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut closing = shared.closing.watch();
    let mut complete = shared.tail.watch_complete();
    let mut in_trouble = false;
    loop {
        while let Some(window) = shared.tail.next_to_index() {
            if closing.get() {
                return;
            }
            let written = write(&shared, &window, in_trouble).await;
            in_trouble = written.is_err();
            if let Err(error) = written {
                if error.is_fatal() {
                    error!(%error, "the indexer stops");
                    shared.fail(error);
                    return;
                }
                warn!(%error, "cannot index; trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
        tokio::select! {
            biased;
            _ = closing.until(|closing| *closing) => return,
            () = complete.changed() => {}
        }
    }
}

/// Writes one window, unless another server does. `in_trouble`: the last time failed, and all of it is written again; with many
/// small commits it might never be whole.
pub(crate) async fn write(shared: &Shared, window: &Window, in_trouble: bool) -> Result<()> {
    // Another server may have indexed a part of it, when a scavenge began there.
    let indexed = shared.tail.indexed();
    let rest = (indexed > window.after).then(|| window.without_indexed(indexed));
    let window = rest.as_ref().unwrap_or(window);
    // Milliseconds.
    let mut entries = apart(|| Entries::of(window));
    loop {
        let calm = !in_trouble && is_calm(shared);
        let bytes_max = shared.settings.index_commit_bytes;
        let mut mutations = entries.take(commit_bytes(bytes_max, calm));
        let is_last = entries.is_empty();
        if is_last {
            mutations.push(Mutation::Set(keys::indexed(), entry::position(window.last)));
        }
        let began = Instant::now();
        if !commit(shared, window, mutations).await? {
            return Ok(());
        }
        if is_last {
            shared.tail.set_indexed(window.last);
            debug!(indexed = %window.last, "a window is on disk");
            return Ok(());
        }
        if calm {
            tokio::time::sleep(began.elapsed().min(PAUSE_MAX)).await;
        }
    }
}

/// Whether no other window waits, nor an append for this one, and the store goes on. Never where several servers share an engine: their appends don't wait
/// behind commits of the indexer, and each commit is a trip to the cluster.
fn is_calm(shared: &Shared) -> bool {
    let waiting_max = shared.settings.waiting_windows_max.min(1);
    shared.tail.waiting_windows() <= waiting_max && !shared.closing.get() && !shared.settings.shared_engine
}

/// False if `indexed` is not what it was thought to be; it is then known what it is.
async fn commit(shared: &Shared, window: &Window, mutations: Vec<Mutation>) -> Result<bool> {
    let mut commit = Commit::relaxed().check(keys::indexed(), entry::indexed(window.after));
    commit.mutations = mutations;
    match shared.engine.commit(commit).await {
        Ok(()) => Ok(true),
        Err(EngineError::Conflict) => {
            follow::refresh(shared).await?;
            Ok(false)
        }
        Err(error @ EngineError::MaybeCommitted(_)) => {
            follow::refresh(shared).await?;
            // If `indexed` has moved, the window is done; otherwise it is written again.
            if shared.tail.indexed() >= window.last {
                Ok(false)
            } else {
                Err(Error::from(error))
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// Bytes of entries in a commit.
fn commit_bytes(bytes_max: usize, calm: bool) -> usize {
    if calm { bytes_max / CALM_PARTS } else { bytes_max }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_smaller_while_there_is_time() {
        assert_eq!(commit_bytes(1_600, true) * CALM_PARTS, 1_600);
        assert_eq!(commit_bytes(1_600, false), 1_600);
    }
}
