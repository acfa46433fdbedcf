//! Processes that are killed (SIGKILL), paused or disconnected repeatedly while many clients write, and the
//! guarantees that the log must keep.
//!
//! The requests of the writers and their responses are recorded over all faults, as are the deliveries of
//! subscriptions that resumed automatically. After each fault the writers pause, the whole log is read, and the
//! checker judges everything since the beginning: every acknowledged event is there, unchanged, in place; positions
//! and revisions are dense; retries wrote nothing twice; each subscriber saw each event once and in order.
//!
//! - `one_server`: the server on its own data. Some kills come while it is still opening its store.
//! - `cluster`: three servers on one FoundationDB cluster; servers and processes of the cluster are killed and
//!   paused.
//!
//! `ANNALS_CRASH_ROUNDS` sets the number of kills of `one_server` (20 if unset); the others scale accordingly.

mod cluster;
mod load;
mod one_server;
mod subscriber;

use annals_tests::harness;

/// The number of faults of a test whose usual number is `usual`.
fn rounds(usual: u32) -> u32 {
    const OF_ONE_SERVER: u32 = 20;
    let of_one_server = match harness::number("ANNALS_CRASH_ROUNDS") {
        Some(rounds) => rounds,
        None if harness::is_long() => 10 * OF_ONE_SERVER,
        None => OF_ONE_SERVER,
    };
    (usual * of_one_server).div_ceil(OF_ONE_SERVER)
}
