//! The indexer: one task that writes complete windows of the tail's index to the engine, in the order of their keys.
//!
//! 1. A window is written in several commits; `indexed` moves with the last one. Until then its stored entries are
//!    not read, because the tail still contains those positions.
//! 2. Every commit checks `indexed`, so that of several servers only those that write the next window succeed, and a
//!    server that was paused can't write late. Writing a window twice or in part is harmless: its entries follow from
//!    the frames.
//! 3. Nothing here needs to be durable: lost entries can be made again from the frames.
//! 4. Appends wait for its commits. So while there is time, before the next window is complete, commits are
//!    small, and each is followed by a pause of the same length, at most [`PAUSE_MAX`]. If windows wait, it writes as
//!    fast as it can: appends would soon wait for it.

use std::{sync::Arc, time::Duration};

use annals_engine::{Commit, Error as EngineError, Mutation};
use tokio::time::Instant;
use tracing::{debug, error, warn};

use crate::{
    format::keys,
    index::{Window, entries::Entries, entry},
    model::error::{Error, Result},
    read::follow,
    shared::Shared,
};

/// Pause after an error.
const RETRY: Duration = Duration::from_millis(200);
/// Factor by which commits are smaller while there is time.
const CALM_PARTS: usize = 16;
/// Maximum pause between two commits.
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

/// Writes one window, unless another server does. `in_trouble`: the previous attempt failed, and the whole window is
/// written again. Commits are then large, because with many small ones it might never be completed.
pub(crate) async fn write(shared: &Shared, window: &Window, in_trouble: bool) -> Result<()> {
    // Another server may have indexed a part of it, when a scavenge began there.
    let indexed = shared.tail.indexed();
    let rest = (indexed > window.after).then(|| window.without_indexed(indexed));
    let window = rest.as_ref().unwrap_or(window);
    // This takes milliseconds: other tasks of this thread continue on another one.
    let mut entries = if shared.settings.multi_threaded {
        tokio::task::block_in_place(|| Entries::of(window))
    } else {
        Entries::of(window)
    };
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
            debug!(indexed = %window.last, "indexed a window");
            return Ok(());
        }
        if calm {
            tokio::time::sleep(began.elapsed().min(PAUSE_MAX)).await;
        }
    }
}

/// True if no other window waits, no append waits for this one, and the store is not closing. Never true if several
/// servers share an engine: their appends don't wait for commits of the indexer, and each commit is a round trip to
/// the cluster.
fn is_calm(shared: &Shared) -> bool {
    let waiting_max = shared.settings.waiting_windows_max.min(1);
    shared.tail.waiting_windows() <= waiting_max && !shared.closing.get() && !shared.settings.shared_engine
}

/// Returns false if `indexed` had changed; it has then been refreshed.
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

/// Maximum bytes of entries in a commit.
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
