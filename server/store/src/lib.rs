//! The event store: a layer over the engine contract of `annals-engine`, written once for every engine. It knows no
//! gRPC and no engine by name.
//!
//! - [`Store`] is the way in.
//! - `appender` writes: it puts appends that wait together into one commit, having judged each by `decide` and `check`.
//! - `handover` gives appends to the server that writes at present, where several share a log.
//! - `tail` is the end of the log in memory, `index` the rest of its indexes on disk, `log` its frames.
//! - `lookup` finds in both where the matches of a query stand.
//! - `lifecycle` is how much of streams is kept, and their end: retention, deletion, tombstones.
//! - `read` and `subscribe` hand events out, in the bytes in which they are stored (`record`, `frame`).
//! - `snapshot` keeps what clients made of streams.
//! - `transfer` moves a log from one store to another.
//! - `keys` draws every key.

mod append;
mod appender;
mod check;
mod decide;
mod error;
mod follow;
mod frame;
mod handover;
mod head;
mod index;
pub mod keys;
mod lifecycle;
pub mod limits;
mod log;
mod lookup;
mod maps;
mod meta;
mod metrics;
mod name;
mod one_or_more;
mod position;
mod query;
mod read;
mod receipt;
mod record;
mod rejection;
mod sabotage;
mod scavenge;
mod settings;
mod shared;
mod signal;
mod snapshot;
mod store;
mod subscribe;
mod tail;
#[cfg(test)]
mod testing;
mod transfer;
mod wire;

pub use append::{Append, AppendError, Appended, Expected, NewEvent, Revisions, Write};
pub use check::{Check, FailedCheck};
pub use error::{Error, Result};
pub use handover::{HandedOver, Handover};
pub use head::position_of_head;
pub use lifecycle::{
    CLOCK_SKEW_MAX, ClockState, Deleted, PrefixRetention, Retention, RetentionInfo, Tombstoned,
};
pub use limits::Limits;
pub use metrics::Metrics;
pub use name::{
    EVENT_TYPE_BYTES_MAX, EventType, NameError, STREAM_NAME_BYTES_MAX, StreamName, StreamPrefix,
    TAG_BYTES_MAX, Tag,
};
pub use position::{Position, Revision, Timestamp};
pub use query::{Query, QueryItem};
pub use read::{
    Batch, Direction, LogReader, ReadAll, ReadStream, StreamInfo, StreamReader, StreamUntil, Until,
};
pub use record::{Record, View};
pub use rejection::Rejection;
pub use sabotage::Sabotage;
pub use scavenge::{Scavenge, ScavengeState};
pub use settings::{Clock, Environment, Settings, WINDOW_EVENTS};
pub use snapshot::{LoadSnapshot, SaveSnapshot, Snapshot};
pub use store::{Info, Pending, RecentStreams, Store, Submission};
pub use subscribe::{Notice, Registry, Start, SubscribeAll, SubscribeStream, Subscription};
pub use transfer::{Export, Gap, Import, KnownAppend, MovedEvent, Part, StreamState};
