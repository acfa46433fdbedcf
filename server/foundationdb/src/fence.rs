//! Commits whose outcome is unknown, and how they are kept from being applied later.
//!
//! A commit that was sent and not answered may be on its way: in a socket, in a proxy, in a process that is paused. The
//! contract says that it is not applied later than its answer, and the caller's look at what became of it would mean nothing
//! otherwise. FoundationDB's client does the same before it says `commit_unknown_result`, but not when a commit is given up
//! for lack of time, or when the protocol version changes.
//!
//! 1. Every commit that changes something has a *fence key* in its read conflict range: one of its checks, or a key of its
//!    own.
//! 2. From the moment a commit is sent until its outcome is known, an [`InFlight`] stands for it. If that is dropped before,
//!    for whatever reason, the fence key is *open*.
//! 3. Open keys are closed by a transaction that declares a write to them and changes nothing. Once it has committed, a commit
//!    that comes later was read before that write, so the resolvers refuse it; what came earlier is seen by every later
//!    snapshot.
//! 4. No snapshot is opened and no commit is tried while a key is open. So whatever this engine shows after an answer is what
//!    remains, though the answer did not wait for a cluster that can't be reached.
//!
//! A fence on the head makes appends of other servers conflict, once.

use std::collections::BTreeSet;

use annals_engine::{Error, Result};
use foundationdb::options::ConflictRangeType;
use parking_lot::Mutex;
use tracing::info;

use crate::fault::{self, Refusal};
use crate::shared::{Shared, conflict_on};

/// The fence keys that are open.
#[derive(Default)]
pub(crate) struct Fences {
    open: Mutex<Open>,
    /// Held by whoever closes them, so that not everybody does.
    closing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Open {
    last: u64,
    /// Numbered, because a key may be opened again while it is being closed.
    keys: Vec<(u64, Vec<u8>)>,
}

impl Fences {
    /// Call before a commit is sent.
    pub(crate) const fn in_flight(&self, key: Vec<u8>) -> InFlight<'_> {
        InFlight {
            fences: self,
            key: Some(key),
        }
    }

    /// Returns when no commit of an unknown outcome can be applied any more. Costs nothing if there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; it is tried again at the next call.
    pub(crate) async fn close(&self, shared: &Shared) -> Result<()> {
        if self.open.lock().keys.is_empty() {
            return Ok(());
        }
        shared
            .within("fencing a commit", async {
                let _closing = self.closing.lock().await;
                let open = self.open.lock().keys.clone();
                let Some((last, _)) = open.last() else {
                    return Ok(());
                };
                let keys: BTreeSet<_> = open.iter().map(|(_, key)| &key[..]).collect();
                write_nothing_to(keys, shared)
                    .await
                    .map_err(|refusal| refusal.error)?;
                self.open.lock().keys.retain(|(number, _)| number > last);
                info!(
                    commits = open.len(),
                    "commits of unknown outcome can't be applied any more"
                );
                Ok(())
            })
            .await
    }
}

async fn write_nothing_to(keys: BTreeSet<&[u8]>, shared: &Shared) -> std::result::Result<(), Refusal> {
    let failed = |error| fault::of_read("fencing a commit", error);
    let transaction = shared.transaction()?;
    for key in keys {
        conflict_on(&transaction, key, ConflictRangeType::Write).map_err(failed)?;
    }
    match transaction.commit().await {
        Ok(_) => Ok(()),
        // Nothing is written, so there is nothing that could be there twice: whatever it was, it is done again.
        Err(error) => Err(Refusal {
            error: Error::Unavailable(fault::text("fencing a commit", *error)),
            passing: true,
        }),
    }
}

/// A commit that was sent and not yet answered.
#[must_use]
pub(crate) struct InFlight<'a> {
    fences: &'a Fences,
    key: Option<Vec<u8>>,
}

impl InFlight<'_> {
    /// The outcome is known.
    pub(crate) fn settled(mut self) {
        self.key = None;
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            let mut open = self.fences.open.lock();
            open.last += 1;
            let number = open.last;
            open.keys.push((number, key));
        }
    }
}
