//! Many seeds of the simulation: of stores that share a log, and of the ends of streams.
//!
//! - `ANNALS_SIMULATION_SEEDS=20000`: the number of seeds of each; by default 2,000 of `stores` and 500 of `ends`.
//! - `ANNALS_SIMULATION_FIRST=n`: the first of them; 0 if not set.
//! - `ANNALS_SIMULATION_SEED=n`: only this one.
//!
//! A tenth as many seeds are fresh: different in each run. They are printed, and a failing seed is printed with the
//! command to run it again.

mod ends;
mod simulated_time;
mod stores;

use std::ops::Range;

use annals_tests::harness::number;

/// The seeds of a run.
struct Seeds {
    /// The same in each run.
    fixed: Range<u64>,
    /// Different in each run, and never among the fixed ones.
    fresh: Range<u64>,
}

impl Seeds {
    /// `usual` is the number of fixed seeds if no variable sets it.
    fn of_this_run(usual: u64) -> Self {
        if let Some(seed) = number("ANNALS_SIMULATION_SEED") {
            return Self {
                fixed: seed..seed + 1,
                fresh: 0..0,
            };
        }
        let first = number("ANNALS_SIMULATION_FIRST").unwrap_or(0);
        let count = number("ANNALS_SIMULATION_SEEDS").unwrap_or(usual);
        let first_fresh = (1 << 32) + u64::from(rand::random::<u32>());
        let seeds = Self {
            fixed: first..first + count,
            fresh: first_fresh..first_fresh + count.div_ceil(10),
        };
        println!("seeds {:?}, and the fresh ones {:?}", seeds.fixed, seeds.fresh);
        seeds
    }

    fn all(&self) -> impl Iterator<Item = u64> + use<> {
        self.fixed.clone().chain(self.fresh.clone())
    }
}
