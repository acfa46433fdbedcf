//! What an append does, decided from what is known. Pure: no clock, no I/O.
//!
//! **A retry of an acknowledged append returns its first result**, whether or not its events still exist. So an append is
//! compared with earlier ones first, and only one that was not written before is judged by what it expects:
//!
//! | expected | an earlier append is found | otherwise, written if |
//! |---|---|---|
//! | exactly N | by its place: the same ids at N+1… | N is the stream's last revision |
//! | no stream | by its place: the same ids where a life of the stream begins | the stream has no events |
//! | any, stream exists | by its first id, among the appends that expected no revision | (the stream has events) |
//!
//! 1. A stream begins a life with its first event, and another one with the first event after each deletion. A stream
//!    that was deleted and not begun again has no events.
//! 2. Events that are expired, truncated or deleted are compared as long as they are stored. When they are removed from
//!    storage, a [`Receipt`] takes their place, for a day after they were recorded.
//! 3. A tombstone refuses what would be written or would conflict, never a retry.
//! 4. The first id of an append without a revision is not used again: EVENT_ID_CONFLICT if it is known from an append with
//!    other events. An append with a revision is told from others by its place alone, so its ids may occur again.
//! 5. An append to many streams goes by its first event and what is expected of that event's stream; the other events
//!    are at the positions after it, each in its stream.
//!
//! It takes two steps, because most appends are decided without reading events: [`places`] says where an earlier append
//! may be found, [`compare`] and [`compare_receipt`] compare what is found there, and [`otherwise`] decides if nothing is.

use crate::{
    index::Request,
    lifecycle::Lifecycle,
    model::{
        append::{Append, Appended},
        rejection::Rejection,
        stored_event::StoredEvent,
    },
    tasks::receipt::Receipt,
    values::{
        expected::Expected,
        name::StreamName,
        position::{Position, Revision},
    },
};

/// What is to be done with an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Write it.
    Write,
    /// An earlier append with the same ids wrote it.
    Already(Appended),
    /// Refuse it.
    Reject(Rejection),
}

/// What is known of an append before it is compared with others.
#[derive(Clone, Debug)]
pub(crate) struct Known<'a> {
    /// The last revision of the first event's stream, whether or not that event still exists.
    pub last: Option<Revision>,
    /// What is set for that stream.
    pub lifecycle: Lifecycle,
    /// The remembered append that began with the same id, looked up only if the append is keyed.
    pub request: Option<Request>,
    /// A stream of the append that has a tombstone.
    pub tombstoned: Option<&'a StreamName>,
    /// Whether there can be receipts: something is set for a stream.
    pub receipts: bool,
}

/// Where an earlier append with the same ids may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the append's stream from this revision on: as many events as the append has, or fewer if the stream ends. If it
    /// has events for more than one stream, in the log from the event with this revision on.
    Revision(Revision),
    /// Where a remembered append with the same first id was written.
    Request(Request),
    /// Among the receipts of the append's stream.
    Receipt,
}

impl Known<'_> {
    /// The stream's last revision for callers that expect or check something.
    fn present(&self) -> Option<Revision> {
        self.lifecycle.present(self.last)
    }
}

/// Where an earlier append with the same ids may be found, in the order in which to look. None for an append that can
/// only be new.
pub(crate) fn places(append: &Append, known: &Known<'_>) -> [Option<Place>; 3] {
    let receipt = known.receipts.then_some(Place::Receipt);
    let begins_at = known.lifecycle.deleted_before;
    match (append.expected, known.last) {
        (Expected::Any | Expected::StreamExists, _) => match known.request {
            Some(request) => [Some(Place::Request(request)), receipt, None],
            None => [None; 3],
        },
        (Expected::NoStream, Some(last)) => {
            let this_life = (last >= begins_at).then_some(Place::Revision(begins_at));
            // The first life; those between have receipts from the beginning.
            let first_life = (begins_at > Revision::FIRST).then_some(Place::Revision(Revision::FIRST));
            [this_life, first_life, receipt]
        }
        (Expected::Exactly(expected), Some(last)) if expected < last => {
            [Some(Place::Revision(expected.next())), receipt, None]
        }
        (Expected::NoStream | Expected::Exactly(_), _) => [None; 3],
    }
}

/// What follows from the events at a place; `None`: nothing, look at the next one.
pub(crate) fn compare(
    append: &Append,
    known: &Known<'_>,
    place: Place,
    standing: &[StoredEvent],
) -> Option<Verdict> {
    let first = standing.first()?;
    let begins_there = match place {
        Place::Revision(revision) => first.revision == revision,
        Place::Request(_) | Place::Receipt => true,
    };
    if begins_there && is_same(append, standing) {
        return Some(Verdict::Already(already(append, first, standing)));
    }
    let has_id = begins_there && first.id == append.events[0].id;
    let is_taken = match place {
        // If some are removed, a receipt may tell what they were.
        Place::Request(request) => standing.len() as u64 >= u64::from(request.events),
        Place::Receipt => has_id && takes_id(append, known),
        Place::Revision(revision) => {
            revision < known.lifecycle.deleted_before && has_id && takes_id(append, known)
        }
    };
    is_taken.then(|| Verdict::Reject(taken(first)))
}

/// What follows from the receipt of an append that began with the same id, whose events are removed.
pub(crate) fn compare_receipt(append: &Append, known: &Known<'_>, receipt: &Receipt) -> Option<Verdict> {
    if append.is_keyed() && known.request.map(|request| request.first) != Some(receipt.request.first) {
        // Another append of the same stream, with a revision, began with this id too.
        return None;
    }
    if let Some(appended) = receipt.appended(append) {
        let is_at_place = match append.expected {
            Expected::Exactly(expected) => appended.first_revision == expected.next(),
            Expected::NoStream | Expected::Any | Expected::StreamExists => true,
        };
        if is_at_place {
            return Some(Verdict::Already(appended));
        }
    }
    takes_id(append, known).then(|| Verdict::Reject(removed(append, receipt.request.first)))
}

/// What is done with an append that was not written before, as far as is known.
pub(crate) fn otherwise(append: &Append, known: &Known<'_>) -> Verdict {
    if let Some(stream) = known.tombstoned {
        return tombstoned(stream);
    }
    let present = known.present();
    match known.request.filter(|_| append.is_keyed()) {
        // Its events are removed, and what they were is no longer known. It must not be written twice.
        Some(request) => Verdict::Reject(removed(append, request.first)),
        None if append.expected.holds(present) => Verdict::Write,
        None => conflict(append, present),
    }
}

/// The answer to a new append to a stream with a tombstone.
fn tombstoned(stream: &StreamName) -> Verdict {
    let stream = stream.clone();
    Verdict::Reject(Rejection::Tombstoned { stream })
}

/// Whether an append that is new can't be written because its first id is known: with any other expectation it is refused
/// for another reason, or its place tells it apart.
fn takes_id(append: &Append, known: &Known<'_>) -> bool {
    append.is_keyed() || append.expected == Expected::NoStream && known.present().is_none()
}

/// The conflict with an append whose events are removed.
fn removed(append: &Append, position: Position) -> Rejection {
    Rejection::EventIdConflict {
        id: append.events[0].id,
        stream: append.stream().clone(),
        revision: Revision::FIRST,
        position,
    }
}

/// Whether these are the events of the append.
fn is_same(append: &Append, standing: &[StoredEvent]) -> bool {
    standing.len() == append.len()
        && standing
            .iter()
            .zip(&append.events)
            .all(|(standing, event)| standing.id == event.id && standing.stream == *append.stream_of(event))
}

fn taken(first: &StoredEvent) -> Rejection {
    Rejection::EventIdConflict {
        id: first.id,
        stream: first.stream.clone(),
        revision: first.revision,
        position: first.position,
    }
}

/// The result of an append whose events these are.
fn already(append: &Append, first: &StoredEvent, standing: &[StoredEvent]) -> Appended {
    let mut firsts = append.targets.map(|_, _| first.revision);
    let events = append.events.iter().zip(standing);
    for (event, standing) in events.filter(|(event, _)| event.nth == 0) {
        firsts[event.stream as usize] = standing.revision;
    }
    let appended = append.appended(&firsts, first.position, first.recorded_at, true);
    Appended {
        // To one stream, they need not have been written by one append.
        last_position: standing.last().map_or(first.position, |event| event.position),
        ..appended
    }
}

fn conflict(append: &Append, actual: Option<Revision>) -> Verdict {
    Verdict::Reject(Rejection::RevisionConflict {
        stream: append.stream().clone(),
        expected: append.expected,
        actual,
    })
}

#[cfg(test)]
mod tests;
