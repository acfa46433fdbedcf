//! How much of a stream is kept, and how it ends: retention, deletion, tombstones.
//!
//! The settings of the stream `S` are stored in the log, as events of the store's own stream `$$S`. Each event holds
//! the whole state after it, so only the last one counts, and it is committed, followed, recovered and indexed like
//! every other event. `state` is that state, and [`Lifecycles`] holds the states of all streams in memory.
//! `read::gone` derives from it which events are removed, `store::retention` changes it, and
//! `tasks::appender::stream_change` is a change that waits to be written.
//!
//! 1. [`Lifecycles`] holds, for every stream with an event in `$$S`, the state in the last of them, as of the tail's
//!    head (or a little later, while a window that another server indexed is taken over).
//! 2. The removed events of a stream are always a beginning of it: everything before its first kept revision.
//! 3. Removed events stay removed: a state that keeps more than the one before it sets `truncate_before` so that it
//!    excludes the events that are removed by then.
//! 4. The revision of the last event in `$$S` is its version minus one; each change expects the one before it, so no
//!    change is lost.
//! 5. Of `$$S` itself only the last event is kept; those before it are removed.
//! 6. The settings of the streams whose names begin with a prefix `P` are an event in `$$$P`, likewise
//!    ([`prefixes`]). No client's stream has a name that begins with `$`, so `$P` can be the settings name of the
//!    prefix among the names of streams.
//!
//! Limits: about 200 bytes of memory, plus twice the bytes of its name, for each stream that has a state, deleted
//! ones included. Ages are measured by the clock of the server that serves the request; see [`crate::read::clock`].

mod entry;
mod map;
mod prefixes;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use entry::{load, value};
pub(crate) use map::{Lifecycles, Marked, MarkedPrefix, MarkedStream};
pub(crate) use prefixes::{Prefixes, Rule};
pub use state::Retention;
pub(crate) use state::{KIND_DELETED, KIND_PREFIX_RETENTION, KIND_RETENTION, KIND_TOMBSTONED, Lifecycle};
