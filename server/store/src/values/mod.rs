//! Plain values: names, positions, limits, new events. Uses no other module of the store.

pub(crate) mod content_type;
pub(crate) mod event;
pub(crate) mod expected;
pub(crate) mod ids;
pub mod limits;
pub(crate) mod maps;
pub(crate) mod name;
pub(crate) mod position;
pub(crate) mod signal;
