//! Connections to the servers that lead consumer groups.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tonic::{Status, transport::Channel};

use super::connect;
use crate::grpc::internal::group_forwarding_service_client::GroupForwardingServiceClient;

/// A client of the server that leads a group.
pub(crate) type LeaderClient = GroupForwardingServiceClient<Channel>;

/// The most connections that are kept. Clusters have fewer servers.
const KEPT_MAX: usize = 64;
/// The most bytes of a message: a page of parked events, or deliveries of large events.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// Connects to servers that lead groups, and keeps the connections. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Leaders {
    kept: Arc<Mutex<HashMap<String, LeaderClient>>>,
}

impl Leaders {
    /// Returns a client of the server at an address. A connection that breaks is made again by the next call.
    pub(crate) async fn client(&self, address: &str) -> Result<LeaderClient, Status> {
        if let Some(client) = self.kept.lock().get(address) {
            return Ok(client.clone());
        }
        let client = LeaderClient::new(connect(address).await?).max_decoding_message_size(MESSAGE_BYTES_MAX);
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(address.to_owned(), client.clone());
        Ok(client)
    }
}
