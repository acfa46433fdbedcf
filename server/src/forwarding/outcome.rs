//! Converts the results of a pipeline to outcomes of forwarded appends.

use annals_proto::v1::{self as pb, failed_check::Found, pipelined_result};
use annals_store::{
    Append, Appended, Check, FailedCheck, Forwarded, Position, Rejection, Revision, Revisions, StreamName,
    Timestamp,
};
use prost::Message;
use tonic::Code;
use uuid::Uuid;

/// Returns the outcome of an append.
pub(super) fn outcome(result: pb::PipelinedResult, append: &Append) -> Forwarded {
    match result.result {
        Some(pipelined_result::Result::AppendedToStream(answer)) => {
            Forwarded::Answered(Ok(appended(&answer)))
        }
        Some(pipelined_result::Result::AppendedToMany(answer)) => appended_to_many(&answer, append)
            .map_or(Forwarded::Unknown, |appended| Forwarded::Answered(Ok(appended))),
        Some(pipelined_result::Result::Error(status)) => match Code::from(status.code) {
            Code::Aborted => rejection(&status, append).map_or(Forwarded::Unknown, |rejection| {
                Forwarded::Answered(Err(rejection))
            }),
            Code::OutOfRange => beyond_head(&status).map_or(Forwarded::Unknown, |rejection| {
                Forwarded::Answered(Err(rejection))
            }),
            // Otherwise that server does not accept recorded times from clients: nothing was written there.
            Code::FailedPrecondition => out_of_range(&status)
                .or_else(|| tombstoned(&status))
                .map_or(Forwarded::Refused, |rejection| {
                    Forwarded::Answered(Err(rejection))
                }),
            // The append exceeds a limit of that server, or it rejects the request: its store never received the
            // append.
            Code::ResourceExhausted | Code::InvalidArgument => Forwarded::Refused,
            _ => Forwarded::Unknown,
        },
        None => Forwarded::Unknown,
    }
}

fn timestamp(at: prost_types::Timestamp) -> Timestamp {
    let micros = u64::try_from(at.seconds)
        .unwrap_or(0)
        .saturating_mul(1_000_000)
        .saturating_add(u64::try_from(at.nanos).unwrap_or(0) / 1_000);
    Timestamp::from_micros(micros)
}

fn appended(answer: &pb::AppendToStreamResponse) -> Appended {
    Appended {
        first_revision: Revision(answer.first_revision),
        last_revision: Revision(answer.last_revision),
        others: Vec::new(),
        first_position: Position(answer.first_position),
        last_position: Position(answer.last_position),
        recorded_at: timestamp(answer.recorded_at.unwrap_or_default()),
        already_appended: answer.already_appended,
        state_versions: Box::default(),
    }
}

/// `None` if the result names other streams than the append.
fn appended_to_many(answer: &pb::AppendToManyResponse, append: &Append) -> Option<Appended> {
    let told = answer.streams.iter().map(|written| written.stream.as_str());
    if !told.eq(append.streams().map(StreamName::as_str)) {
        return None;
    }
    let mut revisions = answer.streams.iter().map(|written| Revisions {
        first: Revision(written.first_revision),
        last: Revision(written.last_revision),
    });
    let first = revisions.next()?;
    Some(Appended {
        first_revision: first.first,
        last_revision: first.last,
        others: revisions.collect(),
        first_position: Position(answer.first_position),
        last_position: Position(answer.last_position),
        recorded_at: timestamp(answer.recorded_at.unwrap_or_default()),
        already_appended: answer.already_appended,
        state_versions: answer.state_versions.clone().into(),
    })
}

/// The conflict in a status; `None` if this version does not know it.
fn rejection(status: &tonic_types::pb::Status, append: &Append) -> Option<Rejection> {
    if let Some(conflict) = detail::<pb::RevisionConflict>(status, "annals.v1.RevisionConflict") {
        return Some(Rejection::RevisionConflict {
            stream: append.stream().clone(),
            expected: append.expected()?,
            actual: conflict.actual_revision.map(Revision),
        });
    }
    if let Some(told) = detail::<pb::ChecksFailed>(status, "annals.v1.ChecksFailed") {
        return checks_failed(&told, append);
    }
    let conflict = detail::<pb::EventIdConflict>(status, "annals.v1.EventIdConflict")?;
    Some(Rejection::EventIdConflict {
        id: Uuid::try_parse(&conflict.id).ok()?,
        stream: StreamName::new(&conflict.stream).ok()?,
        revision: conflict.revision.map(Revision),
        position: Position(conflict.position),
    })
}

/// The checks of an append that failed. The other server got the append's own expected revision as the first check.
fn checks_failed(told: &pb::ChecksFailed, append: &Append) -> Option<Rejection> {
    let own = append.expected().is_some();
    let failed = told.failed.iter().map(|told| {
        if let Some(Found::State(found)) = &told.found {
            return state_conflict(told.index as usize, found, append);
        }
        let index = (told.index as usize).checked_sub(usize::from(own));
        let check = index.map(|index| append.checks().get(index));
        Some(match (told.found.as_ref()?, index, check) {
            (Found::Match(found), Some(index), Some(Some(Check::NoMatch { after, .. }))) => {
                FailedCheck::Match {
                    index,
                    after: *after,
                    position: Position(found.position),
                }
            }
            (Found::Stream(found), index, Some(Some(Check::Stream { stream, expected }))) => {
                FailedCheck::Stream {
                    index,
                    stream: stream.clone(),
                    expected: *expected,
                    actual: found.actual_revision.map(Revision),
                }
            }
            (Found::Stream(found), None, None) => FailedCheck::Stream {
                index: None,
                stream: append.stream().clone(),
                expected: append.expected()?,
                actual: found.actual_revision.map(Revision),
            },
            _ => return None,
        })
    });
    let failed = failed.collect::<Option<Vec<_>>>()?;
    let unlisted = (told.count as usize).checked_sub(failed.len())?;
    Some(Rejection::ChecksFailed { failed, unlisted })
}

/// A failed check of state; `None` if the append has no such check.
fn state_conflict(index: usize, found: &pb::StateConflict, append: &Append) -> Option<FailedCheck> {
    let check = append.state()?.checks().get(index)?;
    Some(FailedCheck::State {
        index,
        entry: check.entry.clone(),
        expected: check.expected,
        actual: found.actual_version,
    })
}

/// The rejection of a check that begins after the head.
fn beyond_head(status: &tonic_types::pb::Status) -> Option<Rejection> {
    let told = detail::<pb::PositionBeyondHead>(status, "annals.v1.PositionBeyondHead")?;
    Some(Rejection::CheckBeyondHead {
        after: Position(told.position),
        head: Position(told.head),
    })
}

/// The rejection of a recorded time that is out of range.
fn out_of_range(status: &tonic_types::pb::Status) -> Option<Rejection> {
    let told = detail::<pb::RecordedTimeOutOfRange>(status, "annals.v1.RecordedTimeOutOfRange")?;
    Some(Rejection::RecordedTimeOutOfRange {
        recorded_at: timestamp(told.recorded_at?),
        earliest: told.earliest.map(timestamp),
        latest: timestamp(told.latest?),
    })
}

/// The rejection of an append to a permanently deleted stream.
fn tombstoned(status: &tonic_types::pb::Status) -> Option<Rejection> {
    let told = detail::<pb::StreamTombstoned>(status, "annals.v1.StreamTombstoned")?;
    let stream = StreamName::new(&told.stream).ok()?;
    Some(Rejection::Tombstoned { stream })
}

fn detail<M: Message + Default>(status: &tonic_types::pb::Status, name: &str) -> Option<M> {
    let any = status
        .details
        .iter()
        .find(|any| any.type_url.rsplit('/').next() == Some(name))?;
    M::decode(&*any.value).ok()
}
