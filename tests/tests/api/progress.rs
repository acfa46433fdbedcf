//! The progress reports of a subscription: that it caught up, that it fell behind, and how far it has scanned.

use annals_client::{
    Client, Event, ExpectedRevision as Expected, Position, QueryItem, Revision, SubscriptionItem as Item,
};
use annals_proto::v1::{self as pb, subscribe_all_response::Content};
use annals_tests::{
    harness::{Options, Server, Stub, next_event, sample::event, until_caught_up, within_patience},
    on_every_engine,
};

on_every_engine!(
    what_lies_behind_the_last_event_is_told_by_a_checkpoint,
    a_filter_that_matches_nothing_still_brings_checkpoints,
    a_long_stretch_without_a_match_brings_checkpoints_on_the_way,
    a_subscriber_that_falls_behind_is_told_and_misses_nothing,
);

async fn append(client: &Client, stream: &str, kinds: &[&str]) {
    client
        .append(stream, Expected::Any, kinds.iter().map(|kind| event(kind)))
        .await
        .unwrap();
}

/// Waits for a checkpoint of at least this position.
async fn checkpoint(stub: &mut Stub, kind: &str, position: u64) -> Vec<u64> {
    let item = pb::QueryItem {
        types: vec![kind.to_owned()],
        ..Default::default()
    };
    let request = pb::SubscribeAllRequest {
        start: Some(pb::subscribe_all_request::Start::After(0)),
        query: Some(pb::Query { items: vec![item] }),
    };
    let mut messages = stub.subscribe_all(request).await.unwrap().into_inner();
    let mut told = Vec::new();
    while told.last().is_none_or(|last| *last < position) {
        match within_patience("a checkpoint", messages.message())
            .await
            .unwrap()
            .unwrap()
            .content
        {
            Some(Content::Checkpoint(checkpoint)) => told.push(checkpoint.position),
            Some(Content::CaughtUp(caught_up)) => told.push(caught_up.position),
            _ => {}
        }
    }
    assert!(told.is_sorted(), "checkpoints only grow: {told:?}");
    told
}

async fn what_lies_behind_the_last_event_is_told_by_a_checkpoint(server: Server) {
    let client = server.client();
    let wanted = QueryItem::new().of_type("Wanted");
    let mut subscription = client.subscribe_all().query(wanted).await.unwrap();
    let mut stream = client.subscribe_stream("order-1").await.unwrap();
    assert_eq!(until_caught_up(&mut subscription).await, (Vec::new(), 0));
    assert_eq!(until_caught_up(&mut stream).await, (Vec::new(), 0));
    // In one append, so that all of it is scanned together.
    append(&client, "order-1", &["Wanted", "Other", "Other"]).await;
    assert_eq!(next_event(&mut subscription).await.position, 1);
    let told = within_patience("a checkpoint", subscription.next())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        told,
        Item::Checkpoint {
            position: Position(3),
            revision: None,
        }
    );
    for position in 1..=3 {
        assert_eq!(next_event(&mut stream).await.position, position);
    }
    append(&client, "order-2", &["Other"]).await;
    let told = within_patience("a checkpoint", stream.next())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        told,
        Item::Checkpoint {
            position: Position(4),
            revision: Some(Revision(2)),
        }
    );
}

async fn a_filter_that_matches_nothing_still_brings_checkpoints(server: Server) {
    let client = server.client();
    let mut subscription = client
        .subscribe_all()
        .query(QueryItem::new().of_type("Never"))
        .await
        .unwrap();
    assert_eq!(until_caught_up(&mut subscription).await, (Vec::new(), 0));
    let mut last = 0;
    for head in 1..=3_u64 {
        append(&client, "order-1", &["T"]).await;
        while last < head {
            match within_patience("a checkpoint", subscription.next())
                .await
                .unwrap()
                .unwrap()
            {
                Item::Checkpoint { position, .. } => {
                    assert!(position > last && position <= head, "{position}");
                    last = position.0;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

async fn a_long_stretch_without_a_match_brings_checkpoints_on_the_way(server: Server) {
    let client = server.client();
    for _ in 0..5 {
        client
            .append("bulk", Expected::Any, (0..5_000).map(|_| event("Bulk")))
            .await
            .unwrap();
    }
    append(&client, "order-1", &["Wanted"]).await;
    let told = checkpoint(&mut server.stub(), "Never", 25_001).await;
    assert!(
        told.iter().any(|position| *position < 25_001),
        "the only one is at the end: {told:?}"
    );
    let steps = told.windows(2).map(|pair| pair[1] - pair[0]);
    // A checkpoint comes with the frames that complete the 10,000.
    assert!(steps.max().is_none_or(|step| step <= 15_000), "{told:?}");
}

async fn a_subscriber_that_falls_behind_is_told_and_misses_nothing(server: Server) {
    // With room for only a few large events in memory.
    let server = Options::new(server.engine()).set("--tail-bytes", "1MiB").start();
    let (client, mut stub) = (server.client(), server.stub());
    append(&client, "order-1", &["T"]).await;
    let mut messages = stub
        .subscribe_all(pb::SubscribeAllRequest::default())
        .await
        .unwrap()
        .into_inner();
    let (mut next, mut fell_behind, mut live) = (1, 0, false);
    let mut take = |content: Content, next: &mut u64| match content {
        Content::Events(batch) => {
            for event in batch.events {
                assert_eq!(event.position, *next);
                *next += 1;
            }
        }
        Content::CaughtUp(caught_up) => {
            assert!(!live, "caught up twice");
            assert_eq!(caught_up.position, *next - 1);
            live = true;
        }
        Content::FellBehind(fell) => {
            assert!(live, "fell behind twice");
            assert_eq!(fell.position, *next - 1);
            assert!(fell.head > fell.position);
            (live, fell_behind) = (false, fell_behind + 1);
        }
        Content::Checkpoint(checkpoint) => assert!(checkpoint.position < *next),
    };
    let mut next_content = async || {
        let message = within_patience("an event", messages.message()).await.unwrap();
        message.unwrap().content.unwrap()
    };
    for round in 1..=3_u64 {
        let head = 1 + (round - 1) * 40;
        while next <= head {
            take(next_content().await, &mut next);
        }
        // It is caught up, but does not read while much is appended.
        for _ in 0..40 {
            let large = Event::new("Large", vec![1; 500_000]);
            client.append("order-1", Expected::Any, [large]).await.unwrap();
        }
    }
    while next <= 121 {
        take(next_content().await, &mut next);
    }
    assert!(fell_behind > 0, "it never reported that it fell behind");
}
