//! Rules about the log and about appends.

use super::*;

#[test]
fn a_good_history_is_good() {
    let (history, log) = good();
    assert_good(&history, &log);
    let nothing: History = History::default();
    assert_good(&nothing, &[]);
}

#[test]
fn a_gap_in_the_positions_is_found() {
    let (history, mut log) = good();
    log[2].position = 4;
    assert_broken(Rule::DensePositions, &history, &log);
}

#[test]
fn a_revision_used_twice_is_found() {
    let (history, mut log) = good();
    log[1].revision = 0;
    assert_broken(Rule::DenseRevisions, &history, &log);
}

#[test]
fn a_recorded_time_that_goes_back_is_found() {
    let (history, mut log) = good();
    log[2].recorded_at = 999;
    assert_broken(Rule::RecordedTimes, &history, &log);
}

#[test]
fn an_event_that_nobody_sent_is_found() {
    let (history, mut log) = good();
    log.push(stands(4, "b", 1, 4));
    assert_broken(Rule::NothingInvented, &history, &log);
}

#[test]
fn changed_content_is_found() {
    for change in [
        |event: &mut Observed| event.digest += 1,
        |event: &mut Observed| event.kind.push('!'),
        |event: &mut Observed| event.tags.clear(),
    ] {
        let (history, mut log) = good();
        change(&mut log[1]);
        assert_broken(Rule::Unchanged, &history, &log);
    }
}

#[test]
fn a_lost_append_is_found() {
    let (history, mut log) = good();
    log.pop();
    assert_broken(Rule::Durable, &history, &log);
}

#[test]
fn an_append_elsewhere_than_it_was_told_is_found() {
    let (mut history, log) = good();
    history.appends[1].answered = Some((4, placed(2, 0, 1)));
    assert_broken(Rule::Durable, &history, &log);
}

#[test]
fn another_recorded_time_than_was_told_is_found() {
    let (history, mut log) = good();
    log[2].recorded_at = 1_001;
    assert_broken(Rule::Durable, &history, &log);
}

#[test]
fn half_an_append_is_found() {
    let mut history = History::default();
    ask(&mut history, "a", Expected::Any, &[1, 2]);
    assert_broken(Rule::Whole, &history, &[stands(1, "a", 0, 1)]);
    append(&mut history, "b", Expected::Any, &[3], placed(2, 0, 1));
    let torn = [stands(1, "a", 0, 1), stands(2, "b", 0, 3), stands(3, "a", 1, 2)];
    assert_broken(Rule::Whole, &history, &torn);
}

#[test]
fn an_unknown_append_may_stand_once_or_not_at_all() {
    for expected in [Expected::Any, Expected::NoStream] {
        let mut history = History::default();
        let call = ask(&mut history, "a", expected, &[1]);
        assert_good(&history, &[]);
        assert_good(&history, &[stands(1, "a", 0, 1)]);
        history.append_answered(call, AppendAnswer::Unknown);
        assert_good(&history, &[]);
        assert_broken(
            Rule::Once,
            &history,
            &[stands(1, "a", 0, 1), stands(2, "a", 1, 1)],
        );
    }
}

#[test]
fn a_retry_that_wrote_again_is_found() {
    let mut history = History::default();
    append(&mut history, "a", Expected::Any, &[1], placed(1, 0, 1));
    append(&mut history, "a", Expected::StreamExists, &[1], placed(2, 1, 1));
    assert_broken(
        Rule::Once,
        &history,
        &[stands(1, "a", 0, 1), stands(2, "a", 1, 1)],
    );
}

#[test]
fn the_same_ids_may_be_asked_for_twice_at_different_revisions() {
    let mut history = History::default();
    append(&mut history, "a", Expected::NoStream, &[1], placed(1, 0, 1));
    append(&mut history, "a", Expected::Exactly(0), &[1], placed(2, 1, 1));
    assert_good(&history, &[stands(1, "a", 0, 1), stands(2, "a", 1, 1)]);
}

#[test]
fn a_retry_is_answered_with_the_first_result() {
    let (mut history, log) = good();
    append(&mut history, "a", Expected::NoStream, &[1, 2], already(1, 0, 2));
    append(&mut history, "b", Expected::Any, &[3], already(3, 0, 1));
    assert_good(&history, &log);
    append(&mut history, "b", Expected::Any, &[3], already(2, 1, 1));
    assert_broken(Rule::Durable, &history, &log);
}

#[test]
fn two_appends_that_were_told_to_have_written_the_same_are_found() {
    let (mut history, log) = good();
    append(&mut history, "b", Expected::Any, &[3], placed(3, 0, 1));
    assert_broken(Rule::Once, &history, &log);
}

#[test]
fn a_refused_append_that_stands_is_found() {
    for answer in [at_revision(None), AppendAnswer::Refused] {
        let mut history = History::default();
        append(&mut history, "a", Expected::StreamExists, &[1], answer);
        assert_good(&history, &[]);
        assert_broken(Rule::RefusedIsAbsent, &history, &[stands(1, "a", 0, 1)]);
    }
}

#[test]
fn an_acknowledged_append_against_its_expectation_is_found() {
    for (expected, revision) in [
        (Expected::NoStream, 1),
        (Expected::Exactly(1), 1),
        (Expected::StreamExists, 0),
    ] {
        let mut history = History::default();
        let mut log = Vec::new();
        for n in 0..revision {
            append(&mut history, "a", Expected::Any, &[10], placed(n + 1, n, 1));
            log.push(stands(n + 1, "a", n, 10));
        }
        append(
            &mut history,
            "a",
            expected,
            &[1],
            placed(revision + 1, revision, 1),
        );
        log.push(stands(revision + 1, "a", revision, 1));
        assert_broken(Rule::AsExpected, &history, &log);
    }
}

#[test]
fn a_refusal_must_contradict_the_expectation() {
    let (mut history, log) = good();
    append(
        &mut history,
        "a",
        Expected::Exactly(0),
        &[9],
        at_revision(Some(1)),
    );
    append(&mut history, "a", Expected::NoStream, &[9], at_revision(Some(1)));
    append(&mut history, "c", Expected::StreamExists, &[9], at_revision(None));
    assert_good(&history, &log);
    append(
        &mut history,
        "a",
        Expected::Exactly(1),
        &[9],
        at_revision(Some(1)),
    );
    assert_broken(Rule::RightlyRefused, &history, &log);
}

#[test]
fn a_refusal_must_tell_a_revision_of_its_time() {
    // Before the acknowledgement both are possible, afterwards only one.
    let mut history = History::default();
    let first = ask(&mut history, "a", Expected::Any, &[1]);
    let log = [stands(1, "a", 0, 1)];
    append(&mut history, "a", Expected::Exactly(5), &[8], at_revision(None));
    append(
        &mut history,
        "a",
        Expected::Exactly(5),
        &[9],
        at_revision(Some(0)),
    );
    history.append_answered(first, placed(1, 0, 1));
    assert_good(&history, &log);
    let mut stale = history.clone();
    append(&mut stale, "a", Expected::Exactly(5), &[9], at_revision(None));
    assert_broken(Rule::RightlyRefused, &stale, &log);
    append(
        &mut history,
        "a",
        Expected::Exactly(5),
        &[9],
        at_revision(Some(1)),
    );
    assert_broken(Rule::RightlyRefused, &history, &log);
}

#[test]
fn a_refusal_must_tell_a_revision_at_which_an_append_ends() {
    let (mut history, log) = good();
    let history_before = ask(&mut history, "a", Expected::Exactly(7), &[9]);
    history.append_answered(history_before, at_revision(Some(1)));
    assert_good(&history, &log);
    let mut torn = History::default();
    let call = ask(&mut torn, "a", Expected::Any, &[1, 2]);
    append(&mut torn, "a", Expected::Exactly(7), &[9], at_revision(Some(0)));
    torn.append_answered(call, placed(1, 0, 2));
    assert_broken(Rule::RightlyRefused, &torn, &log[..2]);
}

#[test]
fn refusing_what_stands_already_is_found() {
    let (mut history, log) = good();
    append(
        &mut history,
        "a",
        Expected::NoStream,
        &[1, 2],
        at_revision(Some(1)),
    );
    assert_broken(Rule::RightlyRefused, &history, &log);
    let id = Refusal::Id {
        stream: "b".to_owned(),
        revision: Some(0),
        position: 3,
    };
    let (mut history, log) = good();
    append(
        &mut history,
        "b",
        Expected::Any,
        &[3, 4],
        AppendAnswer::Rejected(id.clone()),
    );
    assert_good(&history, &log);
    append(&mut history, "b", Expected::Any, &[3], AppendAnswer::Rejected(id));
    assert_broken(Rule::RightlyRefused, &history, &log);
}

#[test]
fn a_refusal_must_tell_where_the_id_stands() {
    let (mut history, log) = good();
    let id = Refusal::Id {
        stream: "b".to_owned(),
        revision: Some(0),
        position: 2,
    };
    append(
        &mut history,
        "b",
        Expected::Any,
        &[3, 4],
        AppendAnswer::Rejected(id),
    );
    assert_broken(Rule::RightlyRefused, &history, &log);
}

#[test]
fn an_append_before_what_was_acknowledged_before_it_is_found() {
    let mut history = History::default();
    append(&mut history, "a", Expected::Any, &[1], placed(2, 0, 1));
    append(&mut history, "b", Expected::Any, &[2], placed(1, 0, 1));
    assert_broken(
        Rule::RealTime,
        &history,
        &[stands(1, "b", 0, 2), stands(2, "a", 0, 1)],
    );
}

#[test]
fn an_append_that_is_answered_behind_what_was_not_sent_yet_is_found() {
    let mut history = History::default();
    let call = ask(&mut history, "a", Expected::Any, &[1]);
    history.append_answered(call, placed(2, 0, 1));
    ask(&mut history, "b", Expected::Any, &[2]);
    assert_broken(
        Rule::RealTime,
        &history,
        &[stands(1, "b", 0, 2), stands(2, "a", 0, 1)],
    );
}
