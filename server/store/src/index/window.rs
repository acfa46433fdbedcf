//! A window of the log's index in memory: the positions of streams, types, tags and ids.
//!
//! 1. Window `k` of a log covers exactly the positions `k·W+1` to `(k+1)·W`, unless a scavenge began within it, where
//!    it was split. Its contents are derived from the frames alone.
//! 2. Positions in every list ascend.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    format::{
        keys::ListName,
        record::View,
        wire::{Malformed, Parsed},
    },
    lifecycle::Marked,
    model::append::Run,
    values::{
        maps::HashMap,
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

/// The events of a stream in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamRun {
    /// Revision of the stream's first event in the window; the others are consecutive.
    pub first: Revision,
    /// Positions of these events.
    pub positions: Vec<Position>,
    /// Start of the stream, or its new start after it was deleted, if that is in the window.
    pub began: Option<NewStream>,
}

/// Start of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewStream {
    pub first_position: Position,
    pub created_at: Timestamp,
}

impl StreamRun {
    /// Returns the revision of the stream's last event in the window.
    pub(crate) fn last(&self) -> Revision {
        Revision(self.first.0 + self.positions.len() as u64 - 1)
    }
}

/// An append that is deduplicated by the id of its first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Position of its first event.
    pub first: Position,
    /// Number of its events.
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
    /// Settings that events in the window set for streams.
    pub marked: HashMap<StreamName, Marked>,
    pub types: HashMap<Arc<str>, Vec<Position>>,
    pub tags: HashMap<Arc<str>, Vec<Position>>,
    pub requests: HashMap<Uuid, Request>,
    /// Appends that begin a stream again after it was deleted, by the stream and the id of their first event.
    pub began_again: HashMap<(StreamName, Uuid), Request>,
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

    /// Returns the window without the positions up to `indexed`, which another server has indexed: entries that were
    /// scavenged there must not be written again.
    pub(crate) fn without_indexed(&self, indexed: Position) -> Self {
        let rest = |positions: &[Position]| {
            let rest = &positions[positions.partition_point(|position| *position <= indexed)..];
            (!rest.is_empty()).then(|| rest.to_vec())
        };
        let list =
            |(name, positions): (&Arc<str>, &Vec<Position>)| Some((Arc::clone(name), rest(positions)?));
        let streams = self.streams.iter().filter_map(|(name, run)| {
            let positions = rest(&run.positions)?;
            let indexed_revisions = (run.positions.len() - positions.len()) as u64;
            let began = run.began.clone().filter(|began| began.first_position > indexed);
            let first = Revision(run.first.0 + indexed_revisions);
            let run = StreamRun {
                first,
                positions,
                began,
            };
            Some((name.clone(), run))
        });
        let requests = self
            .requests
            .iter()
            .filter(|(_, request)| request.first > indexed);
        let began_again = self.began_again.iter();
        let began_again = began_again.filter(|(_, request)| request.first > indexed);
        let minutes = self.minutes.iter().filter(|(_, first)| *first > indexed);
        Self {
            after: indexed,
            last: self.last,
            streams: streams.collect(),
            // For each stream the last settings are the latest, whichever server writes them.
            marked: self.marked.clone(),
            types: self.types.iter().filter_map(list).collect(),
            tags: self.tags.iter().filter_map(list).collect(),
            requests: requests.map(|(id, request)| (*id, *request)).collect(),
            began_again: began_again
                .map(|(key, request)| (key.clone(), *request))
                .collect(),
            minutes: minutes.copied().collect(),
        }
    }

    /// Adds the next event. `keyed`: the id of the event and the number of events of the append that begins with it,
    /// if that append is deduplicated by the id.
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
        self.add_to_stream(event.stream, event.revision, event.position, 1)?;
        if let Some((stream, marked)) = Marked::of_event(event)? {
            self.marked.insert(StreamName::trusted(stream), marked);
        }
        add_to_list(&mut self.types, event.kind, event.position);
        for tag in event.tags() {
            add_to_list(&mut self.tags, tag, event.position);
        }
        self.begin(event.position, event.recorded_at, keyed, new_minute);
        Ok(())
    }

    /// Adds the next events, which are all of one stream and change no settings.
    pub(crate) fn add_run(&mut self, run: Run<'_>) -> Parsed<()> {
        let first = self.last.next();
        self.add_to_stream(run.stream.as_str(), run.first, first, run.len() as u64)?;
        for (labels, position) in run.labels().zip(first.0..) {
            let (kind, tags) = labels?;
            add_to_list(&mut self.types, kind, Position(position));
            for tag in tags {
                add_to_list(&mut self.tags, tag, Position(position));
            }
        }
        self.last = Position(self.last.0 + run.len() as u64);
        Ok(())
    }

    /// Records what begins with an event: an append that is deduplicated by an id, with its number of events, and a
    /// minute.
    pub(crate) fn begin(
        &mut self,
        first: Position,
        recorded_at: Timestamp,
        keyed: Option<(Uuid, u32)>,
        new_minute: bool,
    ) {
        if let Some((id, events)) = keyed {
            self.requests.insert(id, Request { first, events });
        }
        if new_minute {
            self.minutes.push((recorded_at.minute(), first));
        }
    }

    /// Records that a stream to which events were added begins with one of them.
    pub(crate) fn begin_stream(&mut self, stream: &str, first_position: Position, created_at: Timestamp) {
        if let Some(run) = self.streams.get_mut(stream) {
            run.began = Some(NewStream {
                first_position,
                created_at,
            });
        }
    }

    /// Returns the positions of a list, ascending.
    pub(crate) fn list(&self, name: &ListName) -> &[Position] {
        let positions = match name {
            ListName::Type(name) => self.types.get(name.as_str()),
            ListName::Stream(name) => self.streams.get(name.as_str()).map(|run| &run.positions),
            ListName::Tag(name) => self.tags.get(name.as_str()),
        };
        positions.map_or(&[], Vec::as_slice)
    }

    /// Adds `count` consecutive events to a stream.
    fn add_to_stream(&mut self, stream: &str, first: Revision, at: Position, count: u64) -> Parsed<()> {
        let positions = (at.0..at.0 + count).map(Position);
        if let Some(run) = self.streams.get_mut(stream) {
            if first != run.last().next() {
                return Err(Malformed("log: revisions do not follow each other"));
            }
            run.positions.extend(positions);
            return Ok(());
        }
        let run = StreamRun {
            first,
            positions: positions.collect(),
            began: None,
        };
        self.streams.insert(StreamName::trusted(stream), run);
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
