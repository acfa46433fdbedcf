//! What the store's tasks and readers share.

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
    /// Held by whoever brings the tail up to date; see [`crate::read::follow`].
    pub following: Mutex<()>,
    /// Turns of those who search the log for matches of conditions.
    pub condition_turns: Semaphore,
    /// True once the store's tasks are to end.
    pub closing: Signal<bool>,
    /// True once subscriptions are to end.
    pub draining: Signal<bool>,
    /// How often a scavenge was started here.
    pub scavenge: Signal<u64>,
    /// Why nothing more can be written.
    pub failed: Signal<Option<Error>>,
    pub metrics: Metrics,
    pub subscriptions: Registry,
    /// True while a log is moved here and not all of it has come.
    pub moving: AtomicBool,
    /// Held by the import that runs.
    pub importing: Arc<Mutex<()>>,
    pub change_ids: ChangeIds,
}

impl Shared {
    /// Whether a log is moved here and not all of it has come, so that nothing else may be appended.
    pub(crate) fn is_moving(&self) -> bool {
        self.moving.load(Ordering::Acquire)
    }

    /// Stops the store: nothing it would say from now on could be trusted. The first reason is kept.
    pub(crate) fn fail(&self, error: Error) {
        self.failed
            .set_if(|failed| failed.is_none().then_some(Some(error)));
    }

    pub(crate) fn failure(&self) -> Option<Error> {
        self.failed.get()
    }
}
