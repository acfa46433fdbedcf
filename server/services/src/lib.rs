//! Services above the event store, without gRPC types and without an engine. What they keep is in the store: events in
//! system streams for what users define, and state in system scopes for what changes all the time. A service could be
//! deleted without touching the store.
//!
//! | folder | holds |
//! |---|---|
//! | `checkpoints` | named positions that consumers report |
//! | `groups` | consumer groups |

pub mod checkpoints;
pub mod groups;
