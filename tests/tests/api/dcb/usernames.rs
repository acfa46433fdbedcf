//! Unique user names (<https://dcb.events/examples/unique-username/>): an account takes a name that no other account
//! has. A name that was given up, by closing the account or by taking another name, is free again some days later.

use annals_client::{QueryItem, RecordedEvent, Timestamp};
use annals_tests::{harness::Server, on_every_engine};
use futures::future::join_all;
use serde_json::{Value, json};

use super::store::{Fact, Store, fact, with_a_past};

on_every_engine!(
    a_name_that_is_claimed_is_refused,
    a_name_that_nobody_has_is_given,
    the_name_of_a_closed_account_is_free,
    a_name_that_was_changed_is_free_and_the_new_one_is_not,
    a_name_is_kept_for_three_days_after_it_was_given_up,
    a_name_is_free_four_days_after_it_was_given_up,
    of_twenty_who_claim_a_name_one_gets_it,
    names_that_change_hands_have_one_owner_at_a_time,
);

const REGISTERED: &str = "AccountRegistered";
const CLOSED: &str = "AccountClosed";
const CHANGED: &str = "UsernameChanged";
const DAY_SECONDS: i64 = 86_400;
/// How long a given-up name is reserved, in days.
const KEPT_DAYS: i64 = 3;

#[derive(Debug, PartialEq, Eq)]
struct Claimed;

fn tag(name: &str) -> String {
    format!("username:{name}")
}

fn registered(name: &str) -> Fact {
    fact("accounts", REGISTERED, &json!({"username": name}), &[&tag(name)])
}

fn closed(name: &str) -> Fact {
    fact("accounts", CLOSED, &json!({"username": name}), &[&tag(name)])
}

fn changed(old: &str, new: &str) -> Fact {
    fact(
        "accounts",
        CHANGED,
        &json!({"oldUsername": old, "newUsername": new}),
        &[&tag(old), &tag(new)],
    )
}

/// True if a name is taken. `kept_days`: how long a given-up name is reserved; `None`: it is free at once.
fn is_claimed(name: &str, events: &[RecordedEvent], kept_days: Option<i64>) -> bool {
    let now = Timestamp::now();
    events.iter().fold(false, |claimed, event| {
        let days = (now.as_second() - event.recorded_at.as_second()).div_euclid(DAY_SECONDS);
        let is_kept = kept_days.is_some_and(|kept| days <= kept);
        let data: Value = event.json().unwrap();
        match event.event_type.as_str() {
            REGISTERED => true,
            CLOSED => is_kept,
            CHANGED => data["newUsername"] == name || is_kept,
            _ => claimed,
        }
    })
}

async fn register_kept(store: &Store, name: &str, kept_days: Option<i64>) -> Result<(), Claimed> {
    let decide = |events: &[RecordedEvent]| {
        if is_claimed(name, events, kept_days) {
            Err(Claimed)
        } else {
            Ok(vec![registered(name)])
        }
    };
    store.decide(QueryItem::new().tagged(tag(name)), decide).await
}

async fn register(store: &Store, name: &str) -> Result<(), Claimed> {
    register_kept(store, name, None).await
}

/// Exchanges a name for another one.
async fn change(store: &Store, old: &str, new: &str) -> Result<(), Claimed> {
    let decide = |events: &[RecordedEvent]| {
        if is_claimed(new, events, None) {
            Err(Claimed)
        } else {
            Ok(vec![changed(old, new)])
        }
    };
    store.decide(QueryItem::new().tagged(tag(new)), decide).await
}

async fn a_name_that_is_claimed_is_refused(server: Server) {
    let store = Store::of(&server);
    store.given([registered("u1")]).await;
    assert_eq!(register(&store, "u1").await, Err(Claimed));
    store.assert_nothing_after(1).await;
}

async fn a_name_that_nobody_has_is_given(server: Server) {
    let store = Store::of(&server);
    register(&store, "u1").await.unwrap();
    store.assert_last(REGISTERED, json!({"username": "u1"})).await;
}

async fn the_name_of_a_closed_account_is_free(server: Server) {
    let store = Store::of(&server);
    store.given([registered("u1"), closed("u1")]).await;
    register(&store, "u1").await.unwrap();
    store.assert_nothing_after(3).await;
}

async fn a_name_that_was_changed_is_free_and_the_new_one_is_not(server: Server) {
    let store = Store::of(&server);
    store.given([registered("u1"), changed("u1", "u1changed")]).await;
    assert_eq!(register(&store, "u1changed").await, Err(Claimed));
    register(&store, "u1").await.unwrap();
    store.assert_last(REGISTERED, json!({"username": "u1"})).await;
}

/// An account that registered four days ago gave its name up this many days ago; another one wants it.
async fn wanted_again(server: Server, given_up: Fact, days_ago: i64) -> Result<(), Claimed> {
    let server = with_a_past(server);
    let store = Store::of(&server);
    let now = Timestamp::now();
    let ago = |days: i64| {
        Timestamp::from_second(now.as_second() - days * DAY_SECONDS).expect("days ago was a time")
    };
    store.given_at(ago(4), [registered("u1")]).await;
    store.given_at(ago(days_ago), [given_up]).await;
    register_kept(&store, "u1", Some(KEPT_DAYS)).await
}

async fn a_name_is_kept_for_three_days_after_it_was_given_up(server: Server) {
    let engine = server.engine();
    assert_eq!(wanted_again(server, closed("u1"), 3).await, Err(Claimed));
    let another = Server::start(engine);
    assert_eq!(
        wanted_again(another, changed("u1", "u1changed"), 3).await,
        Err(Claimed)
    );
}

async fn a_name_is_free_four_days_after_it_was_given_up(server: Server) {
    let engine = server.engine();
    assert_eq!(wanted_again(server, closed("u1"), 4).await, Ok(()));
    let another = Server::start(engine);
    assert_eq!(wanted_again(another, changed("u1", "u1changed"), 4).await, Ok(()));
}

async fn of_twenty_who_claim_a_name_one_gets_it(server: Server) {
    let store = Store::of(&server);
    let results = join_all((0..20).map(|_| register(&store, "ada"))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    store.assert_nothing_after(1).await;
    assert!(store.conflicts() > 0, "no append came in between");
}

async fn names_that_change_hands_have_one_owner_at_a_time(server: Server) {
    let store = Store::of(&server);
    let names = ["ada", "bob", "eve"];
    let players = (0..12).map(|number| {
        let store = &store;
        async move {
            let mut mine = format!("player-{number}");
            register(store, &mine).await.unwrap();
            for turn in 0..6 {
                let wanted = names[(number + turn) % names.len()];
                if change(store, &mine, wanted).await.is_ok() {
                    mine = wanted.to_owned();
                    // And exchange it again, so that the next one can have it.
                    let own = format!("player-{number}-{turn}");
                    change(store, &mine, &own).await.unwrap();
                    mine = own;
                }
            }
        }
    });
    join_all(players).await;
    let mut owned: Vec<String> = Vec::new();
    for (kind, data) in store.happened().await {
        let new = if kind == CHANGED {
            owned.retain(|name| data["oldUsername"] != name.as_str());
            &data["newUsername"]
        } else {
            &data["username"]
        };
        let new = new.as_str().unwrap().to_owned();
        assert!(!owned.contains(&new), "{new} has two owners");
        owned.push(new);
    }
    assert!(store.conflicts() > 0, "no append came in between");
}
