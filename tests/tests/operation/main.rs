//! The server as its operator sees it: how it starts, drains, fails, is upgraded and is followed by another, and its
//! metrics, health and log lines.

#![allow(clippy::unwrap_used, reason = "a failing test should show where it failed")]

mod cluster;
mod drain;
mod failover;
mod fsync;
mod log_lines;
mod lost_events;
mod observability;
mod starting;
mod upgrade;
