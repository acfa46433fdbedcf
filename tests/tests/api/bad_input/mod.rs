//! Input that no well-behaved client would send: each gets a clear error, nothing is lost, and the server keeps
//! serving. (`slow_clients.rs` covers clients that do not read, `many_subscribers.rs` many idle ones, `garbage.rs`
//! those that do not speak gRPC, and `fuzz.rs` random messages.)

mod appends;
mod messages;
mod reads;
mod standing;
