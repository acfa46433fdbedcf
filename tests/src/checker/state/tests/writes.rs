//! Rules about writes, their retries and their refusals.

use super::*;

#[test]
fn a_good_history_is_good() {
    assert_good(&good(), &[]);
}

#[test]
fn a_version_given_twice_is_found() {
    let mut history = good();
    write(
        &mut history,
        4,
        vec![put("s", "c", "4")],
        Vec::new(),
        written(&[4]),
    );
    assert_broken(Rule::DenseVersions, &history, &[]);
}

#[test]
fn a_version_that_no_write_got_is_found() {
    let mut history = good();
    write(
        &mut history,
        4,
        vec![put("s", "c", "4")],
        Vec::new(),
        written(&[6]),
    );
    assert_broken(Rule::DenseVersions, &history, &[]);
    // A write of unknown outcome may have got it.
    let mut history = good();
    ask(&mut history, 5, vec![put("s", "d", "5")], Vec::new());
    write(
        &mut history,
        4,
        vec![put("s", "c", "4")],
        Vec::new(),
        written(&[6]),
    );
    assert_good(&history, &[]);
}

#[test]
fn versions_of_a_write_that_are_not_consecutive_are_found() {
    let mut history = History::default();
    let call = ask(
        &mut history,
        1,
        vec![put("s", "a", "1"), put("s", "b", "2")],
        Vec::new(),
    );
    write(
        &mut history,
        2,
        vec![put("s", "c", "3")],
        Vec::new(),
        written(&[2]),
    );
    history.state_write_answered(call, written(&[1, 3]));
    assert_broken(Rule::DenseVersions, &history, &[]);
}

#[test]
fn a_write_before_one_that_had_ended_is_found() {
    let mut history = History::default();
    write(
        &mut history,
        1,
        vec![put("s", "a", "1")],
        Vec::new(),
        written(&[2]),
    );
    write(
        &mut history,
        2,
        vec![put("s", "b", "2")],
        Vec::new(),
        written(&[1]),
    );
    assert_broken(Rule::RealTime, &history, &[]);
}

#[test]
fn a_check_that_did_not_hold_is_found() {
    for (key, expected) in [("a", Some(1)), ("a", None), ("b", Some(2)), ("c", Some(1))] {
        let mut history = good();
        write(
            &mut history,
            4,
            vec![put("s", "d", "4")],
            vec![check("s", key, expected)],
            written(&[5]),
        );
        assert_broken(Rule::ChecksHold, &history, &[]);
    }
}

#[test]
fn a_check_of_another_scope_that_did_not_hold_is_found() {
    let changed = |expected| {
        let mut history = good();
        write(
            &mut history,
            4,
            vec![put("t", "a", "4")],
            vec![check("s", "a", expected)],
            written(&[1]),
        );
        history
    };
    assert_good(&changed(Some(3)), &[]);
    assert_broken(Rule::ChecksHold, &changed(Some(1)), &[]);
}

#[test]
fn a_deletion_has_a_version_if_and_only_if_the_entry_existed() {
    for (key, version) in [("c", 5), ("a", 0)] {
        let mut history = good();
        write(
            &mut history,
            4,
            vec![delete("s", key)],
            Vec::new(),
            written(&[version]),
        );
        assert_broken(Rule::AsExpected, &history, &[]);
    }
    let mut history = good();
    write(
        &mut history,
        4,
        vec![delete("s", "c"), delete("s", "a")],
        Vec::new(),
        written(&[0, 5]),
    );
    assert_good(&history, &[]);
}

#[test]
fn a_retry_returns_the_first_result() {
    let retried = |answer| {
        let mut history = good();
        write(
            &mut history,
            2,
            vec![put("s", "a", "3")],
            vec![check("s", "a", Some(1))],
            answer,
        );
        history
    };
    assert_good(&retried(already(&[3])), &[]);
    assert_good(&retried(StateAnswer::Unknown), &[]);
    assert_broken(Rule::FirstResult, &retried(already(&[5])), &[]);
    assert_broken(Rule::FirstResult, &retried(failed(0, Some(3))), &[]);
    assert_broken(Rule::FirstResult, &retried(StateAnswer::IdConflict), &[]);
    assert_broken(Rule::Once, &retried(written(&[3])), &[]);
}

#[test]
fn a_retry_with_another_time_is_found() {
    let mut history = good();
    let changed_at = Some(1_001);
    let answer = StateAnswer::Written {
        versions: vec![3],
        changed_at,
        already_written: true,
    };
    write(
        &mut history,
        2,
        vec![put("s", "a", "3")],
        vec![check("s", "a", Some(1))],
        answer,
    );
    assert_broken(Rule::Unchanged, &history, &[]);
}

#[test]
fn two_writes_with_one_id_are_found() {
    let conflicting = |id, answer| {
        let mut history = good();
        write(&mut history, id, vec![put("t", "a", "4")], Vec::new(), answer);
        history
    };
    assert_good(&conflicting(2, StateAnswer::IdConflict), &[]);
    assert_broken(Rule::Once, &conflicting(2, written(&[1])), &[]);
    assert_broken(
        Rule::RightlyRefused,
        &conflicting(9, StateAnswer::IdConflict),
        &[],
    );
}

#[test]
fn a_refusal_must_report_exactly_the_checks_that_failed() {
    let refused = |answer| {
        let mut history = good();
        let checks = vec![check("s", "a", Some(1)), check("s", "b", None)];
        write(&mut history, 4, vec![put("s", "c", "4")], checks, answer);
        history
    };
    assert_good(&refused(failed(0, Some(3))), &[]);
    assert_broken(Rule::RightlyRefused, &refused(failed(0, Some(1))), &[]);
    assert_broken(Rule::RightlyRefused, &refused(failed(0, None)), &[]);
    assert_broken(Rule::RightlyRefused, &refused(failed(1, Some(2))), &[]);
    assert_broken(Rule::RightlyRefused, &refused(failed(2, None)), &[]);
    assert_broken(
        Rule::RightlyRefused,
        &refused(StateAnswer::Failed(Vec::new())),
        &[],
    );
    let both = [(0, Some(3)), (1, Some(2))].map(|(index, actual)| FailedStateCheck { index, actual });
    assert_broken(
        Rule::RightlyRefused,
        &refused(StateAnswer::Failed(both.to_vec())),
        &[],
    );
}

#[test]
fn a_refusal_may_report_any_moment_of_its_time() {
    for (actual, is_possible) in [(Some(3), true), (Some(5), true), (Some(1), false)] {
        let mut history = good();
        let call = ask(
            &mut history,
            4,
            vec![put("s", "c", "4")],
            vec![check("s", "a", None)],
        );
        write(
            &mut history,
            5,
            vec![put("s", "a", "5")],
            Vec::new(),
            written(&[5]),
        );
        history.state_write_answered(call, failed(0, actual));
        if is_possible {
            assert_good(&history, &[]);
        } else {
            assert_broken(Rule::RightlyRefused, &history, &[]);
        }
    }
}

#[test]
fn a_refused_write_that_was_made_is_found() {
    for answer in [StateAnswer::Refused, failed(0, Some(3))] {
        let mut history = good();
        write(
            &mut history,
            4,
            vec![put("s", "c", "4")],
            vec![check("s", "a", None)],
            answer,
        );
        assert_good(&history, &[]);
        list(&mut history, &[entry("a", "3", 3), entry("c", "4", 5)], 5);
        assert_broken(Rule::RefusedIsAbsent, &history, &[]);
    }
}

#[test]
fn a_write_of_unknown_outcome_has_happened_once_it_was_seen() {
    let mut history = good();
    ask(
        &mut history,
        4,
        vec![put("s", "c", "4")],
        vec![check("s", "a", Some(3))],
    );
    list(&mut history, &[entry("a", "3", 3)], 4);
    assert_good(&history, &[]);
    list(&mut history, &[entry("a", "3", 3), entry("c", "4", 5)], 5);
    assert_good(&history, &[]);
    list(&mut history, &[entry("a", "3", 3)], 4);
    assert_broken(Rule::FreshRead, &history, &[]);
}
