//! How much of streams is kept, and their end: retention, deletion, tombstones.
//!
//! What is set for the stream `S` stands in the log, as events of the store's own stream `$$S`. Each holds the whole state
//! after it, so the last one tells all, and committing, following, recovering and indexing it is what they are for every
//! other event. `state` is that state, [`Lifecycles`] that of all streams in memory, `gone` what follows from it for
//! events, `change` how it is changed, `pending` a change that waits to be written.
//!
//! 1. [`Lifecycles`] holds, for every stream with an event in `$$S`, what the last of them says, as of the tail's head (or
//!    a little later, while a window that another server indexed is taken over).
//! 2. What is gone of a stream is always a beginning of it: everything before its first kept revision.
//! 3. What is gone stays gone: a state that keeps more than the one before it has what is gone by then below
//!    `truncate_before`.
//! 4. The revision of the last event in `$$S` is its version less one; each change expects the one before it, so no change
//!    is lost.
//! 5. Of `$$S` itself the last event is kept; those before it are gone.
//! 6. What is set for the streams whose names begin with a prefix `P` is an event in `$$$P`, likewise ([`prefixes`]). No client's
//!    stream has a name that begins with `$`, so `$P` is the name by which it is filed among those of streams.
//!
//! Limits: about 200 bytes of memory, and the bytes of its name twice, for each stream that has a state, deleted ones
//! included. Ages are measured against the clock of the server that is asked; see [`clock`].

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
