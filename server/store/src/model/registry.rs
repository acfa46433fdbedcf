//! The open subscriptions, their number and their positions.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{
    model::error::{Error, Result},
    values::position::Position,
};

/// The open subscriptions of a store.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    active: BTreeMap<u64, (&'static str, Arc<AtomicU64>)>,
}

impl Registry {
    /// Adds a subscription if fewer than `subscriptions_max` are open.
    pub(crate) fn register(
        &self,
        kind: &'static str,
        place: Position,
        subscriptions_max: usize,
    ) -> Result<Registered> {
        let mut inner = self.inner.lock();
        if inner.active.len() >= subscriptions_max {
            return Err(Error::Overloaded("subscriptions"));
        }
        inner.next += 1;
        let id = inner.next;
        let place = Arc::new(AtomicU64::new(place.0));
        inner.active.insert(id, (kind, Arc::clone(&place)));
        Ok(Registered {
            registry: self.clone(),
            id,
            place,
        })
    }

    /// Whether no subscription is open.
    pub(crate) fn is_empty(&self) -> bool {
        self.inner.lock().active.is_empty()
    }

    /// Returns the number, kind (`all`, `stream` or `state`) and position of each subscription, oldest first.
    #[must_use]
    pub fn places(&self) -> Vec<(u64, &'static str, Position)> {
        let inner = self.inner.lock();
        let place = |place: &AtomicU64| Position(place.load(Ordering::Relaxed));
        inner
            .active
            .iter()
            .map(|(id, (kind, at))| (*id, *kind, place(at)))
            .collect()
    }
}

/// Entry of an open subscription, which is removed on drop.
#[derive(Debug)]
pub(crate) struct Registered {
    registry: Registry,
    id: u64,
    place: Arc<AtomicU64>,
}

impl Registered {
    pub(crate) fn set(&self, place: Position) {
        self.place.store(place.0, Ordering::Relaxed);
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.registry.inner.lock().active.remove(&self.id);
    }
}
