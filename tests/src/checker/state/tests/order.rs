//! One order of the writes of all scopes.

use super::*;

/// Each of two concurrent writes checks what the other one changes.
#[test]
fn write_skew_is_found() {
    let mut history = History::default();
    write(
        &mut history,
        1,
        vec![put("s", "a", "1"), put("t", "a", "2")],
        Vec::new(),
        written(&[1, 1]),
    );
    let first = ask(
        &mut history,
        2,
        vec![put("s", "a", "3")],
        vec![check("t", "a", Some(1))],
    );
    let second = ask(
        &mut history,
        3,
        vec![put("t", "a", "4")],
        vec![check("s", "a", Some(1))],
    );
    let mut one = history.clone();
    one.state_write_answered(first, written(&[2]));
    one.state_write_answered(second, failed(0, Some(2)));
    assert_good(&one, &[]);
    history.state_write_answered(first, written(&[2]));
    history.state_write_answered(second, written(&[2]));
    assert_broken(Rule::OneOrder, &history, &[]);
}

/// The same with entries that must not exist.
#[test]
fn write_skew_of_absent_entries_is_found() {
    let mut history = History::default();
    let first = ask(
        &mut history,
        2,
        vec![put("s", "a", "3")],
        vec![check("t", "a", None)],
    );
    let second = ask(
        &mut history,
        3,
        vec![put("t", "a", "4")],
        vec![check("s", "a", None)],
    );
    history.state_write_answered(first, written(&[1]));
    history.state_write_answered(second, written(&[1]));
    assert_broken(Rule::OneOrder, &history, &[]);
}

#[test]
fn orders_of_two_scopes_that_differ_are_found() {
    let with = |versions: &[u64]| {
        let mut history = History::default();
        let first = ask(
            &mut history,
            1,
            vec![put("s", "a", "1"), put("t", "a", "2")],
            Vec::new(),
        );
        let second = ask(
            &mut history,
            2,
            vec![put("s", "b", "3"), put("t", "b", "4")],
            Vec::new(),
        );
        history.state_write_answered(first, written(&[1, 1]));
        history.state_write_answered(second, written(versions));
        history
    };
    assert_good(&with(&[2, 2]), &[]);
    let mut history = History::default();
    let first = ask(
        &mut history,
        1,
        vec![put("s", "a", "1"), put("t", "a", "2")],
        Vec::new(),
    );
    let second = ask(
        &mut history,
        2,
        vec![put("s", "b", "3"), put("t", "b", "4")],
        Vec::new(),
    );
    history.state_write_answered(first, written(&[1, 2]));
    history.state_write_answered(second, written(&[2, 1]));
    assert_broken(Rule::OneOrder, &history, &[]);
}

/// No version reveals that the first write was before the second one; time does.
#[test]
fn an_order_against_time_is_found() {
    let mut history = History::default();
    write(
        &mut history,
        1,
        vec![put("s", "a", "1"), put("t", "a", "2")],
        Vec::new(),
        written(&[1, 1]),
    );
    let skewed = ask(
        &mut history,
        4,
        vec![put("u", "a", "5")],
        vec![check("s", "a", Some(1)), check("t", "a", Some(2))],
    );
    write(
        &mut history,
        2,
        vec![put("s", "a", "3")],
        Vec::new(),
        written(&[2]),
    );
    write(
        &mut history,
        3,
        vec![put("t", "a", "4")],
        Vec::new(),
        written(&[2]),
    );
    let mut good = history.clone();
    let both = [(1, Some(1))].map(|(index, actual)| FailedStateCheck { index, actual });
    good.state_write_answered(skewed, StateAnswer::Failed(both.to_vec()));
    assert_good(&good, &[]);
    history.state_write_answered(skewed, written(&[1]));
    assert_broken(Rule::OneOrder, &history, &[]);
}
