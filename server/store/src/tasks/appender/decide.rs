//! Decides the result of an append from known facts. Pure: no clock, no I/O.
//!
//! **A retry of an acknowledged append returns its first result**, whether or not its events still exist. So an
//! append is compared with earlier ones first, and its expectation is evaluated only if it was not written before:
//!
//! | expected | an earlier append is found | otherwise, written if |
//! |---|---|---|
//! | exactly N | by its revisions: the same ids at N+1… | N is the stream's last revision |
//! | no stream | by its revisions: the same ids where a life of the stream begins | the stream has no events |
//! | any, stream exists | by its first id, among the appends that expected no revision | (the stream has events) |
//!
//! 1. A stream begins a life with its first event, and another one with the first event after each deletion. A stream
//!    that was deleted and not started again has no events.
//! 2. Expired, truncated or deleted events are compared as long as they are stored. When they are removed from
//!    storage, a [`Receipt`] replaces them, for a day after they were recorded.
//! 3. A tombstone refuses appends that would be written or would conflict, but never a retry.
//! 4. The first id of an append without a revision can't be used again: EVENT_ID_CONFLICT if it is known from an
//!    append with other events. An append with a revision is recognised only by its revisions, so its ids may occur
//!    again.
//! 5. An append to many streams is recognised by its first event and the expectation about that event's stream; the
//!    other events are at the positions after it, each in its stream.
//!
//! The decision has two steps, because most appends are decided without reading events: [`places`] returns where an
//! earlier append may be found; [`compare`] and [`compare_receipt`] compare the append with what is found there, and
//! [`otherwise`] decides if nothing is found.

use smallvec::{SmallVec, smallvec};

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

/// The decision about an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Write it.
    Write,
    /// An earlier append with the same ids wrote its events.
    Already(Appended),
    /// Refuse it.
    Reject(Rejection),
}

/// Facts about an append before it is compared with earlier ones.
#[derive(Clone, Debug)]
pub(crate) struct Known<'a> {
    /// The last revision of the first event's stream, whether or not that event still exists.
    pub last: Option<Revision>,
    /// Settings of that stream.
    pub lifecycle: Lifecycle,
    /// The known append with the same first id; looked up only if the append is keyed.
    pub request: Option<Request>,
    /// A stream of the append that has a tombstone.
    pub tombstoned: Option<&'a StreamName>,
    /// Whether there can be receipts, because a stream has settings.
    pub receipts: bool,
}

/// A place where an earlier append with the same ids may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the append's stream from this revision on: as many events as the append has, or fewer if the stream ends.
    /// If the append has events for several streams: in the log, from the event with this revision on.
    Revision(Revision),
    /// At the positions of a known append with the same first id.
    Request(Request),
    /// Among the receipts of the append's stream.
    Receipt,
}

impl Known<'_> {
    /// Returns the stream's last revision as expectations and checks see it.
    fn present(&self) -> Option<Revision> {
        self.lifecycle.present(self.last)
    }
}

/// Returns the places where an earlier append with the same ids may be found, in the order in which to search them.
/// There are none for an append that can only be new.
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
            // The first life. Lives in between have receipts from their beginning.
            let first_life = (begins_at > Revision::FIRST).then_some(Place::Revision(Revision::FIRST));
            [this_life, first_life, receipt]
        }
        (Expected::Exactly(expected), Some(last)) if expected < last => {
            [Some(Place::Revision(expected.next())), receipt, None]
        }
        (Expected::NoStream | Expected::Exactly(_), _) => [None; 3],
    }
}

/// Compares an append with the events at a place; `None` if that decides nothing, and the next place is to be
/// searched.
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
        // If some events are removed, a receipt may identify them.
        Place::Request(request) => standing.len() as u64 >= u64::from(request.events),
        Place::Receipt => has_id && takes_id(append, known),
        Place::Revision(revision) => {
            revision < known.lifecycle.deleted_before && has_id && takes_id(append, known)
        }
    };
    is_taken.then(|| Verdict::Reject(taken(first)))
}

/// Compares an append with the receipt of an append with the same first id, whose events are removed.
pub(crate) fn compare_receipt(append: &Append, known: &Known<'_>, receipt: &Receipt) -> Option<Verdict> {
    if append.is_keyed() && known.request.map(|request| request.first) != Some(receipt.request.first) {
        // Another append to the same stream, with a revision, also began with this id.
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

/// Decides about an append that, as far as is known, was not written before.
pub(crate) fn otherwise(append: &Append, known: &Known<'_>) -> Verdict {
    if let Some(stream) = known.tombstoned {
        return tombstoned(stream);
    }
    let present = known.present();
    match known.request.filter(|_| append.is_keyed()) {
        // The events are removed and no longer known. They must not be written twice.
        Some(request) => Verdict::Reject(removed(append, request.first)),
        None if append.expected.holds(present) => Verdict::Write,
        None => conflict(append, present),
    }
}

/// The decision about a new append to a stream with a tombstone.
fn tombstoned(stream: &StreamName) -> Verdict {
    let stream = stream.clone();
    Verdict::Reject(Rejection::Tombstoned { stream })
}

/// Whether a new append can't be written because its first id is known. With any other expectation it is refused for
/// another reason, or is distinguished by its revisions.
fn takes_id(append: &Append, known: &Known<'_>) -> bool {
    append.is_keyed() || append.expected == Expected::NoStream && known.present().is_none()
}

/// Returns the conflict with an append whose events are removed.
fn removed(append: &Append, position: Position) -> Rejection {
    Rejection::EventIdConflict {
        id: append.events[0].id,
        stream: append.stream().clone(),
        revision: None,
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
        revision: Some(first.revision),
        position: first.position,
    }
}

/// Returns the result of an append that was written as these events.
fn already(append: &Append, first: &StoredEvent, standing: &[StoredEvent]) -> Appended {
    let mut firsts: SmallVec<[_; 1]> = smallvec![first.revision; append.targets.len()];
    let events = append.events.iter().zip(standing);
    for (event, standing) in events.filter(|(event, _)| event.nth == 0) {
        firsts[event.stream as usize] = standing.revision;
    }
    let appended = append.appended(&firsts, first.position, first.recorded_at, true);
    Appended {
        // In one stream, they need not have been written by one append.
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
