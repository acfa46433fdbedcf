//! For each rule about state, a history that breaks it, made from a good one.

mod appends;
mod order;
mod reading;
mod writes;

use uuid::Uuid;

use super::{
    FailedStateCheck, StateAnswer, StateChange, StateCheck, StateEntry, StateNotice, StatePage, StateRead,
    StateSubscribeAnswer, StateSubscribeRequest, StateUpdate,
};
use crate::checker::{
    CallId, History, Rule,
    tests::{assert_broken, assert_good},
};

fn put(scope: &str, key: &str, value: &str) -> StateChange {
    StateChange {
        scope: scope.to_owned(),
        key: key.to_owned(),
        value: Some(value.to_owned()),
    }
}

fn delete(scope: &str, key: &str) -> StateChange {
    StateChange {
        value: None,
        ..put(scope, key, "")
    }
}

fn check(scope: &str, key: &str, expected: Option<u64>) -> StateCheck {
    StateCheck {
        scope: scope.to_owned(),
        key: key.to_owned(),
        expected,
    }
}

fn written(versions: &[u64]) -> StateAnswer {
    StateAnswer::Written {
        versions: versions.to_vec(),
        changed_at: Some(1_000),
        already_written: false,
    }
}

fn already(versions: &[u64]) -> StateAnswer {
    StateAnswer::Written {
        versions: versions.to_vec(),
        changed_at: Some(1_000),
        already_written: true,
    }
}

fn failed(index: usize, actual: Option<u64>) -> StateAnswer {
    StateAnswer::Failed(vec![FailedStateCheck { index, actual }])
}

fn ask(history: &mut History, id: u128, changes: Vec<StateChange>, checks: Vec<StateCheck>) -> CallId {
    history.state_write(Uuid::from_u128(id), changes, checks)
}

/// A write that gets its response before anything else happens.
fn write(
    history: &mut History,
    id: u128,
    changes: Vec<StateChange>,
    checks: Vec<StateCheck>,
    answer: StateAnswer,
) {
    let call = ask(history, id, changes, checks);
    history.state_write_answered(call, answer);
}

fn entry(key: &str, value: &str, version: u64) -> StateEntry {
    StateEntry {
        key: key.to_owned(),
        value: value.to_owned(),
        version,
        changed_at: 1_000,
    }
}

fn list(history: &mut History, entries: &[StateEntry], version: u64) {
    let call = history.state_read(StateRead::List {
        scope: "s".to_owned(),
        prefix: String::new(),
        after: None,
        limit: 10,
    });
    let page = StatePage {
        entries: entries.to_vec(),
        has_more: false,
        version,
    };
    history.state_read_answered(call, page);
}

fn subscribe(history: &mut History, resumes: Option<(CallId, u64)>, notices: &[StateNotice]) -> CallId {
    let call = history.state_subscribe(StateSubscribeRequest {
        scope: "s".to_owned(),
        prefix: String::new(),
        resumes,
    });
    history.state_subscribe_answered(call, StateSubscribeAnswer::Began);
    for notice in notices {
        history.state_notice(call, notice.clone());
    }
    call
}

fn update(key: &str, value: &str, version: u64) -> StateUpdate {
    StateUpdate::Put(entry(key, value, version))
}

fn deletion(key: &str, version: u64) -> StateUpdate {
    StateUpdate::Deletion {
        key: key.to_owned(),
        version,
    }
}

/// Entries a and b of the scope s: a is put twice, b is put and deleted.
fn good() -> History {
    let mut history = History::default();
    write(
        &mut history,
        1,
        vec![put("s", "a", "1"), put("s", "b", "2")],
        Vec::new(),
        written(&[1, 2]),
    );
    write(
        &mut history,
        2,
        vec![put("s", "a", "3")],
        vec![check("s", "a", Some(1))],
        written(&[3]),
    );
    write(
        &mut history,
        3,
        vec![delete("s", "b")],
        vec![check("s", "c", None)],
        written(&[4]),
    );
    history
}
