//! Returning to the first endpoint of a client after it has recovered.

use std::sync::atomic::Ordering;
use std::time::Duration;

use annals_client::{Client, Event, ExpectedRevision, SubscriptionItem};

use crate::fake::Fake;

fn calls(fake: &Fake) -> usize {
    fake.calls.load(Ordering::SeqCst)
}

/// A client that starts with the first of two servers, and returns to it soon after it has recovered; never if
/// `after` is zero.
fn returning(first: &Fake, second: &Fake, after: Duration) -> Client {
    Client::builder()
        .endpoints([first.endpoint(), second.endpoint()])
        .shuffle_endpoints(false)
        .return_after(after)
        .build()
        .unwrap()
}

const SOON: Duration = Duration::from_millis(20);

/// Calls until a call no longer goes to that server.
async fn until_left(client: &Client, second: &Fake) {
    for _ in 0..1_000 {
        let before = calls(second);
        client.stream_info("a").await.unwrap();
        if calls(second) == before {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the client did not return");
}

#[tokio::test]
async fn a_client_returns_to_a_server_that_has_recovered() {
    let first = Fake::start().await;
    let second = first.start_beside().await;
    first.fill("a", "Placed", 1);
    let client = returning(&first, &second, SOON);
    client.stream_info("a").await.unwrap();
    assert_eq!((calls(&first), calls(&second)), (1, 0));
    first.draining.store(true, Ordering::SeqCst);
    for _ in 0..10 {
        client.stream_info("a").await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        calls(&second),
        10,
        "while it does not serve, probes do not disturb calls"
    );
    first.draining.store(false, Ordering::SeqCst);
    until_left(&client, &second).await;
    let before = calls(&second);
    for _ in 0..10 {
        client.stream_info("a").await.unwrap();
    }
    assert_eq!(calls(&second), before);
}

#[tokio::test]
async fn subscriptions_and_pipelines_follow_the_client_to_the_server_that_has_recovered() {
    let first = Fake::start().await;
    let second = first.start_beside().await;
    first.fill("a", "Placed", 1);
    let client = returning(&first, &second, SOON);
    first.draining.store(true, Ordering::SeqCst);
    client.stream_info("a").await.unwrap();
    let mut subscription = client.subscribe_all().await.unwrap();
    let pipeline = client.append_pipeline();
    let (mut appended, mut seen) = (0, 0);
    let mut step = async || {
        let event = Event::json("Placed", &1).unwrap();
        let pending = pipeline
            .append("a", ExpectedRevision::Any, [event])
            .await
            .unwrap();
        pending.await.unwrap();
        appended += 1;
        while seen < appended + 1 {
            if let SubscriptionItem::Event(event) = subscription.next().await.unwrap().unwrap() {
                seen += 1;
                assert_eq!(event.position, seen, "each once, in order");
            }
        }
    };
    for _ in 0..5 {
        step().await;
    }
    first.draining.store(false, Ordering::SeqCst);
    until_left(&client, &second).await;
    for _ in 0..5 {
        step().await;
    }
    let before = calls(&second);
    for _ in 0..20 {
        step().await;
    }
    assert_eq!(calls(&second), before, "no call goes to the second server");
    assert_eq!(first.log().len(), 31);
}

#[tokio::test]
async fn a_client_that_is_told_to_stays_away() {
    let first = Fake::start().await;
    let second = first.start_beside().await;
    first.fill("a", "Placed", 1);
    let client = returning(&first, &second, Duration::ZERO);
    first.draining.store(true, Ordering::SeqCst);
    client.stream_info("a").await.unwrap();
    first.draining.store(false, Ordering::SeqCst);
    for _ in 0..20 {
        client.stream_info("a").await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((calls(&first), calls(&second)), (1, 21));
}
