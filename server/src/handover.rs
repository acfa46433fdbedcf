//! The way to other servers of the same log, for appends that are handed over ([`annals_store::Handover`]): an
//! `AppendSession` to the server that writes, whose call says that it comes from a server.
//!
//! 1. All appends of a group go in one call, in their order, and are answered in it.
//! 2. Nobody waits longer than [`CONNECT_TIMEOUT`] for a connection and [`ANSWER_TIMEOUT`] for the next answer. A server
//!    that was paused or is gone costs that once; then its appends are written here.
//! 3. What can't have reached the other server is told apart from what may have.

mod message;
mod outcome;
#[cfg(test)]
mod tests;

use std::time::Duration;

use annals_engine::BoxFuture;
use annals_proto::v1::event_store_service_client::EventStoreServiceClient;
use annals_store::{Append, HandedOver, Handover};
use parking_lot::Mutex;
use tokio::time::timeout;
use tonic::{
    Request, Status,
    transport::{Channel, Endpoint},
};
use tracing::debug;

/// Header of a call that hands appends over.
pub(crate) const HEADER: &str = "annals-handed-over";

const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// Connects to whichever server writes. Keeps the last connection.
pub(crate) struct OtherServers {
    append_bytes_max: usize,
    last: Mutex<Option<(String, Client)>>,
}

type Client = EventStoreServiceClient<Channel>;

impl OtherServers {
    /// `append_bytes_max`: the most that one append may have here, and so there.
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
        let unusable = |error: tonic::transport::Error| Status::unavailable(error.to_string());
        let endpoint = Endpoint::from_shared(format!("http://{writer}"))
            .map_err(unusable)?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true);
        let channel = timeout(CONNECT_TIMEOUT, endpoint.connect())
            .await
            .map_err(|_| Status::deadline_exceeded("no connection"))?
            .map_err(unusable)?;
        let client = Client::new(channel);
        *self.last.lock() = Some((writer.to_owned(), client.clone()));
        Ok(client)
    }

    /// Sends appends, and adds each answer to `outcomes` as it comes.
    async fn send(
        &self,
        mut client: Client,
        appends: &[&Append],
        outcomes: &mut Vec<HandedOver>,
    ) -> Result<(), Status> {
        let late = |_| Status::deadline_exceeded("no answer");
        let messages = message::requests(appends, self.append_bytes_max);
        let mut request = Request::new(futures::stream::iter(messages));
        request
            .metadata_mut()
            .insert(HEADER, tonic::metadata::MetadataValue::from_static("1"));
        let call = client.append_session(request);
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
                    // What comes behind it must not be written before it, so its answer is not waited for.
                    HandedOver::Unknown => return Err(Status::unknown("an answer that settles nothing")),
                    outcome => outcomes.push(outcome),
                }
            }
        }
        Ok(())
    }
}

impl Handover for OtherServers {
    fn hand_over<'a>(&'a self, writer: &'a str, appends: &'a [&'a Append]) -> BoxFuture<'a, Vec<HandedOver>> {
        Box::pin(async move {
            let mut outcomes = Vec::with_capacity(appends.len());
            let client = match self.client(writer).await {
                Ok(client) => client,
                Err(status) => {
                    debug!(writer, %status, "can't reach the server that writes");
                    outcomes.resize(appends.len(), HandedOver::Refused);
                    return outcomes;
                }
            };
            if let Err(status) = self.send(client, appends, &mut outcomes).await {
                debug!(writer, %status, "the server that writes does not answer");
                *self.last.lock() = None;
                outcomes.resize(appends.len(), HandedOver::Unknown);
            }
            outcomes
        })
    }
}
