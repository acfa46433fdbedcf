//! Many seeds of the simulation: of stores that share a log, and of the ends of streams.
//!
//! - `ANNALS_SIMULATION_SEEDS=20000`: the number of seeds of each; by default 2,000 of `stores` and 500 of `ends`.
//! - `ANNALS_SIMULATION_FIRST=n`: the first of them; 0 if not set.
//! - `ANNALS_SIMULATION_SEED=n`: only this one.
//!
//! A failing seed is printed with the command to run it again.

mod ends;
mod simulated_time;
mod stores;
