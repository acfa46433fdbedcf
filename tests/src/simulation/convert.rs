//! Converts between the store's types and the checker's.

use annals_store as store;
use annals_store::{Batch, Error, Query, QueryItem, Record, Rejection};

use super::state;
use crate::checker::{
    AppendAnswer, Check, Expected, FailedCheck, Filter, FilterItem, Found, Notice, Observed, Placed, Refusal,
    Sent, digest, state::StateAnswer,
};

impl From<&Record> for Observed {
    fn from(record: &Record) -> Self {
        Self {
            position: record.position.0,
            stream: record.stream.clone(),
            revision: record.revision.0,
            id: record.id,
            kind: record.kind.clone(),
            tags: record.tags.clone(),
            digest: digest(&record.data, &record.metadata),
            recorded_at: record.recorded_at.micros,
        }
    }
}

impl From<&store::NewEvent> for Sent {
    fn from(event: &store::NewEvent) -> Self {
        Self {
            id: event.id,
            kind: event.kind.to_string(),
            tags: event.tags.iter().map(ToString::to_string).collect(),
            digest: digest(&event.data, &event.metadata),
        }
    }
}

impl From<store::Expected> for Expected {
    fn from(expected: store::Expected) -> Self {
        match expected {
            store::Expected::Any => Self::Any,
            store::Expected::NoStream => Self::NoStream,
            store::Expected::StreamExists => Self::StreamExists,
            store::Expected::Exactly(revision) => Self::Exactly(revision.0),
        }
    }
}

/// The meaning of a store's response to an append. After any internal error the append may have been written.
pub(super) fn append_answer(result: &store::Result<store::Appended>) -> AppendAnswer {
    match result {
        Ok(appended) => AppendAnswer::Acknowledged(Placed {
            first_revision: appended.first_revision.0,
            last_revision: appended.last_revision.0,
            others: appended
                .others
                .iter()
                .map(|revisions| (revisions.first.0, revisions.last.0))
                .collect(),
            first_position: appended.first_position.0,
            last_position: appended.last_position.0,
            recorded_at: appended.recorded_at.micros,
            already_appended: appended.already_appended,
        }),
        Err(Error::Rejected(Rejection::RevisionConflict { actual, .. })) => {
            AppendAnswer::Rejected(Refusal::Revision {
                actual: actual.map(|revision| revision.0),
            })
        }
        Err(Error::Rejected(Rejection::EventIdConflict {
            stream,
            revision,
            position,
            ..
        })) => AppendAnswer::Rejected(Refusal::Id {
            stream: stream.to_string(),
            revision: revision.map(|revision| revision.0),
            position: position.0,
        }),
        Err(Error::Rejected(Rejection::ChecksFailed { failed, .. })) => {
            AppendAnswer::Rejected(Refusal::Checks(failed.iter().filter_map(failed_check).collect()))
        }
        Err(Error::Rejected(Rejection::CheckBeyondHead { after, head })) => {
            AppendAnswer::Rejected(Refusal::BeyondHead {
                after: after.0,
                head: head.0,
            })
        }
        Err(Error::Overloaded(_)) => AppendAnswer::Refused,
        Err(_) => AppendAnswer::Unknown,
    }
}

/// The meaning of a store's response to an append for its changes and checks of state.
pub(super) fn append_state_answer(result: &store::Result<store::Appended>) -> StateAnswer {
    match result {
        Ok(appended) => StateAnswer::Written {
            versions: appended.state_versions.to_vec(),
            changed_at: None,
            already_written: appended.already_appended,
        },
        Err(Error::Rejected(Rejection::ChecksFailed { failed, .. })) => {
            StateAnswer::Failed(state::failed(failed))
        }
        Err(Error::Rejected(_) | Error::Overloaded(_)) => StateAnswer::Refused,
        Err(_) => StateAnswer::Unknown,
    }
}

/// A failed check of the log.
fn failed_check(failed: &store::FailedCheck) -> Option<FailedCheck> {
    match failed {
        store::FailedCheck::Stream { index, actual, .. } => Some(FailedCheck {
            // A check without an index belongs to no append that is made here.
            index: index.unwrap_or(usize::MAX),
            found: Found::Last(actual.map(|revision| revision.0)),
        }),
        store::FailedCheck::Match { index, position, .. } => Some(FailedCheck {
            index: *index,
            found: Found::Match(position.0),
        }),
        store::FailedCheck::State { .. } => None,
    }
}

impl From<&Check> for store::Check {
    fn from(check: &Check) -> Self {
        match check {
            Check::Stream { stream, expected } => Self::Stream {
                stream: store::StreamName::new(stream).expect("streams here have plain names"),
                expected: (*expected).into(),
            },
            Check::NoMatch { filter, after } => Self::NoMatch {
                query: filter.into(),
                after: store::Position(*after),
            },
        }
    }
}

impl From<Expected> for store::Expected {
    fn from(expected: Expected) -> Self {
        match expected {
            Expected::Any => Self::Any,
            Expected::NoStream => Self::NoStream,
            Expected::StreamExists => Self::StreamExists,
            Expected::Exactly(revision) => Self::Exactly(store::Revision(revision)),
        }
    }
}

pub(super) fn events(batch: &Batch) -> store::Result<Vec<Observed>> {
    let records = batch.records()?;
    let bytes: usize = batch.chunks.iter().map(bytes::Bytes::len).sum();
    if records.len() != batch.events || bytes != batch.bytes {
        return Err(Error::Internal(format!(
            "a batch of {} events and {} bytes claims to have {} and {}",
            records.len(),
            bytes,
            batch.events,
            batch.bytes
        )));
    }
    Ok(records.iter().map(Observed::from).collect())
}

/// Returns the notice, and the revision that it reports.
pub(super) fn notice(notice: &store::Notice) -> store::Result<(Notice, Option<u64>)> {
    let (notice, revision) = match notice {
        store::Notice::Events(batch) => (Notice::Events(events(batch)?), None),
        store::Notice::CaughtUp { position, revision } => (Notice::CaughtUp(position.0), *revision),
        store::Notice::FellBehind {
            position,
            head,
            revision,
        } => (Notice::FellBehind(position.0, head.0), *revision),
        store::Notice::Checkpoint { position, revision } => (Notice::Checkpoint(position.0), *revision),
    };
    Ok((notice, revision.map(|revision| revision.0)))
}

impl From<&Filter> for Query {
    fn from(filter: &Filter) -> Self {
        Self {
            items: filter.items.iter().map(QueryItem::from).collect(),
        }
    }
}

impl From<&FilterItem> for QueryItem {
    fn from(item: &FilterItem) -> Self {
        Self {
            types: item.types.clone(),
            type_prefixes: item.type_prefixes.clone(),
            streams: item.streams.clone(),
            stream_prefixes: item.stream_prefixes.clone(),
            tags: item.tags.clone(),
        }
    }
}
