//! Rules about reads and subscriptions.

use std::slice::from_ref;

use super::*;
use StateNotice::{CaughtUp, Checkpoint, Expired, Updates};

#[test]
fn a_read_returns_the_entries_at_its_version() {
    let with = |entries: &[StateEntry], version| {
        let mut history = good();
        list(&mut history, entries, version);
        history
    };
    assert_good(&with(&[entry("a", "3", 3)], 4), &[]);
    assert_broken(Rule::ExactRead, &with(&[], 4), &[]);
    assert_broken(Rule::ExactRead, &with(&[entry("a", "1", 1)], 4), &[]);
    assert_broken(
        Rule::ExactRead,
        &with(&[entry("a", "3", 3), entry("b", "2", 2)], 4),
        &[],
    );
    assert_broken(
        Rule::FreshRead,
        &with(&[entry("a", "3", 3), entry("b", "2", 2)], 3),
        &[],
    );
    assert_broken(Rule::NothingInvented, &with(&[entry("a", "9", 3)], 4), &[]);
    assert_broken(Rule::DenseVersions, &with(&[entry("a", "3", 3)], 5), &[]);
}

#[test]
fn a_read_in_the_middle_of_a_write_is_found() {
    let mut history = History::default();
    let call = ask(
        &mut history,
        1,
        vec![put("s", "a", "1"), put("s", "b", "2")],
        Vec::new(),
    );
    list(&mut history, &[entry("a", "1", 1)], 1);
    history.state_write_answered(call, written(&[1, 2]));
    assert_broken(Rule::Whole, &history, &[]);
}

#[test]
fn a_page_is_a_part_of_the_entries() {
    let with = |after: Option<&str>, entries: &[StateEntry], has_more| {
        let mut history = History::default();
        write(
            &mut history,
            1,
            vec![put("s", "a", "1"), put("s", "b", "2")],
            Vec::new(),
            written(&[1, 2]),
        );
        let call = history.state_read(StateRead::List {
            scope: "s".to_owned(),
            prefix: String::new(),
            after: after.map(str::to_owned),
            limit: 1,
        });
        let page = StatePage {
            entries: entries.to_vec(),
            has_more,
            version: 2,
        };
        history.state_read_answered(call, page);
        history
    };
    let (a, b) = (entry("a", "1", 1), entry("b", "2", 2));
    assert_good(&with(None, from_ref(&a), true), &[]);
    assert_good(&with(Some("a"), from_ref(&b), false), &[]);
    assert_broken(Rule::ExactRead, &with(None, from_ref(&a), false), &[]);
    assert_broken(Rule::ExactRead, &with(None, from_ref(&b), false), &[]);
    assert_broken(Rule::ExactRead, &with(None, &[a, b], false), &[]);
    assert_broken(Rule::ExactRead, &with(None, &[], true), &[]);
}

#[test]
fn a_get_returns_the_entry() {
    let with = |key: &str, entries: &[StateEntry]| {
        let mut history = good();
        let call = history.state_read(StateRead::Get {
            scope: "s".to_owned(),
            key: key.to_owned(),
        });
        let page = StatePage {
            entries: entries.to_vec(),
            has_more: false,
            version: 4,
        };
        history.state_read_answered(call, page);
        history
    };
    assert_good(&with("a", &[entry("a", "3", 3)]), &[]);
    assert_good(&with("b", &[]), &[]);
    assert_broken(Rule::ExactRead, &with("a", &[]), &[]);
    assert_broken(Rule::ExactRead, &with("b", &[entry("b", "2", 2)]), &[]);
}

/// A history with subscriptions, each of which resumes the one before.
fn followed(subscriptions: &[&[StateNotice]]) -> History {
    let mut history = good();
    let mut resumes = None;
    for notices in subscriptions {
        let call = subscribe(&mut history, resumes, notices);
        let place = notices.last().and_then(StateNotice::version);
        resumes = place.map(|place| (call, place));
    }
    history
}

#[test]
fn a_subscriber_has_the_entries_when_it_has_caught_up() {
    let a = || update("a", "3", 3);
    assert_good(&followed(&[&[Updates(vec![a()]), CaughtUp(4)]]), &[]);
    assert_good(
        &followed(&[&[Updates(vec![a()]), CaughtUp(4)], &[CaughtUp(4)]]),
        &[],
    );
    // Without the entry, in the wrong order, with an old value, twice.
    assert_broken(Rule::HonestPlaces, &followed(&[&[CaughtUp(4)]]), &[]);
    assert_broken(
        Rule::HonestPlaces,
        &followed(&[&[CaughtUp(4), Updates(vec![a()])]]),
        &[],
    );
    assert_broken(
        Rule::HonestPlaces,
        &followed(&[&[Updates(vec![update("a", "1", 1)]), CaughtUp(4)]]),
        &[],
    );
    assert_broken(
        Rule::ExactDelivery,
        &followed(&[&[Updates(vec![a(), a()]), CaughtUp(4)]]),
        &[],
    );
    assert_broken(
        Rule::ExactDelivery,
        &followed(&[&[Updates(Vec::new()), Updates(vec![a()]), CaughtUp(4)]]),
        &[],
    );
    assert_broken(
        Rule::FreshRead,
        &followed(&[&[Updates(vec![a()]), CaughtUp(3)]]),
        &[],
    );
    assert_broken(
        Rule::HonestPlaces,
        &followed(&[&[Updates(vec![a()]), CaughtUp(4), CaughtUp(4)]]),
        &[],
    );
    assert_broken(
        Rule::HonestPlaces,
        &followed(&[&[Updates(vec![a()]), Checkpoint(4)]]),
        &[],
    );
}

#[test]
fn a_subscriber_that_keeps_a_deleted_entry_is_found() {
    let first: &[StateNotice] = &[Updates(vec![update("b", "2", 2)])];
    let with = |then: &[StateNotice]| followed(&[first, then]);
    let both = Updates(vec![update("a", "3", 3), deletion("b", 4)]);
    assert_good(&with(&[both.clone(), CaughtUp(4)]), &[]);
    assert_broken(
        Rule::HonestPlaces,
        &with(&[Updates(vec![update("a", "3", 3)]), CaughtUp(4)]),
        &[],
    );
    assert_broken(
        Rule::ExactDelivery,
        &with(&[Updates(vec![deletion("b", 4)]), CaughtUp(4)]),
        &[],
    );
    assert_broken(
        Rule::DenseVersions,
        &with(&[Updates(vec![deletion("b", 3)]), CaughtUp(4)]),
        &[],
    );
}

#[test]
fn a_subscription_that_expired_must_have_missed_a_deletion() {
    let expired = |place: u64, first| {
        let mut history = good();
        let notices: &[StateNotice] = match place {
            3 => &[Updates(vec![update("b", "2", 2), update("a", "3", 3)])],
            _ => &[Updates(vec![update("a", "3", 3)]), CaughtUp(4)],
        };
        let call = subscribe(&mut history, None, notices);
        subscribe(&mut history, Some((call, place)), &[Expired(first)]);
        history
    };
    assert_good(&expired(3, 4), &[]);
    assert_broken(Rule::RightlyRefused, &expired(4, 4), &[]);
    assert_broken(Rule::RightlyRefused, &expired(3, 3), &[]);
}

#[test]
fn a_subscription_that_is_refused_for_a_version_that_was_reported_is_found() {
    let mut history = good();
    let call = subscribe(
        &mut history,
        None,
        &[Updates(vec![update("a", "3", 3)]), CaughtUp(4)],
    );
    let again = history.state_subscribe(StateSubscribeRequest {
        scope: "s".to_owned(),
        prefix: String::new(),
        resumes: Some((call, 4)),
    });
    history.state_subscribe_answered(again, StateSubscribeAnswer::BeyondEnd(3));
    assert_broken(Rule::FreshRead, &history, &[]);
}
