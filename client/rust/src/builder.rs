//! How a client is put together.

use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use crate::connection::Connection;
use crate::error::Result;
use crate::retry::{RetryPolicy, Shared};

const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

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
    timeout: Duration,
    connect_timeout: Duration,
    retry: RetryPolicy,
}

impl ClientBuilder {
    pub(crate) fn new() -> Self {
        ClientBuilder {
            endpoints: Vec::new(),
            timeout: TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
            retry: RetryPolicy::default(),
        }
    }

    /// Adds an endpoint, such as `http://127.0.0.1:2113`. Calls go to the first; when it fails, to the next, and so on
    /// round. All must be servers of the same store.
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
        self.connect_timeout = timeout;
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
    /// Fails with [`Error::InvalidEndpoint`](crate::Error::InvalidEndpoint) if there is no endpoint, or one is no
    /// `http://` URI with a host.
    pub fn build(self) -> Result<Client> {
        let connection = Connection::new(&self.endpoints, self.connect_timeout)?;
        Ok(Client::new_shared(
            Arc::new(Shared {
                connection,
                retry: self.retry,
            }),
            self.timeout,
        ))
    }
}
