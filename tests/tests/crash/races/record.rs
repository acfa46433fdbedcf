//! Appends as messages, and their form for the checker, with that of their responses.

use annals_client::RecordedEvent;
use annals_proto::v1 as pb;
use annals_tests::{
    checker::{
        Check, Expected, Filter, FilterItem, Sent,
        conditions::{Answer, Append, ChecksFailed, FailedCheck, Found, Write, Written},
        digest,
    },
    harness::{Refusal, observed},
};
use pb::{
    check::Check as Kind, expected_revision::Expected as Wanted, failed_check::Found as Told,
    pipelined_append::Append as Request, pipelined_result::Result as Outcome,
};
use tonic::Status;

/// The checker's form of an append.
pub fn described(append: &pb::PipelinedAppend) -> Append {
    match append.append.as_ref().unwrap() {
        Request::AppendToStream(append) => Append {
            writes: vec![Write {
                stream: append.stream.clone(),
                events: append.events.iter().map(sent).collect(),
            }],
            checks: append
                .expected
                .as_ref()
                .map(|expected| Check::Stream {
                    stream: append.stream.clone(),
                    expected: wanted(expected),
                })
                .into_iter()
                .collect(),
        },
        Request::AppendToMany(append) => Append {
            writes: append
                .writes
                .iter()
                .map(|write| Write {
                    stream: write.stream.clone(),
                    events: write.events.iter().map(sent).collect(),
                })
                .collect(),
            checks: append.checks.iter().map(check).collect(),
        },
    }
}

fn sent(event: &pb::NewEvent) -> Sent {
    Sent {
        id: event.id.parse().unwrap(),
        kind: event.r#type.clone(),
        tags: event.tags.clone(),
        digest: digest(&event.data, &event.metadata),
    }
}

fn check(check: &pb::Check) -> Check {
    match check.check.as_ref().unwrap() {
        Kind::Stream(check) => Check::Stream {
            stream: check.stream.clone(),
            expected: wanted(check.expected.as_ref().unwrap()),
        },
        Kind::NoMatch(check) => Check::NoMatch {
            filter: filter(check.query.as_ref().unwrap()),
            after: check.after,
        },
    }
}

fn wanted(expected: &pb::ExpectedRevision) -> Expected {
    match expected.expected.as_ref().unwrap() {
        Wanted::Revision(revision) => Expected::Exactly(*revision),
        Wanted::NoStream(()) => Expected::NoStream,
        Wanted::StreamExists(()) => Expected::StreamExists,
        Wanted::Any(()) => Expected::Any,
    }
}

pub fn filter(query: &pb::Query) -> Filter {
    let items = query.items.iter().map(|item| FilterItem {
        types: item.types.clone(),
        type_prefixes: item.type_prefixes.clone(),
        streams: item.streams.clone(),
        stream_prefixes: item.stream_prefixes.clone(),
        tags: item.tags.clone(),
    });
    Filter {
        items: items.collect(),
    }
}

/// The response to a single call.
pub fn answered(append: &pb::PipelinedAppend, result: Result<Outcome, Status>) -> Answer {
    match result {
        Ok(outcome) => of_outcome(append, outcome),
        // Not from a server: the connection broke, or no response came in time.
        Err(status) if status.details().is_empty() => Answer::Unknown,
        Err(status) => refused(append, &Refusal::of_status(&status)),
    }
}

/// The response to an append of a pipeline.
pub fn of_outcome(append: &pb::PipelinedAppend, outcome: Outcome) -> Answer {
    match (outcome, append.append.as_ref().unwrap()) {
        (Outcome::AppendedToStream(told), Request::AppendToStream(append)) => Answer::Written(Written {
            first_position: told.first_position,
            last_position: told.last_position,
            recorded_at: micros(told.recorded_at),
            already_appended: told.already_appended,
            streams: vec![(append.stream.clone(), told.first_revision, told.last_revision)],
        }),
        (Outcome::AppendedToMany(told), Request::AppendToMany(_)) => Answer::Written(Written {
            first_position: told.first_position,
            last_position: told.last_position,
            recorded_at: micros(told.recorded_at),
            already_appended: told.already_appended,
            streams: told
                .streams
                .into_iter()
                .map(|stream| (stream.stream, stream.first_revision, stream.last_revision))
                .collect(),
        }),
        (Outcome::Error(status), _) => refused(append, &Refusal::of_rpc(status)),
        (outcome, append) => panic!("{append:?} got {outcome:?}"),
    }
}

fn micros(time: Option<prost_types::Timestamp>) -> u64 {
    let time = time.unwrap();
    u64::try_from(time.seconds * 1_000_000 + i64::from(time.nanos / 1_000)).unwrap()
}

fn refused(append: &pb::PipelinedAppend, refusal: &Refusal) -> Answer {
    match refusal.reason.as_str() {
        "REVISION_CONFLICT" => {
            let conflict: pb::RevisionConflict = refusal.detail("annals.v1.RevisionConflict");
            let Some(Request::AppendToStream(append)) = &append.append else {
                panic!("{append:?} was refused with {refusal:?}");
            };
            assert_echoed(append.expected.as_ref().unwrap(), &conflict);
            Answer::ChecksFailed(ChecksFailed {
                failed: vec![FailedCheck {
                    index: 0,
                    found: at(&conflict),
                }],
                count: 1,
            })
        }
        "CHECKS_FAILED" => checks_failed(append, &refusal.detail("annals.v1.ChecksFailed")),
        "POSITION_BEYOND_HEAD" => {
            let beyond: pb::PositionBeyondHead = refusal.detail("annals.v1.PositionBeyondHead");
            Answer::BeyondHead {
                after: beyond.position,
                head: beyond.head,
            }
        }
        "EVENT_ID_CONFLICT" => {
            let conflict: pb::EventIdConflict = refusal.detail("annals.v1.EventIdConflict");
            Answer::IdConflict {
                stream: conflict.stream,
                revision: conflict.revision,
                position: conflict.position,
            }
        }
        "SHUTTING_DOWN" | "OVERLOADED" | "ENGINE_UNAVAILABLE" | "STORAGE_FAILED" => Answer::Unknown,
        _ => panic!("{append:?} was refused with {refusal:?}"),
    }
}

fn checks_failed(append: &pb::PipelinedAppend, told: &pb::ChecksFailed) -> Answer {
    let Some(Request::AppendToMany(append)) = &append.append else {
        panic!("{append:?} was refused with {told:?}");
    };
    let failed = told.failed.iter().map(|failed| {
        let index = failed.index as usize;
        let found = match failed.found.as_ref().unwrap() {
            Told::Match(found) => Found::Match {
                after: found.after,
                position: found.position,
            },
            Told::Stream(conflict) => {
                if let Some(Kind::Stream(check)) =
                    append.checks.get(index).and_then(|check| check.check.as_ref())
                {
                    assert_echoed(check.expected.as_ref().unwrap(), conflict);
                }
                at(conflict)
            }
            Told::State(conflict) => {
                panic!("{append:?} has no checks of state, and was refused with {conflict:?}")
            }
        };
        FailedCheck { index, found }
    });
    Answer::ChecksFailed(ChecksFailed {
        failed: failed.collect(),
        count: told.count,
    })
}

fn at(conflict: &pb::RevisionConflict) -> Found {
    Found::Stream {
        stream: conflict.stream.clone(),
        actual: conflict.actual_revision,
    }
}

/// Asserts that a conflict repeats the expectation.
fn assert_echoed(expected: &pb::ExpectedRevision, conflict: &pb::RevisionConflict) {
    assert_eq!(Some(expected), conflict.expected.as_ref(), "{conflict:?}");
}

/// An event that a read returned.
pub fn seen(event: pb::RecordedEvent) -> annals_tests::checker::Observed {
    observed(&RecordedEvent::try_from(event).expect("a recorded event is whole"))
}
