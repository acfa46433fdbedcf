//! Several servers of one store: whichever of them fails, the client continues with another.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use annals_client::{
    Client, ClientBuilder, Error, Event, ExpectedRevision, Read, RetryPolicy, SubscriptionItem,
};
use tonic::Code;

use crate::fake::{Fake, refusal};
use crate::wire::Wire;

/// Two servers of one store; the first is connected through a wire.
async fn pair() -> (Fake, Wire, Fake) {
    let first = Fake::start().await;
    let second = first.start_beside().await;
    let wire = Wire::to(first.address).await;
    (first, wire, second)
}

/// A client that starts with the first server, and soon detects silence.
fn client(wire: &Wire, second: &Fake) -> ClientBuilder {
    Client::builder()
        .endpoints([wire.endpoint(), second.endpoint()])
        .shuffle_endpoints(false)
        .keepalive_timeout(Duration::from_millis(500))
}

fn event() -> Event {
    Event::json("Placed", &1).unwrap()
}

fn calls(fake: &Fake) -> usize {
    fake.calls.load(Ordering::SeqCst)
}

#[tokio::test]
async fn clients_spread_over_the_endpoints_and_each_stays_with_its_own() {
    let first = Fake::start().await;
    let servers = [
        first.clone(),
        first.start_beside().await,
        first.start_beside().await,
    ];
    for _ in 0..60 {
        let endpoints = servers.iter().map(Fake::endpoint);
        let client = Client::builder().endpoints(endpoints).build().unwrap();
        let before: Vec<_> = servers.iter().map(calls).collect();
        for _ in 0..3 {
            client.server_info().await.unwrap();
        }
        let more = |(fake, before): (&Fake, usize)| calls(fake) - before;
        let asked: HashSet<_> = servers.iter().zip(before).map(more).collect();
        assert_eq!(
            asked,
            HashSet::from([0, 3]),
            "one server gets all calls of a client"
        );
    }
    // The probability that 60 random choices miss one of three servers is about one in ten billion.
    assert!(servers.iter().all(|fake| calls(fake) > 0));
}

#[tokio::test]
async fn the_clients_of_a_dead_server_spread_over_the_others() {
    let first = Fake::start().await;
    let others = [first.start_beside().await, first.start_beside().await];
    let wire = Wire::to(first.address).await;
    let dead = wire.endpoint();
    wire.tear_down();
    for _ in 0..60 {
        let endpoints = [dead.clone(), others[0].endpoint(), others[1].endpoint()];
        let client = Client::builder().endpoints(endpoints).build().unwrap();
        client.server_info().await.unwrap();
    }
    let (one, two) = (calls(&others[0]), calls(&others[1]));
    assert_eq!(one + two, 60);
    assert!(one.min(two) > 5, "{one} and {two}");
}

#[tokio::test]
async fn a_server_that_drains_is_left_by_every_kind_of_call() {
    let (first, wire, second) = pair().await;
    first.fill("a", "Placed", 10);
    first.draining.store(true, Ordering::SeqCst);
    let fresh = || client(&wire, &second).build().unwrap();
    fresh()
        .append("a", ExpectedRevision::Any, [event()])
        .await
        .unwrap();
    let pending = fresh()
        .append_pipeline()
        .append("a", ExpectedRevision::Any, [event()])
        .await;
    pending.unwrap().await.unwrap();
    assert_eq!(
        fresh().read_all().await.unwrap().collect().await.unwrap().len(),
        12
    );
    fresh().stream_info("a").await.unwrap();
    let mut subscription = fresh().subscribe_all().await.unwrap();
    for position in 1..=12 {
        let Some(Ok(SubscriptionItem::Event(event))) = subscription.next().await else {
            panic!("no event {position}");
        };
        assert_eq!(event.position, position);
    }
    assert_eq!(calls(&first), 5, "each of the five clients called it once");
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_before_the_deadline() {
    let (first, wire, second) = pair().await;
    let client = client(&wire, &second)
        .timeout(Duration::from_secs(60))
        .build()
        .unwrap();
    let pipeline = client.append_pipeline();
    let taken = pipeline
        .append("a", ExpectedRevision::Any, [event()])
        .await
        .unwrap();
    taken.await.unwrap();
    let mut subscription = client.subscribe_all().await.unwrap();
    subscription.next().await.unwrap().unwrap();
    wire.hold();
    let unary = client.append("a", ExpectedRevision::Any, [event()]);
    let pending = pipeline
        .append("a", ExpectedRevision::Any, [event()])
        .await
        .unwrap();
    let (unary, pending) = tokio::join!(unary, pending);
    unary.unwrap();
    pending.unwrap();
    let mut positions = Vec::new();
    while positions.len() < 2 {
        if let SubscriptionItem::Event(event) = subscription.next().await.unwrap().unwrap() {
            positions.push(event.position);
        }
    }
    assert_eq!(positions, [2, 3]);
    assert_eq!(first.log().len(), 3);
}

fn with_options<Of>(mut read: Read<Of>, backwards: bool, limit: Option<u64>) -> Read<Of> {
    if backwards {
        read = read.backwards();
    }
    match limit {
        Some(limit) => read.limit(limit),
        None => read,
    }
}

#[tokio::test]
async fn a_read_goes_on_elsewhere_and_ends_where_it_would_have_ended() {
    for (backwards, limit) in [(false, None), (true, None), (false, Some(60)), (true, Some(60))] {
        for stream in [None, Some("mine")] {
            let seed: u64 = rand::random();
            println!("backwards {backwards}, limit {limit:?}, stream {stream:?}, seed {seed}");
            let fake = Fake::start().await;
            fake.fill("mine", "Placed", 100);
            let wire = Wire::brittle(fake.address, seed, 6, 2_000).await;
            let policy = RetryPolicy {
                pause_first: Duration::from_millis(2),
                ..RetryPolicy::default()
            };
            let client = Client::builder()
                .endpoint(wire.endpoint())
                .retry(policy)
                .build()
                .unwrap();
            let mut events = match stream {
                Some(name) => with_options(client.read_stream(name), backwards, limit).await,
                None => with_options(client.read_all(), backwards, limit).await,
            }
            .unwrap();
            let mut read = Vec::new();
            while let Some(event) = events.next().await {
                read.push(event.unwrap().position.0);
                fake.fill("mine", "Late", 1);
            }
            let mut expected: Vec<u64> = (1..=events.head().0).collect();
            if backwards {
                expected.reverse();
            }
            expected.truncate(limit.unwrap_or(u64::MAX) as usize);
            assert_eq!(read, expected);
            let calls = fake.state.lock().unwrap().read_from.len();
            assert!(calls > 2, "the wire broke too rarely: {calls} calls");
        }
    }
}

#[tokio::test]
async fn a_read_that_can_not_be_resumed_says_why() {
    let fake = Fake::start().await;
    fake.fill("a", "Placed", 100);
    fake.state.lock().unwrap().read_messages_max = Some(2);
    let policy = RetryPolicy {
        tries_max: Some(3),
        ..RetryPolicy::default()
    };
    let client = Client::builder()
        .endpoint(fake.endpoint())
        .retry(policy)
        .build()
        .unwrap();
    let mut events = client.read_all().await.unwrap();
    events.next().await.unwrap().unwrap();
    fake.draining.store(true, Ordering::SeqCst);
    let failed = loop {
        match events.next().await.expect("the read can't be complete") {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(failed, Error::Unavailable { .. }), "{failed:?}");
    assert!(events.next().await.is_none(), "the error is the last item");
}

#[tokio::test]
async fn a_refusal_of_the_append_is_the_same_everywhere_and_not_tried_elsewhere() {
    let (first, wire, second) = pair().await;
    let client = client(&wire, &second).build().unwrap();
    first.refuse_next(refusal(Code::InvalidArgument, "INVALID_FIELD"));
    let refused = client.append("a", ExpectedRevision::Any, [event()]).await;
    assert!(matches!(refused, Err(Error::InvalidField(_))), "{refused:?}");
    assert_eq!((calls(&first), calls(&second)), (1, 0));
}

#[tokio::test]
async fn a_pipeline_under_load_and_a_subscription_outlive_servers_that_die_in_turn() {
    let (first, wire, second) = pair().await;
    let other = Wire::to(second.address).await;
    let client = Client::builder()
        .endpoints([wire.endpoint(), other.endpoint()])
        .build()
        .unwrap();
    let mut subscription = client.subscribe_all().await.unwrap();
    let pipeline = client.append_pipeline();
    let mut pending = Vec::new();
    for nth in 0..900 {
        let event = event();
        pending.push((
            event.id.to_string(),
            pipeline
                .append("a", ExpectedRevision::Any, [event])
                .await
                .unwrap(),
        ));
        if nth % 100 == 50 {
            if nth % 200 == 50 {
                wire.cut()
            } else {
                other.cut()
            }
            tokio::task::yield_now().await;
        }
    }
    let mut appended = Vec::new();
    for (id, pending) in pending {
        appended.push((pending.await.unwrap().first_position.0, id));
    }
    assert_eq!(appended, first.log(), "in order, once");
    let mut seen = Vec::new();
    while seen.len() < 900 {
        if let SubscriptionItem::Event(event) = subscription.next().await.unwrap().unwrap() {
            seen.push((event.position.0, event.id.to_string()));
        }
    }
    assert_eq!(seen, first.log());
}
