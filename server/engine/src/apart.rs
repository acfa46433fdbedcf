//! Runs work that blocks or takes long on a thread of an async runtime.

use std::cell::Cell;

use tokio::runtime::{Handle, RuntimeFlavor};

thread_local! {
    static IS_OWN: Cell<bool> = const { Cell::new(false) };
}

/// Runs blocking work on this thread; a multi-threaded runtime first hands this worker's other tasks to another
/// thread. Costs nothing on a thread that is not a worker. A single-threaded runtime has no other thread for its
/// tasks.
pub fn apart<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// Runs `run` on a thread that the caller owns: the thread is not a worker of a runtime, so no other task waits while
/// it blocks, and nothing need be monitored meanwhile. Tokio offers no way to find this out.
pub fn on_own_thread<T>(run: impl FnOnce() -> T) -> T {
    /// Resets the flag, even after a panic, because the thread may be used again.
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

/// True on a thread that is [owned by its caller](on_own_thread).
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
