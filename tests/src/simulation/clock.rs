//! A clock that a seed draws: simulated time, now and then set back or forward, as clocks of real machines are.

use annals_store::{Clock, Timestamp};
use parking_lot::Mutex;
use rand::{Rng, rngs::StdRng};
use tokio::time::Instant;

use super::coverage::{Coverage, Event};

/// Where all simulations begin, in microseconds since 1970.
const BEGINNING: u64 = 1_700_000_000_000_000;
/// The farthest a clock is off, in microseconds: half an hour.
const OFF_MAX: u64 = 1_800_000_000;

pub(super) struct DrawnClock {
    began: Instant,
    coverage: Coverage,
    state: Mutex<(StdRng, u64)>,
}

impl DrawnClock {
    pub(super) fn new(began: Instant, mut rng: StdRng, coverage: Coverage) -> Self {
        let off = rng.random_range(0..OFF_MAX);
        Self {
            began,
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
        Timestamp::from_micros(BEGINNING + passed + state.1)
    }
}
