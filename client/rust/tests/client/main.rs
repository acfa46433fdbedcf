//! The client against a fake server, with a wire between them that breaks on demand.

#![allow(clippy::unwrap_used, reason = "a failing test should show where it failed")]

mod appends;
mod connections;
mod failover;
mod fake;
mod past;
mod pipelines;
mod readme;
mod reads;
mod returning;
mod subscriptions;
mod wire;
