//! Subscriptions to a scope of state: its entries, then their changes, in the order of their versions.
//!
//! A subscription is pulled: it reads the next changes when its subscriber asks for them, and keeps none. Of each entry
//! only the last change is stored, so a slow subscriber gets the latest value of each key instead of a backlog.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    format::keys::state as keys,
    model::{
        error::{Error, Result},
        registry::Registered,
        scope_watch::Watched,
    },
    shared::Shared,
    state::{
        entry,
        read::{self, StateUpdate},
    },
    values::{name::ScopeName, position::Position, signal::Watcher},
};

/// Time without a match after which a checkpoint is sent, if the scope has changed.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);
/// Maximum time that a subscription waits for a hint before it looks for changes without one.
const POLL: Duration = Duration::from_secs(10);
/// Pause before it reads again after a change, so that a scope that changes all the time is read in larger parts.
const REST: Duration = Duration::from_millis(1);

/// Request to subscribe to a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribeState {
    /// The scope; it need not exist.
    pub scope: ScopeName,
    /// Sends only entries whose keys begin with this prefix; empty: all.
    pub prefix: String,
    /// Sends only changes after this version; `None`: all entries first.
    pub after: Option<u64>,
}

/// Item that a subscriber receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateNotice {
    /// The next changes, at least one.
    Updates(Vec<StateUpdate>),
    /// All changes up to this version were sent; new ones follow as they are made. Sent once.
    CaughtUp(u64),
    /// All changes up to this version were examined, and those that match were sent.
    Checkpoint(u64),
}

/// A subscription to a scope.
pub struct StateSubscription {
    shared: Arc<Shared>,
    _registered: Registered,
    watched: Watched,
    scope: ScopeName,
    prefix: String,
    /// Version up to which all changes were examined.
    place: u64,
    /// Version up to which the subscriber knows no entry that was deleted, because it knew none when it began.
    whole_to: u64,
    told: Told,
    caught_up: bool,
    draining: Watcher<bool>,
    failed: Watcher<Option<Error>>,
}

/// The last version that was reported to the subscriber, and when.
struct Told {
    version: u64,
    at: Instant,
}

impl Told {
    fn now(version: u64) -> Self {
        Self {
            version,
            at: Instant::now(),
        }
    }
}

impl StateSubscription {
    pub(crate) async fn begin(shared: Arc<Shared>, subscribe: SubscribeState) -> Result<Self> {
        let SubscribeState { scope, prefix, after } = subscribe;
        let snapshot = shared.engine.snapshot().await?;
        let bounds = read::bounds(&*snapshot, &scope).await?;
        drop(snapshot);
        let place = after.unwrap_or(0);
        let whole_to = after.unwrap_or(bounds.last);
        read::check(&scope, place, whole_to, bounds)?;
        let subscriptions_max = shared.settings.limits.subscriptions_max;
        let registered = shared
            .subscriptions
            .register("state", Position::START, subscriptions_max)?;
        Ok(Self {
            _registered: registered,
            watched: shared.scopes.watch(&scope),
            scope,
            prefix,
            place,
            whole_to,
            told: Told::now(place),
            caught_up: false,
            draining: shared.draining.watch(),
            failed: shared.failed.watch(),
            shared,
        })
    }

    /// Returns the next notice, and waits for it if all changes were sent. If the future is dropped, nothing is lost:
    /// the next call continues where it was.
    ///
    /// # Errors
    /// [`Error::StateVersionExpired`] if the subscriber was so slow that deletions are no longer known;
    /// [`Error::Closed`] when the store closes; [`Error::Unavailable`].
    pub async fn next(&mut self) -> Result<StateNotice> {
        loop {
            if let Some(error) = self.failed.get() {
                return Err(error);
            }
            if self.draining.get() {
                return Err(Error::Closed);
            }
            let (shared, scope, prefix) = (&self.shared, &self.scope, &self.prefix);
            // Created before the changes are read, so that none is missed between the two.
            let watched = &self.watched;
            let changed = watched.changed();
            let found = read::changes(shared, scope, prefix, self.place, self.whole_to).await?;
            let last = found.bounds.last;
            self.place = found.read_to;
            if !found.updates.is_empty() {
                self.told = Told::now(self.place);
                let count = found.updates.len() as u64;
                shared.metrics.state.read_entries.inc_by(count);
                return Ok(StateNotice::Updates(found.updates));
            }
            if self.place < last {
                continue;
            }
            if !self.caught_up {
                self.caught_up = true;
                self.told = Told::now(self.place);
                return Ok(StateNotice::CaughtUp(self.place));
            }
            let due = self.told.at + CHECKPOINT_INTERVAL;
            if self.place > self.told.version && Instant::now() >= due {
                self.told = Told::now(self.place);
                return Ok(StateNotice::Checkpoint(self.place));
            }
            let wake_at = if self.place > self.told.version {
                due
            } else {
                Instant::now() + POLL
            };
            let seen = (last > 0).then(|| entry::version_value(last));
            let elsewhere = async {
                if shared.settings.shared_engine {
                    // In case of trouble it is read again after a while.
                    if shared.engine.watch(keys::scope(scope), seen).await.is_ok() {
                        return;
                    }
                }
                std::future::pending().await
            };
            tokio::select! {
                biased;
                _ = self.draining.until(|draining| *draining) => {}
                () = self.failed.changed() => {}
                () = changed => tokio::time::sleep(REST).await,
                () = elsewhere => {}
                () = tokio::time::sleep_until(wake_at) => {}
            }
        }
    }
}
