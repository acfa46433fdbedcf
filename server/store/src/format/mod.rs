//! Stored bytes: keys, records of events, frames of the log.

pub(crate) mod frame;
pub mod keys;
pub(crate) mod record;
pub mod wire;
