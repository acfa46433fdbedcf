//! Consumers of one group crash, hang, nack and disconnect at random, while servers are killed and paused. Then a
//! judge, which knows only what was sent and received ([`annals_tests::checker::groups`]), proves that no event was
//! lost, passed, held by two, or delivered again without a reason.
//!
//! - `one_server`: on the embedded engine, killed and started again.
//! - `cluster`: three servers on one FoundationDB cluster, killed and paused.
//! - `many`: many parked events, and many groups.
//! - `consumer`: one consumer. `scene`: all of them, and the end.
//!
//! `ANNALS_GROUP_EVENTS` sets the number of events.

mod cluster;
mod consumer;
mod many;
mod one_server;
mod scene;
