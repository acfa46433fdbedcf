//! Operations on state, and subscriptions to it.

mod subscription;

use std::sync::Arc;

use tokio::sync::{mpsc::error::TrySendError, oneshot};

use super::Store;
use crate::{
    model::{
        error::{Error, Result},
        state::{EntryName, StateEntry, StateWrite, StateWritten},
    },
    state::read::{self, ListState, StatePage},
    tasks::state::writer::Job,
};
pub use subscription::{StateNotice, StateSubscription, SubscribeState};

impl Store {
    /// Makes a write of state, and waits until it is durable.
    ///
    /// # Errors
    /// [`Error::Rejected`] if a check does not hold, or if the id was used by another write; [`Error::Overloaded`] if
    /// too many writes wait, or if other servers keep changing the same scopes; [`Error::Unavailable`] if it is unknown
    /// whether it was made (retry with the same id).
    pub async fn write_state(&self, write: StateWrite) -> Result<StateWritten> {
        let room = self.wait_for_room(write.bytes).await?;
        let (reply, result) = oneshot::channel();
        let place = self.state_queue.try_reserve().map_err(|error| match error {
            TrySendError::Full(()) => Error::Overloaded("waiting writes of state"),
            TrySendError::Closed(()) => self.closed(),
        })?;
        self.shared.metrics.state.waiting_writes.inc();
        place.send(Job { write, reply, room });
        result.await.unwrap_or_else(|_| Err(self.closed()))
    }

    /// Returns an entry of state, if it exists, and the last version of its scope.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn state(&self, name: &EntryName) -> Result<(Option<StateEntry>, u64)> {
        let (entry, version) = read::get(&self.shared, name).await?;
        self.count_read(usize::from(entry.is_some()));
        Ok((entry, version))
    }

    /// Lists entries of a scope of state, ordered by key.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn list_state(&self, list: &ListState) -> Result<StatePage> {
        let page = read::list(&self.shared, list).await?;
        self.count_read(page.entries.len());
        Ok(page)
    }

    fn count_read(&self, entries: usize) {
        self.shared.metrics.state.read_entries.inc_by(entries as u64);
    }

    /// Subscribes to a scope of state.
    ///
    /// # Errors
    /// [`Error::StateVersionExpired`]; [`Error::StateVersionBeyondEnd`]; [`Error::Overloaded`];
    /// [`Error::Unavailable`].
    pub async fn subscribe_state(&self, subscribe: SubscribeState) -> Result<StateSubscription> {
        StateSubscription::begin(Arc::clone(&self.shared), subscribe).await
    }
}
