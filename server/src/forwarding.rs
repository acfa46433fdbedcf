//! Forwards appends to the server that writes the log, where several servers share one ([`annals_store::Forwarder`]).
//! They are sent to its `annals.internal.v1.ForwardingService`. `leaders`: forwards calls to servers that lead groups.
//!
//! 1. All appends of a group are sent in one call, in order, and their results come in that order.
//! 2. Waits at most [`CONNECT_TIMEOUT`] for a connection and [`ANSWER_TIMEOUT`] for the next result. A paused or dead
//!    server costs that wait once; then this server writes the appends itself.
//! 3. Appends that certainly did not reach the other server are distinguished from those that may have.

mod leaders;
mod message;
mod outcome;
#[cfg(test)]
mod tests;

use std::time::Duration;

use annals_engine::BoxFuture;
use annals_store::{Append, Forwarded, Forwarder};
use parking_lot::Mutex;
use tokio::time::timeout;
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};
use tracing::debug;

pub(crate) use leaders::{LeaderClient, Leaders};

use crate::grpc::internal::forwarding_service_client::ForwardingServiceClient;

const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// Connects to a server.
async fn connect(address: &str) -> Result<Channel, Status> {
    let unusable = |error: tonic::transport::Error| Status::unavailable(error.to_string());
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .map_err(unusable)?
        .connect_timeout(CONNECT_TIMEOUT)
        // A server that is paused or unreachable is detected while a call is open, too.
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .tcp_nodelay(true);
    timeout(CONNECT_TIMEOUT, endpoint.connect())
        .await
        .map_err(|_| Status::deadline_exceeded("no connection"))?
        .map_err(unusable)
}

/// Connects to the server that currently writes. Keeps the last connection.
pub(crate) struct OtherServers {
    append_bytes_max: usize,
    last: Mutex<Option<(String, Client)>>,
}

type Client = ForwardingServiceClient<Channel>;

impl OtherServers {
    /// `append_bytes_max`: the size limit of one append, the same on both servers.
    pub(crate) fn new(append_bytes_max: usize) -> Self {
        Self {
            append_bytes_max,
            last: Mutex::new(None),
        }
    }

    async fn client(&self, writer: &str) -> Result<Client, Status> {
        let known = self.last.lock().clone();
        if let Some((_, client)) = known.filter(|(name, _)| name == writer) {
            return Ok(client);
        }
        let client = Client::new(connect(writer).await?);
        *self.last.lock() = Some((writer.to_owned(), client.clone()));
        Ok(client)
    }

    /// Sends appends, and adds each result to `outcomes` as it arrives.
    async fn send(
        &self,
        mut client: Client,
        appends: &[&Append],
        outcomes: &mut Vec<Forwarded>,
    ) -> Result<(), Status> {
        let late = |_| Status::deadline_exceeded("no answer");
        let messages = message::requests(appends, self.append_bytes_max);
        let call = client.forward(futures::stream::iter(messages));
        let mut answers = timeout(ANSWER_TIMEOUT, call).await.map_err(late)??.into_inner();
        while outcomes.len() < appends.len() {
            let message = timeout(ANSWER_TIMEOUT, answers.message()).await.map_err(late)??;
            let Some(message) = message else {
                return Err(Status::unavailable("the call ended early"));
            };
            for result in message.results {
                let Some(append) = appends.get(outcomes.len()) else {
                    return Err(Status::internal("more answers than appends"));
                };
                match outcome::outcome(result, append) {
                    // Later appends must not be written before this one, so their results are not awaited.
                    Forwarded::Unknown => return Err(Status::unknown("a result with an unknown outcome")),
                    outcome => outcomes.push(outcome),
                }
            }
        }
        Ok(())
    }
}

impl Forwarder for OtherServers {
    fn forward<'a>(&'a self, writer: &'a str, appends: &'a [&'a Append]) -> BoxFuture<'a, Vec<Forwarded>> {
        Box::pin(async move {
            let mut outcomes = Vec::with_capacity(appends.len());
            let client = match self.client(writer).await {
                Ok(client) => client,
                Err(status) => {
                    debug!(writer, %status, "can't reach the server that writes");
                    outcomes.resize(appends.len(), Forwarded::Refused);
                    return outcomes;
                }
            };
            if let Err(status) = self.send(client, appends, &mut outcomes).await {
                debug!(writer, %status, "the server that writes does not answer");
                *self.last.lock() = None;
                outcomes.resize(appends.len(), Forwarded::Unknown);
            }
            outcomes
        })
    }
}
