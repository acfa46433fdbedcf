//! Subscriptions: no event missing, none returned twice, over connections that break anywhere.

use std::time::Duration;

use annals_client::{Client, Error, Position, QueryItem, Subscription, SubscriptionItem};
use tonic::Code;

use crate::fake::{Fake, refusal};
use crate::wire::Wire;

/// Takes items until there are `count` events, and returns those as (position, id).
async fn take(subscription: &mut Subscription, count: usize) -> Vec<(u64, String)> {
    let mut events = Vec::new();
    while events.len() < count {
        if let SubscriptionItem::Event(event) = subscription.next().await.unwrap().unwrap() {
            events.push((event.position.0, event.id.to_string()));
        }
    }
    events
}

#[tokio::test]
async fn a_subscription_sends_what_there_is_then_says_so_then_what_comes() {
    let fake = Fake::start().await;
    fake.fill("a", "Placed", 5);
    let client = Client::new(fake.endpoint()).unwrap();
    let mut subscription = client.subscribe_all().after(2).await.unwrap();
    let there = take(&mut subscription, 3).await;
    assert_eq!(there, fake.log()[2..]);
    let caught_up = subscription.next().await.unwrap().unwrap();
    assert_eq!(
        caught_up,
        SubscriptionItem::CaughtUp {
            position: Position(5),
            revision: None
        }
    );
    fake.fill("b", "Placed", 4);
    assert_eq!(take(&mut subscription, 4).await, fake.log()[5..]);
}

#[tokio::test]
async fn broken_connections_cause_neither_gaps_nor_repeats() {
    for round in 0..8 {
        let seed: u64 = rand::random();
        println!("round {round}, seed {seed}");
        let fake = Fake::start().await;
        fake.fill("a", "Placed", 200);
        let wire = Wire::brittle(fake.address, seed, 12, 3_000).await;
        let client = Client::new(wire.endpoint()).unwrap();
        let mut subscription = client.subscribe_all().await.unwrap();
        let filler = fake.clone();
        let filling = tokio::spawn(async move {
            for _ in 0..20 {
                filler.fill("b", "Placed", 10);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        let taken = take(&mut subscription, 400).await;
        filling.await.unwrap();
        assert_eq!(taken, fake.log());
        assert!(
            wire.opened() > 3,
            "the wire broke too rarely: {} connections",
            wire.opened()
        );
    }
}

#[tokio::test]
async fn a_stream_is_resumed_by_revision() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let fake = Fake::start().await;
    for _ in 0..100 {
        fake.fill("other", "Placed", 2);
        fake.fill("mine", "Placed", 1);
    }
    let wire = Wire::brittle(fake.address, seed, 8, 1_000).await;
    let client = Client::new(wire.endpoint()).unwrap();
    let mut subscription = client.subscribe_stream("mine").await.unwrap();
    let mut revisions = Vec::new();
    while revisions.len() < 100 {
        if let SubscriptionItem::Event(event) = subscription.next().await.unwrap().unwrap() {
            assert_eq!(event.stream, "mine");
            revisions.push(event.revision);
        }
    }
    assert_eq!(revisions, (0..100).collect::<Vec<_>>());
    assert!(wire.opened() > 3);
}

#[tokio::test]
async fn a_filtered_subscription_resumes_after_its_last_checkpoint() {
    let fake = Fake::start().await;
    fake.fill("a", "Dull", 30);
    let wire = Wire::to(fake.address).await;
    let client = Client::new(wire.endpoint()).unwrap();
    let mut subscription = client
        .subscribe_all()
        .query(QueryItem::new().of_type("Rare"))
        .await
        .unwrap();
    let mut checkpoints = Vec::new();
    loop {
        match subscription.next().await.unwrap().unwrap() {
            SubscriptionItem::Checkpoint { position, .. } => checkpoints.push(position),
            SubscriptionItem::CaughtUp {
                position: Position(30),
                ..
            } => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(
        checkpoints.is_sorted() && checkpoints.len() == 10,
        "{checkpoints:?}"
    );
    wire.cut();
    fake.fill("a", "Rare", 1);
    assert_eq!(take(&mut subscription, 1).await, fake.log()[30..]);
    assert_eq!(fake.state.lock().unwrap().subscribed_after, [None, Some(30)]);
}

#[tokio::test]
async fn from_the_end_means_the_end_when_it_began_whatever_breaks() {
    let fake = Fake::start().await;
    fake.fill("a", "Placed", 10);
    let wire = Wire::to(fake.address).await;
    let client = Client::new(wire.endpoint()).unwrap();
    let mut all = client.subscribe_all().from_end().await.unwrap();
    let mut one = client.subscribe_stream("a").from_end().await.unwrap();
    let mut none = client.subscribe_stream("new").from_end().await.unwrap();
    wire.cut();
    fake.fill("a", "Placed", 3);
    fake.fill("new", "Placed", 1);
    assert_eq!(take(&mut all, 4).await, fake.log()[10..]);
    assert_eq!(take(&mut one, 3).await, fake.log()[10..13]);
    assert_eq!(take(&mut none, 1).await, fake.log()[13..]);
}

#[tokio::test]
async fn a_refusal_at_the_beginning_is_an_error_of_the_opening() {
    let fake = Fake::start().await;
    fake.refuse_next(refusal(Code::DataLoss, "CORRUPT"));
    let client = Client::new(fake.endpoint()).unwrap();
    let failed = client.subscribe_all().await.unwrap_err();
    assert!(matches!(failed, Error::Corrupt { .. }), "{failed:?}");
}

#[tokio::test]
async fn a_refusal_that_is_not_passing_ends_a_subscription_that_resumes() {
    let fake = Fake::start().await;
    let wire = Wire::to(fake.address).await;
    let client = Client::new(wire.endpoint()).unwrap();
    let mut subscription = client.subscribe_all().await.unwrap();
    subscription.next().await.unwrap().unwrap();
    fake.refuse_next(refusal(Code::ResourceExhausted, "OVERLOADED"));
    fake.refuse_next(refusal(Code::DataLoss, "CORRUPT"));
    wire.cut();
    let failed = subscription.next().await.unwrap().unwrap_err();
    assert!(matches!(failed, Error::Corrupt { .. }), "{failed:?}");
    assert!(subscription.next().await.is_none());
}

#[tokio::test]
async fn a_subscription_gives_up_when_it_was_told_to() {
    let fake = Fake::start().await;
    let wire = Wire::to(fake.address).await;
    let client = Client::new(wire.endpoint()).unwrap();
    let opening = client
        .subscribe_all()
        .reconnect_timeout(Duration::from_millis(200));
    let mut subscription = opening.await.unwrap();
    subscription.next().await.unwrap().unwrap();
    wire.tear_down();
    let failed = subscription.next().await.unwrap().unwrap_err();
    assert!(matches!(failed, Error::Unreachable { .. }), "{failed:?}");
}
