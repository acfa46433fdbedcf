mod clock;

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use annals_engine::{BoxFuture, Commit, Engine, Snapshot, memory::MemoryEngine};
use annals_proto::v1::{self as pb, event_store_service_client::EventStoreServiceClient};
use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::{sync::oneshot, task::JoinHandle};
use tonic::{Code, Streaming, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

use super::{Server, http_port};
use crate::{
    Config, Error, Result,
    config::{EngineName, Options},
};

fn options() -> Options {
    Options {
        listen: Some("127.0.0.1:0".parse().unwrap()),
        engine: Some(EngineName::Memory),
        ..Options::default()
    }
}

/// A running server, and the means to stop it.
struct Running {
    channel: Channel,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<()>>,
}

impl Running {
    async fn start(options: Options, engine: Arc<dyn Engine>) -> Self {
        let server = Server::start_on(Config::resolve(options).unwrap(), engine)
            .await
            .unwrap();
        let channel = Channel::from_shared(format!("http://{}", server.grpc_address()))
            .unwrap()
            .connect_lazy();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(server.serve(async {
            // Dropping the sender stops the server too.
            let _ = stopped.await;
        }));
        Self {
            channel,
            stop,
            served,
        }
    }

    async fn watch_health(&self) -> Streaming<HealthCheckResponse> {
        let mut health = HealthClient::new(self.channel.clone());
        let watch = health.watch(HealthCheckRequest::default()).await;
        watch.unwrap().into_inner()
    }

    fn client(&self) -> EventStoreServiceClient<Channel> {
        EventStoreServiceClient::new(self.channel.clone())
    }
}

fn append(stream: &str) -> pb::AppendToStreamRequest {
    let event = pb::NewEvent {
        r#type: "Placed".into(),
        ..Default::default()
    };
    pb::AppendToStreamRequest {
        stream: stream.into(),
        expected: None,
        events: vec![event],
        recorded_at: None,
    }
}

fn pipelined_append(stream: &str) -> pb::AppendPipelineRequest {
    let append = pb::pipelined_append::Append::AppendToStream(append(stream));
    pb::AppendPipelineRequest {
        appends: vec![pb::PipelinedAppend { append: Some(append) }],
    }
}

#[test]
fn http_is_served_on_the_next_port_unless_any_is_free_to_take() {
    assert_eq!(
        (http_port(2113), http_port(65_534), http_port(0)),
        (2114, 65_535, 0)
    );
}

#[tokio::test]
async fn both_addresses_are_told_and_on_the_same_host() {
    let server = Server::start(Config::resolve(options()).unwrap()).await.unwrap();
    let (grpc, http) = (server.grpc_address(), server.http_address());
    assert!(grpc.port() != 0 && http.port() != 0 && grpc.port() != http.port());
    assert_eq!(grpc.ip(), http.ip());
}

#[tokio::test]
async fn an_address_that_is_taken_is_told_by_its_option() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listen = Options {
        listen: Some(address.parse().unwrap()),
        ..options()
    };
    let http_listen = Options {
        http_listen: Some(address.parse().unwrap()),
        ..options()
    };
    for (options, option) in [(listen, "--listen"), (http_listen, "--http-listen")] {
        // Config::resolve fails if there is no port after the one in use; that is another error.
        let Ok(config) = Config::resolve(options) else {
            continue;
        };
        let error = Server::start(config).await.err().expect("the address is in use");
        let message = error.to_string();
        assert!(
            message.contains(option) && message.contains(&address),
            "{message}"
        );
        assert_eq!(error.exit_code(), 1);
    }
}

#[tokio::test]
async fn a_drain_ends_every_kind_of_call_that_would_not_end_by_itself() {
    let running = Running::start(options(), Arc::new(MemoryEngine::new())).await;
    let mut client = running.client();
    client.append_to_stream(append("s")).await.unwrap();

    let mut subscription = client
        .subscribe_all(pb::SubscribeAllRequest::default())
        .await
        .unwrap()
        .into_inner();
    subscription.message().await.unwrap().unwrap();
    let sent = stream::iter([pipelined_append("s")]).chain(stream::pending());
    let mut pipeline = client.append_pipeline(sent).await.unwrap().into_inner();
    pipeline.message().await.unwrap().unwrap();
    let mut watch = running.watch_health().await;
    assert_eq!(
        watch.message().await.unwrap().unwrap().status(),
        ServingStatus::Serving
    );

    running.stop.send(()).unwrap();
    let end = loop {
        if let Err(status) = subscription.message().await {
            break status;
        }
    };
    assert_eq!(end.code(), Code::Unavailable);
    assert!(end.message().contains("stopping"), "{}", end.message());
    assert_eq!(pipeline.message().await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(
        watch.message().await.unwrap().unwrap().status(),
        ServingStatus::NotServing
    );
    assert!(watch.message().await.unwrap().is_none(), "the watch ends");
    running.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_when_the_drain_timeout_is_over() {
    let options = Options {
        drain_seconds: Some(0),
        ..options()
    };
    let running = Running::start(options, Arc::new(MemoryEngine::new())).await;
    let mut client = running.client();
    let event = pb::NewEvent {
        r#type: "Large".into(),
        data: vec![0; 1 << 20].into(),
        ..Default::default()
    };
    for _ in 0..8 {
        let request = pb::AppendToStreamRequest {
            events: vec![event.clone()],
            ..append("s")
        };
        client.append_to_stream(request).await.unwrap();
    }
    // The client's window fills before the read is complete, so the call can't end.
    let _never_read = client.read_all(pb::ReadAllRequest::default()).await.unwrap();
    running.stop.send(()).unwrap();
    running.served.await.unwrap().unwrap();
}

/// An engine whose commits fail once `fails` is set, and whose reads fail while `silent` is set.
#[derive(Default)]
struct Failing {
    engine: MemoryEngine,
    fails: AtomicBool,
    silent: AtomicBool,
}

impl Engine for Failing {
    fn name(&self) -> &'static str {
        "failing"
    }

    fn snapshot(&self) -> BoxFuture<'_, annals_engine::Result<Box<dyn Snapshot>>> {
        if self.silent.load(Ordering::SeqCst) {
            return Box::pin(async { Err(annals_engine::Error::Unavailable("no connection".into())) });
        }
        self.engine.snapshot()
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, annals_engine::Result<()>> {
        if self.fails.load(Ordering::SeqCst) {
            return Box::pin(async { Err(annals_engine::Error::Failed("fsync: Input/output error".into())) });
        }
        self.engine.commit(commit)
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, annals_engine::Result<()>> {
        self.engine.watch(key, last_seen)
    }
}

#[tokio::test]
async fn a_server_whose_storage_fails_tells_its_callers_and_stops_by_itself() {
    let engine = Arc::new(Failing::default());
    let running = Running::start(options(), engine.clone()).await;
    let mut client = running.client();
    client.append_to_stream(append("s")).await.unwrap();
    let sent = stream::once(async { pipelined_append("s") }).chain(stream::pending());
    let mut pipeline = client.append_pipeline(sent).await.unwrap().into_inner();
    pipeline.message().await.unwrap().unwrap();

    engine.fails.store(true, Ordering::SeqCst);
    let status = client.append_to_stream(append("s")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(
        status.message().contains("Input/output error"),
        "{}",
        status.message()
    );
    let error = running.served.await.unwrap().unwrap_err();
    assert!(
        matches!(&error, Error::Storage(message) if message.contains("Input/output error")),
        "{error}"
    );
    assert_eq!(error.exit_code(), 3);
}

#[tokio::test]
async fn health_follows_whether_the_storage_answers() {
    let engine = Arc::new(Failing::default());
    let running = Running::start(options(), engine.clone()).await;
    let mut watch = running.watch_health().await;
    for (silent, status) in [
        (false, ServingStatus::Serving),
        (true, ServingStatus::NotServing),
        (false, ServingStatus::Serving),
        (true, ServingStatus::NotServing),
    ] {
        engine.silent.store(silent, Ordering::SeqCst);
        let told = watch.message().await.unwrap().unwrap().status();
        assert_eq!(told, status, "silent: {silent}");
    }
    // The server can be stopped while its storage does not answer.
    running.stop.send(()).unwrap();
    running.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn being_asked_to_stop_while_the_store_opens_is_no_error() {
    let config = Config::resolve(options()).unwrap();
    super::run(config, async {}).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_dropped_leaves_no_connection_behind() {
    let server = Server::start(Config::resolve(options()).unwrap()).await.unwrap();
    let channel = Channel::from_shared(format!("http://{}", server.grpc_address()))
        .unwrap()
        .connect_lazy();
    let served = tokio::spawn(server.serve(pending()));
    let mut client = EventStoreServiceClient::new(channel);
    let mut subscription = client
        .subscribe_all(pb::SubscribeAllRequest::default())
        .await
        .unwrap()
        .into_inner();
    subscription.message().await.unwrap().unwrap();
    served.abort();
    let end = tokio::time::timeout(Duration::from_secs(60), async {
        while subscription.message().await.is_ok() {}
    });
    end.await.expect("the connection is cut");
}
