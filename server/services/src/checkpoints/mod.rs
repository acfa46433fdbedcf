//! Checkpoints: named positions of the log that consumers report, so that an operator sees how far each has come.
//!
//! ```text
//! entry of the scope $checkpoints:   key: the checkpoint's name   value: Stored, in Protobuf's encoding
//! ```
//!
//! 1. A checkpoint is one entry of state. It is set if its entry has not changed since it was read, so that an
//!    expectation holds when the position is written. The time at which it was set is that of the entry's last change.
//! 2. No checkpoint is beyond the head of the log when it is set.
//! 3. Lags are computed when they are asked for. A lag in time reads one frame of the log, which is in memory near the
//!    head, and nothing if there is no lag.
//!
//! Limits: all checkpoints are in one scope, so those of several servers are written in turns. A consumer that reports
//! more than once a second delays the others.

mod error;
mod names;
#[cfg(test)]
mod tests;

use std::time::Duration;

use annals_store::{
    EntryName, Error, ListState, Position, Rejection, Result as StoreResult, ScopeName, StateChange,
    StateCheck, StateEntry, StateWrite, Store, Timestamp,
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use prost::Message;
use uuid::Uuid;

pub use error::CheckpointError;
pub use names::{CHECKPOINT_NAME_BYTES_MAX, CheckpointName, LABEL_BYTES_MAX, Label};

/// Maximum number of checkpoints in a page.
pub const CHECKPOINTS_PAGE_MAX: usize = annals_store::limits::STATE_PAGE_MAX;
/// Number of times that a checkpoint is read and written before it is refused because others change it.
const ATTEMPTS_MAX: usize = 16;
/// Number of lags that are read at a time.
const LAGS: usize = 16;

/// A named position of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its name.
    pub name: CheckpointName,
    /// All events up to this position are processed.
    pub position: Position,
    /// What has come so far, such as the name of an application.
    pub consumer: Label,
    /// The process that reported it last.
    pub instance: Label,
    /// When it was set.
    pub updated_at: Timestamp,
}

/// A checkpoint and its distance from the end of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointStatus {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Number of positions of the log after it.
    pub lag_events: u64,
    /// Age of the first event after it; zero if there is none.
    pub lag: Duration,
}

/// What a checkpoint must be for it to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedCheckpoint {
    /// Anything.
    Any,
    /// There is no such checkpoint.
    Absent,
    /// It has exactly this position.
    At(Position),
}

/// A checkpoint to set.
#[derive(Clone, Debug)]
pub struct SetCheckpoint {
    /// Its name.
    pub name: CheckpointName,
    /// All events up to this position are processed.
    pub position: Position,
    /// What has come so far.
    pub consumer: Label,
    /// The process that reports it.
    pub instance: Label,
    /// What the checkpoint must be.
    pub expected: ExpectedCheckpoint,
}

/// Selects checkpoints.
#[derive(Clone, Debug)]
pub struct ListCheckpoints {
    /// Prefix of the names; empty: all.
    pub prefix: String,
    /// Only names after this one.
    pub after: Option<CheckpointName>,
    /// Maximum number of checkpoints, at least 1 and at most [`CHECKPOINTS_PAGE_MAX`].
    pub limit: usize,
}

/// A page of checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointPage {
    /// The checkpoints, in the order of their names' bytes.
    pub statuses: Vec<CheckpointStatus>,
    /// Whether more follow.
    pub has_more: bool,
    /// The last position of the log when the lags were computed.
    pub head: Position,
}

/// The checkpoints of a store. Cheap to clone.
#[derive(Clone)]
pub struct Checkpoints {
    store: Store,
    scope: ScopeName,
}

/// The value of an entry.
#[derive(Clone, PartialEq, Eq, Message)]
struct Stored {
    #[prost(uint64, tag = "1")]
    position: u64,
    #[prost(string, tag = "2")]
    consumer: String,
    #[prost(string, tag = "3")]
    instance: String,
}

impl Checkpoints {
    /// Creates the service on a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let scope = ScopeName::system("checkpoints").expect("the name is valid");
        Self { store, scope }
    }

    /// Sets a checkpoint. Setting the position that it has is no error, whatever is expected, so a retry succeeds.
    ///
    /// # Errors
    /// [`CheckpointError::Conflict`]; [`Error::PositionBeyondHead`]; [`Error::Overloaded`]; [`Error::Unavailable`].
    pub async fn set(&self, set: SetCheckpoint) -> Result<Checkpoint, CheckpointError> {
        self.check_head(set.position).await?;
        let stored = Stored {
            position: set.position.0,
            consumer: set.consumer.as_str().to_owned(),
            instance: set.instance.as_str().to_owned(),
        };
        let value = Bytes::from(stored.encode_to_vec());
        for _ in 0..ATTEMPTS_MAX {
            let (entry, _) = self.store.state(&self.entry(&set.name)).await?;
            let version = entry.as_ref().map(|entry| entry.version);
            let now = entry.map(parse).transpose()?.map(|now| now.position);
            set.check(now)?;
            if let Some(updated_at) = self.write(&set.name, Some(value.clone()), version).await? {
                return Ok(Checkpoint {
                    name: set.name,
                    position: set.position,
                    consumer: set.consumer,
                    instance: set.instance,
                    updated_at,
                });
            }
        }
        Err(Error::Overloaded("concurrent changes of one checkpoint").into())
    }

    /// Returns a checkpoint.
    ///
    /// # Errors
    /// [`CheckpointError::NotFound`]; [`Error::Unavailable`].
    pub async fn get(&self, name: &CheckpointName) -> Result<CheckpointStatus, CheckpointError> {
        let (entry, _) = self.store.state(&self.entry(name)).await?;
        let entry = entry.ok_or_else(|| CheckpointError::NotFound(name.clone()))?;
        // Read after the checkpoint, which is therefore not beyond it.
        let head = self.store.head().await?;
        Ok(self.status(parse(entry)?, head).await?)
    }

    /// Lists checkpoints, ordered by name.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn list(&self, list: ListCheckpoints) -> StoreResult<CheckpointPage> {
        let list = ListState {
            scope: self.scope.clone(),
            prefix: list.prefix,
            after: list.after.map(|after| after.key().clone()),
            limit: list.limit.min(CHECKPOINTS_PAGE_MAX),
        };
        let page = self.store.list_state(&list).await?;
        let head = self.store.head().await?;
        let statuses = stream::iter(page.entries).map(async |entry| self.status(parse(entry)?, head).await);
        Ok(CheckpointPage {
            statuses: statuses.buffered(LAGS).try_collect().await?,
            has_more: page.has_more,
            head,
        })
    }

    /// Deletes a checkpoint, and returns whether there was one.
    ///
    /// # Errors
    /// [`Error::Overloaded`]; [`Error::Unavailable`].
    pub async fn delete(&self, name: &CheckpointName) -> StoreResult<bool> {
        for _ in 0..ATTEMPTS_MAX {
            let (entry, _) = self.store.state(&self.entry(name)).await?;
            let Some(entry) = entry else {
                return Ok(false);
            };
            if self.write(name, None, Some(entry.version)).await?.is_some() {
                return Ok(true);
            }
        }
        Err(Error::Overloaded("concurrent changes of one checkpoint"))
    }

    /// Writes or deletes a checkpoint if its entry still has this version; `None`: if there is no entry. Returns the
    /// time of the change, or `None` if the entry has changed.
    async fn write(
        &self,
        name: &CheckpointName,
        value: Option<Bytes>,
        expected: Option<u64>,
    ) -> StoreResult<Option<Timestamp>> {
        let entry = self.entry(name);
        let check = StateCheck {
            entry: entry.clone(),
            expected,
        };
        let changes = vec![StateChange { entry, value }];
        let write = StateWrite::new(Uuid::now_v7(), changes, vec![check], self.store.limits())
            .map_err(|error| Error::Internal(error.to_string()))?;
        match self.store.write_state(write).await {
            Ok(written) => Ok(Some(written.changed_at)),
            Err(Error::Rejected(Rejection::ChecksFailed { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Checks that a position is not beyond the head of the log.
    async fn check_head(&self, position: Position) -> StoreResult<()> {
        // The head never goes back, so the one that this server knows suffices for most positions.
        if position <= self.store.info().head {
            return Ok(());
        }
        let head = self.store.head().await?;
        if position > head {
            return Err(Error::PositionBeyondHead { position, head });
        }
        Ok(())
    }

    async fn status(&self, checkpoint: Checkpoint, head: Position) -> StoreResult<CheckpointStatus> {
        let lag_events = head.0.saturating_sub(checkpoint.position.0);
        let recorded_at = match lag_events {
            0 => None,
            _ => self.store.recorded_after(checkpoint.position, head).await?,
        };
        let lag = recorded_at.map_or(0, |at| self.store.now().micros.saturating_sub(at.micros));
        Ok(CheckpointStatus {
            checkpoint,
            lag_events,
            lag: Duration::from_micros(lag),
        })
    }

    fn entry(&self, name: &CheckpointName) -> EntryName {
        EntryName {
            scope: self.scope.clone(),
            key: name.key().clone(),
        }
    }
}

impl SetCheckpoint {
    /// Checks that the checkpoint may be set; `actual` is its position, if it exists.
    fn check(&self, actual: Option<Position>) -> Result<(), CheckpointError> {
        let expected = match self.expected {
            ExpectedCheckpoint::Any => return Ok(()),
            ExpectedCheckpoint::Absent => None,
            ExpectedCheckpoint::At(position) => Some(position),
        };
        if actual == expected || actual == Some(self.position) {
            return Ok(());
        }
        Err(CheckpointError::Conflict {
            name: self.name.clone(),
            expected,
            actual,
        })
    }
}

fn parse(entry: StateEntry) -> StoreResult<Checkpoint> {
    let corrupt = |problem: String| Error::Corrupt(format!("checkpoint {:?}: {problem}", entry.key));
    let stored = Stored::decode(&*entry.value).map_err(|error| corrupt(error.to_string()))?;
    let label = |text| Label::new(text).map_err(|error| corrupt(error.to_string()));
    Ok(Checkpoint {
        position: Position(stored.position),
        consumer: label(stored.consumer)?,
        instance: label(stored.instance)?,
        updated_at: entry.changed_at,
        name: CheckpointName::stored(entry.key),
    })
}
