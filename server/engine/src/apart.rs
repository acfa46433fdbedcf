//! Work that blocks or takes long, among tasks that do not.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does it on this thread, and lets no other task wait for it: a worker of a runtime passes its other tasks on. Costs nothing on a
/// thread that is no worker. On a runtime of one thread there is nobody to pass them on to.
pub fn apart<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
