//! Serves the calls on connections: their limits, routing and health.
//!
//! - `connection`: connections that are counted and can be cut. `coalescing`: their small writes.
//! - `direct`: routes calls of the event store's service.
//! - `health`: the status that the health service reports.

mod coalescing;
mod connection;
mod direct;
mod health;

use std::time::Duration;

use annals_services::{checkpoints::Checkpoints, groups::Groups};
use tokio::net::TcpListener;
use tonic::{codegen::tokio_stream::StreamExt, transport::server::TcpIncoming};

pub(crate) use connection::Connections;
pub(crate) use health::Health;

use connection::Connection;
use direct::DirectLayer;

use super::{
    calls::{Checkpoint, EventStore, Forward, Group, State, Transfer},
    generated::{
        internal_v1::{
            forwarding_service_server::ForwardingServiceServer,
            group_forwarding_service_server::GroupForwardingServiceServer,
        },
        v1::{
            checkpoint_service_server::CheckpointServiceServer,
            event_store_service_server::EventStoreServiceServer, group_service_server::GroupServiceServer,
            state_service_server::StateServiceServer, transfer_service_server::TransferServiceServer,
        },
    },
    status,
};
use crate::{Error, Result, forwarding::Leaders};

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
) -> impl tonic::codegen::tokio_stream::Stream<Item = std::io::Result<Connection>> {
    TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .with_keepalive(Some(KEEPALIVE_INTERVAL))
        .map(move |accepted| accepted.map(|io| connections.open(io)))
}

/// The consumer groups that are served.
pub(crate) struct ServedGroups {
    pub groups: Groups,
    /// Forwards calls to other servers, if there are any.
    pub leaders: Option<Leaders>,
    /// The address at which other servers reach this one.
    pub address: String,
}

/// Serves until a drain has ended the last call, or the connections are cut.
pub(crate) fn serve(
    listener: TcpListener,
    service: EventStore,
    groups: ServedGroups,
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
    let checkpoint = Checkpoint::new(Checkpoints::new(service.store.clone()), service.metrics.clone());
    let checkpoint = CheckpointServiceServer::new(checkpoint);
    let state = State::new(service.store.clone(), service.metrics.clone());
    let state = StateServiceServer::new(state).max_decoding_message_size(message_bytes_max);
    let group = |leaders| {
        let (groups, address) = (groups.groups.clone(), groups.address.clone());
        Group::new(
            groups,
            service.store.clone(),
            leaders,
            address,
            service.metrics.clone(),
        )
    };
    let group_forward =
        GroupForwardingServiceServer::new(group(None)).max_decoding_message_size(message_bytes_max);
    let group =
        GroupServiceServer::new(group(groups.leaders.clone())).max_decoding_message_size(message_bytes_max);
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
        .layer(DirectLayer(service))
        .add_service(health)
        .add_service(state)
        .add_service(group)
        .add_service(group_forward)
        .add_service(checkpoint)
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
