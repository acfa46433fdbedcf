//! Load while servers and clusters are killed (SIGKILL), paused or disconnected, one test at a time.
//!
//! - `writes`: many clients append, and subscriptions resume.
//! - `races`: many clients append on conditions, undisturbed and disturbed.
//! - `groups`: consumers of a group that fail in every way, while servers are killed and paused.
//! - `projections`: a projection into state is killed, too.
//! - `state`: many clients write state, and append events together with state.
//! - `scavenging`: a server scavenges while streams are written, deleted and read.

#![allow(clippy::unwrap_used, reason = "a failing test should show where it failed")]

mod groups;
mod projections;
mod races;
mod scavenging;
mod state;
mod writes;

use annals_tests::harness::unwatched;
use tokio::sync::{Mutex, MutexGuard};

/// Held by each test: two loads at a time would slow each other down too much.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    unwatched(ALONE.lock()).await
}
