//! Appends that were refused.

use super::*;

/// A good history, in which `asked` is sent before `b` and answered after it: the states in between are 3 and 4.
fn beside_b(asked: &Append, told: Answer) -> Good {
    let mut good = good();
    let told_before = |n: usize| match &good.history.appends[n].answered {
        Some((_, answer)) => answer.clone(),
        None => Answer::Unknown,
    };
    let mut history = History::default();
    answer(&mut history, &good.a, told_before(0));
    let call = history.append(asked.clone(), None);
    answer(&mut history, &good.b, told_before(1));
    history.append_answered(call, told);
    answer(&mut history, &good.c, told_before(2));
    good.history = history;
    good
}

fn asking(checks: Vec<Check>) -> Append {
    append(vec![write("w", &[(90, "white")])], checks)
}

#[track_caller]
fn assert_right(checks: Vec<Check>, told: Answer) {
    let good = beside_b(&asking(checks), told);
    assert_good(&good.history, &good.log);
}

#[track_caller]
fn assert_wrong(checks: Vec<Check>, told: Answer) {
    let good = beside_b(&asking(checks), told);
    assert_broken(Rule::RightlyRefused, &good.history, &good.log);
}

#[test]
fn a_refusal_is_right_in_any_state_between_question_and_answer() {
    assert_right(vec![no_match("red", 0)], failed(&[(0, matched(0, 1))]));
    assert_right(vec![no_match("blue", 0)], failed(&[(0, matched(0, 4))]));
    let exactly_5 = || vec![stream_is("t", Expected::Exactly(5))];
    assert_right(exactly_5(), failed(&[(0, at("t", Some(0)))]));
    assert_right(exactly_5(), failed(&[(0, at("t", Some(1)))]));
}

#[test]
fn a_refusal_that_was_only_right_before_or_after_is_found() {
    // `blue` came with `b`, and the second and third `red` with `c`, which had not been sent yet.
    assert_wrong(vec![no_match("red", 3)], failed(&[(0, matched(3, 5))]));
    assert_wrong(
        vec![stream_is("u", Expected::NoStream)],
        failed(&[(0, at("u", Some(1)))]),
    );
    assert_wrong(
        vec![stream_is("s", Expected::StreamExists)],
        failed(&[(0, at("s", None))]),
    );
}

#[test]
fn a_stream_in_the_middle_of_an_append_is_no_state() {
    assert_wrong(
        vec![stream_is("s", Expected::NoStream)],
        failed(&[(0, at("s", Some(0)))]),
    );
}

#[test]
fn a_check_that_held_and_was_told_to_fail_is_found() {
    assert_wrong(vec![no_match("yellow", 0)], failed(&[(0, matched(0, 1))]));
    assert_wrong(
        vec![stream_is("s", Expected::Exactly(1))],
        failed(&[(0, at("s", Some(1)))]),
    );
    assert_wrong(
        vec![stream_is("s", Expected::Any)],
        failed(&[(0, at("s", Some(1)))]),
    );
}

#[test]
fn a_match_that_is_not_the_first_is_found() {
    assert_wrong(vec![no_match("red", 0)], failed(&[(0, matched(0, 2))]));
    assert_wrong(vec![no_match("red", 0)], failed(&[(0, matched(1, 2))]));
}

#[test]
fn a_failed_check_that_is_left_out_is_found() {
    let checks = || vec![no_match("red", 0), no_match("green", 0), no_match("yellow", 0)];
    assert_right(checks(), failed(&[(0, matched(0, 1)), (1, matched(0, 3))]));
    assert_wrong(checks(), failed(&[(0, matched(0, 1))]));
    assert_wrong(checks(), failed(&[(1, matched(0, 3))]));
}

#[test]
fn failed_checks_that_were_never_so_at_once_are_found() {
    // At 3 the stream was at 0 without anything blue; at 4 it was at 1.
    let checks = || vec![stream_is("t", Expected::Exactly(5)), no_match("blue", 0)];
    assert_right(checks(), failed(&[(0, at("t", Some(0)))]));
    assert_right(checks(), failed(&[(0, at("t", Some(1))), (1, matched(0, 4))]));
    assert_wrong(checks(), failed(&[(0, at("t", Some(0))), (1, matched(0, 4))]));
    assert_wrong(checks(), failed(&[(0, at("t", Some(1)))]));
}

#[test]
fn a_refusal_that_says_nothing_or_says_it_in_disorder_is_found() {
    let checks = || vec![no_match("red", 0), no_match("green", 0)];
    assert_wrong(checks(), failed(&[]));
    assert_wrong(checks(), failed(&[(1, matched(0, 3)), (0, matched(0, 1))]));
    assert_wrong(
        checks(),
        failed(&[(0, matched(0, 1)), (1, matched(0, 3)), (2, matched(0, 1))]),
    );
    assert_wrong(checks(), failed(&[(0, at("s", Some(1))), (1, matched(0, 3))]));
    assert_wrong(
        vec![stream_is("s", Expected::NoStream)],
        failed(&[(0, at("t", Some(0)))]),
    );
}

#[test]
fn of_many_failed_checks_the_first_are_told_and_all_are_counted() {
    let mut checks = vec![no_match("yellow", 0)];
    checks.extend((0..20).map(|_| no_match("red", 0)));
    // This check fails in state 4 only.
    checks.push(no_match("blue", 0));
    let told = |count, listed: usize| {
        let all: Vec<(usize, Found)> = (1..=listed).map(|index| (index, matched(0, 1))).collect();
        match failed(&all) {
            Answer::ChecksFailed(failed) => Answer::ChecksFailed(ChecksFailed { count, ..failed }),
            other => other,
        }
    };
    assert_right(checks.clone(), told(20, 16));
    assert_right(checks.clone(), told(21, 16));
    assert_wrong(checks.clone(), told(19, 16));
    assert_wrong(checks.clone(), told(22, 16));
    assert_wrong(checks.clone(), told(20, 15));
    assert_wrong(checks, told(20, 20));
}

#[test]
fn a_refusal_of_what_stood_already_is_found() {
    let mut good = good();
    let again = good.a.clone();
    answer(&mut good.history, &again, failed(&[(0, matched(0, 1))]));
    // It is stored because another call with the same ids wrote it.
    assert_broken(Rule::RightlyRefused, &good.history, &good.log);
}

#[test]
fn a_refusal_before_a_retry_wrote_the_same_is_right() {
    let late = append(
        vec![write("t", &[(80, "white")])],
        vec![stream_is("t", Expected::Exactly(1))],
    );
    let mut good = beside_b(&late, failed(&[(0, at("t", Some(0)))]));
    answer(
        &mut good.history,
        &late,
        Answer::Written(written(7, &[("t", 2, 2)])),
    );
    good.log.extend(stands(7, &late, &[2]));
    assert_good(&good.history, &good.log);
}

#[test]
fn a_head_that_the_log_never_had_is_found() {
    let checks = || vec![no_match("red", 9)];
    let beyond = |after, head| Answer::BeyondHead { after, head };
    assert_right(checks(), beyond(9, 3));
    assert_right(checks(), beyond(9, 4));
    assert_wrong(checks(), beyond(9, 6));
    assert_wrong(checks(), beyond(9, 0));
    assert_wrong(checks(), beyond(8, 4));
    assert_wrong(vec![no_match("red", 4)], beyond(4, 4));
}

#[test]
fn an_id_that_is_not_where_it_was_told_is_found() {
    let conflict = |position| Answer::IdConflict {
        stream: "s".to_owned(),
        revision: Some(0),
        position,
    };
    let other = |id, checks| append(vec![write("s", &[(id, "red"), (91, "red")])], checks);
    let right = beside_b(&other(1, vec![]), conflict(1));
    assert_good(&right.history, &right.log);
    for wrong in [
        beside_b(&other(1, vec![]), conflict(2)),
        beside_b(&other(2, vec![]), conflict(1)),
        // Its retries are detected by revision, or only searched after that position.
        beside_b(&other(1, vec![stream_is("s", Expected::NoStream)]), conflict(1)),
        beside_b(&other(1, vec![no_match("yellow", 1)]), conflict(1)),
    ] {
        assert_broken(Rule::RightlyRefused, &wrong.history, &wrong.log);
    }
}

#[test]
fn the_beginning_of_a_longer_append_is_not_a_shorter_one() {
    let shorter = append(vec![write("w", &[(90, "white")])], vec![]);
    let longer = append(vec![write("w", &[(90, "white"), (91, "white")])], vec![]);
    let mut history = History::default();
    answer(&mut history, &shorter, Answer::Unknown);
    answer(&mut history, &longer, Answer::Written(written(1, &[("w", 0, 1)])));
    let conflict = Answer::IdConflict {
        stream: "w".to_owned(),
        revision: Some(0),
        position: 1,
    };
    answer(&mut history, &shorter, conflict);
    let log = stands(1, &longer, &[0]);
    assert_good(&history, &log);
    read(&mut history, 1, &log[..1]);
    assert_broken(Rule::Whole, &history, &log);
}
