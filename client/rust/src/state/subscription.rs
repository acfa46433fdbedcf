//! Subscriptions to a scope of state, across reconnects: each resumes after the last version that it received.

use std::collections::VecDeque;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1::{self as pb, state_update::Update, subscribe_state_response::Content};
use futures::future::BoxFuture;
use tonic::Streaming;

use super::StateEntry;
use crate::connection::{Picked, StateStub};
use crate::error::Result;
use crate::retry::{Reconnects, Shared};

/// An item of a subscription to a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateItem {
    /// The entry was created, or has a new value.
    Put(StateEntry),
    /// The entry was deleted.
    Deletion {
        /// The key that it had.
        key: String,
        /// The number of the scope's change that deleted it.
        version: u64,
    },
    /// All changes up to this version were received; new ones follow as they are made. Received once, and again after a
    /// connection was lost and resumed.
    CaughtUp {
        /// The version; resuming after it is safe.
        version: u64,
    },
    /// All changes up to this version were examined, and those that match the prefix were received.
    Checkpoint {
        /// The version; resuming after it is safe.
        version: u64,
    },
}

/// A subscription to be opened: add options, then await it.
#[derive(Debug, Clone)]
#[must_use = "a subscription does nothing until it is awaited"]
pub struct SubscribeState {
    shared: Arc<Shared>,
    timeout: Duration,
    request: pb::SubscribeStateRequest,
    reconnect_timeout: Option<Duration>,
}

impl SubscribeState {
    pub(super) fn new(shared: Arc<Shared>, timeout: Duration, scope: String) -> Self {
        let request = pb::SubscribeStateRequest {
            scope,
            ..Default::default()
        };
        SubscribeState {
            shared,
            timeout,
            request,
            reconnect_timeout: None,
        }
    }

    /// Returns only entries whose keys begin with this prefix.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.request.key_prefix = prefix.into();
        self
    }

    /// Starts after this version: the last one handled. Unless set, all entries are returned first.
    pub fn after_version(mut self, version: u64) -> Self {
        self.request.after_version = Some(version);
        self
    }

    /// Fails if a lost connection can't be resumed within this time. Retries indefinitely unless set.
    pub fn reconnect_timeout(mut self, without_connection: Duration) -> Self {
        self.reconnect_timeout = Some(without_connection);
        self
    }
}

impl IntoFuture for SubscribeState {
    type Output = Result<StateSubscription>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let call = |mut stub: StateStub| {
                let request = self.request.clone();
                async move { stub.subscribe_state(request).await }
            };
            let (answers, picked) = self.shared.call_somewhere(self.timeout, call).await?;
            Ok(StateSubscription {
                reconnects: Reconnects::new(&self.shared, self.reconnect_timeout),
                live: Some((answers.into_inner(), picked)),
                subscribe: self,
                received: VecDeque::new(),
            })
        })
    }
}

/// An open subscription to a scope. Drop it to cancel.
#[derive(Debug)]
pub struct StateSubscription {
    /// What was requested, with the last version received.
    subscribe: SubscribeState,
    live: Option<(Streaming<pb::SubscribeStateResponse>, Picked)>,
    received: VecDeque<StateItem>,
    reconnects: Reconnects,
}

impl StateSubscription {
    /// Returns the next item. Lost connections are resumed; an error is final.
    ///
    /// A subscriber that lost its connection before it was caught up for the first time, and that had not given a
    /// version, may receive deletions of entries that it never received.
    pub async fn next(&mut self) -> Result<StateItem> {
        loop {
            if let Some(item) = self.received.pop_front() {
                return Ok(item);
            }
            let Some((answers, picked)) = &mut self.live else {
                self.reopen().await?;
                continue;
            };
            let shared = &self.subscribe.shared;
            let error = match answers.message().await {
                Ok(Some(message)) => {
                    self.reconnects.progressed();
                    self.take(message)?;
                    continue;
                }
                Err(failed) => shared.failed(*picked, &failed),
                Ok(None) => shared.ended(*picked),
            };
            self.live = None;
            self.reconnects
                .pause_after(error, self.subscribe.request.after_version)
                .await?;
        }
    }

    fn take(&mut self, message: pb::SubscribeStateResponse) -> Result<()> {
        match message.content {
            Some(Content::Updates(updates)) => {
                for update in updates.updates {
                    let item = match update.update {
                        Some(Update::Put(entry)) => StateItem::Put(entry.try_into()?),
                        Some(Update::Deletion(pb::StateDeletion { key, version })) => {
                            StateItem::Deletion { key, version }
                        }
                        None => continue,
                    };
                    self.receive(item);
                }
            }
            Some(Content::CaughtUp(version)) => {
                self.receive(StateItem::CaughtUp { version });
            }
            Some(Content::Checkpoint(version)) => {
                self.receive(StateItem::Checkpoint { version });
            }
            None => {}
        }
        Ok(())
    }

    /// Keeps an item, and notes its version, up to which everything was received.
    fn receive(&mut self, item: StateItem) {
        let version = match &item {
            StateItem::Put(entry) => entry.version,
            StateItem::Deletion { version, .. }
            | StateItem::CaughtUp { version }
            | StateItem::Checkpoint { version } => *version,
        };
        let after = &mut self.subscribe.request.after_version;
        *after = (*after).max(Some(version));
        self.received.push_back(item);
    }

    /// Makes one attempt to reconnect.
    async fn reopen(&mut self) -> Result<()> {
        let SubscribeState {
            shared,
            timeout,
            request,
            ..
        } = &self.subscribe;
        let picked = shared.connection.pick();
        let mut stub = shared.connection.state_stub(picked);
        let error = match tokio::time::timeout(*timeout, stub.subscribe_state(request.clone())).await {
            Ok(Ok(answers)) => {
                self.live = Some((answers.into_inner(), picked));
                return Ok(());
            }
            Ok(Err(failed)) => shared.failed(picked, &failed),
            Err(_elapsed) => shared.timed_out(picked, *timeout),
        };
        self.reconnects
            .pause_after(error, self.subscribe.request.after_version)
            .await
    }
}
