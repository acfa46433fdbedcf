//! What the tasks of all groups of a server share.

use std::{hash::BuildHasher, sync::Arc};

use annals_store::{ChangeIds, Clock, Position, StateChange, StateCheck, StateWrite, StateWritten, Store};
use foldhash::fast::FixedState;
use tokio::{
    sync::{Notify, watch},
    time::Duration,
};

use super::error::{Error, Result};

/// Pause before a write is repeated whose outcome is unknown.
const PAUSE: Duration = Duration::from_millis(100);

/// How a server takes part in leading groups.
#[derive(Clone)]
pub struct Setup {
    /// The address at which other servers reach this one; empty if there is none.
    pub address: String,
    /// Whether other servers use the same store.
    pub is_shared: bool,
    /// Source of the current time.
    pub clock: Arc<dyn Clock>,
    /// Seed of ids. Two servers of one store must have different seeds.
    pub seed: u64,
}

pub(super) struct Shared {
    pub store: Store,
    pub address: String,
    pub is_shared: bool,
    pub clock: Arc<dyn Clock>,
    pub ids: ChangeIds,
    closing: watch::Sender<bool>,
    /// A group was deleted.
    pub deleted: Notify,
}

impl Shared {
    pub(super) fn new(store: Store, setup: Setup) -> Self {
        Self {
            store,
            address: setup.address,
            is_shared: setup.is_shared,
            clock: setup.clock,
            ids: ChangeIds::new(setup.seed),
            closing: watch::Sender::new(false),
            deleted: Notify::new(),
        }
    }

    pub(super) async fn head(&self) -> Result<Position> {
        Ok(self.store.head().await?)
    }

    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }

    pub(super) fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Waits until the server stops.
    pub(super) async fn closing(&self) {
        // The sender is in `self`, so it exists.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    pub(super) fn state_write(
        &self,
        changes: Vec<StateChange>,
        checks: Vec<StateCheck>,
    ) -> Result<StateWrite> {
        let write = StateWrite::new(self.ids.next(), changes, checks, self.store.limits());
        write.map_err(|error| Error::Store(annals_store::Error::Corrupt(error.to_string())))
    }

    /// Makes a write. If its outcome is unknown, repeats it with the same id while `is_wanted` holds.
    pub(super) async fn write(
        &self,
        write: StateWrite,
        is_wanted: impl Fn() -> bool,
    ) -> Result<StateWritten> {
        loop {
            match self.store.write_state(write.clone()).await {
                Err(annals_store::Error::Unavailable(_) | annals_store::Error::Overloaded(_))
                    if is_wanted() =>
                {
                    tokio::time::sleep(PAUSE).await;
                }
                result => return Ok(result?),
            }
        }
    }

    /// Returns 32 bits that differ from call to call and look random.
    pub(super) fn nonce(&self) -> u32 {
        // Consecutive ids differ in few bits.
        let mixed = FixedState::default().hash_one(self.ids.next());
        (mixed >> 32) as u32
    }
}
