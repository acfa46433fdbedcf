//! Histories of a race that are false in one response, as if the store had broken a guarantee. The checker must refuse
//! each, or it would prove nothing about the race.

use std::collections::HashSet;

use annals_tests::checker::{
    History, Observed, Rule, check,
    state::{StateAnswer, StateNotice, StateRead, StateUpdate, StateWriteCall},
};

/// A false history, and the rules by which the falsehood may be found.
type Falsehood = (&'static str, fn(&mut History), &'static [Rule]);

const FALSEHOODS: [Falsehood; 5] = [
    (
        "an append of which a read shows an entry was refused",
        refuse_an_append,
        &[Rule::RefusedIsAbsent],
    ),
    (
        "a write of which a read shows an entry was refused",
        refuse_a_write,
        &[Rule::RefusedIsAbsent],
    ),
    (
        "a version was given twice",
        give_a_version_twice,
        &[Rule::DenseVersions],
    ),
    (
        "an acknowledged change is not listed",
        lose_a_change,
        &[Rule::ExactRead],
    ),
    (
        "a subscriber did not get an update",
        lose_an_update,
        &[Rule::HonestPlaces, Rule::ExactDelivery],
    ),
];

/// Asserts that the checker refuses each false form of a history that it accepts.
pub fn assert_all_are_found(history: &History, log: &[Observed]) {
    for (what, falsify, rules) in FALSEHOODS {
        let mut falsified = history.clone();
        falsify(&mut falsified);
        let violations = check(&falsified, log).expect_err(what);
        assert!(
            violations.iter().any(|violation| rules.contains(&violation.rule)),
            "{what}, but only this was found: {violations:#?}"
        );
    }
}

/// Lets the only call of a write that put an entry end like this.
fn answer(history: &mut History, is_wanted: impl Fn(&StateWriteCall) -> bool, answer: StateAnswer) {
    let writes = &history.state.writes;
    let is_only = |call: &&StateWriteCall| writes.iter().filter(|other| other.id == call.id).count() == 1;
    let makes = |call: &&StateWriteCall| {
        let puts = call.changes.iter().any(|change| change.value.is_some());
        puts && matches!(call.answered, Some((_, StateAnswer::Written { .. })))
    };
    let found = writes
        .iter()
        .filter(makes)
        .filter(|call| is_wanted(call))
        .find(is_only)
        .expect("there is such a write")
        .id;
    let call = history.state.writes.iter_mut().find(|call| call.id == found);
    call.unwrap().answered.as_mut().unwrap().1 = answer;
}

fn refuse_an_append(history: &mut History) {
    let seen = seen(history);
    answer(
        history,
        |call| call.is_append && seen.has_of(call),
        StateAnswer::Refused,
    );
}

fn refuse_a_write(history: &mut History) {
    let seen = seen(history);
    answer(
        history,
        |call| !call.is_append && seen.has_of(call),
        StateAnswer::Refused,
    );
}

/// Values that reads and subscriptions returned. Without them, a version may be that of any write of unknown outcome.
struct Seen(HashSet<String>);

impl Seen {
    fn has_of(&self, call: &StateWriteCall) -> bool {
        let mut values = call.changes.iter().filter_map(|change| change.value.as_ref());
        values.any(|value| self.0.contains(value))
    }
}

fn seen(history: &History) -> Seen {
    let state = &history.state;
    let reads = state.reads.iter().filter_map(|call| call.answered.as_ref());
    let read = reads.flat_map(|(_, page)| &page.entries);
    let notices = state.subscriptions.iter().flat_map(|call| &call.notices);
    let updates = notices.flat_map(|(_, notice)| match notice {
        StateNotice::Updates(updates) => updates.as_slice(),
        _ => &[],
    });
    let put = updates.filter_map(|update| match update {
        StateUpdate::Put(entry) => Some(entry),
        StateUpdate::Deletion { .. } => None,
    });
    Seen(read.chain(put).map(|entry| entry.value.clone()).collect())
}

/// Lets a write of one change end with the version of the change before it.
fn give_a_version_twice(history: &mut History) {
    let seen = seen(history);
    let is_second = |call: &&mut StateWriteCall| match (&call.answered, call.changes.as_slice()) {
        (Some((_, StateAnswer::Written { versions, .. })), [change]) => {
            seen.has_of(call) && change.value.is_some() && versions[0] > 1
        }
        _ => false,
    };
    let call = history.state.writes.iter_mut().find(is_second);
    let answered = &mut call.expect("there is such a write").answered;
    if let Some((_, StateAnswer::Written { versions, .. })) = answered {
        versions[0] -= 1;
    }
}

/// Removes an entry from the last list.
fn lose_a_change(history: &mut History) {
    let lists = history.state.reads.iter_mut().rev();
    let mut pages = lists
        .filter(|call| matches!(call.read, StateRead::List { .. }))
        .filter_map(|call| call.answered.as_mut());
    let (_, page) = pages
        .find(|(_, page)| page.entries.len() > 1)
        .expect("entries are listed");
    page.entries.remove(0);
}

/// Removes the updates of which a subscriber learned before it had caught up.
fn lose_an_update(history: &mut History) {
    let is_put = |update: &StateUpdate| matches!(update, StateUpdate::Put(_));
    let is_caught_up = |notices: &[(u64, StateNotice)]| match notices {
        [
            (_, StateNotice::Updates(updates)),
            (_, StateNotice::CaughtUp(_)),
            ..,
        ] => updates.iter().any(is_put),
        _ => false,
    };
    let calls = history.state.subscriptions.iter_mut();
    let call = calls
        .rev()
        .find(|call| is_caught_up(&call.notices))
        .expect("a subscriber caught up");
    call.notices.remove(0);
}
