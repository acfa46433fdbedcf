//! Look-ups of streams, lists and ids in the tail.

use std::{collections::BTreeMap, sync::Arc};

use annals_engine::Direction;
use parking_lot::RwLockReadGuard;
use uuid::Uuid;

use super::{KNOWN_STREAMS_MAX, State, Tail};
use crate::{
    format::keys::ListName,
    index::{NewStream, Request, StreamRun, Window},
    model::query::Query,
    values::{
        name::StreamName,
        position::{Position, Revision},
    },
};

/// Positions of some events of a stream, as far as they are in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The oldest revision of the stream in memory; all later ones are in memory too.
    pub oldest: Revision,
    /// The requested revisions that are in memory, ascending, and their positions.
    pub events: Vec<(Revision, Position)>,
}

/// Positions of a list in the windows, from a given position on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recent {
    /// These positions, in the requested direction, and no others up to `until`.
    Here {
        positions: Vec<Position>,
        until: Position,
    },
    /// The given position is before the windows. The indexes on disk are complete up to `up_to`, where the windows
    /// begin.
    Stored { up_to: Position },
}

impl State {
    /// Returns the windows, newest first.
    fn windows(&self) -> impl DoubleEndedIterator<Item = &Window> {
        std::iter::once(&self.active).chain(self.sealed.iter().rev().map(Arc::as_ref))
    }

    pub(super) fn last_revision(&self, stream: &str) -> Option<Option<Revision>> {
        match self.runs(stream).next() {
            Some(run) => Some(Some(run.last())),
            None => self.known.get(stream).copied(),
        }
    }

    /// Returns the position after which the windows begin.
    pub(super) fn oldest(&self) -> Position {
        self.sealed.front().map_or(&self.active, Arc::as_ref).after
    }

    /// Whether everything after a position is in the windows.
    fn covers(&self, position: Position) -> bool {
        position >= self.oldest()
    }

    fn runs<'a>(&'a self, stream: &'a str) -> impl DoubleEndedIterator<Item = &'a StreamRun> {
        self.windows()
            .filter_map(move |window| window.streams.get(stream))
    }
}

/// The tail at one moment, for several look-ups. Nothing is added to the tail while this is held, so it must not be
/// held across an await, nor while other methods of the tail are called.
pub(crate) struct Look<'a>(RwLockReadGuard<'a, State>);

impl Look<'_> {
    /// Returns a stream's last revision: `None` if it is not known here, `Some(None)` if the stream is known to have
    /// no events.
    pub(crate) fn last_revision(&self, stream: &StreamName) -> Option<Option<Revision>> {
        self.0.last_revision(stream.as_str())
    }

    /// Returns the append that began with an id after a position, if a window has it. Windows up to that position are
    /// not searched.
    pub(crate) fn request_after(&self, position: Position, first_id: Uuid) -> Option<Request> {
        let windows = self.0.windows().take_while(|window| window.last > position);
        let mut requests = windows.filter_map(|window| window.requests.get(&first_id).copied());
        requests.find(|request| request.first > position)
    }

    /// Whether an event after a position may match a query. False only if the windows show that none does.
    pub(crate) fn may_match(&self, query: &Query, after: Position) -> bool {
        let newer = || self.0.windows().take_while(|window| window.last > after);
        let has_events = |list: &ListName| newer().any(|window| window.list(list).last() > Some(&after));
        !self.is_recent(after) || query.may_match(has_events)
    }

    /// Whether everything after a position is in the windows.
    pub(crate) fn is_recent(&self, position: Position) -> bool {
        self.0.covers(position)
    }

    /// Whether the whole log is in the windows, so that nothing on disk is missing here.
    pub(crate) fn is_all(&self) -> bool {
        self.0.indexed == Position::START
    }
}

impl Tail {
    /// Locks the tail for several look-ups.
    pub(crate) fn look(&self) -> Look<'_> {
        Look(self.state.read())
    }

    /// Returns a stream's last revision; see [`Look::last_revision`].
    pub(crate) fn last_revision(&self, stream: &StreamName) -> Option<Option<Revision>> {
        self.look().last_revision(stream)
    }

    /// Returns the head, and a stream's last revision as of the head if it is known here.
    pub(crate) fn ends(&self, stream: &StreamName) -> Option<(Position, Option<Revision>)> {
        let state = self.state.read();
        Some((state.head.position, state.last_revision(stream.as_str())?))
    }

    /// Returns the head and a stream's last revision like [`Self::ends`], given the last event that was found on disk
    /// after the head was `since`. `None` if the stream may have got events after `since`, or if the event found is
    /// beyond the head known here.
    pub(crate) fn ends_with(
        &self,
        stream: &StreamName,
        since: Position,
        stored: Option<(Revision, Position)>,
    ) -> Option<(Position, Option<Revision>)> {
        let state = self.state.read();
        let head = state.head.position;
        if let Some(last) = state.last_revision(stream.as_str()) {
            return Some((head, last));
        }
        let seen_since = state
            .windows()
            .next_back()
            .is_some_and(|oldest| oldest.after <= since);
        let within = stored.is_none_or(|(_, position)| position <= head);
        (seen_since && within).then_some((head, stored.map(|(last, _)| last)))
    }

    /// Caches the last revisions that were found on disk for streams that no window has. `head` is the position that
    /// the caller knew before the look-up; nothing is cached of streams that may have got events since.
    pub(crate) fn remember(
        &self,
        head: Position,
        found: impl IntoIterator<Item = (StreamName, Option<Revision>)>,
    ) {
        let mut state = self.state.write();
        if !state.covers(head) {
            return;
        }
        if state.known.len() >= KNOWN_STREAMS_MAX {
            // Starts again rather than tracking the order of use: refilling costs one look-up per stream.
            state.known.clear();
        }
        for (stream, last) in found {
            if state.runs(stream.as_str()).next().is_none() {
                state.known.insert(stream, last);
            }
        }
    }

    /// Returns the append that began a stream again after its deletion, with an event of this id, if a window has it.
    pub(crate) fn began_again(&self, stream: &StreamName, first_id: Uuid) -> Option<Request> {
        let key = (stream.clone(), first_id);
        self.state
            .read()
            .windows()
            .find_map(|window| window.began_again.get(&key).copied())
    }

    /// Returns the positions of a stream's events with revisions from `from` to `to`. `None` if no event of the
    /// stream is in memory.
    pub(crate) fn placed(&self, stream: &str, from: Revision, to: Revision) -> Option<Placed> {
        let state = self.state.read();
        let mut placed: Option<Placed> = None;
        for run in state.runs(stream).rev() {
            let placed = placed.get_or_insert_with(|| Placed {
                oldest: run.first,
                events: Vec::new(),
            });
            let skip = from.0.saturating_sub(run.first.0);
            let run_from = run.first.0 + skip;
            if to.0 < run_from {
                continue;
            }
            let count = to.0 - run_from + 1;
            let positions = run.positions.iter().skip(to_len(skip)).take(to_len(count));
            placed
                .events
                .extend((run_from..).map(Revision).zip(positions.copied()));
        }
        placed
    }

    /// Returns the positions of a list's events from `from` on: the first `count_max` of them.
    pub(crate) fn listed(
        &self,
        list: &ListName,
        from: Position,
        direction: Direction,
        count_max: usize,
    ) -> Recent {
        let state = self.state.read();
        let up_to = state
            .windows()
            .next_back()
            .map_or(Position::START, |oldest| oldest.after);
        if from <= up_to {
            return Recent::Stored { up_to };
        }
        let lists = state.windows().map(|window| window.list(list));
        let positions: Vec<Position> = match direction {
            Direction::Forwards => lists
                .rev()
                .flat_map(|list| &list[list.partition_point(|position| *position < from)..])
                .take(count_max)
                .copied()
                .collect(),
            Direction::Backwards => lists
                .flat_map(|list| {
                    list[..list.partition_point(|position| *position <= from)]
                        .iter()
                        .rev()
                })
                .take(count_max)
                .copied()
                .collect(),
        };
        let until = match (positions.last(), direction) {
            (Some(last), _) if positions.len() == count_max => *last,
            (_, Direction::Forwards) => state.active.last,
            (_, Direction::Backwards) => up_to.next(),
        };
        Recent::Here { positions, until }
    }

    /// Returns the revision and the position of a stream's last event in memory.
    pub(crate) fn last_placed(&self, stream: &str) -> Option<(Revision, Position)> {
        let state = self.state.read();
        let run = state.runs(stream).next()?;
        run.positions.last().map(|position| (run.last(), *position))
    }

    /// Returns the start of a stream, if it is in memory.
    pub(crate) fn began(&self, stream: &str) -> Option<NewStream> {
        let state = self.state.read();
        state.runs(stream).find_map(|run| run.began.clone())
    }

    /// Returns streams that began in a window (or began again, after they were deleted) and are `wanted`, whose names
    /// begin with `prefix` and sort after `after`: the first `limit` of them.
    pub(crate) fn new_streams(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> BTreeMap<StreamName, NewStream> {
        let state = self.state.read();
        let mut found = BTreeMap::new();
        for (name, run) in state.windows().flat_map(|window| &window.streams) {
            let Some(new) = &run.began else {
                continue;
            };
            let in_page =
                name.as_str().starts_with(prefix) && after.is_none_or(|after| name.as_str() > after);
            if !in_page || !wanted(name.as_str()) {
                continue;
            }
            // Newest first: the last start of a stream is the one that counts.
            found.entry(name.clone()).or_insert_with(|| new.clone());
            if found.len() > limit {
                found.pop_last();
            }
        }
        found
    }
}

/// Converts to `usize`, saturating: no list in memory is longer.
pub(super) fn to_len(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
