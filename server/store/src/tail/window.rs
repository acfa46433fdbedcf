//! A window of the log's index in memory: which streams, types, tags and ids stand at which of its positions.
//!
//! 1. Window `k` of a log covers exactly the positions `k·W+1` to `(k+1)·W`; its contents follow from the frames alone.
//! 2. Positions in every list ascend.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    lifecycle::Marked,
    maps::HashMap,
    name::StreamName,
    position::{Position, Revision, Timestamp},
    query::ListName,
    record::View,
    wire::{Malformed, Parsed},
};

/// What a window knows of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamRun {
    /// Revision of the stream's first event in the window; the others follow it.
    pub first: Revision,
    /// Where they stand.
    pub positions: Vec<Position>,
    /// How the stream began, or began again after it was deleted, if it did in the window.
    pub began: Option<NewStream>,
}

/// How a stream began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewStream {
    pub first_position: Position,
    pub created_at: Timestamp,
}

impl StreamRun {
    /// Revision of the stream's last event in the window.
    pub(crate) fn last(&self) -> Revision {
        Revision(self.first.0 + self.positions.len() as u64 - 1)
    }
}

/// An append that is remembered by its first event's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Where its first event stands.
    pub first: Position,
    /// How many events it has.
    pub events: u32,
}

/// The index of consecutive positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    /// Position before the window's first.
    pub after: Position,
    /// The last position indexed so far.
    pub last: Position,
    pub streams: HashMap<StreamName, StreamRun>,
    /// What is set in the window for streams.
    pub marked: HashMap<StreamName, Marked>,
    pub types: HashMap<Arc<str>, Vec<Position>>,
    pub tags: HashMap<Arc<str>, Vec<Position>>,
    pub requests: HashMap<Uuid, Request>,
    /// Minutes since 1970 that begin in the window, with their first positions.
    pub minutes: Vec<(u64, Position)>,
}

impl Window {
    pub(crate) fn new(after: Position) -> Self {
        Self {
            after,
            last: after,
            ..Self::default()
        }
    }

    /// Takes the next event. `keyed`: its id and how many events the append has that it begins, if that append is
    /// remembered.
    pub(crate) fn add(
        &mut self,
        event: &View<'_>,
        keyed: Option<(Uuid, u32)>,
        new_minute: bool,
    ) -> Parsed<()> {
        if event.position != self.last.next() {
            return Err(Malformed("log: positions do not follow each other"));
        }
        self.last = event.position;
        self.add_to_stream(event)?;
        if let Some((stream, marked)) = Marked::of_event(event)? {
            self.marked.insert(StreamName::trusted(stream), marked);
        }
        add_to_list(&mut self.types, event.kind, event.position);
        for tag in event.tags() {
            add_to_list(&mut self.tags, tag, event.position);
        }
        if let Some((id, events)) = keyed {
            let first = event.position;
            self.requests.insert(id, Request { first, events });
        }
        if new_minute {
            self.minutes.push((event.recorded_at.minute(), event.position));
        }
        Ok(())
    }

    /// Notes that the event which was added last begins its stream.
    pub(crate) fn begin_stream(&mut self, event: &View<'_>) {
        if let Some(run) = self.streams.get_mut(event.stream) {
            run.began = Some(NewStream {
                first_position: event.position,
                created_at: event.recorded_at,
            });
        }
    }

    /// The positions of a list, ascending.
    pub(crate) fn list(&self, name: &ListName) -> &[Position] {
        let positions = match name {
            ListName::Type(name) => self.types.get(name.as_str()),
            ListName::Stream(name) => self.streams.get(name.as_str()).map(|run| &run.positions),
            ListName::Tag(name) => self.tags.get(name.as_str()),
        };
        positions.map_or(&[], Vec::as_slice)
    }

    fn add_to_stream(&mut self, event: &View<'_>) -> Parsed<()> {
        if let Some(run) = self.streams.get_mut(event.stream) {
            if event.revision != run.last().next() {
                return Err(Malformed("log: revisions do not follow each other"));
            }
            run.positions.push(event.position);
            return Ok(());
        }
        let run = StreamRun {
            first: event.revision,
            positions: vec![event.position],
            began: None,
        };
        self.streams.insert(StreamName::trusted(event.stream), run);
        Ok(())
    }
}

fn add_to_list(lists: &mut HashMap<Arc<str>, Vec<Position>>, name: &str, position: Position) {
    if let Some(list) = lists.get_mut(name) {
        list.push(position);
        return;
    }
    lists.insert(name.into(), vec![position]);
}
