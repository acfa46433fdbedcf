//! Syncs fjall's journal, and the durable mark with it, on a background thread.
//!
//! 1. Batches are numbered as they are written. A batch is synced when a sync of the journal that began after it has
//!    finished.
//! 2. At most [`UNSYNCED_MAX`] batches are unsynced; a writer of another one waits.
//! 3. After a failed sync every caller that waits fails.

use annals_engine::{Error, Result};
use parking_lot::{Condvar, Mutex};

/// Batches that may be unsynced while another one is written.
const UNSYNCED_MAX: u64 = 1;

#[derive(Default)]
pub(crate) struct Syncing {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    written: u64,
    synced: u64,
    stopped: bool,
    #[cfg(test)]
    held: bool,
    failure: Option<Error>,
}

impl Syncing {
    /// Records that a batch was written. Returns its number.
    pub(crate) fn wrote(&self) -> u64 {
        let mut state = self.state.lock();
        state.written += 1;
        self.changed.notify_all();
        state.written
    }

    /// Waits until there is room for another batch.
    pub(crate) fn wait_for_room(&self) -> Result<()> {
        let number = self.state.lock().written.saturating_sub(UNSYNCED_MAX);
        self.wait(number)
    }

    /// Waits until a batch is synced.
    pub(crate) fn wait(&self, number: u64) -> Result<()> {
        let mut state = self.state.lock();
        while state.synced < number {
            if let Some(error) = &state.failure {
                return Err(error.clone());
            }
            if state.stopped {
                return Err(Error::Unavailable("the store is being closed".to_owned()));
            }
            self.changed.wait(&mut state);
        }
        Ok(())
    }

    /// Holds syncs back, or lets them continue.
    #[cfg(test)]
    pub(crate) fn hold(&self, held: bool) {
        self.state.lock().held = held;
        self.changed.notify_all();
    }

    /// Stops the thread.
    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }

    /// The body of the thread: syncs as long as there are unsynced batches. `sync`: `None` if there is nothing to sync
    /// any more.
    pub(crate) fn run(&self, sync: impl Fn() -> Option<Result<()>>) {
        while let Some(number) = self.next() {
            let Some(result) = sync() else { return };
            let mut state = self.state.lock();
            match result {
                Ok(()) => state.synced = number,
                Err(error) => state.failure = Some(error),
            }
            self.changed.notify_all();
        }
    }

    /// Waits for an unsynced batch, and returns the number of the last one; `None`: the thread is to stop.
    fn next(&self) -> Option<u64> {
        let mut state = self.state.lock();
        loop {
            if state.stopped || state.failure.is_some() {
                return None;
            }
            #[cfg(test)]
            let held = state.held;
            #[cfg(not(test))]
            let held = false;
            if state.synced < state.written && !held {
                return Some(state.written);
            }
            self.changed.wait(&mut state);
        }
    }
}
