//! The endpoints of a client and their channels.
//!
//! 1. Nothing is connected before the first call; a channel whose connection broke connects again at its next call.
//! 2. All calls go to one endpoint until it fails one of them in a way that another could serve; then all move on to the
//!    next. A call that fails late does not move on from an endpoint that others have already left.
//! 3. Every client goes round the endpoints in an order of its own, drawn when it is made, so that the clients of a
//!    server that dies spread over all the others instead of falling upon the next.
//! 4. A server that says nothing while calls are open, not even to a ping, is taken for dead: its calls fail, and move on.
//! 5. The endpoint that comes first in that order is the client's [home](crate::home): away from it, the client looks
//!    whether it answers again, and goes back. Calls under way end where they are; subscriptions follow at their next
//!    message, sessions when all that was sent is answered.
//! 6. A port for something else (that for health and metrics) fails calls at once with an error that says so: one that
//!    answers in HTTP/1, or does not know the path of a call, and has never served gRPC.
//!
//! Why one endpoint at a time and no balancing of single calls: appends of one log are serialised anyway, one connection
//! keeps group commits together, and a client sees its own appends wherever it reads. Limit: TLS is not offered yet;
//! `http` endpoints only.

mod answers;
mod wire;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use annals_proto::v1::{
    self as pb, event_store_service_client::EventStoreServiceClient,
    transfer_service_client::TransferServiceClient,
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
pub(crate) type TransferStub = TransferServiceClient<Watched>;

/// The largest answer taken, in bytes. Servers send batches of a few MiB at most; a single event may be configured
/// larger than the default 1 MiB, and must fit as well.
const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// Flow-control windows, in bytes: large enough that a read is bounded by the server rather than by round trips.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// The part of [`Patience::silence`] after which a ping is sent; the rest is for its answer.
const SILENCE_BEFORE_PING: f64 = 0.4;

/// For how long endpoints are waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Until one accepts a connection.
    pub(crate) connect: Duration,
    /// Until one that says nothing while calls are open counts as dead.
    pub(crate) silence: Duration,
    /// On average, until the one that comes first is looked at again after it was left. Zero: it never is.
    pub(crate) home: Duration,
}

#[derive(Debug)]
pub(crate) struct Connection {
    /// In the order in which they are tried.
    links: Vec<Link>,
    /// How long a look at the first of them may take.
    look_within: Duration,
    route: Arc<Route>,
}

/// Where calls go.
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
    /// Made at the first call, because making one needs a running tokio.
    channel: OnceLock<Channel>,
}

/// The endpoint that calls go to now.
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

    /// How many endpoints there are.
    pub(crate) fn len(&self) -> usize {
        self.links.len()
    }

    /// The endpoint to call now.
    pub(crate) fn pick(&self) -> Picked {
        self.look_home();
        Picked(self.route.current.load(Ordering::Acquire))
    }

    /// How often the client has gone back to its home.
    pub(crate) fn returns(&self) -> u64 {
        self.route.home.returns()
    }

    /// Whether what began at that endpoint, when the client had gone back so often, should follow it to its home now.
    pub(crate) fn has_left(&self, picked: Picked, returns: u64) -> bool {
        self.returns() != returns && self.route.current.load(Ordering::Acquire) != picked.0
    }

    /// Away from home: looks whether it answers again, if it is time for it, and goes back if it does.
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

    fn channel(&self, picked: Picked) -> Watched {
        let link = &self.links[picked.0];
        let channel = link.channel.get_or_init(|| link.connect_lazy());
        Watched::new(channel.clone(), link.answers.clone())
    }

    /// What people call that endpoint.
    pub(crate) fn name(&self, picked: Picked) -> &str {
        &self.links[picked.0].name
    }

    /// Whether that endpoint is not one of gRPC: it has answered, and never in gRPC.
    pub(crate) fn is_not_grpc(&self, picked: Picked) -> bool {
        self.links[picked.0].answers.never_grpc()
    }

    /// Moves on from an endpoint that failed, unless that has happened already.
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

    /// A channel whose connections begin with a look at what the server answers in.
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
