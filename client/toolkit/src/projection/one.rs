//! A running projection, as its users see it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use annals_client::{Client, Position, Query, Timestamp};
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};

use super::runner::Rebuild;
use super::{Lag, Progress, ProjectionError, State, WaitError};
use crate::error::ReadError;
use crate::store::{DeadLetter, Generation, ReadModelStore, StoreError};

/// Interval of polling for progress made by another process.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Default time to wait for a position.
const WAIT: Duration = Duration::from_secs(10);

/// A running projection: its progress, and operations on it. Cheap to clone.
#[derive(Clone)]
pub struct RunningProjection {
    pub(super) name: String,
    pub(super) client: Client,
    pub(super) query: Query,
    pub(super) books: Arc<dyn Books>,
    pub(super) progress: watch::Receiver<Progress>,
    pub(super) requests: mpsc::Sender<Rebuild>,
}

impl fmt::Debug for RunningProjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningProjection")
            .field("name", &self.name)
            .field("progress", &*self.progress.borrow())
            .finish_non_exhaustive()
    }
}

impl RunningProjection {
    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the position and the state.
    pub fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Returns the state.
    pub fn state(&self) -> State {
        self.progress.borrow().state
    }

    /// Waits until everything up to a position is in the live read model, for at most 10 s, so that the caller can
    /// read its own write.
    ///
    /// Returns at once for `None`, which a command that changed nothing returns.
    pub async fn wait_for(&self, position: impl Into<Option<Position>>) -> Result<(), WaitError> {
        self.wait_for_within(position, WAIT).await
    }

    /// Like [`wait_for`](Self::wait_for), with a timeout.
    pub async fn wait_for_within(
        &self,
        position: impl Into<Option<Position>>,
        within: Duration,
    ) -> Result<(), WaitError> {
        let Some(position) = position.into() else {
            return Ok(());
        };
        let waited = tokio::time::timeout(within, self.until(position)).await;
        waited.unwrap_or_else(|_| {
            Err(WaitError::TimedOut {
                name: self.name.clone(),
                position,
                reached: self.progress.borrow().position,
                after: within,
            })
        })
    }

    async fn until(&self, position: Position) -> Result<(), WaitError> {
        let mut progress = self.progress.clone();
        loop {
            {
                let now = progress.borrow_and_update();
                // Before it has started there may be no read model, not even an empty one.
                if now.state != State::Starting && now.position >= position {
                    return Ok(());
                }
                if let Some(failure) = &now.failure {
                    return Err(failure.clone().into());
                }
            }
            match tokio::time::timeout(LOOK_AGAIN, progress.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(self.stopped().into()),
                // Another process may be running it.
                Err(_) if is_stored(self.books.as_ref(), &self.name, position).await => return Ok(()),
                Err(_) => {}
            }
        }
    }

    fn stopped(&self) -> ProjectionError {
        let failure = self.progress.borrow().failure.clone();
        failure.unwrap_or_else(|| ProjectionError::Stopped {
            name: self.name.clone(),
        })
    }

    /// Rebuilds the read model from the beginning, next to the live one, and switches to it when it has caught up.
    ///
    /// Waits until that is done. The rebuild continues if this future is dropped; a rebuild that was started by a
    /// process that has ended is continued.
    pub async fn rebuild(&self) -> Result<(), ProjectionError> {
        let (done, result) = oneshot::channel();
        let asked = self.requests.send(done).await;
        asked.map_err(|_| self.stopped())?;
        result.await.unwrap_or_else(|_| Err(self.stopped()))
    }

    /// Returns how far it is behind the current log.
    pub async fn lag(&self) -> Result<Lag, ReadError> {
        let position = self.progress.borrow().position;
        let head = self.client.server_info().await?.head;
        if position >= head {
            return Ok(Lag {
                events: 0,
                seconds: 0.0,
            });
        }
        let read = self.client.read_all().query(self.query.clone());
        let oldest = read
            .from_position(position.next())
            .limit(1)
            .await?
            .collect()
            .await?;
        let waiting = oldest
            .first()
            .map(|event| Timestamp::now().duration_since(event.recorded_at));
        Ok(Lag {
            events: head.0 - position.0,
            seconds: waiting.map_or(0.0, |waiting| waiting.as_secs_f64().max(0.0)),
        })
    }

    /// Returns the events that it skipped.
    pub async fn dead_letters(&self) -> Result<Vec<DeadLetter>, StoreError> {
        self.books.dead_letters(&self.name).await
    }
}

/// Waits until everything up to a position is in a read model that another process keeps up to date.
pub async fn wait_for<S: ReadModelStore>(
    store: &S,
    name: &str,
    position: impl Into<Option<Position>>,
    within: Duration,
) -> Result<(), WaitError> {
    let Some(position) = position.into() else {
        return Ok(());
    };
    let stored = async {
        while !is_stored(store, name, position).await {
            tokio::time::sleep(LOOK_AGAIN / 5).await;
        }
    };
    let waited = tokio::time::timeout(within, stored).await;
    waited.map_err(|_| WaitError::TimedOut {
        name: name.to_owned(),
        position,
        reached: Position::START,
        after: within,
    })
}

/// Whether the stored live read model has reached a position. Returns false if the store can't be queried.
async fn is_stored(books: &dyn Books, name: &str, position: Position) -> bool {
    let stored = books.generations(name).await.unwrap_or_default();
    stored.iter().any(|one| one.live && one.position >= position)
}

/// The queries that a store of any kind supports.
pub(super) trait Books: Send + Sync {
    fn generations<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Generation>, StoreError>>;
    fn dead_letters<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<DeadLetter>, StoreError>>;
}

impl<S: ReadModelStore> Books for S {
    fn generations<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Generation>, StoreError>> {
        Box::pin(ReadModelStore::generations(self, name))
    }

    fn dead_letters<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(ReadModelStore::dead_letters(self, name))
    }
}
