//! A server whose log was written while a clock was ahead.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use annals_engine::memory::MemoryEngine;
use annals_proto::v1::{self as pb, event_store_service_client::EventStoreServiceClient};
use annals_store::{
    Append, Clock, Environment, EventType, Expected, Limits, NewEvent, Settings, Store, StreamName, Timestamp,
};
use bytes::Bytes;
use futures::TryStreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::transport::Channel;

use super::{Server, options};
use crate::Config;

const HOUR_SECONDS: u64 = 3_600;

/// A clock that is this many microseconds ahead of the system's.
#[derive(Debug, Default)]
struct AheadClock(AtomicU64);

impl Clock for AheadClock {
    fn now(&self) -> Timestamp {
        let now = Environment::system("").clock.now();
        Timestamp::from_micros(now.micros + self.0.load(Ordering::Relaxed))
    }
}

async fn append(store: &Store, stream: &str) {
    let event = NewEvent {
        id: uuid::Uuid::new_v4(),
        kind: EventType::new("Placed").unwrap(),
        data: Bytes::new(),
        metadata: Bytes::new(),
        tags: Vec::new(),
        content_type: annals_store::ContentType::default(),
        unknown: Bytes::new(),
    };
    let stream = StreamName::new(stream).unwrap();
    let append = Append::new(stream, Expected::Any, vec![event], &Limits::default()).unwrap();
    store.append(append).await.unwrap();
}

/// A log whose first event, in `order-1`, was recorded now, and whose last event was recorded two hours in the
/// future.
async fn written_ahead() -> Arc<MemoryEngine> {
    let engine = Arc::new(MemoryEngine::new());
    let clock = Arc::new(AheadClock::default());
    let environment = Environment {
        clock: clock.clone(),
        ..Environment::system("")
    };
    let store = Store::open(engine.clone(), Settings::default(), environment)
        .await
        .unwrap();
    append(&store, "order-1").await;
    clock.0.store(2 * HOUR_SECONDS * 1_000_000, Ordering::Relaxed);
    append(&store, "other").await;
    store.close().await;
    engine
}

async fn get(address: std::net::SocketAddr, path: &str) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: annals\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_log_that_is_ahead_of_the_clock_is_reported_and_expires_nothing() {
    let engine = written_ahead().await;
    let server = Server::start_on(Config::resolve(options()).unwrap(), engine)
        .await
        .unwrap();
    let http = server.http_address();
    let channel = Channel::from_shared(format!("http://{}", server.grpc_address())).unwrap();
    let mut client = EventStoreServiceClient::new(channel.connect_lazy());
    let serving = tokio::spawn(server.serve(std::future::pending()));
    let set = pb::SetRetentionRequest {
        stream: "order-1".into(),
        retention: Some(pb::Retention {
            max_age: Some(prost_types::Duration {
                seconds: 3_600,
                nanos: 0,
            }),
            ..pb::Retention::default()
        }),
        expected_version: None,
    };
    client.set_retention(set).await.unwrap();
    let read = pb::ReadStreamRequest {
        stream: "order-1".into(),
        ..pb::ReadStreamRequest::default()
    };
    let read = client.read_stream(read).await.unwrap().into_inner();
    let read: Vec<pb::ReadStreamResponse> = read.try_collect().await.unwrap();
    assert_eq!(read.iter().map(|part| part.events.len()).sum::<usize>(), 1);

    let ready = get(http, "/health/ready").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "calls are served: {ready}");
    assert!(ready.contains("ahead of this server's clock"), "{ready}");
    let metrics = get(http, "/metrics").await;
    assert!(metrics.contains("annals_expiry_suspended 1"), "{metrics}");
    let ahead = metrics
        .lines()
        .find_map(|line| line.strip_prefix("annals_recorded_time_ahead_seconds "));
    let ahead: u64 = ahead.unwrap().trim().parse().unwrap();
    assert!((HOUR_SECONDS..=2 * HOUR_SECONDS).contains(&ahead), "{ahead}");
    serving.abort();
}
