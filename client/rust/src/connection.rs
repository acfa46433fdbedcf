//! The endpoints of a client and their channels.
//!
//! 1. Nothing is connected before the first call; a channel whose connection broke connects again at its next call.
//! 2. All calls go to one endpoint until it fails one of them in a way that another could serve; then all move on to the
//!    next. A call that fails late does not move on from an endpoint that others have already left.
//! 3. Every client goes round the endpoints in an order of its own, drawn when it is made, so that the clients of a
//!    server that dies spread over all the others instead of falling upon the next.
//! 4. A server that says nothing while calls are open, not even to a ping, is taken for dead: its calls fail, and move on.
//!
//! Why one endpoint at a time and no balancing of single calls: appends of one log are serialised anyway, one connection
//! keeps group commits together, and a client sees its own appends wherever it reads. Limits: a client does not come
//! back to an endpoint by itself, so that after a rolling restart the server that was last has few clients until others
//! move or are made. TLS is not offered yet; `http` endpoints only.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use annals_proto::v1::event_store_service_client::EventStoreServiceClient;
use annals_proto::v1::transfer_service_client::TransferServiceClient;
use tonic::transport::{Channel, Endpoint};

use crate::error::{Error, Result};

pub(crate) type Stub = EventStoreServiceClient<Channel>;
pub(crate) type TransferStub = TransferServiceClient<Channel>;

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
}

#[derive(Debug)]
pub(crate) struct Connection {
    /// In the order in which they are tried.
    links: Vec<Link>,
    current: AtomicUsize,
}

#[derive(Debug)]
struct Link {
    name: String,
    endpoint: Endpoint,
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
                reason: "none was given".to_owned(),
            });
        }
        let links = endpoints
            .iter()
            .map(|name| Link::new(name, patience))
            .collect::<Result<_>>()?;
        Ok(Connection {
            links,
            current: AtomicUsize::new(0),
        })
    }

    /// How many endpoints there are.
    pub(crate) fn len(&self) -> usize {
        self.links.len()
    }

    /// The endpoint to call now.
    pub(crate) fn pick(&self) -> Picked {
        Picked(self.current.load(Ordering::Relaxed) % self.links.len())
    }

    /// A stub that calls that endpoint.
    pub(crate) fn stub(&self, picked: Picked) -> Stub {
        EventStoreServiceClient::new(self.channel(picked)).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// A stub that calls that endpoint, for moving logs.
    pub(crate) fn transfer_stub(&self, picked: Picked) -> TransferStub {
        TransferServiceClient::new(self.channel(picked)).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    fn channel(&self, picked: Picked) -> Channel {
        let link = &self.links[picked.0];
        let channel = link.channel.get_or_init(|| link.endpoint.connect_lazy());
        channel.clone()
    }

    /// What people call that endpoint.
    pub(crate) fn name(&self, picked: Picked) -> &str {
        &self.links[picked.0].name
    }

    /// Moves on from an endpoint that failed, unless that has happened already.
    pub(crate) fn move_on(&self, failed: Picked) {
        let next = (failed.0 + 1) % self.links.len();
        let _ = self
            .current
            .compare_exchange(failed.0, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl Link {
    fn new(name: &str, patience: Patience) -> Result<Self> {
        let invalid = |reason: String| Error::InvalidEndpoint {
            endpoint: name.to_owned(),
            reason,
        };
        let endpoint = Endpoint::from_shared(name.to_owned()).map_err(|error| invalid(error.to_string()))?;
        match (endpoint.uri().scheme_str(), endpoint.uri().host()) {
            (Some("http"), Some(_)) => {}
            (Some("https"), _) => return Err(invalid("TLS is not supported yet".to_owned())),
            _ => return Err(invalid("it must begin with http:// and name a host".to_owned())),
        }
        let ping_after = patience.silence.mul_f64(SILENCE_BEFORE_PING);
        let endpoint = endpoint
            .connect_timeout(patience.connect)
            .tcp_nodelay(true)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_keep_alive_interval(ping_after)
            .keep_alive_timeout(patience.silence.saturating_sub(ping_after));
        Ok(Link {
            name: name.to_owned(),
            endpoint,
            channel: OnceLock::new(),
        })
    }
}
