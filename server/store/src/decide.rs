//! What an append does, decided from what is known. Pure: no clock, no I/O.
//!
//! | expected | new write when | otherwise |
//! |---|---|---|
//! | exactly N = current | always | |
//! | exactly N < current | never | the same ids stand at N+1…: the first result; else conflict |
//! | exactly N > current | never | conflict |
//! | no stream | the stream has no events | the same ids stand at 0…: the first result; else conflict |
//! | any, stream exists | the first id is unknown (and the stream exists) | the same ids were written by one earlier append: its result; else conflict |
//! | whatever, with a tombstone | never | refused |
//!
//! A stream that was deleted and not begun again has no events. One that was begun again begins there: `no stream` finds
//! the same ids at that revision. The append that had begun what was deleted may come late, from a client or a server that
//! waited for its answer; it must not bring back what is gone, and is refused as long as its events are stored.
//!
//! An append to many streams goes by its first event: what is expected of that event's stream is looked at, and the others
//! stand at the positions behind it, each in its stream.
//!
//! It takes two steps, because most appends are decided without reading events: [`ask`] says what to do or which events
//! must be compared, and [`compare`] compares them.

use uuid::Uuid;

use crate::{
    append::{Append, Appended, Expected},
    lifecycle::Lifecycle,
    name::StreamName,
    position::{Position, Revision, Timestamp},
    rejection::Rejection,
    tail::Request,
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

/// What is to be done, or must be known first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Nothing more.
    Decided(Verdict),
    /// Which events stand in the append's stream from this revision on: as many as the append has, or fewer if the
    /// stream ends. If it has events for more than one stream, which stand in the log from the one with this revision
    /// on.
    Revisions(Revision),
    /// The same of what was deleted, from where it had begun.
    Deleted(Revision),
    /// Which events an earlier append wrote that began with the same id.
    Request(Request),
}

/// An event that stands in the log, as far as comparing needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub id: Uuid,
    pub stream: StreamName,
    pub revision: Revision,
    pub position: Position,
    pub recorded_at: Timestamp,
}

/// The first step. `last`: the last revision of the first event's stream, and what is set for that stream. `request`: the
/// remembered append that began with the same id,
/// looked up only if the append is keyed.
pub(crate) fn ask(
    append: &Append,
    last: Option<Revision>,
    lifecycle: &Lifecycle,
    request: Option<Request>,
) -> Question {
    if lifecycle.tombstoned {
        return Question::Decided(tombstoned(append.stream()));
    }
    let stored = last;
    let last = lifecycle.present(stored);
    match (append.expected, last) {
        (Expected::NoStream, None) if stored.is_some() => Question::Deleted(lifecycle.deleted_from),
        (Expected::Any | Expected::StreamExists, _) if request.is_some() => {
            request.map_or(Question::Decided(Verdict::Write), Question::Request)
        }
        (Expected::StreamExists, None) => Question::Decided(conflict(append, last)),
        (Expected::Any, _) | (Expected::StreamExists, Some(_)) | (Expected::NoStream, None) => {
            Question::Decided(Verdict::Write)
        }
        (Expected::NoStream, Some(_)) => Question::Revisions(lifecycle.deleted_before),
        (Expected::Exactly(expected), Some(current)) if expected == current => {
            Question::Decided(Verdict::Write)
        }
        (Expected::Exactly(expected), Some(current))
            if expected < current && expected.next() >= lifecycle.deleted_before =>
        {
            Question::Revisions(expected.next())
        }
        (Expected::Exactly(_), _) => Question::Decided(conflict(append, last)),
    }
}

/// What is told of an append to a stream that was deleted for ever.
pub(crate) fn tombstoned(stream: &StreamName) -> Verdict {
    let stream = stream.clone();
    Verdict::Reject(Rejection::Tombstoned { stream })
}

/// The second step: the answer to [`Question::Revisions`] or [`Question::Request`]. `last`: the stream's last revision as
/// it is present.
pub(crate) fn compare(append: &Append, last: Option<Revision>, standing: &[Standing]) -> Verdict {
    match (standing, is_same(append, standing)) {
        ([first, ..], true) => Verdict::Already(already(append, first, standing)),
        ([first, ..], false) if append.is_keyed() => Verdict::Reject(taken(first)),
        _ => conflict(append, last),
    }
}

/// The second step for [`Question::Deleted`].
pub(crate) fn compare_deleted(append: &Append, standing: &[Standing]) -> Verdict {
    match standing {
        [first, ..] if is_same(append, standing) => Verdict::Reject(taken(first)),
        _ => Verdict::Write,
    }
}

/// What is told of an append that is remembered although its events are gone: it is not written again.
pub(crate) fn all_gone(append: &Append, request: Request) -> Verdict {
    Verdict::Reject(Rejection::EventIdConflict {
        id: append.events[0].id,
        stream: append.stream().clone(),
        revision: Revision::FIRST,
        position: request.first,
    })
}

/// Whether these are the events of the append.
fn is_same(append: &Append, standing: &[Standing]) -> bool {
    standing.len() == append.len()
        && standing
            .iter()
            .zip(&append.events)
            .all(|(standing, event)| standing.id == event.id && standing.stream == *append.stream_of(event))
}

fn taken(first: &Standing) -> Rejection {
    Rejection::EventIdConflict {
        id: first.id,
        stream: first.stream.clone(),
        revision: first.revision,
        position: first.position,
    }
}

/// What is told of an append whose events these are.
fn already(append: &Append, first: &Standing, standing: &[Standing]) -> Appended {
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
