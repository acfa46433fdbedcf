//! Real processes to test against: servers on any engine, the command line, and low-level access to them.
//!
//! - [`Server`]: an `annals-server` process with its own data folder; it can be killed, terminated and restarted.
//! - [`Cli`]: runs `annals` with arguments and standard input.
//! - [`Recorder`]: a client that records everything for the [`checker`](crate::checker).
//! - [`raw`]: messages and bodies as bytes, complete or not. [`Refusal`]: a decoded status.
//! - [`http`], [`Metrics`]: the operators' view. [`sample`]: events to import and append.
//!
//! 1. Every server has its own port, which the system chose, and keeps it across restarts.
//! 2. No process outlives its test; its log is printed if its test fails.
//! 3. Waiting is bounded ([`PATIENCE`]), and no test depends on how long something took. A test that hangs nevertheless
//!    ends its binary with its name ([`Watched`]).
//!
//! # A case on every engine
//!
//! ```text
//! on_every_engine!(an_append_is_read_back);
//!
//! async fn an_append_is_read_back(server: Server) { … }
//! ```
//!
//! The named functions are run once for each engine (`memory::an_append_is_read_back`, …); on FoundationDB they are
//! ignored where it is not installed (`annals_installed`). The functions of `on_every_engine_that_persists!` are not
//! run on `memory`, because they kill or restart the server.
//!
//! Limits: signals and `/proc` are those of Linux; memory is not measured elsewhere.

mod binaries;
mod cli;
mod engine;
pub mod foundationdb;
pub mod http;
mod logs;
mod metrics;
mod options;
pub mod raw;
mod recorder;
mod refusal;
pub mod sample;
mod server;
mod subscription;
mod version;
mod watchdog;

use std::{str::FromStr, time::Duration};

pub use binaries::binary;
pub use cli::{Cli, Finished, finish, finish_within};
pub use engine::Engine;
pub use foundationdb::ClusterStore;
pub use logs::Logs;
pub use metrics::Metrics;
pub use options::Options;
pub use recorder::{Followed, Recorder, assert_sound, observed};
pub use refusal::Refusal;
pub use server::{Server, Stub};
pub use subscription::{next_event, until_caught_up};
pub use version::Version;
pub use watchdog::{Watched, unwatched};

/// Time limit of any operation in a test. Far more than it takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a future, with a time limit.
///
/// # Panics
/// If it takes longer than [`PATIENCE`]; `what` describes the operation.
pub async fn within_patience<T>(what: &str, future: impl IntoFuture<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_elapsed) => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
}

/// The value of an environment variable, if it is set.
///
/// # Panics
/// If it is not a number of the requested type.
#[must_use]
pub fn number<T: FromStr>(name: &str) -> Option<T> {
    let value = std::env::var(name).ok()?;
    let number = value.parse().ok();
    Some(number.unwrap_or_else(|| panic!("{name}={value} is not a number")))
}

/// A seed for a test's random numbers: `ANNALS_TEST_SEED`, or a fresh one. It is printed, so that a failure can be
/// reproduced.
///
/// # Panics
/// If the variable is not a number.
#[must_use]
pub fn seed() -> u64 {
    let seed = number("ANNALS_TEST_SEED").unwrap_or_else(|| rand::random::<u32>().into());
    println!("seed {seed} (ANNALS_TEST_SEED={seed} runs this again)");
    seed
}

/// True if the long variants are to be run (`ANNALS_LONG=1`).
#[must_use]
pub fn is_long() -> bool {
    std::env::var("ANNALS_LONG").is_ok_and(|value| value != "0")
}
