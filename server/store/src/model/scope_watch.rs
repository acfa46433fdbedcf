//! Wakes those who wait for changes of a scope of state that this server makes.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::values::name::ScopeName;

/// The scopes for whose changes someone waits.
#[derive(Debug, Default)]
pub(crate) struct ScopeWatch {
    watched: Mutex<BTreeMap<ScopeName, Arc<Notify>>>,
}

/// Watches one scope until it is dropped.
#[derive(Debug)]
pub(crate) struct Watched {
    watch: Arc<ScopeWatch>,
    scope: ScopeName,
    changed: Arc<Notify>,
}

impl ScopeWatch {
    /// Watches a scope.
    pub(crate) fn watch(self: &Arc<Self>, scope: &ScopeName) -> Watched {
        let mut watched = self.watched.lock();
        let changed = watched.entry(scope.clone()).or_default();
        Watched {
            watch: Arc::clone(self),
            scope: scope.clone(),
            changed: Arc::clone(changed),
        }
    }

    /// Wakes those who wait for a change of one of these scopes.
    pub(crate) fn changed<'a>(&self, scopes: impl Iterator<Item = &'a ScopeName>) {
        let watched = self.watched.lock();
        if watched.is_empty() {
            return;
        }
        for changed in scopes.filter_map(|scope| watched.get(scope)) {
            changed.notify_waiters();
        }
    }
}

impl Watched {
    /// Returns a future that is ready after the next change. It sees changes from its creation on, polled or not.
    pub(crate) fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.changed.notified()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut watched = self.watch.watched.lock();
        // One is in the map, one here.
        if Arc::strong_count(&self.changed) <= 2 {
            watched.remove(&self.scope);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt;

    use super::ScopeWatch;
    use crate::values::name::ScopeName;

    #[test]
    fn a_change_wakes_those_who_watch_its_scope_and_nobody_else() {
        let watch = Arc::new(ScopeWatch::default());
        let [one, other] = ["one", "other"].map(|name| ScopeName::new(name).unwrap());
        let first = watch.watch(&one);
        let second = watch.watch(&one);
        let third = watch.watch(&other);
        let (woken, also, not) = (first.changed(), second.changed(), third.changed());
        watch.changed([&one].into_iter());
        assert!(woken.now_or_never().is_some());
        assert!(also.now_or_never().is_some());
        assert!(not.now_or_never().is_none());
        drop(first);
        assert_eq!(watch.watched.lock().len(), 2, "someone still watches");
        drop((second, third));
        assert!(watch.watched.lock().is_empty());
    }
}
