//! Reads. They are paged, and bounded by the head when they began, or by an earlier position or time. No snapshot
//! outlives a page, and at most one page is in memory.

mod batch;
pub(crate) mod clock;
mod ends;
mod finder;
mod first_match;
pub(crate) mod follow;
pub(crate) mod gone;
pub(crate) mod log_reader;
pub(crate) mod lookup;
mod places;
pub(crate) mod stored_events;
mod stream_reader;
mod streams;
#[cfg(test)]
mod tests;
pub(crate) mod time;
mod until;

pub use annals_engine::Direction;
pub(crate) use batch::Selector;
pub use batch::{Batch, EncodedEvent};
pub(crate) use ends::{ends, last_in, read_end, stored_end};
pub(crate) use finder::Finder;
pub(crate) use first_match::{Match, Search, first_match};
pub use log_reader::{LogReader, ReadAll};
pub(crate) use places::{all_records_at, last_revision, places, records_at};
pub use stream_reader::{ReadStream, StreamReader};
pub use streams::StreamInfo;
pub(crate) use streams::{stream, streams};
pub use until::{StreamUntil, Until};

/// Bytes of events that are read and sent together: large enough to be cheap, small enough that many slow readers
/// take little memory.
pub(crate) const BATCH_BYTES: usize = 128 << 10;
