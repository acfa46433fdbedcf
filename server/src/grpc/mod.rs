//! gRPC: converts requests to the store's types, and its results to messages.
//!
//! - `service`: the calls of `annals.v1.EventStoreService`. `answers`: those with a single response.
//! - `request`: checks every field once, and parses it into the store's types.
//! - `transfer`: the calls of `annals.v1.TransferService`.
//! - `forward`: the call of `annals.internal.v1.ForwardingService`, with which servers forward appends.
//! - `pipeline`, `stream`: calls with a stream of responses.
//! - `encoded`: appends in the encoding in which they arrive. `raw`, `codec`, `response`: responses as bytes.
//! - `status`: maps errors to statuses; no other module does.
//! - `connection`, `coalescing`, `direct`, `health`: connections, routing and health.
//!
//! Clients pull every stream of responses: nothing is read from the store before there is room to send it, and no
//! task or channel is in between. So a client that does not read costs the memory of one message.

mod answers;
mod append_log;
mod coalescing;
mod codec;
mod connection;
mod direct;
mod encoded;
mod forward;
mod health;
mod malformed;
mod pipeline;
mod raw;
mod request;
mod response;
mod service;
mod status;
mod stream;
mod transfer;

use std::time::Duration;

use annals_store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{codegen::tokio_stream::StreamExt, transport::server::TcpIncoming};

pub(crate) use connection::Connections;
pub(crate) use health::Health;
pub(crate) use request::MESSAGE_APPENDS_MAX;
pub(crate) use response::{expected, timestamp};
#[cfg(test)]
pub(crate) use {
    request::forwarded_append,
    status::{Refusal, to_rpc},
};

use crate::{Error, Result, metrics::Metrics};

/// The generated service trait.
#[allow(missing_docs, unused_qualifications, unreachable_pub, clippy::all)]
mod generated {
    tonic::include_proto!("annals.v1");
}

/// The messages of `annals.internal.v1`, and the client of its service.
#[allow(missing_docs, unused_qualifications, unreachable_pub, clippy::all)]
pub(crate) mod internal {
    include!(concat!(env!("OUT_DIR"), "/client/annals.internal.v1.rs"));
}

/// The generated service trait for forwarded appends.
#[allow(missing_docs, unused_qualifications, unreachable_pub, clippy::all)]
mod generated_internal {
    tonic::include_proto!("annals.internal.v1");
}

use forward::Forward;
use generated::{
    event_store_service_server::EventStoreServiceServer, transfer_service_server::TransferServiceServer,
};
use generated_internal::forwarding_service_server::ForwardingServiceServer;
use transfer::Transfer;

/// The most bytes that a client can send on one stream before the server has read them: enough for a few large
/// appends.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
/// The most bytes that a client can send on all streams of a connection before the server has read them.
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// Larger frames than HTTP/2's default of 16 KiB, so that large appends arrive in fewer pieces.
const FRAME_BYTES_MAX: u32 = 256 << 10;
/// The most open calls on one connection; programs keep thousands of subscriptions on one.
const CONNECTION_CALLS_MAX: u32 = 16_384;
/// The most bytes of headers: room for tokens and trace context.
const HEADER_BYTES_MAX: u32 = 32 << 10;
/// A client that disappears without closing its connection is detected within these times, and its subscriptions end.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes that a message may have beyond its largest append or snapshot: for names and lengths of fields, and so that
/// a slightly oversized event or append is reported by field, not as an oversized message.
const MESSAGE_SLACK_BYTES: usize = 1 << 20;

/// The service `annals.v1.EventStoreService`, on a store.
#[derive(Clone)]
pub(crate) struct EventStore {
    store: Store,
    engine: &'static str,
    started_at: std::time::SystemTime,
    drain: CancellationToken,
    metrics: Metrics,
}

impl EventStore {
    pub(crate) fn new(
        store: Store,
        engine: &'static str,
        drain: CancellationToken,
        metrics: Metrics,
    ) -> Self {
        Self {
            store,
            engine,
            started_at: std::time::SystemTime::now(),
            drain,
            metrics,
        }
    }
}

/// Refuses every call because the storage does not answer, and reports health as not serving. Returns only if
/// connections can't be accepted.
pub(crate) async fn refuse(listener: TcpListener, connections: Connections) -> Result<()> {
    let (reporter, health) = tonic_health::server::health_reporter();
    Health::new(reporter).not_serving().await;
    let refusal = || async {
        let reason =
            annals_store::Error::Unavailable("it has not answered since this server started".to_owned());
        status::of_store(reason).into_http::<tonic::body::Body>()
    };
    let router = tonic::service::Routes::from(axum::Router::new().fallback(refusal)).add_service(health);
    let served = tonic::transport::Server::builder()
        .add_routes(router)
        .serve_with_incoming(incoming(listener, connections))
        .await;
    served.map_err(|error| Error::Serve(error.to_string()))
}

fn incoming(
    listener: TcpListener,
    connections: Connections,
) -> impl tonic::codegen::tokio_stream::Stream<Item = std::io::Result<connection::Connection>> {
    TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .with_keepalive(Some(KEEPALIVE_INTERVAL))
        .map(move |accepted| accepted.map(|io| connections.open(io)))
}

/// Serves until a drain has ended the last call, or the connections are cut.
pub(crate) fn serve(
    listener: TcpListener,
    service: EventStore,
    health: tonic_health::pb::health_server::HealthServer<impl tonic_health::pb::health_server::Health>,
    connections: Connections,
) -> Result<impl Future<Output = Result<()>>> {
    let failed = |error: &dyn std::fmt::Display| Error::Serve(error.to_string());
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(annals_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // ErrorInfo and BadRequest, so that tools can show the details of an error.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    let limits = service.store.limits();
    let message_bytes_max = limits.append_bytes_max.max(limits.snapshot_bytes_max) + MESSAGE_SLACK_BYTES;
    let transfer = Transfer::new(
        service.store.clone(),
        service.drain.clone(),
        service.metrics.clone(),
    );
    let forward = Forward::new(
        service.store.clone(),
        service.drain.clone(),
        service.metrics.clone(),
    );
    let forward = ForwardingServiceServer::new(forward).max_decoding_message_size(message_bytes_max);
    let transfer = TransferServiceServer::new(transfer).max_decoding_message_size(message_bytes_max);
    let service = EventStoreServiceServer::new(service).max_decoding_message_size(message_bytes_max);
    let router = tonic::transport::Server::builder()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_concurrent_streams(CONNECTION_CALLS_MAX)
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .layer(tower::util::MapResponseLayer::new(status::explain))
        .layer(direct::DirectLayer(service))
        .add_service(health)
        .add_service(transfer)
        .add_service(forward)
        .add_service(reflection().build_v1().map_err(|error| failed(&error))?)
        .add_service(reflection().build_v1alpha().map_err(|error| failed(&error))?);
    let drained = connections.drain.clone().cancelled_owned();
    let incoming = incoming(listener, connections);
    Ok(async move {
        let served = router.serve_with_incoming_shutdown(incoming, drained).await;
        served.map_err(|error| Error::Serve(error.to_string()))
    })
}
