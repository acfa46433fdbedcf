//! The calls of the API over gRPC, on every engine: appends, reads, subscriptions, pipelines, snapshots and streams,
//! with input and clients that are not well-behaved.

#![allow(clippy::unwrap_used, reason = "a failing test should show where it failed")]

mod append;
mod bad_input;
mod checkpoints;
mod conditions;
mod dcb;
mod fuzz;
mod garbage;
mod groups;
mod many_subscribers;
mod message_sizes;
mod newer_fields;
mod past;
mod pipeline;
mod progress;
mod read;
mod reflection;
mod repeated_appends;
mod rust_client;
mod slow_clients;
mod snapshots;
mod state;
mod streams;
mod subscribe;
mod windows;
