//! A projection that runs, as its users see it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use annals_client::{Client, Query, Timestamp};
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};

use super::runner::Rebuild;
use super::{Lag, Progress, ProjectionError, State, WaitError};
use crate::error::ReadError;
use crate::store::{DeadLetter, Generation, ReadModelStore, StoreError};

/// How often is looked at what nobody tells of: what another process has done.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How long is waited for a position unless said otherwise.
const WAIT: Duration = Duration::from_secs(10);

/// A projection that runs: how far it is, and what can be done with it. Cheap to clone.
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
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How far it is, and what it is about.
    pub fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// What it is about.
    pub fn state(&self) -> State {
        self.progress.borrow().state
    }

    /// Waits until everything up to a position is in the live read model, for 10 s at most, so that one's own write can be
    /// read.
    ///
    /// `None`, as of a command that changed nothing, is no wait.
    pub async fn wait_for(&self, position: impl Into<Option<u64>>) -> Result<(), WaitError> {
        self.wait_for_within(position, WAIT).await
    }

    /// The same, for as long as is said.
    pub async fn wait_for_within(
        &self,
        position: impl Into<Option<u64>>,
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

    async fn until(&self, position: u64) -> Result<(), WaitError> {
        let mut progress = self.progress.clone();
        loop {
            {
                let now = progress.borrow_and_update();
                // Before it has begun there may be no read model, not even an empty one.
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
                // Another process may be the one that works on it.
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

    /// Makes the read model anew from the beginning, beside the live one, and switches to it when it has caught up.
    ///
    /// Waits until that is done. It goes on if this is dropped; a rebuild that was begun by a process that ended is gone on
    /// with.
    pub async fn rebuild(&self) -> Result<(), ProjectionError> {
        let (done, result) = oneshot::channel();
        let asked = self.requests.send(done).await;
        asked.map_err(|_| self.stopped())?;
        result.await.unwrap_or_else(|_| Err(self.stopped()))
    }

    /// How far it is behind the log as it is now.
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
        let oldest = read.from(position + 1).limit(1).await?.collect().await?;
        let waiting = oldest
            .first()
            .map(|event| Timestamp::now().duration_since(event.recorded_at));
        Ok(Lag {
            events: head - position,
            seconds: waiting.map_or(0.0, |waiting| waiting.as_secs_f64().max(0.0)),
        })
    }

    /// The events that it passed over.
    pub async fn dead_letters(&self) -> Result<Vec<DeadLetter>, StoreError> {
        self.books.dead_letters(&self.name).await
    }
}

/// Waits until everything up to a position is in a read model that another process keeps up to date.
pub async fn wait_for<S: ReadModelStore>(
    store: &S,
    name: &str,
    position: impl Into<Option<u64>>,
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
        reached: 0,
        after: within,
    })
}

/// Whether the stored live read model is so far. One that can't be asked is not.
async fn is_stored(books: &dyn Books, name: &str, position: u64) -> bool {
    let stored = books.generations(name).await.unwrap_or_default();
    stored.iter().any(|one| one.live && one.position >= position)
}

/// What can be asked of a store of any kind.
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
