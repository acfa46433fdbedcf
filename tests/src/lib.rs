//! What the tests of Annals are made of. The tests themselves are in `tests/`.
//!
//! - [`checker`] judges what any event store answered, from requests and responses alone.
//! - [`harness`] runs real server and command-line processes, on every engine. They are looked for beside the test, so that
//!   `cargo build` comes first.
//! - [`interop`] plays scripted cases with the clients of every language.
//! - [`simulation`] runs the store under faults on simulated time, from a seed.

pub mod checker;
pub mod harness;
pub mod interop;
pub mod simulation;
