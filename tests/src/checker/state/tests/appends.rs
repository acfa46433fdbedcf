//! Appends that change state.

use super::*;
use crate::checker::{
    AppendAnswer, Observed, Refusal,
    tests::{placed, sent, stands},
};

/// An append of event 7, with a change of state.
fn append(history: &mut History, log_answer: AppendAnswer, answer: StateAnswer) {
    let call = history.append_to_many(vec![("x".to_owned(), sent(7))], Vec::new());
    let state = history.state_of_append(call, vec![put("s", "c", "4")], vec![check("s", "a", Some(3))]);
    history.append_answered(call, log_answer);
    history.state_write_answered(state, answer);
}

fn log() -> [Observed; 1] {
    [stands(1, "x", 0, 7)]
}

#[test]
fn an_append_writes_events_and_state() {
    let mut history = good();
    append(&mut history, placed(1, 0, 1), written(&[5]));
    assert_good(&history, &log());
    list(&mut history, &[entry("a", "3", 3), entry("c", "4", 5)], 5);
    assert_good(&history, &log());
}

#[test]
fn state_without_its_events_is_found() {
    let mut history = good();
    append(&mut history, AppendAnswer::Unknown, StateAnswer::Unknown);
    assert_good(&history, &[]);
    list(&mut history, &[entry("a", "3", 3), entry("c", "4", 5)], 5);
    assert_good(&history, &log());
    assert_broken(Rule::Whole, &history, &[]);
}

#[test]
fn events_without_their_state_are_found() {
    let mut history = good();
    append(&mut history, AppendAnswer::Unknown, StateAnswer::Unknown);
    list(&mut history, &[entry("a", "3", 3)], 4);
    assert_broken(Rule::Whole, &history, &log());
}

#[test]
fn an_append_whose_check_of_state_did_not_hold_is_found() {
    let mut history = good();
    write(
        &mut history,
        4,
        vec![put("s", "a", "5")],
        Vec::new(),
        written(&[5]),
    );
    append(&mut history, placed(1, 0, 1), written(&[6]));
    assert_broken(Rule::ChecksHold, &history, &log());
}

#[test]
fn an_append_refused_by_state_is_not_in_the_log() {
    let mut history = good();
    write(
        &mut history,
        4,
        vec![put("s", "a", "5")],
        Vec::new(),
        written(&[5]),
    );
    append(
        &mut history,
        AppendAnswer::Rejected(Refusal::Checks(Vec::new())),
        failed(0, Some(5)),
    );
    assert_good(&history, &[]);
    assert_broken(Rule::RefusedIsAbsent, &history, &log());
}

#[test]
fn the_log_and_the_versions_are_in_one_order() {
    let with = |places: [u64; 2]| {
        let mut history = History::default();
        let calls = [(7, "1"), (8, "2")].map(|(id, value)| {
            let call = history.append_to_many(vec![("x".to_owned(), sent(id))], Vec::new());
            (
                call,
                history.state_of_append(call, vec![put("s", "a", value)], Vec::new()),
            )
        });
        for ((call, state), (position, version)) in calls.into_iter().zip(places.into_iter().zip(1..)) {
            history.append_answered(call, placed(position, position - 1, 1));
            history.state_write_answered(state, written(&[version]));
        }
        history
    };
    let log = |first, second| [stands(1, "x", 0, first), stands(2, "x", 1, second)];
    assert_good(&with([1, 2]), &log(7, 8));
    assert_broken(Rule::OneOrder, &with([2, 1]), &log(8, 7));
}
