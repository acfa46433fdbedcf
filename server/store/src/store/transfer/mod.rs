//! Moving a log from one store to another: all that a store holds as a sequence of [`Part`]s ([`Export`]), and a store made
//! of them ([`Import`]).
//!
//! 1. The moved log has the same events at the same positions and revisions, with the same times and ids, and the same head.
//!    Positions whose events are removed, scavenged or only hidden, are moved as gaps.
//! 2. What is set for streams is moved as the events that set it. What can't be told from the events that are left is moved
//!    after them: where streams began and ended ([`StreamState`]), the ids of appends ([`KnownAppend`]), snapshots.
//! 3. An import is a prefix of the log at every moment. It continues where it ended, after a crash too, and refuses every
//!    store that is neither empty nor such a prefix of the same log (`origin`).
//! 4. No append is taken before the import is finished: an append to a stream whose end has not come would get a wrong
//!    revision.
//!
//! Every removal that an export sees is explained by events it contains: it ends at a head at which nothing newer is set. A
//! stream of which events were removed while it was exported, or between two exports that continue each other, may have
//! events in the target that come before the removed ones. They are removed there when the import ends (`removal`).

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

/// A part of what a store holds. Events and gaps come first, in the order of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The next events of the log.
    Events(Batch),
    /// The next positions of the log, whose events are removed.
    Gap(Gap),
    /// Streams of which events may be removed.
    Streams(Vec<StreamState>),
    /// Appends that are recognised by their first event's id.
    Appends(Vec<KnownAppend>),
    /// A snapshot.
    Snapshot(Snapshot),
    /// The last part, with the head.
    End(Position),
}

/// Positions whose events are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first of them.
    pub first: Position,
    /// The last of them.
    pub last: Position,
    /// When the last of their events was recorded, if it is known. Always known at the end of the log.
    pub recorded_at: Option<Timestamp>,
}

/// A stream of which events may be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// The stream.
    pub stream: StreamName,
    /// Where and when it began (again, after it was deleted). `None`: it was deleted and begun again while it was exported.
    pub began: Option<(Position, Timestamp)>,
    /// Revision of its last event.
    pub last_revision: Revision,
    /// Position of its last event.
    pub last_position: Position,
}

/// An append that is recognised by its first event's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownAppend {
    /// The id.
    pub id: Uuid,
    /// Position of its first event.
    pub position: Position,
    /// How many events it has, 1 or more.
    pub events: u32,
}

/// An event with its place in the log that is moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedEvent {
    /// The event.
    pub event: NewEvent,
    /// Its stream, which may be one of the store's own.
    pub stream: StreamName,
    /// Its revision.
    pub revision: Revision,
    /// Its position.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}
