//! Rules about appends to many streams and their conditions. Events have the type `Placed` and the tag `red`.

use super::*;
use crate::checker::{Check, FailedCheck, Found};

fn stream(stream: &str, expected: Expected) -> Check {
    let stream = stream.to_owned();
    Check::Stream { stream, expected }
}

fn no_match(tag: &str, after: u64) -> Check {
    let item = FilterItem {
        tags: vec![tag.to_owned()],
        ..FilterItem::default()
    };
    let filter = Filter { items: vec![item] };
    Check::NoMatch { filter, after }
}

fn ask_all(history: &mut History, events: &[(&str, u128)], checks: Vec<Check>) -> CallId {
    let events = events
        .iter()
        .map(|(stream, id)| ((*stream).to_owned(), sent(*id)));
    history.append_to_many(events.collect(), checks)
}

fn append_to_many(history: &mut History, events: &[(&str, u128)], checks: Vec<Check>, answer: AppendAnswer) {
    let call = ask_all(history, events, checks);
    history.append_answered(call, answer);
}

/// A response with the first position, and the first and last revision of each stream.
fn placed_all(first_position: u64, events: u64, revisions: &[(u64, u64)]) -> AppendAnswer {
    AppendAnswer::Acknowledged(Placed {
        first_revision: revisions[0].0,
        last_revision: revisions[0].1,
        others: revisions[1..].to_vec(),
        first_position,
        last_position: first_position + events - 1,
        recorded_at: 1_000,
        already_appended: false,
    })
}

fn refused(failed: &[(usize, Found)]) -> AppendAnswer {
    let failed = failed.iter().map(|(index, found)| FailedCheck {
        index: *index,
        found: *found,
    });
    AppendAnswer::Rejected(Refusal::Checks(failed.collect()))
}

fn beyond(after: u64, head: u64) -> AppendAnswer {
    AppendAnswer::Rejected(Refusal::BeyondHead { after, head })
}

/// After the two appends of [`good`], one with these checks: event 4 to stream `b`, 5 to `c` and 6 to `b`.
fn with(checks: Vec<Check>) -> (History, Vec<Observed>) {
    let (mut history, mut log) = good();
    append_to_many(
        &mut history,
        &[("b", 4), ("c", 5), ("b", 6)],
        checks,
        placed_all(4, 3, &[(1, 2), (0, 0)]),
    );
    log.extend([stands(4, "b", 1, 4), stands(5, "c", 0, 5), stands(6, "b", 2, 6)]);
    (history, log)
}

#[test]
fn an_append_to_many_streams_stands_where_all_its_checks_hold() {
    let holding = vec![
        stream("a", Expected::Exactly(1)),
        stream("b", Expected::Exactly(0)),
        stream("c", Expected::NoStream),
        stream("d", Expected::Any),
        no_match("red", 3),
        no_match("blue", 0),
    ];
    let (history, log) = with(holding);
    assert_good(&history, &log);
    for broken in [
        stream("a", Expected::Exactly(0)),
        stream("a", Expected::NoStream),
        stream("b", Expected::Exactly(1)),
        stream("c", Expected::StreamExists),
        stream("d", Expected::Exactly(7)),
        no_match("red", 2),
        no_match("red", 0),
        no_match("blue", 4),
    ] {
        let (history, log) = with(vec![stream("d", Expected::Any), broken]);
        assert_broken(Rule::ChecksHold, &history, &log);
    }
}

/// The main purpose of the checker: each of two appends violated a condition of the other.
#[test]
fn two_appends_that_violate_each_others_conditions_are_found() {
    let mut history = History::default();
    let first = ask_all(&mut history, &[("x", 1)], vec![no_match("red", 0)]);
    let second = ask_all(&mut history, &[("y", 2)], vec![no_match("red", 0)]);
    history.append_answered(first, placed_all(1, 1, &[(0, 0)]));
    history.append_answered(second, placed_all(2, 1, &[(0, 0)]));
    let log = [stands(1, "x", 0, 1), stands(2, "y", 0, 2)];
    assert_broken(Rule::ChecksHold, &history, &log);
    // Even without a response that the second one is stored.
    history.appends[1].answered = None;
    assert_broken(Rule::ChecksHold, &history, &log);
    assert_good(&history, &log[..1]);
    // Through the expectations of each for the other's stream.
    let mut history = History::default();
    let [one, other] = [("x", "y", 1), ("y", "x", 2)].map(|(to, rests_on, id)| {
        ask_all(
            &mut history,
            &[(to, id)],
            vec![stream(rests_on, Expected::NoStream)],
        )
    });
    history.append_answered(one, placed_all(1, 1, &[(0, 0)]));
    history.append_answered(other, placed_all(2, 1, &[(0, 0)]));
    assert_broken(Rule::ChecksHold, &history, &log);
}

#[test]
fn an_append_to_many_streams_that_stands_in_part_or_in_another_order_is_found() {
    let (history, log) = with(vec![]);
    assert_good(&history, &log);
    let (history, mut log) = with(vec![]);
    log.pop();
    assert_broken(Rule::Durable, &history, &log);
    let (history, mut log) = with(vec![]);
    log.truncate(3);
    log.extend([stands(4, "b", 1, 4), stands(5, "b", 2, 6), stands(6, "c", 0, 5)]);
    assert_broken(Rule::Durable, &history, &log);
    let (mut history, log) = with(vec![]);
    history.appends[2].answered = None;
    assert_good(&history, &log);
    assert_broken(Rule::Whole, &history, &log[..5]);
}

#[test]
fn other_revisions_than_were_told_are_found() {
    for (revisions, rule) in [
        (vec![(1, 2)], Rule::AsExpected),
        (vec![(1, 2), (0, 0), (0, 0)], Rule::AsExpected),
        (vec![(1, 3), (0, 0)], Rule::AsExpected),
        (vec![(1, 2), (1, 1)], Rule::Durable),
        (vec![(0, 1), (0, 0)], Rule::Durable),
    ] {
        let (mut history, log) = with(vec![]);
        let (at, _) = history.appends[2].answered.clone().unwrap();
        history.appends[2].answered = Some((at, placed_all(4, 3, &revisions)));
        assert_broken(rule, &history, &log);
    }
}

#[test]
fn a_refusal_is_right_if_just_what_was_told_had_failed() {
    let checks = || {
        vec![
            stream("a", Expected::Exactly(0)),
            no_match("red", 1),
            stream("b", Expected::Exactly(0)),
            no_match("blue", 0),
        ]
    };
    let (a, red, b) = (Found::Last(Some(1)), Found::Match(2), Found::Last(Some(0)));
    let cases = [
        (vec![(0, a), (1, red)], true),
        // A failed check is left out, or one that held is reported.
        (vec![(0, a)], false),
        (vec![(1, red)], false),
        (vec![(0, a), (1, red), (2, b)], false),
        (vec![(0, a), (1, red), (3, Found::Match(2))], false),
        // The reported finding differs from the log.
        (vec![(0, Found::Last(Some(2))), (1, red)], false),
        (vec![(0, Found::Last(None)), (1, red)], false),
        (vec![(0, Found::Last(Some(0))), (1, red)], false),
        (vec![(0, a), (1, Found::Match(3))], false),
        (vec![(0, a), (1, Found::Match(1))], false),
        (vec![(0, red), (1, a)], false),
        // No check, or in the wrong order, or one that does not exist.
        (vec![], false),
        (vec![(1, red), (0, a)], false),
        (vec![(0, a), (0, a), (1, red)], false),
        (vec![(0, a), (1, red), (4, a)], false),
    ];
    for (failed, right) in cases {
        let (mut history, log) = good();
        append_to_many(&mut history, &[("c", 9)], checks(), refused(&failed));
        if right {
            assert_good(&history, &log);
        } else {
            assert_broken(Rule::RightlyRefused, &history, &log);
        }
    }
}

#[test]
fn a_refusal_must_have_been_right_between_question_and_answer() {
    // The reported state existed before, but was known to have changed.
    let (mut history, log) = good();
    let checks = vec![stream("b", Expected::StreamExists)];
    append_to_many(
        &mut history,
        &[("c", 9)],
        checks.clone(),
        refused(&[(0, Found::Last(None))]),
    );
    assert_broken(Rule::RightlyRefused, &history, &log);
    // It was sent before that was known, so the state was still possible.
    let mut history = History::default();
    append(&mut history, "a", Expected::NoStream, &[1, 2], placed(1, 0, 2));
    let call = ask_all(&mut history, &[("c", 9)], checks);
    append(&mut history, "b", Expected::Any, &[3], placed(3, 0, 1));
    history.append_answered(call, refused(&[(0, Found::Last(None))]));
    assert_good(&history, &log);
    // But not two findings that were never true together.
    let checks = vec![stream("b", Expected::StreamExists), no_match("red", 2)];
    let mut history = History::default();
    append(&mut history, "a", Expected::NoStream, &[1, 2], placed(1, 0, 2));
    let call = ask_all(&mut history, &[("c", 9)], checks);
    append(&mut history, "b", Expected::Any, &[3], placed(3, 0, 1));
    history.append_answered(call, refused(&[(0, Found::Last(None)), (1, Found::Match(3))]));
    assert_broken(Rule::RightlyRefused, &history, &log);
    // Nor a state in the middle of an append.
    let mut history = History::default();
    let call = ask_all(&mut history, &[("c", 9)], vec![stream("a", Expected::Exactly(1))]);
    append(&mut history, "a", Expected::NoStream, &[1, 2], placed(1, 0, 2));
    append(&mut history, "b", Expected::Any, &[3], placed(3, 0, 1));
    history.append_answered(call, refused(&[(0, Found::Last(Some(0)))]));
    assert_broken(Rule::RightlyRefused, &history, &log);
}

#[test]
fn a_refused_retry_of_what_was_acknowledged_is_found() {
    let told_by_place = vec![stream("b", Expected::Exactly(0)), stream("c", Expected::NoStream)];
    let failed = [(0, Found::Last(Some(2))), (1, Found::Last(Some(0)))];
    let (mut history, log) = with(told_by_place.clone());
    let events = [("b", 4), ("c", 5), ("b", 6)];
    append_to_many(&mut history, &events, told_by_place, refused(&failed));
    assert_broken(Rule::RightlyRefused, &history, &log);
    let told_by_id = vec![stream("c", Expected::NoStream)];
    let (mut history, log) = with(told_by_id.clone());
    append_to_many(
        &mut history,
        &events,
        told_by_id,
        refused(&[(0, Found::Last(Some(0)))]),
    );
    assert_broken(Rule::RightlyRefused, &history, &log);
    // An append with other events is not a retry.
    let (mut history, log) = with(vec![]);
    let checks = vec![stream("c", Expected::NoStream)];
    append_to_many(
        &mut history,
        &[("b", 7)],
        checks,
        refused(&[(0, Found::Last(Some(0)))]),
    );
    assert_good(&history, &log);
}

#[test]
fn a_retry_is_looked_for_only_behind_what_its_caller_knew() {
    let events = [("b", 4), ("c", 5), ("b", 6)];
    let id_taken = AppendAnswer::Rejected(Refusal::Id {
        stream: "b".to_owned(),
        revision: Some(1),
        position: 4,
    });
    let (mut history, log) = with(vec![]);
    append_to_many(
        &mut history,
        &events[..1],
        vec![no_match("blue", 3)],
        id_taken.clone(),
    );
    assert_good(&history, &log);
    append_to_many(&mut history, &events[..1], vec![no_match("blue", 4)], id_taken);
    assert_broken(Rule::RightlyRefused, &history, &log);
}

/// Events up to the position that an append gives are skipped in the search for a retry, so it may write the same
/// again; events after it are not skipped.
#[test]
fn the_same_ids_may_be_asked_for_again_behind_where_they_stand() {
    let twice = |after| {
        let (mut history, mut log) = good();
        append_to_many(&mut history, &[("b", 4)], vec![], placed(4, 1, 1));
        append_to_many(
            &mut history,
            &[("b", 4)],
            vec![no_match("blue", after)],
            placed(5, 2, 1),
        );
        log.extend([stands(4, "b", 1, 4), stands(5, "b", 2, 4)]);
        (history, log)
    };
    let (history, log) = twice(4);
    assert_good(&history, &log);
    for after in [0, 3] {
        let (history, log) = twice(after);
        assert_broken(Rule::Once, &history, &log);
    }
    // A third copy needs a position after the second.
    for (after, right) in [(4, false), (5, true)] {
        let (mut history, mut log) = twice(4);
        append_to_many(
            &mut history,
            &[("b", 4)],
            vec![no_match("blue", after)],
            placed(6, 3, 1),
        );
        log.push(stands(6, "b", 3, 4));
        if right {
            assert_good(&history, &log);
        } else {
            assert_broken(Rule::Once, &history, &log);
        }
    }
}

#[test]
fn a_position_beyond_the_head_must_have_been() {
    for (after, told, right) in [
        (4, beyond(4, 3), true),
        (9, beyond(9, 3), true),
        (3, beyond(3, 3), false),
        (4, beyond(5, 3), false),
        (4, beyond(4, 2), false),
        (9, beyond(9, 4), false),
    ] {
        let (mut history, log) = good();
        append_to_many(
            &mut history,
            &[("c", 9)],
            vec![no_match("red", after)],
            told.clone(),
        );
        if right {
            assert_good(&history, &log);
        } else {
            assert_broken(Rule::RightlyRefused, &history, &log);
        }
    }
}

#[test]
fn an_append_with_checks_is_not_refused_by_a_revision_alone() {
    let (mut history, log) = good();
    let checks = vec![stream("a", Expected::NoStream)];
    append_to_many(&mut history, &[("a", 9)], checks.clone(), at_revision(Some(1)));
    assert_broken(Rule::RightlyRefused, &history, &log);
    // And an append without checks is not refused because of checks.
    let (mut history, log) = good();
    append(
        &mut history,
        "a",
        Expected::NoStream,
        &[9],
        refused(&[(0, Found::Last(Some(1)))]),
    );
    assert_broken(Rule::RightlyRefused, &history, &log);
}
