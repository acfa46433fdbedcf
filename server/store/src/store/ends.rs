//! The end of the log, and what services above the store need to measure the distance to it.

use super::Store;
use crate::{
    model::error::Result,
    read::{follow::fresh_head, time},
    values::position::{Position, Timestamp},
};

impl Store {
    /// Returns the last position of the log, also if another server wrote it.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`].
    pub async fn head(&self) -> Result<Position> {
        fresh_head(&self.shared).await
    }

    /// Returns the time at which the first event after a position was recorded, of those up to `head`, which
    /// [`Self::head`] returned. `None` if none is stored there. Reads one frame of the log as a rule; so an event
    /// counts until its space is reclaimed.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`].
    pub async fn recorded_after(&self, position: Position, head: Position) -> Result<Option<Timestamp>> {
        time::recorded_after(&self.shared, position, head).await
    }

    /// Returns the current time, by the store's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.environment.clock.now()
    }
}
