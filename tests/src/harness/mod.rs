//! Real processes to test against: a server on any engine, the command line, and what one says to them by hand.
//!
//! - [`Server`]: an `annals-server` process with a data folder of its own; killed, terminated, restarted.
//! - [`Cli`]: runs `annals` with arguments and standard input.
//! - [`Recorder`]: a client that writes down everything for the [`checker`](crate::checker).
//! - [`raw`]: messages and bodies in bytes, whole or not. [`Refusal`]: what a status says, decoded.
//! - [`http`], [`Metrics`]: what operators see. [`sample`]: events to import and append.
//!
//! 1. Every server has its own port, which the system chose, and keeps it when it is restarted.
//! 2. No process outlives its test; the log of one is printed if its test fails.
//! 3. Waiting is bounded ([`PATIENCE`]), and nothing is judged by how long it took.
//!
//! # A case on every engine
//!
//! ```text
//! on_every_engine!(an_append_is_read_back);
//!
//! async fn an_append_is_read_back(server: Server) { … }
//! ```
//!
//! The functions named are run once for each engine (`memory::an_append_is_read_back`, …); on FoundationDB only where it is
//! installed and the server was built with it, which is said otherwise ([`foundationdb`]). Those of
//! `on_every_engine_that_persists!` are not run on `memory`, because they kill or restart the server.
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

/// How long anything may take before a test gives up. Far more than it takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a future, but not for ever.
///
/// # Panics
/// If it takes longer than [`PATIENCE`]; `what` says what was waited for.
pub async fn within_patience<T>(what: &str, future: impl IntoFuture<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_elapsed) => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
}

/// What an environment variable is set to, if it is set.
///
/// # Panics
/// If that is no number, or not one of the kind that is asked for.
#[must_use]
pub fn number<T: FromStr>(name: &str) -> Option<T> {
    let value = std::env::var(name).ok()?;
    let number = value.parse().ok();
    Some(number.unwrap_or_else(|| panic!("{name}={value} is not a number")))
}

/// A seed for a test's random numbers: `ANNALS_TEST_SEED`, or the one given. It is printed, so that a failure can be run
/// again.
///
/// # Panics
/// If the variable is no number.
#[must_use]
pub fn seed(default: u64) -> u64 {
    let seed = number("ANNALS_TEST_SEED").unwrap_or(default);
    println!("seed {seed} (ANNALS_TEST_SEED={seed} runs this again)");
    seed
}

/// Whether the long variants are to be run (`ANNALS_LONG=1`).
#[must_use]
pub fn is_long() -> bool {
    std::env::var("ANNALS_LONG").is_ok_and(|value| value != "0")
}
