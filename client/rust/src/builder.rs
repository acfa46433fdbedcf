//! Options for creating a client.

use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use rand::seq::SliceRandom;

use crate::connection::{Connection, Patience};
use crate::error::Result;
use crate::retry::{RetryPolicy, Shared};

const TIMEOUT: Duration = Duration::from_secs(10);
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(3),
    silence: Duration::from_secs(5),
    home: Duration::from_secs(10),
};
/// With a shorter timeout a busy server would be taken for a dead one.
const SILENCE_MIN: Duration = Duration::from_millis(100);

/// Options of a client, created by [`Client::builder`].
///
/// ```
/// use std::time::Duration;
/// use annals_client::Client;
///
/// let client = Client::builder()
///     .endpoint("http://10.0.0.1:2113")
///     .endpoint("http://10.0.0.2:2113")
///     .timeout(Duration::from_secs(5))
///     .build()?;
/// # Ok::<_, annals_client::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ClientBuilder {
    endpoints: Vec<String>,
    shuffles: bool,
    timeout: Duration,
    patience: Patience,
    retry: RetryPolicy,
}

impl ClientBuilder {
    pub(crate) fn new() -> Self {
        ClientBuilder {
            endpoints: Vec::new(),
            shuffles: true,
            timeout: TIMEOUT,
            patience: PATIENCE,
            retry: RetryPolicy::default(),
        }
    }

    /// Adds an endpoint, such as `http://127.0.0.1:2113`. `http://` may be omitted, and so may the port, which
    /// defaults to 2113. All endpoints must be servers of the same store.
    ///
    /// All calls of the client go to one of them while it works. When it can't be reached or can't serve, calls go to
    /// the next, in a cycle, and back to the first when that [answers again](ClientBuilder::return_after). The order
    /// is random for each client, unless [`shuffle_endpoints`](ClientBuilder::shuffle_endpoints) is turned off.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoints.push(endpoint.into());
        self
    }

    /// Adds several endpoints.
    #[must_use]
    pub fn endpoints(mut self, endpoints: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.endpoints.extend(endpoints.into_iter().map(Into::into));
        self
    }

    /// Sets whether the endpoints are tried in a random order, which is the default, or in the given one. The given
    /// order is for an endpoint that is closer than the others; if many clients use it, they all fail over to the
    /// second endpoint at once.
    #[must_use]
    pub fn shuffle_endpoints(mut self, shuffles: bool) -> Self {
        self.shuffles = shuffles;
        self
    }

    /// Sets the deadline of every call, including retries and pauses. For reads it applies to the first response and
    /// to the wait for each further one; for pipelines, to the wait for a result. 10 s unless set. See also
    /// [`Client::with_timeout`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long one endpoint may take to accept a connection. 3 s unless set.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.patience.connect = timeout;
        self
    }

    /// Sets how long a server with open calls may send nothing at all, not even the reply to a ping, before it counts
    /// as dead: its calls then fail and continue on another endpoint. 5 s unless set, at least 100 ms. A call that
    /// merely takes long does not count, because the server still answers pings.
    #[must_use]
    pub fn keepalive_timeout(mut self, silence: Duration) -> Self {
        self.patience.silence = silence.max(SILENCE_MIN);
        self
    }

    /// Sets the mean pause after which a client that has left its first endpoint probes whether that answers again,
    /// in order to return to it. Probes repeat after the same pause, and less often if the endpoint fails again soon
    /// after a return. 10 s unless set; zero disables returning.
    ///
    /// Calls in progress finish where they are. Subscriptions move at their next message, pipelines when everything
    /// they have sent is answered.
    #[must_use]
    pub fn return_after(mut self, pause: Duration) -> Self {
        self.patience.home = pause;
        self
    }

    /// Sets how calls that failed for a transient reason are retried.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Creates the client; no connection is opened yet.
    ///
    /// Fails with [`Error::InvalidEndpoint`](crate::Error::InvalidEndpoint) if there is no endpoint, or if one is not
    /// just a host with an optional port: a path, a query and user information are rejected.
    pub fn build(mut self) -> Result<Client> {
        if self.shuffles {
            self.endpoints.shuffle(&mut rand::rng());
        }
        let connection = Connection::new(&self.endpoints, self.patience)?;
        Ok(Client::new_shared(
            Arc::new(Shared {
                connection,
                retry: self.retry,
                append_limit: Default::default(),
            }),
            self.timeout,
        ))
    }
}
