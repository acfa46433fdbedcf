//! Subscriptions over gRPC: each event once and in order, new events as they come, filters, and start positions.
//! (`progress.rs` covers progress reports, `operation/drain.rs` and `crash` resuming after a restart.)

use annals_client::{Client, ExpectedRevision as Expected, QueryItem, Revision};
use annals_proto::v1::{self as pb, subscribe_all_response::Content};
use annals_tests::{
    checker::{Filter, FilterItem, Start, SubscribeRequest, Target},
    harness::{
        Followed, Recorder, Server, assert_sound, next_event, sample::event, until_caught_up, within_patience,
    },
    on_every_engine,
};

on_every_engine!(
    subscribers_see_each_event_once_while_others_append,
    a_subscription_begins_where_it_is_told_to,
    a_stream_may_be_subscribed_to_before_it_exists,
);

async fn append(client: &Client, stream: &str, kinds: &[&str]) {
    client
        .append(stream, Expected::Any, kinds.iter().map(|kind| event(kind)))
        .await
        .unwrap();
}

async fn subscribers_see_each_event_once_while_others_append(server: Server) {
    let (client, recorder) = (server.client(), Recorder::default());
    let kinds = ["Placed", "Paid", "Seen"];
    for n in 0..50 {
        let events = vec![event(kinds[n % 3])];
        recorder
            .append(&client, &format!("s-{}", n % 4), Expected::Any, events)
            .await
            .unwrap();
    }
    let to = |target: Target, start: Start, item: Option<FilterItem>| SubscribeRequest {
        target,
        start,
        filter: Filter {
            items: item.into_iter().collect(),
        },
    };
    let of_type = |kind: &str| {
        Some(FilterItem {
            types: vec![kind.to_owned()],
            ..FilterItem::default()
        })
    };
    let in_streams = Some(FilterItem {
        stream_prefixes: vec!["s-1".to_owned()],
        ..FilterItem::default()
    });
    let s2 = || Target::Stream("s-2".to_owned());
    let opened = [
        (
            to(Target::Log, Start::Beginning, None),
            client.subscribe_all().into_future(),
        ),
        (
            to(Target::Log, Start::After(20), None),
            client.subscribe_all().after(20).into_future(),
        ),
        (
            to(Target::Log, Start::After(7), of_type("Paid")),
            client
                .subscribe_all()
                .after(7)
                .query(QueryItem::new().of_type("Paid"))
                .into_future(),
        ),
        (
            to(Target::Log, Start::Beginning, in_streams),
            client
                .subscribe_all()
                .query(QueryItem::new().in_stream_prefix("s-1"))
                .into_future(),
        ),
        (
            to(s2(), Start::Beginning, None),
            client.subscribe_stream("s-2").into_future(),
        ),
        (
            to(s2(), Start::After(5), None),
            client.subscribe_stream("s-2").after_revision(5).into_future(),
        ),
        (
            to(s2(), Start::Beginning, of_type("Seen")),
            client
                .subscribe_stream("s-2")
                .query(QueryItem::new().of_type("Seen"))
                .into_future(),
        ),
    ];
    let mut followed = Vec::new();
    for (request, subscribe) in opened {
        followed.push(recorder.subscribe(request, subscribe).await.unwrap());
    }
    let writers: Vec<_> = (0..4_usize)
        .map(|n| {
            let (client, recorder) = (client.clone(), recorder.clone());
            tokio::spawn(async move {
                for m in 0..60 {
                    let events = vec![event(kinds[m % 3]), event(kinds[(m + 1) % 3])];
                    recorder
                        .append(&client, &format!("s-{n}"), Expected::Any, events)
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    let head = 50 + 4 * 60 * 2;
    // Every subscriber reaches the head, filtered or not, by events or by checkpoints.
    let following: Vec<_> = followed
        .into_iter()
        .map(|mut followed: Followed| {
            tokio::spawn(async move {
                within_patience("a subscriber to get to the head", followed.until(head)).await
            })
        })
        .collect();
    for task in writers.into_iter().chain(following) {
        task.await.unwrap();
    }
    let log = client.read_all().await.unwrap().collect().await.unwrap();
    assert_eq!(log.len() as u64, head);
    assert_sound(&recorder.history(), &log);
}

async fn a_subscription_begins_where_it_is_told_to(server: Server) {
    let (client, mut stub) = (server.client(), server.stub());
    append(&client, "a", &["T", "T", "T"]).await;
    append(&client, "b", &["T", "T"]).await;
    for after in 0..=5 {
        let mut subscription = client.subscribe_all().after(after).await.unwrap();
        assert_eq!(
            until_caught_up(&mut subscription).await,
            ((after + 1..=5).collect(), 5)
        );
    }
    let mut stream = client.subscribe_stream("b").after_revision(0).await.unwrap();
    assert_eq!(until_caught_up(&mut stream).await, (vec![5], 5));

    // From the end, in the protocol and in the client.
    let request = pb::SubscribeAllRequest {
        start: Some(pb::subscribe_all_request::Start::End(())),
        query: None,
    };
    let mut from_end = stub.subscribe_all(request).await.unwrap().into_inner();
    let request = pb::SubscribeStreamRequest {
        stream: "b".to_owned(),
        start: Some(pb::subscribe_stream_request::Start::End(())),
        query: None,
    };
    let mut stream_from_end = stub.subscribe_stream(request).await.unwrap().into_inner();
    let mut by_client = client.subscribe_all().from_end().await.unwrap();
    let caught_up = from_end.message().await.unwrap().unwrap().content;
    assert_eq!(
        caught_up,
        Some(Content::CaughtUp(pb::CaughtUp {
            position: 5,
            revision: None
        }))
    );
    append(&client, "b", &["New"]).await;
    assert_eq!(next_event(&mut by_client).await.position, 6);
    let Some(Content::Events(batch)) = from_end.message().await.unwrap().unwrap().content else {
        panic!("an event comes next");
    };
    assert_eq!(
        batch
            .events
            .iter()
            .map(|event| event.position)
            .collect::<Vec<_>>(),
        [6]
    );
    loop {
        let message = stream_from_end.message().await.unwrap().unwrap();
        if let Some(pb::subscribe_stream_response::Content::Events(batch)) = message.content {
            assert_eq!(
                batch
                    .events
                    .iter()
                    .map(|event| event.revision)
                    .collect::<Vec<_>>(),
                [2]
            );
            break;
        }
    }
}

async fn a_stream_may_be_subscribed_to_before_it_exists(server: Server) {
    let client = server.client();
    let mut subscription = client.subscribe_stream("later").await.unwrap();
    assert_eq!(until_caught_up(&mut subscription).await, (Vec::new(), 0));
    append(&client, "other", &["T"]).await;
    for revision in 0..3 {
        append(&client, "later", &["T"]).await;
        let event = next_event(&mut subscription).await;
        assert_eq!(
            (event.stream.as_str(), event.revision),
            ("later", Revision(revision))
        );
    }
}
