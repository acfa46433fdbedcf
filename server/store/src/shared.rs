//! State that the store's tasks and readers share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use annals_engine::Engine;
use tokio::sync::{Mutex, Semaphore};

use crate::{
    model::{
        error::Error,
        metrics::Metrics,
        registry::Registry,
        scope_watch::ScopeWatch,
        settings::{Environment, Settings},
    },
    tail::Tail,
    values::{ids::ChangeIds, signal::Signal},
};

pub(crate) struct Shared {
    pub engine: Arc<dyn Engine>,
    pub settings: Settings,
    pub environment: Environment,
    pub tail: Tail,
    /// Held by the task that brings the tail up to date; see [`crate::read::follow`].
    pub following: Mutex<()>,
    /// Permits for searching the log for matches of checks.
    pub condition_turns: Semaphore,
    /// The turn of searches that have taken long: one page at a time, so that short searches do not wait for them.
    pub long_condition_turns: Semaphore,
    /// True once the store's tasks must stop.
    pub closing: Signal<bool>,
    /// True once subscriptions must end.
    pub draining: Signal<bool>,
    /// Number of scavenges started by this process.
    pub scavenge: Signal<u64>,
    /// Reason why nothing more can be written, if there is one.
    pub failed: Signal<Option<Error>>,
    pub metrics: Metrics,
    pub subscriptions: Registry,
    /// True while a log is being moved to this store and the import is not complete.
    pub moving: AtomicBool,
    /// Held by the running import.
    pub importing: Arc<Mutex<()>>,
    pub change_ids: ChangeIds,
    /// Held while writes of state are evaluated and made, so that those of this server do not race.
    pub state_turn: Mutex<()>,
    /// Wakes subscriptions to scopes of state.
    pub scopes: Arc<ScopeWatch>,
}

impl Shared {
    /// Whether a log is being moved to this store and the import is not complete, so that no other append is
    /// accepted.
    pub(crate) fn is_moving(&self) -> bool {
        self.moving.load(Ordering::Acquire)
    }

    /// Stops the store, because its replies can no longer be trusted. The first reason is kept.
    pub(crate) fn fail(&self, error: Error) {
        self.failed
            .set_if(|failed| failed.is_none().then_some(Some(error)));
    }

    pub(crate) fn failure(&self) -> Option<Error> {
        self.failed.get()
    }
}
