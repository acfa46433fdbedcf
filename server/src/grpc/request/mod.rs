//! Checks requests and parses them into the store's types, within its limits.
//!
//! 1. Every field is checked. The first invalid one is reported by its path: `events[2].data`.
//! 2. Invalid values are not repeated in full, so that an oversized name does not make an oversized error message.
//! 3. Code that uses the parsed requests does not check them again.

mod append;
mod checkpoint;
mod expected;
mod group;
mod lifecycle;
mod plain;
mod query;
mod read;
mod snapshot;
mod state;
mod time;
mod transfer;

#[cfg(test)]
mod tests;

use annals_store::StreamName;

#[cfg(test)]
pub(crate) use append::forwarded_append;
#[cfg(test)]
use append::pipelined_append;
pub(super) use append::{append_to_many, append_to_stream, forwarded_appends, pipelined_appends};
pub(super) use checkpoint::{checkpoint_name, list_checkpoints, set_checkpoint};
pub(super) use group::{
    group_name, group_start, list_groups, list_parked, open as open_consumer, selection as parked_selection,
    settings as group_settings, settle,
};
pub(super) use lifecycle::{
    delete, list_prefix_retentions, prefix_retention_of, retention_of, set_prefix_retention, set_retention,
    tombstone,
};
pub(super) use read::{list_streams, read_all, read_stream, stream_name, subscribe_all, subscribe_stream};
pub(super) use snapshot::{load_snapshot, save_snapshot};
pub(super) use state::{get_state, list_state, subscribe_state, write_state};
pub(super) use time::position_at_time;
pub(super) use transfer::{gap, known_appends, moved_events, moved_snapshot, moved_state, states, store_id};

use crate::grpc::status::Invalid;

/// The most appends in one message of a pipeline.
pub(crate) const MESSAGE_APPENDS_MAX: usize = 1_000;

/// Parses the name of a stream that is only read, which may be a system stream.
fn parse_stream_to_read(field: &str, name: &str) -> Result<StreamName, Invalid> {
    StreamName::to_read(name).map_err(|error| Invalid::name(field, &error))
}

fn parse_stream(field: &str, name: &str) -> Result<StreamName, Invalid> {
    StreamName::new(name).map_err(|error| Invalid::name(field, &error))
}
