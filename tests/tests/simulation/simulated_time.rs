//! A runtime of one thread with simulated time, which advances when every task waits.
//!
//! It is here and not in the library because tokio has it only with a feature that nothing else should be built with.

use annals_tests::harness::Watched;

/// Runs a simulation.
pub fn run<T>(simulation: impl Future<Output = T>) -> T {
    let _watched = Watched::begin();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime
        .expect("a runtime without I/O cannot fail to start")
        .block_on(simulation)
}
