//! Bounds on what a client may ask for.

/// The most events in an append.
pub const APPEND_EVENTS_MAX: usize = 10_000;
/// The most writes in an append.
pub const APPEND_WRITES_MAX: usize = 1_000;
/// The most bytes of metadata in an event.
pub const METADATA_BYTES_MAX: usize = 65_536;
/// The most tags on an event.
pub const TAGS_MAX: usize = 32;
/// The most checks of an append.
pub const CHECKS_MAX: usize = 64;
/// The most items in a query.
pub const QUERY_ITEMS_MAX: usize = 64;
/// The most names (types, streams, prefixes, tags) in an item of a query.
pub const QUERY_NAMES_MAX: usize = 1_000;
/// The most streams in a page of a listing.
pub const STREAMS_PAGE_MAX: usize = 1_000;
/// The most prefixes for which a retention can be set.
pub const PREFIXES_MAX: usize = 1_000;
/// The most prefixes for which one is or was set: what was gone by then stays gone, so they are remembered.
pub const PREFIXES_KNOWN_MAX: usize = 10 * PREFIXES_MAX;
/// What an operator may raise [`Limits::append_bytes_max`] to: a commit with its bookkeeping stays within the engine's
/// limit.
pub const APPEND_BYTES_CEILING: usize = 8_000_000;

/// What an operator may raise [`Limits::snapshot_bytes_max`] to, for the same reason.
pub const SNAPSHOT_BYTES_CEILING: usize = 8_000_000;
/// The most snapshots of a stream that can be kept.
pub const SNAPSHOTS_MAX: usize = 100;

/// How many are kept unless the client says otherwise.
pub const SNAPSHOTS_KEPT_DEFAULT: usize = 3;

/// The bounds that an operator can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of data in an event.
    pub event_bytes_max: usize,
    /// The most bytes in an append, at most [`APPEND_BYTES_CEILING`].
    pub append_bytes_max: usize,
    /// The most bytes of data in a snapshot, at most [`SNAPSHOT_BYTES_CEILING`].
    pub snapshot_bytes_max: usize,
    /// The most subscriptions open at a time.
    pub subscriptions_max: usize,
    /// The most appends that wait to be written; one more is refused.
    pub waiting_appends_max: usize,
    /// The most bytes of events in appends that wait to be written; an append beyond it waits at the door.
    pub waiting_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            event_bytes_max: 1 << 20,
            append_bytes_max: 4 << 20,
            // With its names and lengths, a message stays below the 4 MiB that gRPC clients take unless told otherwise.
            snapshot_bytes_max: 4_000_000,
            subscriptions_max: 10_000,
            waiting_appends_max: 16_384,
            waiting_bytes_max: 64 << 20,
        }
    }
}
