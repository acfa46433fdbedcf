//! A bare tonic server with the service and messages of Annals and no storage: the limit of the transport on this
//! machine.
//!
//! - An append is decoded, counted, and answered with the revisions that it expected.
//! - A pipeline is answered message by message, one result for each append.
//! - `ReadAll` and `ReadStream` send a batch that was encoded once, as often as the limit requires. No server can
//!   send events at a lower cost.
//! - `GetState` sends a fixed entry, and `WriteState` a version for each change.
//! - `SubscribeAll` sends the events appended from then on. Without subscribers, appends skip this work.
//!
//! Window and frame sizes are those of the Annals server. Everything else is unimplemented.

mod reads;
mod state;

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use annals_proto::v1 as pb;
use clap::Args;
use futures::{Stream, StreamExt, future::BoxFuture, stream};
use pb::{
    event_store_service_server::{EventStoreService, EventStoreServiceServer},
    state_service_server::StateServiceServer,
};
use tokio::sync::broadcast::{self, error::RecvError};
use tonic::{
    Code, Request, Response, Status, Streaming,
    body::Body,
    server::{Grpc, NamedService},
    transport::{Server, server::TcpIncoming},
};
use tower::Service;

use crate::{Error, Result};
use reads::{Encoded, Reads};

const READ_ALL: &str = "/annals.v1.EventStoreService/ReadAll";
const READ_STREAM: &str = "/annals.v1.EventStoreService/ReadStream";
/// Events that a subscriber may be behind before it is disconnected.
const SUBSCRIBER_EVENTS: usize = 65_536;
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
const FRAME_BYTES_MAX: u32 = 256 << 10;
const RECORDED_AT: prost_types::Timestamp = prost_types::Timestamp {
    seconds: 1_700_000_000,
    nanos: 123_456_000,
};

/// Options of `annals-bench echo`.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Options {
    /// Address to listen on
    #[arg(long, value_name = "HOST:PORT")]
    listen: SocketAddr,
}

/// Serves until the process ends.
pub(crate) async fn run(options: Options) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(options.listen)
        .await
        .map_err(Error::system(format!("listen on {}", options.listen)))?;
    serve(listener).await
}

async fn serve(listener: tokio::net::TcpListener) -> Result<()> {
    Server::builder()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX)
        .add_service(Routed::new())
        .add_service(StateServiceServer::new(state::State))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await
        .map_err(|error| Error::wrong("echo", error.to_string()))
}

/// State of the echo: the number of events received, and the subscribers.
struct Echo {
    head: AtomicU64,
    subscribers: broadcast::Sender<pb::RecordedEvent>,
    /// Held while positions are assigned and events are forwarded, so that subscribers receive them in order.
    delivery: Mutex<()>,
}

impl Echo {
    fn new() -> Self {
        let (subscribers, _) = broadcast::channel(SUBSCRIBER_EVENTS);
        Self {
            head: AtomicU64::new(0),
            subscribers,
            delivery: Mutex::new(()),
        }
    }

    fn append(&self, append: pb::AppendToStreamRequest) -> pb::AppendToStreamResponse {
        use pb::expected_revision::Expected;
        let first_revision = match append.expected.and_then(|expected| expected.expected) {
            Some(Expected::Revision(last)) => last + 1,
            _ => 0,
        };
        let events = append.events.len() as u64;
        let first_position = if self.subscribers.receiver_count() == 0 {
            self.head.fetch_add(events, Ordering::Relaxed) + 1
        } else {
            self.deliver(&append.stream, first_revision, append.events)
        };
        pb::AppendToStreamResponse {
            first_revision,
            last_revision: first_revision + events - 1,
            first_position,
            last_position: first_position + events - 1,
            recorded_at: Some(RECORDED_AT),
            already_appended: false,
        }
    }

    /// Forwards the events to the subscribers; returns the position of the first.
    fn deliver(&self, stream: &str, first_revision: u64, events: Vec<pb::NewEvent>) -> u64 {
        let _in_order = self.delivery.lock().unwrap_or_else(PoisonError::into_inner);
        let first = self.head.fetch_add(events.len() as u64, Ordering::Relaxed) + 1;
        for (nth, event) in (0..).zip(events) {
            // Fails if the last subscriber has disconnected.
            let _ = self.subscribers.send(pb::RecordedEvent {
                id: event.id,
                r#type: event.r#type,
                data: event.data,
                metadata: event.metadata,
                tags: event.tags,
                stream: stream.to_owned(),
                revision: first_revision + nth,
                position: first + nth,
                recorded_at: Some(RECORDED_AT),
                ..Default::default()
            });
        }
        first
    }

    fn result(&self, append: pb::PipelinedAppend) -> pb::PipelinedResult {
        // The generator sends no other kind; the client refuses a result without content.
        let result = match append.append {
            Some(pb::pipelined_append::Append::AppendToStream(append)) => Some(
                pb::pipelined_result::Result::AppendedToStream(self.append(append)),
            ),
            _ => None,
        };
        pb::PipelinedResult { result }
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = std::result::Result<T, Status>> + Send>>;
type Answered<T> = std::result::Result<Response<T>, Status>;

fn unimplemented<T>() -> Answered<T> {
    Err(Status::new(Code::Unimplemented, "the echo server stores nothing"))
}

/// Wraps the service in an `Arc`, which the trait requires.
#[derive(Clone)]
struct Shared(std::sync::Arc<Echo>);

#[tonic::async_trait]
impl EventStoreService for Shared {
    type AppendPipelineStream = Answers<pb::AppendPipelineResponse>;
    type ReadStreamStream = Answers<pb::ReadStreamResponse>;
    type ReadAllStream = Answers<pb::ReadAllResponse>;
    type SubscribeAllStream = Answers<pb::SubscribeAllResponse>;
    type SubscribeStreamStream = Answers<pb::SubscribeStreamResponse>;

    async fn append_to_stream(
        &self,
        request: Request<pb::AppendToStreamRequest>,
    ) -> Answered<pb::AppendToStreamResponse> {
        let append = request.into_inner();
        if append.events.is_empty() {
            return Err(Status::invalid_argument("events: none"));
        }
        Ok(Response::new(self.0.append(append)))
    }

    async fn append_to_many(
        &self,
        _: Request<pb::AppendToManyRequest>,
    ) -> Answered<pb::AppendToManyResponse> {
        unimplemented()
    }

    async fn append_pipeline(
        &self,
        request: Request<Streaming<pb::AppendPipelineRequest>>,
    ) -> Answered<Self::AppendPipelineStream> {
        let echo = self.0.clone();
        let answers = request.into_inner().map(move |message| {
            let results = message?
                .appends
                .into_iter()
                .map(|append| echo.result(append))
                .collect();
            Ok(pb::AppendPipelineResponse { results })
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn subscribe_all(
        &self,
        _request: Request<pb::SubscribeAllRequest>,
    ) -> Answered<Self::SubscribeAllStream> {
        use pb::subscribe_all_response::Content;
        let message = |content| {
            Ok(pb::SubscribeAllResponse {
                content: Some(content),
            })
        };
        let subscriber = self.0.subscribers.subscribe();
        let position = self.0.head.load(Ordering::Relaxed);
        let live = stream::once(async move {
            message(Content::CaughtUp(pb::CaughtUp {
                position,
                revision: None,
            }))
        });
        let events = stream::unfold(subscriber, move |mut subscriber| async move {
            let mut events = match subscriber.recv().await {
                Ok(event) => vec![event],
                Err(RecvError::Lagged(_)) => return Some((Err(Status::data_loss("too slow")), subscriber)),
                Err(RecvError::Closed) => return None,
            };
            while let Ok(event) = subscriber.try_recv() {
                events.push(event);
            }
            Some((message(Content::Events(pb::EventBatch { events })), subscriber))
        });
        Ok(Response::new(Box::pin(live.chain(events))))
    }

    async fn read_stream(&self, _: Request<pb::ReadStreamRequest>) -> Answered<Self::ReadStreamStream> {
        unimplemented()
    }

    async fn read_all(&self, _: Request<pb::ReadAllRequest>) -> Answered<Self::ReadAllStream> {
        unimplemented()
    }

    async fn subscribe_stream(
        &self,
        _: Request<pb::SubscribeStreamRequest>,
    ) -> Answered<Self::SubscribeStreamStream> {
        unimplemented()
    }

    async fn get_stream(&self, _: Request<pb::GetStreamRequest>) -> Answered<pb::GetStreamResponse> {
        unimplemented()
    }

    async fn list_streams(&self, _: Request<pb::ListStreamsRequest>) -> Answered<pb::ListStreamsResponse> {
        unimplemented()
    }

    async fn get_position_at_time(
        &self,
        _: Request<pb::GetPositionAtTimeRequest>,
    ) -> Answered<pb::GetPositionAtTimeResponse> {
        unimplemented()
    }

    async fn save_snapshot(&self, _: Request<pb::SaveSnapshotRequest>) -> Answered<pb::SaveSnapshotResponse> {
        unimplemented()
    }

    async fn load_snapshot(&self, _: Request<pb::LoadSnapshotRequest>) -> Answered<pb::LoadSnapshotResponse> {
        unimplemented()
    }

    async fn set_retention(&self, _: Request<pb::SetRetentionRequest>) -> Answered<pb::SetRetentionResponse> {
        unimplemented()
    }

    async fn get_retention(&self, _: Request<pb::GetRetentionRequest>) -> Answered<pb::GetRetentionResponse> {
        unimplemented()
    }

    async fn set_prefix_retention(
        &self,
        _: Request<pb::SetPrefixRetentionRequest>,
    ) -> Answered<pb::SetPrefixRetentionResponse> {
        unimplemented()
    }

    async fn get_prefix_retention(
        &self,
        _: Request<pb::GetPrefixRetentionRequest>,
    ) -> Answered<pb::GetPrefixRetentionResponse> {
        unimplemented()
    }

    async fn list_prefix_retentions(
        &self,
        _: Request<pb::ListPrefixRetentionsRequest>,
    ) -> Answered<pb::ListPrefixRetentionsResponse> {
        unimplemented()
    }

    async fn delete_stream(&self, _: Request<pb::DeleteStreamRequest>) -> Answered<pb::DeleteStreamResponse> {
        unimplemented()
    }

    async fn tombstone_stream(
        &self,
        _: Request<pb::TombstoneStreamRequest>,
    ) -> Answered<pb::TombstoneStreamResponse> {
        unimplemented()
    }

    async fn start_scavenge(
        &self,
        _: Request<pb::StartScavengeRequest>,
    ) -> Answered<pb::StartScavengeResponse> {
        unimplemented()
    }

    async fn stop_scavenge(&self, _: Request<pb::StopScavengeRequest>) -> Answered<pb::StopScavengeResponse> {
        unimplemented()
    }

    async fn get_scavenge(&self, _: Request<pb::GetScavengeRequest>) -> Answered<pb::GetScavengeResponse> {
        unimplemented()
    }

    async fn get_server_info(
        &self,
        _: Request<pb::GetServerInfoRequest>,
    ) -> Answered<pb::GetServerInfoResponse> {
        unimplemented()
    }
}

/// The generated service without the reads, because its trait answers with messages and not with bytes.
#[derive(Clone)]
struct Routed {
    generated: EventStoreServiceServer<Shared>,
    reads: Reads,
}

impl Routed {
    fn new() -> Self {
        let echo = Shared(std::sync::Arc::new(Echo::new()));
        Self {
            generated: EventStoreServiceServer::new(echo).max_decoding_message_size(16 << 20),
            reads: Reads::new(),
        }
    }
}

impl NamedService for Routed {
    const NAME: &'static str = <EventStoreServiceServer<Shared> as NamedService>::NAME;
}

impl Service<http::Request<Body>> for Routed {
    type Response = http::Response<Body>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<'static, std::result::Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() == READ_ALL {
            let reads = self.reads.clone();
            let codec = Encoded::<pb::ReadAllRequest>::new();
            Box::pin(async move { Ok(Grpc::new(codec).server_streaming(reads, request).await) })
        } else if request.uri().path() == READ_STREAM {
            let reads = self.reads.clone();
            let codec = Encoded::<pb::ReadStreamRequest>::new();
            Box::pin(async move { Ok(Grpc::new(codec).server_streaming(reads, request).await) })
        } else {
            self.generated.call(request)
        }
    }
}

#[cfg(test)]
mod tests;
