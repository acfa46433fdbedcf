//! Fences commits whose outcome is unknown, so that they are not applied later.
//!
//! A commit that was sent and not answered may still be on its way: in a socket, in a proxy, in a paused process. The
//! contract requires that it is not applied after its result was returned; otherwise it would be useless for the
//! caller to read whether it was applied. FoundationDB's client does the same before it returns
//! `commit_unknown_result`, but not when a commit is abandoned because of a timeout, or when the protocol version
//! changes.
//!
//! 1. Every commit that changes something has a *fence key* in its read conflict range: the key of one of its checks,
//!    or a unique key.
//! 2. From the moment a commit is sent until its outcome is known, an [`InFlight`] represents it. If that is dropped
//!    earlier, for whatever reason, the fence key is *open*.
//! 3. Open keys are closed by a transaction that declares a write to them and changes nothing. Once it has committed,
//!    a commit that arrives later has its reads before that write, so the resolvers reject it; a commit that arrived
//!    earlier is visible to every later snapshot.
//! 4. No snapshot is opened and no commit is tried while a key is open. So whatever this engine shows after a result
//!    is final, although the result did not wait for a cluster that cannot be reached.
//!
//! A fence on the head makes appends of other servers conflict, once.

use std::collections::BTreeSet;

use annals_engine::{Error, Result};
use foundationdb::options::ConflictRangeType;
use parking_lot::Mutex;
use tracing::info;

use crate::fault::{self, Refusal};
use crate::shared::{Shared, conflict_on};

/// The open fence keys.
#[derive(Default)]
pub(crate) struct Fences {
    open: Mutex<Open>,
    /// Held by the task that closes keys, so that only one does.
    closing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Open {
    last: u64,
    /// Numbered, because a key may be opened again while it is being closed.
    keys: Vec<(u64, Vec<u8>)>,
}

impl Fences {
    /// Registers a commit. Call this before the commit is sent.
    pub(crate) const fn in_flight(&self, key: Vec<u8>) -> InFlight<'_> {
        InFlight {
            fences: self,
            key: Some(key),
        }
    }

    /// Returns when no commit of unknown outcome can be applied any more. Costs nothing if there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; the next call tries again.
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
                    "commits of unknown outcome can no longer be applied"
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
        // Nothing is written, so repeating it is harmless whatever the error was.
        Err(error) => Err(Refusal {
            error: Error::Unavailable(fault::text("fencing a commit", *error)),
            passing: true,
        }),
    }
}

/// A commit that was sent and whose outcome is not known yet.
#[must_use]
pub(crate) struct InFlight<'a> {
    fences: &'a Fences,
    key: Option<Vec<u8>>,
}

impl InFlight<'_> {
    /// Marks the outcome as known.
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
