//! Work that blocks or takes long, among tasks that do not.

use std::cell::Cell;

use tokio::runtime::{Handle, RuntimeFlavor};

thread_local! {
    static IS_OWN: Cell<bool> = const { Cell::new(false) };
}

/// Does it on this thread, and lets no other task wait for it: a worker of a runtime passes its other tasks on. Costs nothing on a
/// thread that is no worker. On a runtime of one thread there is nobody to pass them on to.
pub fn apart<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// Runs what has this thread for its own: the thread is no worker of a runtime, so nobody waits for what blocks it, and nobody
/// need look after others meanwhile. Tokio does not tell.
pub fn on_own_thread<T>(run: impl FnOnce() -> T) -> T {
    /// The thread may be used again, also after a panic.
    struct Given;
    impl Drop for Given {
        fn drop(&mut self) {
            IS_OWN.set(false);
        }
    }
    IS_OWN.set(true);
    let _given = Given;
    run()
}

/// Whether this is [such](on_own_thread) a thread.
#[must_use]
pub fn is_own_thread() -> bool {
    IS_OWN.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_ones_own_until_it_is_given_back() {
        assert!(!is_own_thread());
        assert!(on_own_thread(is_own_thread));
        assert!(!is_own_thread());
        let panicked = std::panic::catch_unwind(|| on_own_thread(|| panic!("on purpose")));
        assert!(panicked.is_err());
        assert!(!is_own_thread());
    }
}
