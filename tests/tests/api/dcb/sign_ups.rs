//! Opt-in tokens (<https://dcb.events/examples/opt-in-token/>): a sign-up is confirmed with the one-time password
//! that was sent to its address, once, and within an hour. The password is kept in the log; there is no table of
//! tokens.

use annals_client::{QueryItem, RecordedEvent, Timestamp};
use annals_tests::{harness::Server, on_every_engine};
use futures::future::join_all;
use serde_json::{Value, json};

use super::store::{Fact, Store, fact, with_a_past};

on_every_engine!(
    a_password_that_was_not_sent_confirms_nothing,
    a_password_that_was_sent_to_another_address_confirms_nothing,
    a_password_that_was_used_confirms_nothing,
    a_password_confirms_the_sign_up_it_was_sent_for,
    a_password_expires_after_an_hour,
    of_twenty_confirmations_one_is_accepted,
);

const INITIATED: &str = "SignUpInitiated";
const CONFIRMED: &str = "SignUpConfirmed";
/// How long a password is valid.
const VALID_MINUTES: i64 = 60;
const JOHN: &str = "john.doe@example.com";

#[derive(Debug, PartialEq, Eq)]
enum Denied {
    NotPending,
    Used,
    Expired,
}

fn sign_up(kind: &str, address: &str, password: &str, name: &Value) -> Fact {
    let data = json!({"emailAddress": address, "otp": password, "name": name});
    let (address_tag, password_tag) = (format!("email:{address}"), format!("otp:{password}"));
    fact("sign-ups", kind, &data, &[&address_tag, &password_tag])
}

fn initiated(password: &str) -> Fact {
    sign_up(INITIATED, JOHN, password, &json!("John Doe"))
}

async fn confirm(store: &Store, address: &str, password: &str) -> Result<(), Denied> {
    let query = QueryItem::new()
        .tagged(format!("email:{address}"))
        .tagged(format!("otp:{password}"));
    let decide = |events: &[RecordedEvent]| {
        let now = Timestamp::now();
        let initiated = events.iter().rfind(|event| event.event_type == INITIATED);
        let initiated = initiated.ok_or(Denied::NotPending)?;
        if events.iter().any(|event| event.event_type == CONFIRMED) {
            return Err(Denied::Used);
        }
        if now.as_second() - initiated.recorded_at.as_second() > VALID_MINUTES * 60 {
            return Err(Denied::Expired);
        }
        let data: Value = initiated.json().unwrap();
        Ok(vec![sign_up(CONFIRMED, address, password, &data["name"])])
    };
    store.decide(query, decide).await
}

async fn a_password_that_was_not_sent_confirms_nothing(server: Server) {
    let store = Store::of(&server);
    let result = confirm(&store, JOHN, "000000").await;
    assert_eq!(result, Err(Denied::NotPending));
    store.assert_nothing_after(0).await;
}

async fn a_password_that_was_sent_to_another_address_confirms_nothing(server: Server) {
    let store = Store::of(&server);
    store.given([initiated("111111")]).await;
    let result = confirm(&store, "jane.doe@example.com", "111111").await;
    assert_eq!(result, Err(Denied::NotPending));
    store.assert_nothing_after(1).await;
}

async fn a_password_that_was_used_confirms_nothing(server: Server) {
    let store = Store::of(&server);
    let confirmed = sign_up(CONFIRMED, JOHN, "222222", &json!("John Doe"));
    store.given([initiated("222222"), confirmed]).await;
    let result = confirm(&store, JOHN, "222222").await;
    assert_eq!(result, Err(Denied::Used));
    store.assert_nothing_after(2).await;
}

async fn a_password_confirms_the_sign_up_it_was_sent_for(server: Server) {
    let store = Store::of(&server);
    store.given([initiated("444444")]).await;
    confirm(&store, JOHN, "444444").await.unwrap();
    let data = json!({"emailAddress": JOHN, "otp": "444444", "name": "John Doe"});
    store.assert_last(CONFIRMED, data).await;
}

async fn a_password_expires_after_an_hour(server: Server) {
    let server = with_a_past(server);
    let store = Store::of(&server);
    let ago = |minutes: i64| {
        Timestamp::from_second(Timestamp::now().as_second() - minutes * 60).expect("minutes ago was a time")
    };
    store.given_at(ago(61), [initiated("333333")]).await;
    store.given_at(ago(59), [initiated("555555")]).await;
    assert_eq!(confirm(&store, JOHN, "000000").await, Err(Denied::NotPending));
    assert_eq!(confirm(&store, JOHN, "333333").await, Err(Denied::Expired));
    confirm(&store, JOHN, "555555").await.unwrap();
    store.assert_nothing_after(3).await;
}

async fn of_twenty_confirmations_one_is_accepted(server: Server) {
    let store = Store::of(&server);
    store.given([initiated("444444")]).await;
    let results = join_all((0..20).map(|_| confirm(&store, JOHN, "444444"))).await;
    let used = |result: &&Result<(), Denied>| **result == Err(Denied::Used);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(results.iter().filter(used).count(), 19);
    store.assert_nothing_after(2).await;
    assert!(store.conflicts() > 0, "no append came in between");
}
