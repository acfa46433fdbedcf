//! Appends that are stored.

use super::*;

fn forged(call: usize, forge: impl FnOnce(&mut Written)) -> Good {
    let mut good = good();
    let Some((_, Answer::Written(written))) = &mut good.history.appends[call].answered else {
        panic!("it was written");
    };
    forge(written);
    good
}

#[test]
fn a_good_history_is_good() {
    let good = good();
    assert_good(&good.history, &good.log);
    assert_good(&History::default(), &[]);
}

#[test]
fn two_appends_that_both_found_no_match_are_found() {
    // Two clients claim one name, and both get the response that they have it.
    let claim = |id, stream: &str| append(vec![write(stream, &[(id, "ada")])], vec![no_match("ada", 0)]);
    let (first, second) = (claim(1, "s"), claim(2, "t"));
    let mut history = History::default();
    let asked = [&first, &second].map(|append| history.append(append.clone(), None));
    history.append_answered(asked[0], Answer::Written(written(1, &[("s", 0, 0)])));
    history.append_answered(asked[1], Answer::Written(written(2, &[("t", 0, 0)])));
    let mut log = stands(1, &first, &[0]);
    log.extend(stands(2, &second, &[0]));
    assert_broken(Rule::ChecksHold, &history, &log);
}

#[test]
fn a_check_of_a_stream_that_did_not_hold_is_found_whether_it_is_written_to_or_not() {
    for broken in [
        stream_is("s", Expected::NoStream),
        stream_is("s", Expected::Exactly(0)),
        stream_is("s", Expected::Exactly(2)),
        stream_is("v", Expected::StreamExists),
        stream_is("v", Expected::Exactly(0)),
    ] {
        let mut good = good();
        good.history.appends[2].append.checks.push(broken);
        assert_broken(Rule::ChecksHold, &good.history, &good.log);
    }
    let mut good = good();
    for held in [
        stream_is("s", Expected::Exactly(1)),
        stream_is("t", Expected::StreamExists),
        stream_is("v", Expected::NoStream),
    ] {
        good.history.appends[2].append.checks.push(held);
    }
    assert_good(&good.history, &good.log);
}

#[test]
fn a_check_that_began_beyond_the_log_is_found() {
    let mut good = good();
    // Its retries are detected by revision; by id it would not be searched at 5.
    good.history.appends[2].append.checks = vec![stream_is("u", Expected::NoStream), no_match("absent", 5)];
    assert_broken(Rule::ChecksHold, &good.history, &good.log);
}

#[test]
fn an_append_whose_answer_was_lost_stands_by_its_checks_or_not_at_all() {
    let mut good = good();
    good.history.appends[2].answered = None;
    assert_good(&good.history, &good.log);
    good.log.truncate(4);
    assert_good(&good.history, &good.log);
    let mut good = super::good();
    good.history.appends[2].answered = Some((6, Answer::Unknown));
    good.history.appends[2].append.checks = vec![no_match("red", 0)];
    assert_broken(Rule::ChecksHold, &good.history, &good.log);
}

#[test]
fn half_an_append_is_found() {
    let mut good = good();
    good.history.appends[2].answered = None;
    good.log.truncate(5);
    assert_broken(Rule::Whole, &good.history, &good.log);
}

#[test]
fn an_append_with_another_between_its_events_is_found() {
    let torn = append(vec![write("s", &[(1, "red")]), write("t", &[(2, "red")])], vec![]);
    let other = append(vec![write("v", &[(9, "blue")])], vec![]);
    let mut history = History::default();
    let asked = history.append(torn.clone(), None);
    answer(&mut history, &other, Answer::Written(written(2, &[("v", 0, 0)])));
    history.append_answered(asked, Answer::Unknown);
    let mut log = stands(1, &torn, &[0, 0]);
    log[1].position = 3;
    log.insert(1, stands(2, &other, &[0]).remove(0));
    assert_broken(Rule::Whole, &history, &log);
}

#[test]
fn an_event_in_another_stream_than_it_was_sent_to_is_found() {
    let mut good = good();
    good.log[1].stream = "v".to_owned();
    good.log[3].revision = 0;
    assert_broken(Rule::Whole, &good.history, &good.log);
}

#[test]
fn an_event_that_nobody_sent_is_found() {
    let mut good = good();
    let other = append(vec![write("v", &[(9, "blue")])], vec![]);
    good.log.extend(stands(7, &other, &[0]));
    assert_broken(Rule::NothingInvented, &good.history, &good.log);
}

#[test]
fn an_append_that_was_refused_and_stands_is_found() {
    let mut good = good();
    good.history.appends[2].answered = Some((6, failed(&[(0, matched(4, 5))])));
    assert_broken(Rule::RefusedIsAbsent, &good.history, &good.log);
}

#[test]
fn changed_content_is_found() {
    let mut good = good();
    good.log[4].digest += 1;
    assert_broken(Rule::Unchanged, &good.history, &good.log);
}

#[test]
fn a_lost_append_is_found() {
    let mut good = good();
    good.log.truncate(4);
    assert_broken(Rule::Durable, &good.history, &good.log);
}

#[test]
fn a_place_that_is_not_where_it_was_told_is_found() {
    for (call, rule, forge) in [
        (
            1,
            Rule::Durable,
            (|written| written.first_position = 3) as fn(&mut Written),
        ),
        (0, Rule::AsExpected, |written| written.last_position = 2),
        (0, Rule::Durable, |written| written.recorded_at = 999),
        (0, Rule::Durable, |written| written.streams[0].2 = 0),
        (0, Rule::Durable, |written| written.streams.reverse()),
        (0, Rule::Durable, |written| drop(written.streams.pop())),
    ] {
        let good = forged(call, forge);
        assert_broken(rule, &good.history, &good.log);
    }
}

#[test]
fn an_append_that_is_written_twice_is_found() {
    let mut good = good();
    // A retry with the response that it wrote; then a second copy in the log.
    answer(
        &mut good.history,
        &good.b.clone(),
        Answer::Written(written(4, &[("t", 1, 1)])),
    );
    assert_broken(Rule::Once, &good.history, &good.log);
    let mut good = super::good();
    let any = append(vec![write("v", &[(9, "blue")])], vec![]);
    answer(
        &mut good.history,
        &any,
        Answer::Written(written(7, &[("v", 0, 0)])),
    );
    answer(
        &mut good.history,
        &any,
        Answer::Written(written(8, &[("v", 1, 1)])),
    );
    good.log.extend(stands(7, &any, &[0]));
    good.log.extend(stands(8, &any, &[1]));
    assert_broken(Rule::Once, &good.history, &good.log);
}

#[test]
fn a_retry_is_answered_with_the_first_result_and_no_other() {
    let again = |first_position, streams: &[(&str, u64, u64)]| {
        let mut good = good();
        let answered = Written {
            already_appended: true,
            ..written(first_position, streams)
        };
        answer(&mut good.history, &good.c.clone(), Answer::Written(answered));
        good
    };
    let good = again(5, &[("u", 0, 1)]);
    assert_good(&good.history, &good.log);
    let good = again(4, &[("u", 0, 1)]);
    assert_broken(Rule::Durable, &good.history, &good.log);
    let good = again(5, &[("u", 1, 2)]);
    assert_broken(Rule::Durable, &good.history, &good.log);
}

#[test]
fn ids_that_are_asked_for_anew_after_a_later_position_may_stand_twice() {
    let claim = |after| append(vec![write("s", &[(1, "ada")])], vec![no_match("eve", after)]);
    let mut history = History::default();
    answer(
        &mut history,
        &claim(0),
        Answer::Written(written(1, &[("s", 0, 0)])),
    );
    answer(
        &mut history,
        &claim(1),
        Answer::Written(written(2, &[("s", 1, 1)])),
    );
    let mut log = stands(1, &claim(0), &[0]);
    log.extend(stands(2, &claim(1), &[1]));
    assert_good(&history, &log);
}

#[test]
fn an_append_before_what_was_known_and_one_before_it_was_sent_are_found() {
    let (first, second) = (
        append(vec![write("s", &[(1, "red")])], vec![]),
        append(vec![write("t", &[(2, "red")])], vec![]),
    );
    let mut history = History::default();
    answer(&mut history, &second, Answer::Written(written(2, &[("t", 0, 0)])));
    answer(&mut history, &first, Answer::Written(written(1, &[("s", 0, 0)])));
    let mut log = stands(1, &first, &[0]);
    log.extend(stands(2, &second, &[0]));
    assert_broken(Rule::RealTime, &history, &log);
}

#[test]
fn a_pipeline_whose_appends_stand_in_another_order_is_found() {
    let appends = [1, 2].map(|id| append(vec![write("s", &[(id, "red")])], vec![]));
    for (places, is_good) in [([1, 2], true), ([2, 1], false)] {
        let mut history = History::default();
        let asked = [0, 1].map(|n: usize| history.append(appends[n].clone(), Some(7)));
        for (call, place) in asked.into_iter().zip(places) {
            let answered = written(place, &[("s", place - 1, place - 1)]);
            history.append_answered(call, Answer::Written(answered));
        }
        let mut log = stands(places[0], &appends[0], &[places[0] - 1]);
        log.extend(stands(places[1], &appends[1], &[places[1] - 1]));
        log.sort_by_key(|event| event.position);
        if is_good {
            assert_good(&history, &log);
        } else {
            assert_broken(Rule::RealTime, &history, &log);
        }
    }
}

#[test]
fn a_read_that_saw_half_an_append_or_missed_one_is_found() {
    let mut good = good();
    read(&mut good.history, 6, &good.log);
    assert_good(&good.history, &good.log);
    let mut good = super::good();
    read(&mut good.history, 5, &good.log[..5]);
    assert_broken(Rule::Whole, &good.history, &good.log);
    assert_broken(Rule::FreshRead, &good.history, &good.log);
    let mut good = super::good();
    read(&mut good.history, 6, &good.log[..5]);
    assert_broken(Rule::ExactRead, &good.history, &good.log);
}
