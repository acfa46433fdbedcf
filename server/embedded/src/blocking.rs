//! Runs work that blocks or takes long on a thread of an async runtime.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs blocking work on this thread; a multi-threaded runtime first hands this worker's other tasks to another
/// thread. Costs nothing on a thread that is not a worker. A single-threaded runtime has no other thread for its
/// tasks.
pub(crate) fn run_blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
