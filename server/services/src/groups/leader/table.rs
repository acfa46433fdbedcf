//! The groups that this server leads, and what is measured of them.

use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::HashMap;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use super::{Command, Handle};

/// The leaders on this server.
#[derive(Default)]
pub(in crate::groups) struct Table {
    leaders: Mutex<HashMap<String, Led>>,
    /// Number of leaders that have not stopped. One that stops is no longer in the table, but may still store.
    running: watch::Sender<usize>,
}

struct Led {
    handle: Handle,
    figures: std::sync::Arc<Figures>,
}

/// What is measured of a group.
#[derive(Debug, Default)]
pub struct Figures {
    in_flight: AtomicU64,
    retrying: AtomicU64,
    parked: AtomicU64,
    consumers: AtomicU64,
    done_to: AtomicU64,
    delivered: AtomicU64,
}

/// Values of [`Figures`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupFigures {
    /// Events that consumers hold.
    pub in_flight: u64,
    /// Events that have failed and wait.
    pub retrying: u64,
    /// Parked events.
    pub parked: u64,
    /// Connected consumers.
    pub consumers: u64,
    /// All events up to this position are done.
    pub done_to: u64,
    /// Deliveries since this server leads the group.
    pub delivered: u64,
}

impl Figures {
    pub(super) fn set(&self, figures: &GroupFigures) {
        self.in_flight.store(figures.in_flight, Ordering::Relaxed);
        self.retrying.store(figures.retrying, Ordering::Relaxed);
        self.parked.store(figures.parked, Ordering::Relaxed);
        self.consumers.store(figures.consumers, Ordering::Relaxed);
        self.done_to.store(figures.done_to, Ordering::Relaxed);
        self.delivered.store(figures.delivered, Ordering::Relaxed);
    }

    fn get(&self) -> GroupFigures {
        GroupFigures {
            in_flight: self.in_flight.load(Ordering::Relaxed),
            retrying: self.retrying.load(Ordering::Relaxed),
            parked: self.parked.load(Ordering::Relaxed),
            consumers: self.consumers.load(Ordering::Relaxed),
            done_to: self.done_to.load(Ordering::Relaxed),
            delivered: self.delivered.load(Ordering::Relaxed),
        }
    }
}

impl Table {
    pub(super) fn add(&self, name: &str, handle: &Handle, figures: &std::sync::Arc<Figures>) {
        self.running.send_modify(|running| *running += 1);
        let led = Led {
            handle: handle.clone(),
            figures: std::sync::Arc::clone(figures),
        };
        self.leaders.lock().insert(name.to_owned(), led);
    }

    /// Forgets a leader that is about to stop, unless another one of the group has begun.
    pub(super) fn forget(&self, name: &str, own: &mpsc::WeakSender<Command>) {
        let mut leaders = self.leaders.lock();
        let is_own = |led: &Led| {
            let own = own.upgrade();
            own.is_none_or(|own| own.same_channel(&led.handle.commands))
        };
        if leaders.get(name).is_some_and(is_own) {
            leaders.remove(name);
        }
    }

    pub(super) fn stopped(&self) {
        self.running.send_modify(|running| *running -= 1);
    }

    pub(in crate::groups) fn get(&self, name: &str) -> Option<Handle> {
        self.leaders.lock().get(name).map(|led| led.handle.clone())
    }

    /// Returns what is measured of each group.
    pub(in crate::groups) fn figures(&self) -> Vec<(String, GroupFigures)> {
        let leaders = self.leaders.lock();
        leaders
            .iter()
            .map(|(name, led)| (name.clone(), led.figures.get()))
            .collect()
    }

    /// Waits until all leaders have stopped.
    pub(in crate::groups) async fn all_stopped(&self) {
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }
}
