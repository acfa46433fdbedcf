//! The endpoints of a client and their channels.
//!
//! 1. Nothing is connected before the first call; a channel whose connection broke reconnects at its next call.
//! 2. All calls go to one endpoint until it fails one of them in a way that another could serve; then all move on to
//!    the next. A call that fails late does not move the client on from an endpoint that it has already left.
//! 3. Every client tries the endpoints in its own random order, chosen when it is created, so that the clients of a
//!    failed server spread over all the others.
//! 4. A server that sends nothing while calls are open, not even the reply to a ping, is considered dead: its calls
//!    fail, and move on.
//! 5. The first endpoint in that order is the client's [home](crate::home): while it uses another, the client probes
//!    whether the home answers again, and returns to it. Calls in progress finish where they are; subscriptions move
//!    at their next message, pipelines when all sent appends are answered.
//! 6. A port of another service (such as health and metrics) fails calls at once with an error that states it: one
//!    that answers in HTTP/1, or does not know the path of a call, and has never served gRPC.
//!
//! One endpoint at a time is used, without balancing single calls, because appends to one log are serialized anyway,
//! one connection keeps group commits together, and a client sees its own appends wherever it reads. Limitation: TLS
//! is not supported yet; `http` endpoints only.

mod answers;
mod wire;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use annals_proto::v1::{
    self as pb, checkpoint_service_client::CheckpointServiceClient,
    event_store_service_client::EventStoreServiceClient, group_service_client::GroupServiceClient,
    state_service_client::StateServiceClient, transfer_service_client::TransferServiceClient,
};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};
use tower::util::ServiceExt;

use self::answers::{Answers, Watched};
use self::wire::Wire;
use crate::endpoint;
use crate::error::{Error, Result};
use crate::home::Home;

pub(crate) type Stub = EventStoreServiceClient<Watched>;
pub(crate) type CheckpointStub = CheckpointServiceClient<Watched>;
pub(crate) type GroupStub = GroupServiceClient<Watched>;
pub(crate) type StateStub = StateServiceClient<Watched>;
pub(crate) type TransferStub = TransferServiceClient<Watched>;

/// Maximum size of a response, in bytes. Servers send batches of a few MiB at most; a single event may be configured
/// larger than the default 1 MiB, and must fit as well.
const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// Flow-control windows, in bytes: large enough that the server limits the speed of a read, not round trips.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// The fraction of [`Patience::silence`] after which a ping is sent; the rest is for its reply.
const SILENCE_BEFORE_PING: f64 = 0.4;

/// Timeouts for endpoints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Time to accept a connection.
    pub(crate) connect: Duration,
    /// Time without any data while calls are open, after which an endpoint counts as dead.
    pub(crate) silence: Duration,
    /// Mean time until the first endpoint is probed after the client has left it. Zero disables probes.
    pub(crate) home: Duration,
}

/// A stub of a service.
pub(crate) trait OfService {
    /// Creates a stub that calls an endpoint.
    fn of(connection: &Connection, picked: Picked) -> Self;
}

impl OfService for Stub {
    fn of(connection: &Connection, picked: Picked) -> Self {
        connection.stub(picked)
    }
}

impl OfService for StateStub {
    fn of(connection: &Connection, picked: Picked) -> Self {
        connection.state_stub(picked)
    }
}

impl OfService for CheckpointStub {
    fn of(connection: &Connection, picked: Picked) -> Self {
        CheckpointServiceClient::new(connection.channel(picked))
    }
}

impl OfService for GroupStub {
    fn of(connection: &Connection, picked: Picked) -> Self {
        connection.group_stub(picked)
    }
}

#[derive(Debug)]
pub(crate) struct Connection {
    /// In the order in which they are tried.
    links: Vec<Link>,
    /// Timeout of a probe of the first endpoint.
    look_within: Duration,
    route: Arc<Route>,
}

/// The route of calls: the endpoint in use.
#[derive(Debug)]
struct Route {
    current: AtomicUsize,
    home: Home,
}

#[derive(Debug)]
struct Link {
    name: String,
    endpoint: Endpoint,
    answers: Arc<Answers>,
    /// Created at the first call, because that requires a tokio runtime.
    channel: OnceLock<Channel>,
}

/// The endpoint that calls currently go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Picked(usize);

impl Connection {
    pub(crate) fn new(endpoints: &[String], patience: Patience) -> Result<Self> {
        if endpoints.is_empty() {
            return Err(Error::InvalidEndpoint {
                endpoint: String::new(),
                reason: "is missing; name at least one".to_owned(),
            });
        }
        let links = endpoints
            .iter()
            .map(|name| Link::new(name, patience))
            .collect::<Result<_>>()?;
        Ok(Connection {
            links,
            look_within: patience.silence,
            route: Arc::new(Route {
                current: AtomicUsize::new(0),
                home: Home::new(patience.home),
            }),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.links.len()
    }

    /// Returns the endpoint for the next call.
    pub(crate) fn pick(&self) -> Picked {
        self.look_home();
        Picked(self.route.current.load(Ordering::Acquire))
    }

    /// The number of times the client has returned to its home.
    pub(crate) fn returns(&self) -> u64 {
        self.route.home.returns()
    }

    /// Whether a call that started at an endpoint should move, because the client has returned to its home since it
    /// had returned `returns` times.
    pub(crate) fn has_left(&self, picked: Picked, returns: u64) -> bool {
        self.returns() != returns && self.route.current.load(Ordering::Acquire) != picked.0
    }

    /// Probes the home if the client uses another endpoint and a probe is due, and returns to it if it answers.
    pub(crate) fn look_home(&self) {
        let away = self.route.current.load(Ordering::Relaxed) != 0;
        if !away || !self.route.home.begin_look(Instant::now()) {
            return;
        }
        let (mut stub, within, route) = (self.stub(Picked(0)), self.look_within, self.route.clone());
        tokio::spawn(async move {
            let look = stub.get_server_info(pb::GetServerInfoRequest {});
            let answered = matches!(tokio::time::timeout(within, look).await, Ok(Ok(_)));
            if answered {
                route.current.store(0, Ordering::Release);
            }
            route.home.looked(answered, Instant::now());
        });
    }

    /// A stub that calls that endpoint.
    pub(crate) fn stub(&self, picked: Picked) -> Stub {
        EventStoreServiceClient::new(self.channel(picked)).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// A stub that calls that endpoint, for moving logs.
    pub(crate) fn transfer_stub(&self, picked: Picked) -> TransferStub {
        TransferServiceClient::new(self.channel(picked)).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// A stub that calls that endpoint, for state.
    pub(crate) fn state_stub(&self, picked: Picked) -> StateStub {
        StateServiceClient::new(self.channel(picked)).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// A stub that calls that endpoint, for consumer groups.
    pub(crate) fn group_stub(&self, picked: Picked) -> GroupStub {
        GroupServiceClient::new(self.channel(picked)).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    fn channel(&self, picked: Picked) -> Watched {
        let link = &self.links[picked.0];
        let channel = link.channel.get_or_init(|| link.connect_lazy());
        Watched::new(channel.clone(), link.answers.clone())
    }

    /// The endpoint as given by the user.
    pub(crate) fn name(&self, picked: Picked) -> &str {
        &self.links[picked.0].name
    }

    /// Whether the endpoint does not serve gRPC: it has answered, and never with gRPC.
    pub(crate) fn is_not_grpc(&self, picked: Picked) -> bool {
        self.links[picked.0].answers.never_grpc()
    }

    /// Moves on from an endpoint that failed, unless the client has already moved on.
    pub(crate) fn move_on(&self, failed: Picked) {
        let next = (failed.0 + 1) % self.links.len();
        let moved = self
            .route
            .current
            .compare_exchange(failed.0, next, Ordering::AcqRel, Ordering::Relaxed);
        if moved.is_ok() && failed.0 == 0 {
            self.route.home.left(Instant::now());
        }
    }
}

impl Link {
    fn new(name: &str, patience: Patience) -> Result<Self> {
        let ping_after = patience.silence.mul_f64(SILENCE_BEFORE_PING);
        let endpoint = Endpoint::from(endpoint::parse(name)?)
            .connect_timeout(patience.connect)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_keep_alive_interval(ping_after)
            .keep_alive_timeout(patience.silence.saturating_sub(ping_after));
        Ok(Link {
            name: name.to_owned(),
            endpoint,
            answers: Arc::default(),
            channel: OnceLock::new(),
        })
    }

    /// A channel that checks the protocol of the first response on each connection.
    fn connect_lazy(&self) -> Channel {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let answers = self.answers.clone();
        let connector = connector.map_response(move |io: TokioIo<TcpStream>| {
            TokioIo::new(Wire::new(io.into_inner(), answers.clone()))
        });
        self.endpoint.connect_with_connector_lazy(connector)
    }
}
