//! FoundationDB clusters for tests and the benchmark: processes of `fdbserver` on this machine's loopback, with their files
//! in a folder of their own. Needs nothing of FoundationDB to be built.
//!
//! 1. A cluster belongs to whoever started it: its processes end with the [`Cluster`], and with the process that started it,
//!    however that ends. So do its files.
//! 2. Nothing of it is found outside its folder but its ports, which are any that are free.
//! 3. Where `fdbserver` is not installed, [`Programs::find_or_say`] says so once, where it is seen; tests return then.
//!
//! All functions block: use [`tokio::task::spawn_blocking`] where that matters. They panic when a cluster does not do what it
//! is told, since then there is nothing to test.
//!
//! [`tokio::task::spawn_blocking`]: https://docs.rs/tokio/latest/tokio/task/fn.spawn_blocking.html

mod cluster;
mod folder;
mod process;
mod programs;

use std::sync::OnceLock;

pub use cluster::{Cluster, Layout, Redundancy};
pub use programs::Programs;

/// The cluster of one process that the tests of this process share, each under a key prefix of its own; it is started by the
/// first that asks. `None`, and a line that says so, where FoundationDB is not installed.
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
