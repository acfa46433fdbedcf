//! How a client is put together.

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
/// A shorter silence would take a server that is busy for one that is dead.
const SILENCE_MIN: Duration = Duration::from_millis(100);

/// Options of a client; [`Client::builder`] begins one.
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
    in_given_order: bool,
    timeout: Duration,
    patience: Patience,
    retry: RetryPolicy,
}

impl ClientBuilder {
    pub(crate) fn new() -> Self {
        ClientBuilder {
            endpoints: Vec::new(),
            in_given_order: false,
            timeout: TIMEOUT,
            patience: PATIENCE,
            retry: RetryPolicy::default(),
        }
    }

    /// Adds an endpoint, such as `http://127.0.0.1:2113`. `http://` may be left out, and so may the port, which is then
    /// 2113. All must be servers of the same store.
    ///
    /// All calls of the client go to one of them while it works; when it can't be reached or can't serve, to the next,
    /// and so on round; and back to the first when that [answers again](ClientBuilder::return_after). The order is drawn
    /// at random for each client, unless [`in_given_order`](ClientBuilder::in_given_order) is said.
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

    /// Begins with the endpoint that was given first, and goes round in the order given: for one that is nearer than the
    /// others. Many clients that do this all fall upon the second when the first dies.
    #[must_use]
    pub fn in_given_order(mut self) -> Self {
        self.in_given_order = true;
        self
    }

    /// The deadline of every call, tries and pauses included; for reads, of the first answer and of the wait for each
    /// further one; for sessions, of the wait for an answer. 10 s unless set. See also [`Client::with_timeout`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long one endpoint may take to accept a connection. 3 s unless set.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.patience.connect = timeout;
        self
    }

    /// How long a server may say nothing at all, not even to a ping, while calls to it are open, before it counts as
    /// dead: its calls then fail, and go on at another endpoint. 5 s unless set, 100 ms or more; a call that merely takes
    /// long is not silent.
    #[must_use]
    pub fn dead_after(mut self, silence: Duration) -> Self {
        self.patience.silence = silence.max(SILENCE_MIN);
        self
    }

    /// How long after it has left its first endpoint a client looks whether that answers again, to go back to it, on
    /// average; then again after as long, and less often if it does not last. 10 s unless set; zero: never.
    ///
    /// Calls that are under way end where they are. Subscriptions follow at their next message, sessions when all that
    /// was sent is answered.
    #[must_use]
    pub fn return_after(mut self, pause: Duration) -> Self {
        self.patience.home = pause;
        self
    }

    /// How calls that failed for a passing reason are tried again.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Makes the client; nothing is connected yet.
    ///
    /// Fails with [`Error::InvalidEndpoint`](crate::Error::InvalidEndpoint) if there is no endpoint, or one is more or
    /// less than a host and a port: a path, a query and user information are refused.
    pub fn build(mut self) -> Result<Client> {
        if !self.in_given_order {
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
