//! A thousand idle subscribers, and one more than the limit.

use std::time::Duration;

use annals_client::ExpectedRevision as Expected;
use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Metrics, Options, PATIENCE, Refusal, Server, Stub, sample::event, within_patience},
    on_every_engine,
};
use futures::{StreamExt, stream::BoxStream};
use tonic::Code;

on_every_engine!(
    a_thousand_idle_subscribers_each_get_the_next_event,
    too_many_subscriptions_are_refused_and_the_others_stay,
);

const MIB: u64 = 1 << 20;
const CONNECTIONS: usize = 10;
const SUBSCRIBERS: usize = 1_000;

type Messages = BoxStream<'static, Vec<pb::RecordedEvent>>;

/// Some subscribe to the log, some to a stream, some only to one type; all after the first event.
async fn subscribe(stub: &mut Stub, number: usize) -> Messages {
    if number.is_multiple_of(4) {
        use pb::{subscribe_stream_request::Start, subscribe_stream_response::Content};
        let request = pb::SubscribeStreamRequest {
            stream: "order-1".to_owned(),
            start: Some(Start::AfterRevision(0)),
            query: None,
        };
        let messages = stub.subscribe_stream(request).await.unwrap().into_inner();
        let events = messages.map(|message| match message.unwrap().content {
            Some(Content::Events(batch)) => batch.events,
            _ => Vec::new(),
        });
        return events.boxed();
    }
    use pb::{subscribe_all_request::Start, subscribe_all_response::Content};
    let item = pb::QueryItem {
        types: vec!["Next".to_owned()],
        ..Default::default()
    };
    let request = pb::SubscribeAllRequest {
        start: Some(Start::After(1)),
        query: (number % 4 == 1).then(|| pb::Query { items: vec![item] }),
    };
    let messages = stub.subscribe_all(request).await.unwrap().into_inner();
    let events = messages.map(|message| match message.unwrap().content {
        Some(Content::Events(batch)) => batch.events,
        _ => Vec::new(),
    });
    events.boxed()
}

async fn next_positions(messages: &mut Messages) -> Vec<u64> {
    loop {
        let events = within_patience("the next event", messages.next()).await.unwrap();
        if !events.is_empty() {
            return events.iter().map(|event| event.position).collect();
        }
    }
}

async fn a_thousand_idle_subscribers_each_get_the_next_event(server: Server) {
    let before = server.resident_bytes();
    let client = server.client();
    client
        .append("order-1", Expected::Any, [event("T")])
        .await
        .unwrap();
    let mut subscribers = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stub = server.stub();
        for n in 0..SUBSCRIBERS / CONNECTIONS {
            subscribers.push(subscribe(&mut stub, n).await);
        }
    }
    assert_eq!(
        Metrics::of(&server).get("annals_subscriptions", &[]),
        Some(SUBSCRIBERS as f64)
    );
    let idle = server.resident_bytes();
    for position in 2..=3_u64 {
        client
            .append("order-1", Expected::Any, [event("Next")])
            .await
            .unwrap();
        for messages in &mut subscribers {
            assert_eq!(next_positions(messages).await, [position]);
        }
    }
    if let (Some(before), Some(idle), Some(after)) = (before, idle, server.resident_bytes()) {
        println!(
            "{SUBSCRIBERS} subscribers ({}): {} MiB before, {} MiB while they idle, {} MiB after two events each",
            server.engine().name(),
            before / MIB,
            idle / MIB,
            after / MIB
        );
        assert!(after.saturating_sub(before) < 100 * MIB);
    }
    drop(subscribers);
    let deadline = std::time::Instant::now() + PATIENCE;
    while Metrics::of(&server).get("annals_subscriptions", &[]) != Some(0.0) {
        assert!(
            std::time::Instant::now() < deadline,
            "dropped subscriptions stay open"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn too_many_subscriptions_are_refused_and_the_others_stay(server: Server) {
    let server = Options::new(server.engine())
        .set("--max-subscriptions", "3")
        .start();
    let mut stub = server.stub();
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(
            stub.subscribe_all(pb::SubscribeAllRequest::default())
                .await
                .unwrap()
                .into_inner(),
        );
    }
    let refused = stub.subscribe_all(pb::SubscribeAllRequest::default()).await;
    let refusal = Refusal::of(refused).expect(Code::ResourceExhausted, "OVERLOADED");
    assert!(refusal.message.contains("subscriptions"), "{}", refusal.message);
    server
        .client()
        .append("order-1", Expected::Any, [event("T")])
        .await
        .unwrap();
    for messages in &mut open {
        while !matches!(
            within_patience("the event", messages.message())
                .await
                .unwrap()
                .unwrap()
                .content,
            Some(pb::subscribe_all_response::Content::Events(_))
        ) {}
    }
    drop(open);
    // Their slots are free again, once the server has noticed that they are closed.
    let client = server.client();
    let subscription = within_patience("a free place", client.subscribe_all()).await;
    assert!(subscription.is_ok(), "{subscription:?}");
}
