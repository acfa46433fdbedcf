//! What is killed (SIGKILL), paused or cut off again and again while many clients write, and what must be true of the log
//! afterwards.
//!
//! Written down is everything that the writers asked and were answered, over all faults, and what subscriptions delivered
//! that resumed by themselves. After each fault the writers rest, the whole log is read, and the checker judges all that
//! happened since the beginning: every acknowledged event is there, unchanged, in place; positions and revisions are dense;
//! retries wrote nothing twice; each subscriber saw each event once and in order.
//!
//! - `one_server`: the server on its own data. Some kills come while it still opens its store.
//! - `cluster`: three servers on one FoundationDB cluster; servers and processes of the cluster are killed and paused.
//!
//! `ANNALS_CRASH_ROUNDS` sets how many kills `one_server` has (20 if unset); the others have more or fewer likewise.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should say where")]

mod cluster;
mod load;
mod one_server;
mod subscriber;

use annals_tests::harness;

/// How many faults a test has that usually has so many.
fn rounds(usual: u32) -> u32 {
    const OF_ONE_SERVER: u32 = 20;
    let of_one_server = match harness::number("ANNALS_CRASH_ROUNDS") {
        Some(rounds) => rounds,
        None if harness::is_long() => 10 * OF_ONE_SERVER,
        None => OF_ONE_SERVER,
    };
    (usual * of_one_server).div_ceil(OF_ONE_SERVER)
}

/// Held by each test: two loads at a time would be none.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
