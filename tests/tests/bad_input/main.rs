//! What no well-behaved client would send: each gets its clear error, nothing is lost, and the server keeps serving.
//! (Clients that do not read are in `slow_clients.rs`, many that idle in `many_subscribers.rs`, those that speak no gRPC in
//! `garbage.rs`, and random messages in `fuzz.rs`.)

#![allow(clippy::unwrap_used, reason = "a test that can't go on should say where")]

mod appends;
mod messages;
mod reads;
mod standing;
