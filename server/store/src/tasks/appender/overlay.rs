//! The events that a group adds to the log, as far as later appends of the group are compared with them: the last
//! revisions of streams, and the events of retried appends.

use std::collections::hash_map::Entry;

use smallvec::{SmallVec, smallvec};
use uuid::Uuid;

use crate::{
    index::Request,
    model::{
        append::{Append, Appended},
        error::Result,
        stored_event::StoredEvent,
    },
    read::stored_events,
    shared::Shared,
    tasks::appender::stream_change::Change,
    values::{
        maps::{HashMap, map_for},
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

/// The events that a group adds to the log after `head`.
#[derive(Debug)]
pub(super) struct Overlay<'a> {
    head: Position,
    /// In the order of their positions, without gaps.
    accepted: Vec<Accepted<'a>>,
    streams: HashMap<&'a StreamName, Adds>,
    requests: HashMap<Uuid, usize>,
}

/// An append that the group writes.
#[derive(Debug)]
struct Accepted<'a> {
    append: &'a Append,
    /// Revision of the append's first event in each of its streams.
    firsts: SmallVec<[Revision; 1]>,
    first_position: Position,
    recorded_at: Timestamp,
}

/// The events that the group adds to a stream.
#[derive(Debug)]
struct Adds {
    first: Revision,
    last: Revision,
    /// The appends that write to it.
    accepted: SmallVec<[usize; 1]>,
}

impl<'a> Overlay<'a> {
    /// Creates an empty overlay. `appends` is the number of appends in the group.
    pub(super) fn new(head: Position, appends: usize) -> Self {
        Self {
            head,
            accepted: Vec::with_capacity(appends),
            streams: map_for(appends),
            requests: HashMap::default(),
        }
    }

    /// Adds an append that the group writes, whose first revisions in its streams are `firsts`.
    pub(super) fn add(&mut self, append: &'a Append, firsts: SmallVec<[Revision; 1]>, appended: &Appended) {
        let index = self.accepted.len();
        if append.is_keyed() {
            self.requests.insert(append.events[0].id, index);
        }
        for (target, revisions) in append.targets.iter().zip(appended.revisions()) {
            match self.streams.entry(&target.stream) {
                Entry::Occupied(mut adds) => {
                    adds.get_mut().last = revisions.last;
                    adds.get_mut().accepted.push(index);
                }
                Entry::Vacant(none) => {
                    none.insert(Adds {
                        first: revisions.first,
                        last: revisions.last,
                        accepted: smallvec![index],
                    });
                }
            }
        }
        self.accepted.push(Accepted {
            append,
            firsts,
            first_position: appended.first_position,
            recorded_at: appended.recorded_at,
        });
    }

    /// Whether an append is a stream change that was derived before this group, and the group adds to that stream or
    /// changes it. It is then the first one of the next group, for which it is derived again.
    pub(super) fn outdates(&self, append: &Append, change: &Change) -> bool {
        self.streams.contains_key(change.stream()) || self.streams.contains_key(append.stream())
    }

    /// Returns a stream's last revision, given that it is `last` before the group.
    pub(super) fn last_of(&self, stream: &StreamName, last: Option<Revision>) -> Option<Revision> {
        self.streams.get(stream).map_or(last, |adds| Some(adds.last))
    }

    /// Returns the events of the group's append with the same key as this one, if this one can be a retry of it.
    pub(super) fn of_request(&self, append: &Append) -> Option<(Request, Vec<StoredEvent>)> {
        if !append.is_keyed() {
            return None;
        }
        let accepted = &self.accepted[*self.requests.get(&append.events[0].id)?];
        let request = Request {
            first: accepted.first_position,
            events: accepted.append.count(),
        };
        (request.first > append.known_to()).then(|| (request, accepted.standing().collect()))
    }

    /// Returns the events with which an append is compared by the revision of its first event: as many as the append
    /// has, from that revision on, of its one stream or, if it has several, of the log; fewer if the stream or log
    /// ends. `None` if only some of them are written.
    pub(super) async fn standing_from(
        &self,
        shared: &Shared,
        append: &Append,
        from: Revision,
    ) -> Result<Option<Vec<StoredEvent>>> {
        if append.is_to_one() {
            self.of_revisions(shared, append, from).await
        } else {
            self.behind(shared, append, from).await
        }
    }

    async fn of_revisions(
        &self,
        shared: &Shared,
        append: &Append,
        from: Revision,
    ) -> Result<Option<Vec<StoredEvent>>> {
        let (stream, count) = (append.stream(), append.len());
        let standing = match self.streams.get(stream) {
            Some(adds) if from >= adds.first => self
                .adding_to(adds)
                .filter(|event| event.stream == *stream && event.revision >= from)
                .take(count)
                .collect(),
            Some(adds) if from.0 + count as u64 > adds.first.0 => return Ok(None),
            _ => stored_events::of_revisions(shared, stream, from, count).await?,
        };
        Ok(Some(standing))
    }

    async fn behind(
        &self,
        shared: &Shared,
        append: &Append,
        from: Revision,
    ) -> Result<Option<Vec<StoredEvent>>> {
        let (stream, count) = (append.stream(), append.len());
        if let Some(adds) = self.streams.get(stream).filter(|adds| from >= adds.first) {
            let first = self
                .adding_to(adds)
                .find(|event| event.stream == *stream && event.revision == from);
            return Ok(Some(first.map_or_else(Vec::new, |first| {
                self.added_from(first.position).take(count).collect()
            })));
        }
        let Some(first) = stored_events::position_of(shared, stream, from).await? else {
            return Ok(Some(Vec::new()));
        };
        let reaches_into_group = first.0 + count as u64 > self.head.next().0;
        if reaches_into_group && !self.accepted.is_empty() {
            return Ok(None);
        }
        let last = self.head.0.min(first.0 + count as u64 - 1);
        Ok(Some(stored_events::between(shared, first, Position(last)).await?))
    }

    /// Returns the events of the appends that add to a stream, including those in other streams.
    fn adding_to(&self, adds: &Adds) -> impl Iterator<Item = StoredEvent> {
        let accepted = adds.accepted.iter().map(|index| &self.accepted[*index]);
        accepted.flat_map(Accepted::standing)
    }

    /// Returns the events that the group adds, from a position on.
    fn added_from(&self, from: Position) -> impl Iterator<Item = StoredEvent> {
        let first = self
            .accepted
            .partition_point(|accepted| accepted.first_position <= from);
        self.accepted[first.saturating_sub(1)..]
            .iter()
            .flat_map(Accepted::standing)
            .filter(move |event| event.position >= from)
    }
}

impl Accepted<'_> {
    /// Returns its events.
    fn standing(&self) -> impl Iterator<Item = StoredEvent> {
        let placed = self.append.placed(&self.firsts);
        placed
            .zip(self.first_position.0..)
            .map(|(event, position)| StoredEvent {
                id: event.id,
                stream: event.stream.clone(),
                revision: event.revision,
                position: Position(position),
                recorded_at: self.recorded_at,
            })
    }
}
