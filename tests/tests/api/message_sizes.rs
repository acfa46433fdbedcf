//! With the server's default limits, a gRPC client with the default limits of its library accepts every response:
//! none is larger than 4 MiB.

use annals_client::{Event, ExpectedRevision as Expected};
use annals_proto::v1::{self as pb, event_store_service_client::EventStoreServiceClient};
use annals_tests::{harness::Server, on_every_engine};
use tonic::{Streaming, transport::Channel};

on_every_engine!(
    the_largest_snapshot_is_loaded,
    the_largest_events_are_read_and_delivered,
    the_longest_names_are_listed,
);

/// The generated client, on a channel with default settings.
fn client(server: &Server) -> EventStoreServiceClient<Channel> {
    EventStoreServiceClient::new(server.channel())
}

/// A name of the maximum length.
fn long_name(number: usize) -> String {
    format!("{number:0>512}")
}

async fn the_largest_snapshot_is_loaded(server: Server) {
    let mut client = client(&server);
    let info = client.get_server_info(pb::GetServerInfoRequest {}).await.unwrap();
    let limits = info.into_inner().limits.unwrap();
    let stream = long_name(1);
    server
        .client()
        .append(&stream, Expected::Any, [Event::new("T", "{}")])
        .await
        .unwrap();
    let data = vec![7; limits.max_snapshot_bytes as usize];
    let save = pb::SaveSnapshotRequest {
        stream: stream.clone(),
        revision: 0,
        schema_version: u32::MAX,
        data: data.clone().into(),
        ..pb::SaveSnapshotRequest::default()
    };
    client.save_snapshot(save).await.unwrap();
    let load = pb::LoadSnapshotRequest {
        stream,
        ..pb::LoadSnapshotRequest::default()
    };
    let loaded = client.load_snapshot(load).await.unwrap().into_inner();
    assert!(loaded.snapshot.unwrap().data == data);
}

/// An event at the maximum of every limit.
fn largest(limits: &pb::Limits) -> Event {
    let tag = |n: u32| format!("{n:0>256}");
    let mut event = Event::new(
        "T".repeat(limits.max_event_type_bytes as usize),
        vec![b'd'; limits.max_event_bytes as usize],
    )
    .with_metadata(vec![b'm'; limits.max_metadata_bytes as usize]);
    for n in 0..limits.max_tags {
        event = event.with_tag(tag(n));
    }
    event
}

async fn all<M>(mut parts: Streaming<M>, events: impl Fn(M) -> usize, wanted: usize) {
    let mut found = 0;
    while found < wanted {
        let part = parts.message().await.unwrap();
        found += events(part.expect("some events are missing"));
    }
}

async fn the_largest_events_are_read_and_delivered(server: Server) {
    const EVENTS: usize = 12;
    let mut client = client(&server);
    let info = client.get_server_info(pb::GetServerInfoRequest {}).await.unwrap();
    let limits = info.into_inner().limits.unwrap();
    let stream = long_name(1);
    for nth in 0..EVENTS / 3 {
        // Three events nearly fill an append. Small ones between them share pages with them.
        let events = (0..3).map(|_| largest(&limits));
        let appender = server.client();
        appender.append(&stream, Expected::Any, events).await.unwrap();
        let small = (0..10).map(|_| Event::new("Small", vec![b's'; 3_000]));
        appender
            .append(&format!("small-{nth}"), Expected::Any, small)
            .await
            .unwrap();
    }
    let item = pb::QueryItem {
        tags: vec![format!("{:0>256}", 1)],
        ..pb::QueryItem::default()
    };
    let tagged = pb::Query { items: vec![item] };
    for direction in [pb::Direction::Forwards, pb::Direction::Backwards] {
        let read = pb::ReadStreamRequest {
            stream: stream.clone(),
            direction: direction.into(),
            ..pb::ReadStreamRequest::default()
        };
        let parts = client.read_stream(read).await.unwrap().into_inner();
        all(parts, |part: pb::ReadStreamResponse| part.events.len(), EVENTS).await;
        for query in [None, Some(tagged.clone())] {
            let wanted = if query.is_some() { EVENTS } else { EVENTS + 40 };
            let read = pb::ReadAllRequest {
                direction: direction.into(),
                query,
                ..pb::ReadAllRequest::default()
            };
            let parts = client.read_all(read).await.unwrap().into_inner();
            all(parts, |part: pb::ReadAllResponse| part.events.len(), wanted).await;
        }
    }
    let subscribe = pb::SubscribeAllRequest {
        query: Some(tagged),
        ..pb::SubscribeAllRequest::default()
    };
    let parts = client.subscribe_all(subscribe).await.unwrap().into_inner();
    let events = |part: pb::SubscribeAllResponse| match part.content {
        Some(pb::subscribe_all_response::Content::Events(batch)) => batch.events.len(),
        _ => 0,
    };
    all(parts, events, EVENTS).await;
    let subscribe = pb::SubscribeStreamRequest {
        stream,
        ..pb::SubscribeStreamRequest::default()
    };
    let parts = client.subscribe_stream(subscribe).await.unwrap().into_inner();
    let events = |part: pb::SubscribeStreamResponse| match part.content {
        Some(pb::subscribe_stream_response::Content::Events(batch)) => batch.events.len(),
        _ => 0,
    };
    all(parts, events, EVENTS).await;
}

async fn the_longest_names_are_listed(server: Server) {
    const STREAMS: usize = 1_000;
    let writes = (0..STREAMS).map(|n| pb::Write {
        stream: long_name(n),
        events: vec![Event::new("T", "{}").into()],
        expected: None,
    });
    let append = pb::AppendToManyRequest {
        writes: writes.collect(),
        ..pb::AppendToManyRequest::default()
    };
    let mut client = client(&server);
    let appended = client.append_to_many(append).await.unwrap().into_inner();
    assert_eq!(appended.streams.len(), STREAMS);
    let list = pb::ListStreamsRequest {
        page_size: Some(STREAMS as u32),
        ..pb::ListStreamsRequest::default()
    };
    let listed = client.list_streams(list).await.unwrap().into_inner();
    assert_eq!(listed.streams.len(), STREAMS);
}
