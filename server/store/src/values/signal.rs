//! A value whose changes tasks can wait for.
//!
//! 1. Waiters are woken in the order in which they began to wait. `tokio::sync::watch` wakes them in a random order,
//!    with which a simulation could not be replayed from its seed.
//! 2. A watcher that was created before a change sees it, however late it checks. Of several changes it sees the
//!    last.
//! 3. Waiting can be cancelled at any point; the next wait then sees the change.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

#[derive(Debug)]
pub(crate) struct Signal<T>(Arc<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    /// Number of changes, and the value. Locked briefly and never across an await.
    value: Mutex<(u64, T)>,
    changed: Notify,
}

impl<T: Clone> Signal<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Inner {
            value: Mutex::new((0, value)),
            changed: Notify::new(),
        }))
    }

    pub(crate) fn get(&self) -> T {
        self.0.value.lock().1.clone()
    }

    pub(crate) fn set(&self, value: T) {
        self.set_if(|_| Some(value));
    }

    /// Replaces the value with the one that `change` returns for it, if any.
    pub(crate) fn set_if(&self, change: impl FnOnce(&T) -> Option<T>) {
        let mut value = self.0.value.lock();
        let Some(new) = change(&value.1) else { return };
        *value = (value.0 + 1, new);
        drop(value);
        self.0.changed.notify_waiters();
    }

    /// Returns a watcher that sees the changes after this call.
    pub(crate) fn watch(&self) -> Watcher<T> {
        Watcher {
            seen: self.0.value.lock().0,
            inner: Arc::clone(&self.0),
        }
    }
}

/// Watches a [`Signal`] for changes.
#[derive(Clone, Debug)]
pub(crate) struct Watcher<T> {
    inner: Arc<Inner<T>>,
    seen: u64,
}

impl<T: Clone> Watcher<T> {
    /// Returns the value and marks it as seen.
    pub(crate) fn see(&mut self) -> T {
        let value = self.inner.value.lock();
        self.seen = value.0;
        value.1.clone()
    }

    pub(crate) fn get(&self) -> T {
        self.inner.value.lock().1.clone()
    }

    /// Waits for a change that has not been seen, and marks it as seen.
    pub(crate) async fn changed(&mut self) {
        loop {
            // Created before the value is read: from then on it is woken, even if it has not been polled yet.
            let changed = self.inner.changed.notified();
            let now = self.inner.value.lock().0;
            if now != self.seen {
                self.seen = now;
                return;
            }
            changed.await;
        }
    }

    /// Waits until `wanted` holds for the value, and returns the value.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&T) -> bool) -> T {
        loop {
            let value = self.see();
            if wanted(&value) {
                return value;
            }
            self.changed().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::Signal;

    /// Runs the spawned tasks until all of them wait. One yield runs some of them, a few yields run all.
    async fn everybody_waits() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_change_before_the_wait_is_seen() {
        let signal = Signal::new(1);
        let mut watcher = signal.watch();
        signal.set(2);
        signal.set(3);
        watcher.changed().await;
        assert_eq!(watcher.get(), 3);
        let nothing = tokio::time::timeout(std::time::Duration::from_millis(1), watcher.changed()).await;
        assert!(nothing.is_err(), "both changes were seen at once");
    }

    #[tokio::test]
    async fn waiters_are_woken_in_the_order_in_which_they_began_to_wait() {
        let signal = Signal::new(0);
        let woken = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..100)
            .map(|number| {
                let (mut watcher, woken) = (signal.watch(), Arc::clone(&woken));
                tokio::spawn(async move {
                    watcher.until(|value| *value == 2).await;
                    woken.lock().push(number);
                })
            })
            .collect();
        everybody_waits().await;
        signal.set(1);
        everybody_waits().await;
        signal.set_if(|value| (*value == 1).then_some(2));
        signal.set_if(|value| (*value == 1).then_some(3));
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*woken.lock(), (0..100).collect::<Vec<_>>());
        assert_eq!(signal.get(), 2);
    }
}
