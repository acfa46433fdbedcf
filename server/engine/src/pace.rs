//! Whether something that is done on the thread that asks for it is quick at the moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What took longer has waited for a disk.
const QUICK: Duration = Duration::from_millis(2);
/// For how long the like is then to be done elsewhere.
const SLOW: Duration = Duration::from_millis(100);

/// Remembers for a while that something was slow.
#[derive(Debug)]
pub struct Pace {
    began: Instant,
    /// Until when it is taken to be slow, in milliseconds since it began.
    slow_until: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            slow_until: AtomicU64::new(0),
        }
    }
}

impl Pace {
    /// Whether it is taken to be quick.
    #[must_use]
    pub fn is_quick(&self) -> bool {
        self.slow_until.load(Ordering::Relaxed) <= self.now()
    }

    /// Does it, and notes how long it took. More than 2 ms is slow, for the next 100 ms.
    pub fn time<T>(&self, work: impl FnOnce() -> T) -> T {
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
        let pace = Pace::default();
        pace.took(QUICK);
        assert!(pace.is_quick());
        pace.took(QUICK * 2);
        assert!(!pace.is_quick());
    }
}
