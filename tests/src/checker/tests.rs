//! For each rule, a history that breaks it, made from a good one.

mod checks;
mod deliveries;
mod looks;
mod writes;

use uuid::Uuid;

use super::{
    AppendAnswer, CallId, Expected, Filter, FilterItem, History, Look, Notice, Observed, Placed, ReadAnswer,
    ReadRequest, Refusal, Rule, Sent, Start, StreamFacts, SubscribeAnswer, SubscribeRequest, Target,
    Violation, check, digest,
};

/// An event with an id made from a number.
pub(super) fn sent(id: u128) -> Sent {
    Sent {
        id: Uuid::from_u128(id),
        kind: "Placed".to_owned(),
        tags: vec!["red".to_owned()],
        digest: digest(b"data", &id.to_be_bytes()),
    }
}

/// The same event, as stored in the log.
pub(super) fn stands(position: u64, stream: &str, revision: u64, id: u128) -> Observed {
    let sent = sent(id);
    Observed {
        position,
        stream: stream.to_owned(),
        revision,
        id: sent.id,
        kind: sent.kind,
        tags: sent.tags,
        digest: sent.digest,
        recorded_at: 1_000,
    }
}

pub(super) fn placed(first_position: u64, first_revision: u64, events: u64) -> AppendAnswer {
    AppendAnswer::Acknowledged(Placed {
        first_revision,
        last_revision: first_revision + events - 1,
        others: Vec::new(),
        first_position,
        last_position: first_position + events - 1,
        recorded_at: 1_000,
        already_appended: false,
    })
}

fn already(first_position: u64, first_revision: u64, events: u64) -> AppendAnswer {
    match placed(first_position, first_revision, events) {
        AppendAnswer::Acknowledged(placed) => AppendAnswer::Acknowledged(Placed {
            already_appended: true,
            ..placed
        }),
        other => other,
    }
}

fn at_revision(actual: Option<u64>) -> AppendAnswer {
    AppendAnswer::Rejected(Refusal::Revision { actual })
}

/// An append that gets its response before anything else happens.
fn append(history: &mut History, stream: &str, expected: Expected, ids: &[u128], answer: AppendAnswer) {
    let call = ask(history, stream, expected, ids);
    history.append_answered(call, answer);
}

fn ask(history: &mut History, stream: &str, expected: Expected, ids: &[u128]) -> CallId {
    history.append(stream, expected, ids.iter().map(|id| sent(*id)).collect())
}

fn log_request() -> ReadRequest {
    ReadRequest {
        target: Target::Log,
        backwards: false,
        from: None,
        limit: None,
        filter: Filter::default(),
    }
}

fn read(history: &mut History, request: ReadRequest, answer: ReadAnswer) {
    let call = history.read(request);
    history.read_answered(call, answer);
}

fn events(head: u64, events: &[Observed]) -> ReadAnswer {
    ReadAnswer::Events {
        head,
        last_revision: None,
        events: events.to_vec(),
        complete: true,
    }
}

fn subscribe(history: &mut History, target: Target, start: Start, notices: &[Notice]) {
    let call = history.subscribe(SubscribeRequest {
        target,
        start,
        filter: Filter::default(),
    });
    history.subscribe_answered(call, SubscribeAnswer::Began);
    for notice in notices {
        history.notice(call, notice.clone());
    }
}

/// Two appends to two streams: events 1 and 2, then 3.
fn good() -> (History, Vec<Observed>) {
    let mut history = History::default();
    append(&mut history, "a", Expected::NoStream, &[1, 2], placed(1, 0, 2));
    append(&mut history, "b", Expected::Any, &[3], placed(3, 0, 1));
    (
        history,
        vec![stands(1, "a", 0, 1), stands(2, "a", 1, 2), stands(3, "b", 0, 3)],
    )
}

/// A history of any kind, with the check for it.
pub(super) trait Judged {
    fn judge(&self, log: &[Observed]) -> Result<(), Vec<Violation>>;
}

impl Judged for History {
    fn judge(&self, log: &[Observed]) -> Result<(), Vec<Violation>> {
        check(self, log)
    }
}

#[track_caller]
pub(super) fn assert_good(history: &impl Judged, log: &[Observed]) {
    if let Err(violations) = history.judge(log) {
        panic!("{violations:#?}");
    }
}

#[track_caller]
pub(super) fn assert_broken(rule: Rule, history: &impl Judged, log: &[Observed]) {
    let violations = history.judge(log).expect_err("nothing was found");
    assert!(
        violations.iter().any(|violation| violation.rule == rule),
        "{violations:#?}"
    );
}
