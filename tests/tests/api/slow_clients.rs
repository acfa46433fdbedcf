//! Clients that do not read their responses: the server's memory stays bounded, all other clients are served, and
//! nothing is lost. Memory is measured (`/proc`), and the figures are printed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_client::{Client, Event, ExpectedRevision as Expected};
use annals_proto::v1 as pb;
use annals_tests::harness::{Engine, Metrics, Options, Server, is_long, sample::event, within_patience};

const MIB: u64 = 1 << 20;

/// Appends this many MiB, in events of one MiB, three to an append.
async fn append_mebibytes(client: &Client, stream: &str, mebibytes: u64) {
    for _ in 0..mebibytes / 3 {
        let events = [(); 3].map(|()| Event::new("Large", vec![7; MIB as usize]));
        client.append(stream, Expected::Any, events).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_never_read_do_not_make_the_servers_memory_grow() {
    let appended_mebibytes = if is_long() { 2_001 } else { 240 };
    // Caches are as small as possible, so that the measured memory is that of the clients.
    let options = Options::new(Engine::Embedded)
        .set("--tail-bytes", "8MiB")
        .set("--cache-bytes", "8MiB");
    let server = options.start();
    let client = server.client();
    // First the same without them: the engine's buffers fill up once, with or without subscribers.
    let warm_up_mebibytes = 240;
    append_mebibytes(&client, "warm-up", warm_up_mebibytes).await;
    let before = server.resident_bytes();

    let mut unread = Vec::new();
    let mut stubs = Vec::new();
    for _ in 0..4 {
        let mut stub = server.stub();
        unread.push(
            stub.subscribe_all(pb::SubscribeAllRequest::default())
                .await
                .unwrap()
                .into_inner(),
        );
        let stream = "load".to_owned();
        let request = pb::SubscribeStreamRequest {
            stream,
            ..Default::default()
        };
        // Of another type, and dropped with the test.
        stubs.push((stub.clone(), stub.subscribe_stream(request).await.unwrap()));
    }
    let mut reading = server.stub();
    let mut unread_read = reading
        .read_all(pb::ReadAllRequest::default())
        .await
        .unwrap()
        .into_inner();
    append_mebibytes(&client, "load", appended_mebibytes).await;
    let after = server.resident_bytes();
    if let (Some(before), Some(after)) = (before, after) {
        let growth = after.saturating_sub(before);
        println!(
            "9 clients that do not read, {appended_mebibytes} MiB appended: {} MiB before, {} MiB after",
            before / MIB,
            after / MIB
        );
        assert!(growth < 150 * MIB, "memory grew by {} MiB", growth / MIB);
    }
    assert!(Metrics::of(&server).value("annals_subscription_behind_events_max") > 0.0);

    // Nothing is lost: a client that starts reading after all gets everything, once and in order.
    let head = client.server_info().await.unwrap().head.0;
    let mut next = 1;
    while next <= head {
        let message = within_patience("unread responses", unread[0].message())
            .await
            .unwrap()
            .unwrap();
        if let Some(pb::subscribe_all_response::Content::Events(batch)) = message.content {
            for event in batch.events {
                assert_eq!((event.position, event.data.len() as u64), (next, MIB));
                next += 1;
            }
        }
    }
    let mut read = 0;
    while let Some(part) = within_patience("the rest of a read", unread_read.message())
        .await
        .unwrap()
    {
        assert!(
            part.head < head,
            "the read covers only events that existed when it began"
        );
        read += part.events.len();
    }
    assert_eq!(read as u64, warm_up_mebibytes);
    drop(stubs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_whose_answers_are_not_read_is_not_read_from_either() {
    const MESSAGES: u64 = 600;
    let server = Server::start(Engine::Embedded);
    let before = server.resident_bytes();
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    // Each is refused, because it names no stream; 60 MB in all, with 60,000 responses.
    let data = pb::NewEvent {
        data: vec![7; 1_000].into(),
        ..Default::default()
    };
    let append = pb::AppendToStreamRequest {
        events: vec![data],
        ..Default::default()
    };
    let append = pb::PipelinedAppend {
        append: Some(pb::pipelined_append::Append::AppendToStream(append)),
    };
    let message = pb::AppendPipelineRequest {
        appends: vec![append; 100],
    };
    let requests = futures::stream::unfold(0_u64, move |n| {
        counter.store(n, Ordering::Relaxed);
        let message = message.clone();
        async move { (n < MESSAGES).then_some((message, n + 1)) }
    });
    let mut stub = server.stub();
    let mut answers = stub.append_pipeline(requests).await.unwrap().into_inner();
    // Until the client can send no more, because the responses are not read.
    let mut last = u64::MAX;
    while last != sent.load(Ordering::Relaxed) {
        last = sent.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    if let (Some(before), Some(after)) = (before, server.resident_bytes()) {
        println!(
            "a pipeline that does not read, stopped after {} appends: {} MiB before, {} MiB after",
            last * 100,
            before / MIB,
            after / MIB
        );
        assert!(after.saturating_sub(before) < 50 * MIB);
    }
    assert!(
        last < MESSAGES,
        "everything was accepted, although no response was read"
    );
    server
        .client()
        .append("order-1", Expected::Any, [event("T")])
        .await
        .unwrap();
    let mut results = 0_u64;
    while let Some(message) = within_patience("the answers", answers.message()).await.unwrap() {
        results += message.results.len() as u64;
    }
    assert_eq!(results, 100 * MESSAGES, "each append is answered");
}
