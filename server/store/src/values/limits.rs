//! Limits on requests of clients.

/// Maximum number of events in an append.
pub const APPEND_EVENTS_MAX: usize = 10_000;
/// Maximum number of writes in an append.
pub const APPEND_WRITES_MAX: usize = 1_000;
/// Maximum size of an event's metadata, in bytes.
pub const METADATA_BYTES_MAX: usize = 65_536;
/// Maximum number of tags on an event.
pub const TAGS_MAX: usize = 32;
/// Maximum number of checks of an append.
pub const CHECKS_MAX: usize = 64;
/// Maximum number of items in a query.
pub const QUERY_ITEMS_MAX: usize = 64;
/// Maximum number of names (types, streams, prefixes, tags) in a query item.
pub const QUERY_NAMES_MAX: usize = 1_000;
/// Maximum number of streams in a page of a listing.
pub const STREAMS_PAGE_MAX: usize = 1_000;
/// Maximum number of prefixes that have a retention.
pub const PREFIXES_MAX: usize = 1_000;
/// Maximum number of prefixes that have or had a retention. Former ones are kept because the events that they removed
/// stay removed.
pub const PREFIXES_KNOWN_MAX: usize = 10 * PREFIXES_MAX;
/// Upper bound for [`Limits::append_bytes_max`], so that a commit with its bookkeeping stays within the engine's
/// limit.
pub const APPEND_BYTES_CEILING: usize = 8_000_000;

/// Upper bound for [`Limits::snapshot_bytes_max`], for the same reason as [`APPEND_BYTES_CEILING`].
pub const SNAPSHOT_BYTES_CEILING: usize = 8_000_000;
/// Maximum number of snapshots kept of a stream.
pub const SNAPSHOTS_MAX: usize = 100;

/// Number of snapshots kept of a stream unless the client sets it.
pub const SNAPSHOTS_KEPT_DEFAULT: usize = 3;

/// Maximum size of the value of an entry of state, in bytes.
pub const STATE_VALUE_BYTES_MAX: usize = 65_536;
/// Maximum number of changes of state in a write or an append.
pub const STATE_CHANGES_MAX: usize = 1_000;
/// Maximum number of checks of state in a write or an append.
pub const STATE_CHECKS_MAX: usize = 1_000;
/// Maximum number of entries in a page of state.
pub const STATE_PAGE_MAX: usize = 1_000;

/// Limits that an operator can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum size of an event's data, in bytes.
    pub event_bytes_max: usize,
    /// Maximum size of an append, in bytes; at most [`APPEND_BYTES_CEILING`].
    pub append_bytes_max: usize,
    /// Maximum size of a snapshot's data, in bytes; at most [`SNAPSHOT_BYTES_CEILING`].
    pub snapshot_bytes_max: usize,
    /// Maximum number of open subscriptions.
    pub subscriptions_max: usize,
    /// Maximum number of appends that wait to be written; further ones are refused.
    pub waiting_appends_max: usize,
    /// Maximum bytes of events in appends that wait to be written; further appends wait before they enter the queue.
    pub waiting_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            event_bytes_max: 1 << 20,
            append_bytes_max: 4 << 20,
            // With its names and lengths, a message stays below 4 MiB, the default maximum of gRPC clients.
            snapshot_bytes_max: 4_000_000,
            subscriptions_max: 10_000,
            waiting_appends_max: 16_384,
            waiting_bytes_max: 64 << 20,
        }
    }
}
