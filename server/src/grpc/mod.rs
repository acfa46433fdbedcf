//! gRPC: requests into the store's types, its answers onto the wire.
//!
//! - `service`: the calls of `annals.v1.EventStoreService`, each a few lines.
//! - `request`: every field checked, once, and parsed into the store's types.
//! - `transfer`: the calls of `annals.v1.TransferService`.
//! - `session`, `stream`: answers that are streams.
//! - `encoded`: appends in the bytes in which they come. `raw`, `codec`, `response`: answers in bytes.
//! - `status`: the one place that says what a caller gets when something is wrong.
//! - `connection`, `company`, `direct`, `health`: what surrounds the calls.
//!
//! Every answer that is a stream is pulled by its client: nothing is read from the store before there is room to send it,
//! and no task or channel stands in between. So a client that does not read costs one message, and no more.

mod answers;
mod append_log;
mod codec;
mod company;
mod connection;
mod direct;
mod encoded;
mod health;
mod raw;
mod request;
mod response;
mod service;
mod session;
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
pub(crate) use response::timestamp;
#[cfg(test)]
pub(crate) use {
    request::session_append,
    status::{Refusal, to_rpc},
};

use crate::{Error, Result, metrics::Metrics};

/// The generated service trait.
#[allow(missing_docs, unused_qualifications, unreachable_pub, clippy::all)]
mod generated {
    tonic::include_proto!("annals.v1");
}

use generated::{
    event_store_service_server::EventStoreServiceServer, transfer_service_server::TransferServiceServer,
};
use transfer::Transfer;

/// What a client may send on one stream before the server has taken it: enough for a few large appends.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
/// The same for all streams of a connection together.
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// Larger frames than HTTP/2's 16 KiB, so that large appends arrive in fewer pieces.
const FRAME_BYTES_MAX: u32 = 256 << 10;
/// Calls open on one connection; programs keep thousands of subscriptions on one.
const CONNECTION_CALLS_MAX: u32 = 16_384;
/// Room for tokens and trace context, and no more.
const HEADER_BYTES_MAX: u32 = 32 << 10;
/// A client that is gone without a word is found out this soon, so that its subscriptions don't stay.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// What a message may have beyond its largest append or snapshot: names, lengths of fields, and enough that an event or an append
/// that is somewhat too large is told so by name, and not just that its message is.
const MESSAGE_SLACK_BYTES: usize = 1 << 20;

/// The service: a store, and what is told about it.
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

/// Refuses every call because the storage does not answer, and says by its health that it does. For ever, unless connections
/// can't be accepted.
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

/// Serves until a drain ends the last call, or the connections are cut.
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
        .add_service(reflection().build_v1().map_err(|error| failed(&error))?)
        .add_service(reflection().build_v1alpha().map_err(|error| failed(&error))?);
    let drained = connections.drain.clone().cancelled_owned();
    let incoming = incoming(listener, connections);
    Ok(async move {
        let served = router.serve_with_incoming_shutdown(incoming, drained).await;
        served.map_err(|error| Error::Serve(error.to_string()))
    })
}
