//! Tracks whether work that runs on its caller's thread is currently quick.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Work that takes longer than this has waited for a disk.
const QUICK: Duration = Duration::from_millis(2);
/// How long such work is run elsewhere after it was slow.
const SLOW: Duration = Duration::from_millis(100);

/// Remembers slow work for a while.
#[derive(Debug)]
pub(crate) struct RecentLatency {
    began: Instant,
    /// End of the slow period, in milliseconds since `began`.
    slow_until: AtomicU64,
}

impl Default for RecentLatency {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            slow_until: AtomicU64::new(0),
        }
    }
}

impl RecentLatency {
    /// True unless work was slow lately.
    pub(crate) fn is_quick(&self) -> bool {
        self.slow_until.load(Ordering::Relaxed) <= self.now()
    }

    /// Runs the work and notes how long it took. More than 2 ms counts as slow, for the next 100 ms.
    pub(crate) fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let result = work();
        self.took(began.elapsed());
        result
    }

    fn took(&self, time: Duration) {
        if time > QUICK {
            let until = self.now() + SLOW.as_millis() as u64;
            self.slow_until.store(until, Ordering::Relaxed);
        }
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_it_was_slow_it_is_not_quick() {
        let latency = RecentLatency::default();
        latency.took(QUICK);
        assert!(latency.is_quick());
        latency.took(QUICK * 2);
        assert!(!latency.is_quick());
    }
}
