//! Building blocks of Annals' tests. The tests themselves are in `tests/`.
//!
//! - [`checker`] judges the responses of any event store, from requests and responses alone.
//! - [`harness`] runs real server and command-line processes, on every engine. It expects the programs beside the
//!   test, so run `cargo build` first.
//! - [`interop`] plays scripted cases with the clients of every language.
//! - [`simulation`] runs the store with injected faults on simulated time, from a seed.

pub mod checker;
pub mod harness;
pub mod interop;
pub mod simulation;

pub use annals_installed::{Needed, needs_foundationdb, tests_that_need};
