//! Moving a log from one store to another: the content of a store as a sequence of [`Part`]s ([`Export`]), and a
//! store made from them ([`Import`]).
//!
//! 1. The moved log has the same events at the same positions and revisions, with the same times and ids, and the
//!    same head. Positions whose events are removed, whether scavenged or only hidden, are moved as gaps.
//! 2. Stream settings are moved as the events that set them. State that can't be derived from the remaining events is
//!    moved after them: where streams began and ended ([`StreamState`]), the ids of appends ([`KnownAppend`]),
//!    snapshots.
//! 3. The whole export is as of one moment: its state ([`ScopeChanges`]) is that of its end, the head at which its log
//!    ends. State is read when the log was read up to the head at the beginning; then the log is read up to the head at
//!    which all of the state was known.
//! 4. At every moment, an import is a prefix of the log. It continues where it ended, also after a crash, and refuses
//!    every store that is neither empty nor such a prefix of the same log (`origin`).
//! 5. No append is accepted before the import is finished: an append to a stream whose end has not arrived would get
//!    a wrong revision. No write of state is accepted either.
//!
//! Every removal that an export sees is explained by events that it contains, because it ends at a head after which
//! no setting was changed. If events of a stream were removed while it was exported, or between two exports that
//! continue each other, the target may have events of that stream that come before the removed ones. They are removed
//! there when the import ends (`removal`).

mod export;
mod framer;
mod import;
mod origin;
mod removal;
mod streams;
#[cfg(test)]
mod tests;

use uuid::Uuid;

use crate::{
    read::Batch,
    state::transfer::ScopeChanges,
    tasks::snapshot::Snapshot,
    values::{
        event::NewEvent,
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

pub use export::Export;
pub use import::Import;
pub(crate) use origin::is_unfinished;

/// A part of a store's content. Events and gaps come first, in the order of the log; changes of state come anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The next events of the log.
    Events(Batch),
    /// The next positions of the log, whose events are removed.
    Gap(Gap),
    /// The next changes of a scope of state.
    State(ScopeChanges),
    /// Streams whose events may have been removed.
    Streams(Vec<StreamState>),
    /// Appends that are recognised by their first event's id.
    Appends(Vec<KnownAppend>),
    /// A snapshot.
    Snapshot(Snapshot),
    /// The last part. Contains the head.
    End(Position),
}

/// Positions whose events are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// First position of the gap.
    pub first: Position,
    /// Last position of the gap.
    pub last: Position,
    /// Time when the last of these events was recorded, if known. Always known at the end of the log.
    pub recorded_at: Option<Timestamp>,
}

/// A stream whose events may have been removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// Name of the stream.
    pub stream: StreamName,
    /// Position and time of the stream's first event (the first one since its last deletion). `None`: the stream was
    /// deleted and started again during the export.
    pub began: Option<(Position, Timestamp)>,
    /// Revision of its last event.
    pub last_revision: Revision,
    /// Position of its last event.
    pub last_position: Position,
}

/// An append that is recognised by its first event's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownAppend {
    /// Id of its first event.
    pub id: Uuid,
    /// Position of its first event.
    pub position: Position,
    /// Number of its events, 1 or more.
    pub events: u32,
}

/// An event with its place in the log that is moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedEvent {
    /// The event as it was appended.
    pub event: NewEvent,
    /// Its stream, which may be an internal stream of the store.
    pub stream: StreamName,
    /// Revision in its stream.
    pub revision: Revision,
    /// Position in the log.
    pub position: Position,
    /// Time when it was recorded.
    pub recorded_at: Timestamp,
}
