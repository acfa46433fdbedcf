//! Requests, checked and parsed: what leaves here is of the store's types and within its limits.
//!
//! 1. Every field is checked, and the first that is wrong is told by its path: `events[2].data`.
//! 2. What is refused is not shown again in full: a name of a megabyte makes no message of a megabyte.
//! 3. Nothing behind this module checks again.

mod append;
mod lifecycle;
mod plain;
mod query;
mod read;
mod snapshot;
mod time;
mod transfer;

#[cfg(test)]
mod tests;

use std::fmt;

use annals_store::{NameError, StreamName};

#[cfg(test)]
pub(crate) use append::session_append;
pub(super) use append::{append, append_to_stream, session_appends};
pub(super) use lifecycle::{
    delete, list_prefix_retentions, prefix_retention_of, retention_of, set_prefix_retention, set_retention,
    tombstone,
};
pub(super) use read::{list_streams, read_all, read_stream, stream_name, subscribe_all, subscribe_stream};
pub(super) use snapshot::{load_snapshot, save_snapshot};
pub(super) use time::position_at_time;
pub(super) use transfer::{gap, known_appends, moved_events, moved_snapshot, states, store_id};

/// The most appends in one message of a session.
pub(crate) const MESSAGE_APPENDS_MAX: usize = 1_000;

/// A field of a request that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    /// The way to it: `events[2].data`. Empty if it is the message itself.
    pub field: String,
    /// What is wrong with it, and what to do.
    pub problem: String,
    /// In which way it is wrong.
    pub fault: Fault,
}

/// In which way a field is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Missing, malformed, or out of its range.
    Invalid,
    /// More than the server takes in one event or append.
    TooLarge,
}

impl Invalid {
    pub(super) fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
            fault: Fault::Invalid,
        }
    }

    pub(super) fn too_large(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
            fault: Fault::TooLarge,
        }
    }

    /// The same of a field of a message that is itself a field.
    fn under(mut self, path: &str) -> Self {
        self.field = format!("{path}.{}", self.field);
        self
    }

    fn name(field: impl Into<String>, error: &NameError) -> Self {
        Self::field(field, error.to_string())
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.problem),
            field => write!(f, "{field}: {}", self.problem),
        }
    }
}

/// The name of a stream that is only read, which may be one of the store's own.
fn parse_stream_to_read(field: &str, name: &str) -> Result<StreamName, Invalid> {
    StreamName::to_read(name).map_err(|error| Invalid::name(field, &error))
}

fn parse_stream(field: &str, name: &str) -> Result<StreamName, Invalid> {
    StreamName::new(name).map_err(|error| Invalid::name(field, &error))
}
