//! The calls of every service.
//!
//! - `service`: the calls of `annals.v1.EventStoreService`. `answers`: those with a single response.
//! - `checkpoint`: the calls of `annals.v1.CheckpointService`.
//! - `state`: the calls of `annals.v1.StateService`.
//! - `group`: the calls of `annals.v1.GroupService`. `consume`: consumers.
//! - `transfer`: the calls of `annals.v1.TransferService`.
//! - `forward`: the call of `annals.internal.v1.ForwardingService`, with which servers forward appends.
//! - `pipeline`, `stream`: calls with a stream of responses.
//! - `append_log`: log lines for appends.
//!
//! Clients pull every stream of responses: nothing is read from the store before there is room to send it, and no
//! task or channel is in between. So a client that does not read costs the memory of one message.

mod answers;
mod append_log;
mod checkpoint;
mod consume;
mod forward;
mod group;
mod pipeline;
mod service;
mod state;
mod stream;
mod transfer;

use std::time::SystemTime;

use annals_store::Store;
use tokio_util::sync::CancellationToken;

pub(super) use checkpoint::Checkpoint;
pub(super) use forward::Forward;
pub(super) use group::Group;
pub(super) use state::State;
pub(super) use transfer::Transfer;

use crate::metrics::Metrics;

/// The service `annals.v1.EventStoreService`, on a store.
#[derive(Clone)]
pub(crate) struct EventStore {
    pub(super) store: Store,
    engine: &'static str,
    started_at: SystemTime,
    pub(super) drain: CancellationToken,
    pub(super) metrics: Metrics,
}

impl EventStore {
    pub(crate) fn new(
        store: Store,
        engine: &'static str,
        drain: CancellationToken,
        metrics: Metrics,
    ) -> Self {
        Self {
            store,
            engine,
            started_at: SystemTime::now(),
            drain,
            metrics,
        }
    }
}
