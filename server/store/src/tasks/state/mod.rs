//! Writes of state that append no events, and the expiry of what is kept of them for a while.

pub(crate) mod expiry;
pub(crate) mod writer;
