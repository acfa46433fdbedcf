//! Many clients race: they read by queries that overlap, and append to several streams on conditions about queries and
//! streams that others write to as well, in calls of their own and in sessions; some send again what they sent before, to
//! the same server or another. Then the checker, which knows only what clients sent and got, proves that no two appends
//! that succeeded violate each other's conditions, and that none was refused without a reason
//! ([`annals_tests::checker::conditions`]).
//!
//! - `one_server`: on every engine, left alone, and killed and started again.
//! - `cluster`: three servers on one FoundationDB cluster, that hand appends over to each other, and are stopped, killed and
//!   paused.
//! - `race`: the clients. `player`: one of them. `draw`: what it appends. `record`: how that is written down.
//!
//! `ANNALS_RACE_SECONDS` sets how long a race lasts between faults (3 if unset).

#![allow(clippy::unwrap_used, reason = "a test that can't go on should say where")]

mod cluster;
mod draw;
mod one_server;
mod player;
mod race;
mod record;

use std::time::Duration;

use annals_tests::harness;

/// How long a race lasts, or goes on between faults.
fn stretch() -> Duration {
    let seconds = match harness::number("ANNALS_RACE_SECONDS") {
        Some(seconds) => seconds,
        None if harness::is_long() => 20.0,
        None => 3.0,
    };
    Duration::from_secs_f64(seconds)
}

/// Held by each test: two races at a time would be none.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
