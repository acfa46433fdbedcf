//! FoundationDB clusters for tests and the benchmark: processes of `fdbserver` on this machine's loopback, with their
//! files in their own folder. Needs nothing of FoundationDB to be built.
//!
//! 1. A cluster belongs to the process that started it: its processes and files are removed with the [`Cluster`], and
//!    when that process ends, however it ends.
//! 2. A cluster uses nothing outside its folder except its ports, which are chosen from the free ones.
//! 3. Where `fdbserver` is not installed, [`Programs::find_or_say`] prints that once, where it is seen; tests then
//!    return.
//!
//! All functions block: use [`tokio::task::spawn_blocking`] where that matters. They panic when an operation on a
//! cluster fails, since then there is nothing to test.
//!
//! [`tokio::task::spawn_blocking`]: https://docs.rs/tokio/latest/tokio/task/fn.spawn_blocking.html

mod cluster;
mod folder;
mod process;
mod programs;

use std::sync::OnceLock;

pub use cluster::{Cluster, Layout, Redundancy};
pub use programs::Programs;

/// The cluster of one process that the tests of this process share, each with its own key prefix; the first caller
/// starts it. `None`, and a printed line, where FoundationDB is not installed.
///
/// A test that kills or pauses processes of a cluster starts its own.
pub fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED
        .get_or_init(|| {
            let programs = Programs::find_or_say()?;
            Some(Cluster::start(&programs, Layout::SINGLE))
        })
        .as_ref()
}
