//! The event store: a layer over the engine contract of `annals-engine`, written once for every engine. It depends
//! neither on gRPC nor on a particular engine.
//!
//! The folders, lowest layer first. A folder may use only the folders above it in this table; the tidy test
//! (`tests/tests/tidy/`) fails otherwise.
//!
//! | folder | holds |
//! |---|---|
//! | `values` | plain values: names, positions, limits, new events |
//! | `format` | bytes: keys, records of events, frames of the log |
//! | `model` | requests and results: appends, checks, queries, errors, settings, metrics |
//! | `lifecycle` | the state of streams: retention, deletion, tombstones |
//! | `index` | the indexes of the log: entries on disk, windows in memory |
//! | `tail` | the end of the log in memory |
//! | `shared` | state that tasks and readers share |
//! | `state` | state beside the log: formats, reads, evaluation of writes |
//! | `read` | reads: finding events, paging, visibility, following other servers |
//! | `tasks` | background work: the appender, the indexer, scavenging, snapshots, writes of state |
//! | `store` | [`Store`] and its operations, subscriptions, moving a log between stores |

mod format;
mod index;
mod lifecycle;
mod model;
mod read;
mod shared;
mod state;
mod store;
mod tail;
mod tasks;
#[cfg(test)]
mod testing;
mod values;

pub use format::record::{Record, UnknownFieldError, View, unknown_fields};
pub use format::{keys, wire};
pub use lifecycle::Retention;
pub use model::append::{Append, AppendError, Appended, Revisions, Write};
pub use model::check::Check;
pub use model::error::{Error, Result};
pub use model::forwarding::{Forwarded, Forwarder};
pub use model::head::position_of_head;
pub use model::metrics::Metrics;
pub use model::query::{Query, QueryItem};
pub use model::registry::Registry;
pub use model::rejection::{FailedCheck, Rejection};
pub use model::sabotage::Sabotage;
pub use model::settings::{Clock, Environment, Settings, WINDOW_EVENTS};
pub use model::state::{
    EntryName, StateChange, StateCheck, StateEntry, StateWrite, StateWriteError, StateWritten,
};
pub use read::clock::{CLOCK_SKEW_MAX, ClockState};
pub use read::{
    Batch, Direction, EncodedEvent, LogReader, ReadAll, ReadStream, StreamInfo, StreamReader, StreamUntil,
    Until,
};
pub use state::read::{ListState, StatePage, StateUpdate};
pub use state::transfer::ScopeChanges;
pub use store::state::{StateNotice, StateSubscription, SubscribeState};
pub use store::subscribe::{Notice, Start, SubscribeAll, SubscribeStream, Subscription};
pub use store::transfer::{Export, Gap, Import, KnownAppend, MovedEvent, Part, StreamState};
pub use store::{
    Deleted, Info, Pending, PrefixRetention, RecentStreams, RetentionInfo, Store, Submission, Tombstoned,
};
pub use tasks::scavenge::{Scavenge, ScavengeState};
pub use tasks::snapshot::{LoadSnapshot, SaveSnapshot, Snapshot};
pub use values::content_type::{CONTENT_TYPE_BYTES_MAX, ContentType, ContentTypeError};
pub use values::event::NewEvent;
pub use values::expected::Expected;
pub use values::ids::ChangeIds;
pub use values::limits::{self, Limits};
pub use values::name::{
    EVENT_TYPE_BYTES_MAX, EventType, NameError, SCOPE_NAME_BYTES_MAX, STATE_KEY_BYTES_MAX,
    STREAM_NAME_BYTES_MAX, ScopeName, StateKey, StreamName, StreamPrefix, TAG_BYTES_MAX, Tag,
};
pub use values::position::{Position, Revision, Timestamp};
