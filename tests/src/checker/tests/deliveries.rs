//! Rules about reads and subscriptions.

use super::*;

fn stream(name: &str) -> Target {
    Target::Stream(name.to_owned())
}

#[test]
fn reads_return_what_they_were_asked_for() {
    let (mut history, log) = good();
    read(&mut history, log_request(), events(3, &log));
    let backwards = ReadRequest {
        backwards: true,
        from: Some(2),
        limit: Some(1),
        ..log_request()
    };
    read(&mut history, backwards, events(3, &log[1..2]));
    let item = FilterItem {
        stream_prefixes: vec!["b".to_owned()],
        ..FilterItem::default()
    };
    let filtered = ReadRequest {
        filter: Filter { items: vec![item] },
        ..log_request()
    };
    read(&mut history, filtered, events(3, &log[2..]));
    let of_stream = ReadRequest {
        target: stream("a"),
        from: Some(1),
        ..log_request()
    };
    let answer = ReadAnswer::Events {
        head: 3,
        last_revision: Some(1),
        events: log[1..2].to_vec(),
        complete: true,
    };
    read(&mut history, of_stream, answer);
    let broken_off = ReadAnswer::Events {
        head: 3,
        last_revision: None,
        events: log[..1].to_vec(),
        complete: false,
    };
    read(&mut history, log_request(), broken_off);
    assert_good(&history, &log);
}

#[test]
fn a_read_with_a_hole_or_a_wrong_event_is_found() {
    let (history, log) = good();
    let mut changed = log.clone();
    changed[1].digest += 1;
    for wrong in [&log[1..], &log[..2], &[log[0].clone(), log[2].clone()], &changed] {
        let mut history = history.clone();
        read(&mut history, log_request(), events(3, wrong));
        assert_broken(Rule::ExactRead, &history, &log);
    }
}

#[test]
fn a_read_beyond_its_own_head_is_found() {
    let mut history = History::default();
    let (first, second) = (
        ask(&mut history, "a", Expected::Any, &[1]),
        ask(&mut history, "a", Expected::Any, &[2]),
    );
    let log = [stands(1, "a", 0, 1), stands(2, "a", 1, 2)];
    read(&mut history, log_request(), events(1, &log));
    history.append_answered(first, placed(1, 0, 1));
    history.append_answered(second, placed(2, 1, 1));
    assert_broken(Rule::ExactRead, &history, &log);
}

#[test]
fn a_stale_read_is_found() {
    let (history, log) = good();
    let mut stale = history.clone();
    read(&mut stale, log_request(), events(2, &log[..2]));
    assert_broken(Rule::FreshRead, &stale, &log);
    let mut stale = history;
    read(
        &mut stale,
        ReadRequest {
            target: stream("b"),
            ..log_request()
        },
        ReadAnswer::StreamNotFound,
    );
    assert_broken(Rule::FreshRead, &stale, &log);
}

#[test]
fn what_one_client_read_another_one_reads_too() {
    let mut history = History::default();
    ask(&mut history, "a", Expected::Any, &[1]);
    let log = [stands(1, "a", 0, 1)];
    read(&mut history, log_request(), events(0, &[]));
    read(&mut history, log_request(), events(1, &log));
    assert_good(&history, &log);
    read(&mut history, log_request(), events(0, &[]));
    assert_broken(Rule::FreshRead, &history, &log);
}

#[test]
fn a_head_that_is_lost_later_is_found() {
    let (mut history, log) = good();
    ask(&mut history, "a", Expected::Any, &[4]);
    let read_events = [log.clone(), vec![stands(4, "a", 2, 4)]].concat();
    read(&mut history, log_request(), events(4, &read_events));
    assert_broken(Rule::Durable, &history, &log);
}

#[test]
fn a_head_before_its_events_were_sent_is_found() {
    let mut history = History::default();
    read(&mut history, log_request(), events(1, &[stands(1, "a", 0, 1)]));
    append(&mut history, "a", Expected::Any, &[1], placed(1, 0, 1));
    assert_broken(Rule::RealTime, &history, &[stands(1, "a", 0, 1)]);
}

#[test]
fn a_place_beyond_the_end_must_be_beyond_the_end() {
    let (history, log) = good();
    for (from, end, good) in [(5, 3, true), (3, 3, false), (5, 2, false)] {
        let mut history = history.clone();
        let request = ReadRequest {
            from: Some(from),
            ..log_request()
        };
        read(&mut history, request, ReadAnswer::BeyondEnd(Some(end)));
        let call = history.subscribe(SubscribeRequest {
            target: Target::Log,
            start: Start::After(from),
            filter: Filter::default(),
        });
        history.subscribe_answered(call, SubscribeAnswer::BeyondEnd(Some(end)));
        if good {
            assert_good(&history, &log);
        } else {
            assert_broken(Rule::FreshRead, &history, &log);
            assert_eq!(
                check(&history, &log).unwrap_err().len(),
                2,
                "the read and the subscription"
            );
        }
    }
}

#[test]
fn subscriptions_deliver_everything_after_their_start() {
    let (mut history, log) = good();
    let all = Notice::Events(log.clone());
    subscribe(
        &mut history,
        Target::Log,
        Start::Beginning,
        &[all, Notice::CaughtUp(3), Notice::Checkpoint(3)],
    );
    subscribe(
        &mut history,
        Target::Log,
        Start::After(1),
        &[Notice::Events(log[1..].to_vec())],
    );
    subscribe(
        &mut history,
        stream("a"),
        Start::After(0),
        &[Notice::Events(log[1..2].to_vec()), Notice::CaughtUp(3)],
    );
    subscribe(&mut history, Target::Log, Start::End, &[Notice::CaughtUp(3)]);
    assert_good(&history, &log);
}

#[test]
fn a_missing_a_repeated_and_a_changed_event_are_found() {
    let (history, log) = good();
    let mut changed = log.clone();
    changed[2].digest += 1;
    let repeated = [log[0].clone(), log[0].clone()];
    for wrong in [&log[1..], &[log[0].clone(), log[2].clone()], &repeated, &changed] {
        let mut history = history.clone();
        subscribe(
            &mut history,
            Target::Log,
            Start::Beginning,
            &[Notice::Events(wrong.to_vec())],
        );
        assert_broken(Rule::ExactDelivery, &history, &log);
    }
    let mut history = history;
    subscribe(
        &mut history,
        Target::Log,
        Start::After(2),
        &[Notice::Events(log[1..].to_vec())],
    );
    assert_broken(Rule::ExactDelivery, &history, &log);
}

#[test]
fn a_place_before_what_is_undelivered_is_found() {
    let (history, log) = good();
    for notice in [Notice::CaughtUp(3), Notice::Checkpoint(3), Notice::Checkpoint(2)] {
        let mut history = history.clone();
        subscribe(&mut history, Target::Log, Start::After(1), &[notice]);
        assert_broken(Rule::HonestPlaces, &history, &log);
    }
}

#[test]
fn a_place_that_goes_back_is_found() {
    let (mut history, log) = good();
    subscribe(
        &mut history,
        stream("b"),
        Start::After(0),
        &[Notice::CaughtUp(3), Notice::Checkpoint(2)],
    );
    assert_broken(Rule::HonestPlaces, &history, &log);
}

#[test]
fn catching_up_and_falling_behind_take_turns() {
    let (history, log) = good();
    let (caught, behind) = (Notice::CaughtUp(3), Notice::FellBehind(2, 3));
    for wrong in [vec![caught.clone(), caught], vec![behind]] {
        let mut history = history.clone();
        subscribe(&mut history, Target::Log, Start::End, &wrong);
        assert_broken(Rule::HonestPlaces, &history, &log);
    }
}

#[test]
fn a_subscription_that_is_caught_up_with_the_past_is_found() {
    let (mut history, log) = good();
    subscribe(
        &mut history,
        Target::Log,
        Start::Beginning,
        &[Notice::Events(log[..1].to_vec()), Notice::CaughtUp(1)],
    );
    assert_broken(Rule::FreshRead, &history, &log);
}

#[test]
fn a_subscription_from_the_end_delivers_what_was_sent_after_it_began() {
    let (mut history, mut log) = good();
    subscribe(&mut history, Target::Log, Start::End, &[]);
    append(&mut history, "b", Expected::Any, &[4], placed(4, 1, 1));
    append(&mut history, "b", Expected::Any, &[5], placed(5, 2, 1));
    log.extend([stands(4, "b", 1, 4), stands(5, "b", 2, 5)]);
    for (first, good) in [(2, false), (3, true), (4, false)] {
        let mut history = history.clone();
        history.notice(CallId(0), Notice::Events(log[first..].to_vec()));
        if good {
            assert_good(&history, &log)
        } else {
            assert_broken(Rule::ExactDelivery, &history, &log)
        }
    }
}

#[test]
fn an_event_that_is_delivered_before_it_was_sent_is_found() {
    let (mut history, mut log) = good();
    subscribe(
        &mut history,
        Target::Log,
        Start::End,
        &[Notice::Events(vec![stands(4, "b", 1, 4)])],
    );
    append(&mut history, "b", Expected::Any, &[4], placed(4, 1, 1));
    log.push(stands(4, "b", 1, 4));
    assert_broken(Rule::RealTime, &history, &log);
}

#[test]
fn resuming_after_an_event_that_is_lost_later_is_found() {
    let (mut history, log) = good();
    subscribe(&mut history, stream("b"), Start::After(1), &[]);
    assert_broken(Rule::Durable, &history, &log);
}
