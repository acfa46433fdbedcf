//! A runtime of one thread and simulated time, which goes on when everything waits.
//!
//! Here and not in the library, because tokio has it only with a feature that nothing else is to be built with.

/// Runs a simulation.
pub fn run<T>(simulation: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime
        .expect("a runtime needs nothing that could fail")
        .block_on(simulation)
}
