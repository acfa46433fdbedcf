//! Many clients race: they read by overlapping queries, and append to several streams on conditions about queries and
//! streams that other clients write to as well, in single calls and in pipelines; some retry earlier appends, at the
//! same server or another. Then the checker, which knows only the requests and responses of the clients, proves that
//! no two successful appends violate each other's conditions, and that none was refused without a reason
//! ([`annals_tests::checker::conditions`]).
//!
//! - `one_server`: on every engine, undisturbed, and killed and started again.
//! - `cluster`: three servers on one FoundationDB cluster that forward appends to each other, and are stopped, killed
//!   and paused.
//! - `race`: the clients. `player`: one of them. `draw`: its appends. `record`: how these are recorded.
//!
//! `ANNALS_RACE_SECONDS` sets how long a race lasts between faults (3 if unset).

mod cluster;
mod draw;
mod one_server;
mod player;
mod race;
mod record;

use std::time::Duration;

use annals_tests::harness;

/// How long a race lasts, or continues between faults.
pub fn stretch() -> Duration {
    let seconds = match harness::number("ANNALS_RACE_SECONDS") {
        Some(seconds) => seconds,
        None if harness::is_long() => 20.0,
        None => 3.0,
    };
    Duration::from_secs_f64(seconds)
}
