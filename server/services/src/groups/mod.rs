//! Consumer groups: consumers that share the work of processing events.
//!
//! | file or folder | holds |
//! |---|---|
//! | `settings` | the settings of a group |
//! | `stored` | what groups keep in the store, and under which names |
//! | `directory` | the definitions: creating, changing, deleting groups |
//! | `lease` | which server leads a group |
//! | `work` | the events of a group that are not done, and its consumers; pure |
//! | `leader` | the task that leads a group, and the consumers' side of it |
//! | `parked` | listing parked events |
//! | `cleanup` | removing what is left of deleted groups |

mod cleanup;
mod directory;
mod error;
mod leader;
mod lease;
mod parked;
mod settings;
mod shared;
mod stored;
#[cfg(test)]
mod tests;
mod work;

use std::sync::Arc;

use annals_store::{StateKey, Store};

pub use directory::{GroupPage, Start};
pub use error::{Error, Result};
pub use leader::{
    Consumer, ConsumerDelivery, ConsumerMessage, GroupFigures, Handle, Nack, NackAction, Selection, Settle,
    Settler, Status,
};
pub use parked::{ListParked, Parked, ParkedPage};
pub use settings::{
    ACK_TIMEOUT_MAX, ACK_TIMEOUT_MIN, ATTEMPTS_MAX, GroupSettings, Mode, PERMITS_MAX, RETRY_DELAY_CEILING,
    RETRY_DELAY_MAX, SettingsError,
};
pub use shared::Setup;
pub use stored::Group;
pub use work::{ConsumerInfo, Counts, WithdrawalReason};

use leader::Table;
use lease::{Leads, Sessions};
use shared::Shared;

/// The consumer groups of a store. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Groups {
    shared: Arc<Shared>,
    table: Arc<Table>,
    sessions: Arc<Sessions>,
    /// Whose turn it is to take the lead of a group.
    claiming: Arc<tokio::sync::Mutex<()>>,
}

/// Who leads a group.
pub enum Leader {
    /// This server.
    Here(LocalGroup),
    /// The server at this address.
    Elsewhere(String),
}

/// A group that this server leads.
#[derive(Clone)]
pub struct LocalGroup {
    shared: Arc<Shared>,
    table: Arc<Table>,
    name: String,
    handle: Handle,
}

impl Groups {
    /// Opens the groups of a store, on the current tokio runtime.
    #[must_use]
    pub fn open(store: Store, setup: Setup) -> Self {
        let shared = Arc::new(Shared::new(store, setup));
        tokio::spawn(cleanup::run(Arc::clone(&shared)));
        Self {
            shared,
            table: Arc::default(),
            sessions: Arc::default(),
            claiming: Arc::default(),
        }
    }

    /// Creates a group. If it exists with the same settings, returns it.
    ///
    /// # Errors
    /// [`Error::Settings`]; [`Error::Exists`]; [`Error::PositionBeyondHead`]; [`Error::Store`].
    pub async fn create(&self, name: &str, settings: GroupSettings, start: Start) -> Result<Group> {
        directory::create(&self.shared, name, settings, start).await
    }

    /// Returns a group.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Store`].
    pub async fn get(&self, name: &str) -> Result<Group> {
        Ok(directory::find(&self.shared, name).await?.group)
    }

    /// Lists groups whose names begin with a prefix, in the order of their names.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn list(&self, prefix: &str, after: Option<StateKey>, limit: usize) -> Result<GroupPage> {
        directory::list(&self.shared, prefix, after, limit).await
    }

    /// Lists parked events of a group, in the order of their positions.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Store`].
    pub async fn parked(&self, list: &ListParked) -> Result<ParkedPage> {
        parked::list(&self.shared, list).await
    }

    /// Returns who leads a group. If no server does, this one begins to.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Closing`]; [`Error::Store`].
    pub async fn leader(&self, name: &str) -> Result<Leader> {
        loop {
            let known = self.table.get(name);
            if let Some(handle) = known {
                return Ok(self.here(name, handle));
            }
            if self.shared.is_closing() {
                return Err(Error::Closing);
            }
            // One at a time, so that this server does not compete with itself.
            let _turn = self.claiming.lock().await;
            if self.table.get(name).is_some() {
                continue;
            }
            let group = directory::find(&self.shared, name).await?.group;
            let (session, version) = match self.sessions.claim(&self.shared, &group).await? {
                Leads::Here { session, version } => (session, version),
                Leads::Elsewhere(address) => return Ok(Leader::Elsewhere(address)),
            };
            let handle = leader::start(&self.shared, &self.table, name, session, version).await?;
            return Ok(self.here(name, handle));
        }
    }

    fn here(&self, name: &str, handle: Handle) -> Leader {
        Leader::Here(LocalGroup {
            shared: Arc::clone(&self.shared),
            table: Arc::clone(&self.table),
            name: name.to_owned(),
            handle,
        })
    }

    /// Stops to lead groups: stores their progress, and ends their consumers. Groups need the store, so this comes
    /// before the store is closed.
    pub async fn close(&self) {
        self.shared.close();
        self.table.all_stopped().await;
        self.sessions.end(&self.shared).await;
    }

    /// Returns what is measured of the groups that this server leads.
    #[must_use]
    pub fn figures(&self) -> Vec<(String, GroupFigures)> {
        self.table.figures()
    }

    /// Ends the consumers of all groups, because the server is stopping.
    pub fn end_consumers(&self) {
        self.shared.close();
    }
}

impl LocalGroup {
    /// Adds a consumer.
    ///
    /// # Errors
    /// [`Error::Overloaded`]; [`Error::Unavailable`] if the leader has stopped: look for the leader again.
    pub async fn join(&self, consumer: &str, permits: u32) -> Result<Consumer> {
        self.named(self.handle.join(consumer.to_owned(), permits).await)
    }

    /// Returns the group's progress and its consumers.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn status(&self) -> Result<Status> {
        self.named(self.handle.status().await)
    }

    /// Replaces the group's settings.
    ///
    /// # Errors
    /// [`Error::Settings`]; [`Error::VersionConflict`]; [`Error::Unavailable`]; [`Error::Store`].
    pub async fn update(&self, settings: GroupSettings, expected_version: Option<u64>) -> Result<Group> {
        self.named(self.handle.update(settings, expected_version).await)
    }

    /// Deletes the group, and returns whether there was one.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; [`Error::Store`].
    pub async fn delete(&self) -> Result<bool> {
        self.named(self.handle.delete().await)
    }

    /// Continues the group at another place, and returns the position after which that is.
    ///
    /// # Errors
    /// [`Error::PositionBeyondHead`]; [`Error::Unavailable`]; [`Error::Store`].
    pub async fn reset(&self, start: Start) -> Result<u64> {
        self.named(self.handle.reset(start).await)
    }

    /// Delivers parked events again: to this group, or to another one. Returns how many.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Unavailable`]; [`Error::Store`].
    pub async fn replay(&self, selection: &Selection, to: Option<&str>) -> Result<u64> {
        let group = directory::find(&self.shared, &self.name).await?.group;
        let to = to.filter(|to| *to != self.name);
        let id = match to {
            Some(to) => directory::find(&self.shared, to).await?.group.id,
            None => group.id,
        };
        let operation = leader::Operation::Replay(id);
        let count = self.named(
            self.handle
                .with_parked(&self.shared, &group, selection, &operation)
                .await,
        )?;
        let other = to.and_then(|to| self.table.get(to));
        if let Some(other) = other {
            other.look_for_replays().await;
        }
        Ok(count)
    }

    /// Discards parked events, and returns how many.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; [`Error::Store`].
    pub async fn discard(&self, selection: &Selection) -> Result<u64> {
        let group = directory::find(&self.shared, &self.name).await?.group;
        let operation = leader::Operation::Discard;
        self.named(
            self.handle
                .with_parked(&self.shared, &group, selection, &operation)
                .await,
        )
    }

    /// Names the group in an error.
    fn named<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match error {
            Error::Unavailable(_) => Error::Unavailable(self.name.clone()),
            error => error,
        })
    }
}
