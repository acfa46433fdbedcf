//! Sends the requests of a race, and records them and their responses. Nothing is retried here, so that the checker
//! sees each call.

use std::time::Duration;

use annals_proto::v1 as pb;
use annals_tests::{
    checker::{
        AppendAnswer, CallId, Check, Expected, FailedCheck, Found, Placed, Refusal as Rejection, Sent,
        digest,
        state::{FailedStateCheck, StateAnswer, StateEntry, StatePage, StateRead},
    },
    harness::{Refusal, Server, Stub},
};
use pb::{
    check::Check as Kind, expected_revision::Expected as Wanted, failed_check::Found as Told,
    state_change::Change, state_check::Expected as WantedState, state_service_client::StateServiceClient,
};
use tonic::{Status, transport::Channel};

use super::{
    draw::{Append, Request},
    race::Table,
};

/// How long a client waits for a response before it counts as lost.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(3);

/// Connections to a server.
#[derive(Clone, Debug)]
pub struct Stubs {
    pub log: Stub,
    pub state: StateServiceClient<Channel>,
}

impl Stubs {
    pub fn of(server: &Server) -> Self {
        Self {
            log: server.stub(),
            state: StateServiceClient::new(server.channel()),
        }
    }
}

/// A request that was recorded: of an append, both of its parts.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    append: Option<CallId>,
    write: CallId,
}

/// Records a request before it is sent.
pub fn ask(table: &Table, request: &Request) -> Asked {
    let mut history = table.history.lock();
    let (changes, checks) = (request.changes.clone(), request.checks.clone());
    match &request.append {
        Some(append) => {
            let events = append.events.iter();
            let events = events.map(|(stream, event)| (stream.clone(), sent(event)));
            let call = history.append_to_many(events.collect(), append.checks.clone());
            Asked {
                append: Some(call),
                write: history.state_of_append(call, changes, checks),
            }
        }
        None => Asked {
            append: None,
            write: history.state_write(request.id, changes, checks),
        },
    }
}

/// Sends a request and returns the response, for the log and for state.
pub async fn send(stubs: &mut Stubs, request: &Request) -> (Option<AppendAnswer>, StateAnswer) {
    let changes = request.changes.iter().map(|change| pb::StateChange {
        scope: change.scope.clone(),
        key: change.key.clone(),
        change: Some(match &change.value {
            Some(value) => Change::Put(value.clone().into()),
            None => Change::Delete(()),
        }),
    });
    let checks = request.checks.iter().map(|check| pb::StateCheck {
        scope: check.scope.clone(),
        key: check.key.clone(),
        expected: Some(match check.expected {
            Some(version) => WantedState::Version(version),
            None => WantedState::Absent(()),
        }),
    });
    let (state_changes, state_checks) = (changes.collect(), checks.collect());
    let Some(append) = &request.append else {
        let write = pb::WriteStateRequest {
            id: request.id.to_string(),
            changes: state_changes,
            checks: state_checks,
        };
        let told = within_patience(stubs.state.write_state(write)).await;
        return (None, written(request, told));
    };
    let append = pb::AppendToManyRequest {
        writes: writes(append),
        checks: append.checks.iter().map(check).collect(),
        state_changes,
        state_checks,
        ..pb::AppendToManyRequest::default()
    };
    let told = within_patience(stubs.log.append_to_many(append)).await;
    let (log, state) = appended(request, told);
    (Some(log), state)
}

/// Records a response, and what it says about entries and streams.
pub fn answer(table: &Table, request: &Request, asked: Asked, answers: (Option<AppendAnswer>, StateAnswer)) {
    let (log, state) = answers;
    let mut known = table.known.lock();
    if let (Some(AppendAnswer::Acknowledged(placed)), Some(append)) = (&log, &request.append) {
        known.learn_revision(&append.events[0].0, placed.last_revision);
    }
    known.learn(request, &state);
    let mut history = table.history.lock();
    if let (Some(call), Some(answer)) = (asked.append, log) {
        history.append_answered(call, answer);
    }
    history.state_write_answered(asked.write, state);
}

/// Reads, and records the read. `None`: the response was lost.
pub async fn read(table: &Table, stubs: &mut Stubs, request: StateRead) -> Option<StatePage> {
    let call = table.history.lock().state_read(request.clone());
    let (scope, page) = match request {
        StateRead::Get { scope, key } => {
            let get = pb::GetStateRequest {
                scope: scope.clone(),
                key,
            };
            let told = within_patience(stubs.state.get_state(get)).await.ok()?;
            let page = StatePage {
                entries: told.entry.into_iter().map(entry).collect(),
                has_more: false,
                version: told.scope_version,
            };
            (scope, page)
        }
        StateRead::List {
            scope,
            prefix,
            after,
            limit,
        } => {
            let list = pb::ListStateRequest {
                scope: scope.clone(),
                key_prefix: prefix,
                after_key: after.unwrap_or_default(),
                page_size: Some(u32::try_from(limit).unwrap()),
            };
            let told = within_patience(stubs.state.list_state(list)).await.ok()?;
            let page = StatePage {
                entries: told.entries.into_iter().map(entry).collect(),
                has_more: told.has_more,
                version: told.scope_version,
            };
            (scope, page)
        }
    };
    let mut known = table.known.lock();
    page.entries
        .iter()
        .for_each(|entry| known.learn_entry(&scope, entry));
    table.history.lock().state_read_answered(call, page.clone());
    Some(page)
}

pub fn entry(entry: pb::StateEntry) -> StateEntry {
    StateEntry {
        key: entry.key,
        value: String::from_utf8(entry.value.to_vec()).unwrap(),
        version: entry.version,
        changed_at: micros(entry.changed_at),
    }
}

async fn within_patience<T>(
    calling: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, Status> {
    match tokio::time::timeout(ANSWER_PATIENCE, calling).await {
        Ok(told) => told.map(tonic::Response::into_inner),
        Err(_elapsed) => Err(Status::deadline_exceeded("no response in time")),
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

fn writes(append: &Append) -> Vec<pb::Write> {
    let writes = append.events.iter().map(|(stream, event)| pb::Write {
        stream: stream.clone(),
        events: vec![event.clone()],
        expected: None,
    });
    writes.collect()
}

fn check(check: &Check) -> pb::Check {
    let Check::Stream { stream, expected } = check else {
        panic!("{check:?} is not drawn");
    };
    let expected = match expected {
        Expected::Exactly(revision) => Wanted::Revision(*revision),
        Expected::NoStream => Wanted::NoStream(()),
        Expected::StreamExists => Wanted::StreamExists(()),
        Expected::Any => Wanted::Any(()),
    };
    pb::Check {
        check: Some(Kind::Stream(pb::StreamCheck {
            stream: stream.clone(),
            expected: Some(pb::ExpectedRevision {
                expected: Some(expected),
            }),
        })),
    }
}

fn micros(time: Option<prost_types::Timestamp>) -> u64 {
    let time = time.unwrap();
    u64::try_from(time.seconds * 1_000_000 + i64::from(time.nanos / 1_000)).unwrap()
}

fn written(request: &Request, told: Result<pb::WriteStateResponse, Status>) -> StateAnswer {
    match told {
        Ok(told) => StateAnswer::Written {
            versions: told.versions,
            changed_at: Some(micros(told.changed_at)),
            already_written: told.already_written,
        },
        Err(status) => match reason(&status) {
            None => StateAnswer::Unknown,
            Some(refusal) if refusal.reason == "CHECKS_FAILED" => {
                StateAnswer::Failed(failed(&refusal.detail("annals.v1.ChecksFailed")).1)
            }
            Some(refusal) => panic!("{request:?} was refused with {refusal:?}"),
        },
    }
}

fn appended(
    request: &Request,
    told: Result<pb::AppendToManyResponse, Status>,
) -> (AppendAnswer, StateAnswer) {
    match told {
        Ok(told) => {
            let revisions: Vec<(u64, u64)> = told
                .streams
                .iter()
                .map(|stream| (stream.first_revision, stream.last_revision))
                .collect();
            let placed = Placed {
                first_revision: revisions[0].0,
                last_revision: revisions[0].1,
                others: revisions[1..].to_vec(),
                first_position: told.first_position,
                last_position: told.last_position,
                recorded_at: micros(told.recorded_at),
                already_appended: told.already_appended,
            };
            let state = StateAnswer::Written {
                versions: told.state_versions,
                changed_at: None,
                already_written: told.already_appended,
            };
            (AppendAnswer::Acknowledged(placed), state)
        }
        Err(status) => match reason(&status) {
            None => (AppendAnswer::Unknown, StateAnswer::Unknown),
            Some(refusal) if refusal.reason == "CHECKS_FAILED" => {
                let (of_log, of_state) = failed(&refusal.detail("annals.v1.ChecksFailed"));
                let rejected = AppendAnswer::Rejected(Rejection::Checks(of_log));
                (rejected, StateAnswer::Failed(of_state))
            }
            Some(refusal) => panic!("{request:?} was refused with {refusal:?}"),
        },
    }
}

/// The refusal by a server; `None` if the request may have been carried out: the connection broke, there was no
/// response in time, or the server stopped.
fn reason(status: &Status) -> Option<Refusal> {
    if status.details().is_empty() {
        return None;
    }
    let refusal = Refusal::of_status(status);
    let is_unknown = matches!(
        refusal.reason.as_str(),
        "SHUTTING_DOWN" | "OVERLOADED" | "ENGINE_UNAVAILABLE" | "STORAGE_FAILED"
    );
    (!is_unknown).then_some(refusal)
}

/// The failed checks of the log, and those of state.
fn failed(told: &pb::ChecksFailed) -> (Vec<FailedCheck>, Vec<FailedStateCheck>) {
    assert_eq!(told.count as usize, told.failed.len(), "all are listed");
    let (mut of_log, mut of_state) = (Vec::new(), Vec::new());
    for failed in &told.failed {
        let index = failed.index as usize;
        match failed.found.as_ref().unwrap() {
            Told::Stream(conflict) => of_log.push(FailedCheck {
                index,
                found: Found::Last(conflict.actual_revision),
            }),
            Told::Match(found) => of_log.push(FailedCheck {
                index,
                found: Found::Match(found.position),
            }),
            Told::State(conflict) => of_state.push(FailedStateCheck {
                index,
                actual: conflict.actual_version,
            }),
        }
    }
    (of_log, of_state)
}
