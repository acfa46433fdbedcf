//! A clock driven by a seed: simulated time, occasionally set back or forward, like clocks of real machines. It also
//! implements the fault that all clocks are ahead by hours for a while, as after a wrong reply of a time server.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use annals_store::{Clock, Timestamp};
use parking_lot::Mutex;
use rand::{Rng, rngs::StdRng};
use tokio::time::Instant;

use super::coverage::{Coverage, Event};

/// Start time of all simulations, in microseconds since 1970.
const BEGINNING: u64 = 1_700_000_000_000_000;
/// Maximum deviation of a clock, in microseconds: half an hour.
const OFF_MAX: u64 = 1_800_000_000;

/// How far all clocks of a simulation are ahead, and how often that changed.
#[derive(Debug, Default)]
pub(super) struct Jump {
    micros: AtomicU64,
    changes: AtomicU64,
}

impl Jump {
    pub(super) fn set(&self, micros: u64) {
        self.micros.store(micros, Ordering::Relaxed);
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of changes, if the clocks are right now.
    pub(super) fn over(&self) -> Option<u64> {
        (self.micros.load(Ordering::Relaxed) == 0).then(|| self.changes.load(Ordering::Relaxed))
    }
}

pub(super) struct DrawnClock {
    began: Instant,
    jump: Arc<Jump>,
    coverage: Coverage,
    state: Mutex<(StdRng, u64)>,
}

impl DrawnClock {
    pub(super) fn new(began: Instant, jump: Arc<Jump>, mut rng: StdRng, coverage: Coverage) -> Self {
        let off = rng.random_range(0..OFF_MAX);
        Self {
            began,
            jump,
            coverage,
            state: Mutex::new((rng, off)),
        }
    }
}

impl Clock for DrawnClock {
    fn now(&self) -> Timestamp {
        let mut state = self.state.lock();
        if state.0.random_bool(0.05) {
            let off = state.0.random_range(0..OFF_MAX);
            if off < state.1 {
                self.coverage.count(Event::ClockBackwards);
            }
            state.1 = off;
        }
        let passed = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        Timestamp::from_micros(BEGINNING + passed + state.1 + self.jump.micros.load(Ordering::Relaxed))
    }
}
