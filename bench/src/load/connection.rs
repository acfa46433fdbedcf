//! Connections to the servers, and their assignment to clients.
//!
//! 1. All servers get the same number of clients, give or take one.
//! 2. Clients of different servers share no connection.

use tonic::{
    client::Grpc,
    transport::{Channel, Endpoint},
};

use super::Subject;
use crate::{Error, Result};

/// Window of a stream, as in the client library.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

/// Opens a connection, with Nagle's algorithm off.
pub(crate) async fn connect(endpoint: &str) -> Result<Channel> {
    let built = Endpoint::from_shared(endpoint.to_owned()).map(|endpoint| {
        endpoint
            .tcp_nodelay(true)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
    });
    let channel = match built {
        Ok(endpoint) => endpoint.connect().await,
        Err(error) => Err(error),
    };
    channel.map_err(|error| Error::wrong("connecting", format!("{endpoint} does not answer: {error}")))
}

/// A client's stub for its server.
#[derive(Clone, Debug)]
pub(super) struct Stub {
    /// Index into the subject's endpoints.
    pub(super) server: usize,
    pub(super) grpc: Grpc<Channel>,
}

/// Returns a stub for each of `clients`, spread evenly over the servers, on as few connections as the subject allows.
pub(super) async fn connect_clients(subject: &Subject<'_>, clients: usize) -> Result<Vec<Stub>> {
    let mut stubs = Vec::with_capacity(clients);
    for (server, endpoint) in subject.endpoints.iter().enumerate() {
        let mut left = share(clients, subject.endpoints.len(), server);
        while left > 0 {
            let grpc = Grpc::new(connect(endpoint).await?);
            let sharing = left.min(subject.clients_per_connection);
            stubs.extend((0..sharing).map(|_| Stub {
                server,
                grpc: grpc.clone(),
            }));
            left -= sharing;
        }
    }
    Ok(stubs)
}

/// Returns how many of `clients` go to one of `servers`; the first ones take the remainder.
const fn share(clients: usize, servers: usize, server: usize) -> usize {
    clients / servers + (server < clients % servers) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_spread_evenly_and_none_is_left_out() {
        let spread = |clients, servers| -> Vec<usize> {
            (0..servers)
                .map(|server| share(clients, servers, server))
                .collect()
        };
        assert_eq!(spread(96, 3), [32, 32, 32]);
        assert_eq!(spread(96, 1), [96]);
        assert_eq!(spread(7, 3), [3, 2, 2]);
        assert_eq!(spread(1, 3), [1, 0, 0]);
    }
}
