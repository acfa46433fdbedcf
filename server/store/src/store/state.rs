//! Operations on state, and subscriptions to it.

mod subscription;

use tokio::sync::{mpsc::error::TrySendError, oneshot};

use super::{PERMIT_BYTES, Store};
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
        self.check_accepts()?;
        let room_max = self
            .shared
            .settings
            .limits
            .waiting_bytes_max
            .div_ceil(PERMIT_BYTES)
            .max(1);
        let permits = write.bytes.div_ceil(PERMIT_BYTES).clamp(1, room_max);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let room = std::sync::Arc::clone(&self.room)
            .acquire_many_owned(permits)
            .await;
        let room = room.map_err(|_| self.closed())?;
        let (reply, result) = oneshot::channel();
        let job = Job { write, reply, room };
        self.state_queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Error::Overloaded("waiting writes of state"),
            TrySendError::Closed(_) => self.closed(),
        })?;
        result.await.unwrap_or_else(|_| Err(self.closed()))
    }

    /// Returns an entry of state, if it exists, and the last version of its scope.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn state(&self, name: &EntryName) -> Result<(Option<StateEntry>, u64)> {
        read::get(&self.shared, name).await
    }

    /// Lists entries of a scope of state, ordered by key.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn list_state(&self, list: &ListState) -> Result<StatePage> {
        read::list(&self.shared, list).await
    }

    /// Subscribes to a scope of state.
    ///
    /// # Errors
    /// [`Error::StateVersionExpired`]; [`Error::StateVersionBeyondEnd`]; [`Error::Overloaded`];
    /// [`Error::Unavailable`].
    pub async fn subscribe_state(&self, subscribe: SubscribeState) -> Result<StateSubscription> {
        StateSubscription::begin(std::sync::Arc::clone(&self.shared), subscribe).await
    }

    fn check_accepts(&self) -> Result<()> {
        if self.is_closed() {
            return Err(self.closed());
        }
        if self.shared.is_moving() {
            return Err(Error::MoveUnfinished);
        }
        Ok(())
    }
}
