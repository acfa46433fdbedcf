//! FoundationDB clusters for tests and the benchmark: processes of `fdbserver` on this machine's loopback, with their
//! files in their own folder. Needs nothing of FoundationDB to be built.
//!
//! 1. A cluster belongs to the process that started it: its processes and files are removed with the [`Cluster`], and
//!    when that process ends, however it ends.
//! 2. A cluster uses nothing outside its folder except its ports, which are chosen from the free ones.
//! 3. Tests that need a cluster are ignored where `fdbserver` is not installed (`annals_installed`). One that runs
//!    nevertheless panics here.
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
/// starts it.
///
/// A test that kills or pauses processes of a cluster starts its own.
///
/// # Panics
/// If FoundationDB is not installed, or the cluster does not come up.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(&Programs::expect(), Layout::SINGLE))
}
