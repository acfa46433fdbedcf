//! Requests of callers and their results: appends, checks, queries, errors, settings, metrics.

pub(crate) mod append;
pub(crate) mod check;
pub(crate) mod error;
pub(crate) mod forwarding;
pub(crate) mod head;
pub(crate) mod log;
pub(crate) mod meta;
pub(crate) mod metrics;
pub(crate) mod query;
pub(crate) mod registry;
pub(crate) mod rejection;
pub(crate) mod sabotage;
pub(crate) mod scope_watch;
pub(crate) mod settings;
pub(crate) mod state;
pub(crate) mod stored_event;
