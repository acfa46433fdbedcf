//! Subscriptions to a scope of state, across reconnects: each resumes after the last version that it received.

use std::collections::VecDeque;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1::{self as pb, state_update::Update, subscribe_state_response::Content};
use futures::future::BoxFuture;
use tokio::time::Instant;
use tonic::Streaming;

use super::StateEntry;
use crate::connection::{Picked, StateStub};
use crate::error::{Error, Result};
use crate::retry::{Shared, Tries};

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
                tries: Tries::new(&self.shared.retry, &self.shared.connection),
                live: Some((answers.into_inner(), picked)),
                subscribe: self,
                received: VecDeque::new(),
                lost_at: None,
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
    tries: Tries,
    /// The time since which no connection has returned anything.
    lost_at: Option<Instant>,
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
                    self.tries.reset();
                    self.lost_at = None;
                    self.take(message)?;
                    continue;
                }
                Err(failed) => shared.failed(*picked, &failed),
                // A server that shuts down may end its subscriptions without an error.
                Ok(None) => {
                    shared.connection.move_on(*picked);
                    Error::Unreachable {
                        endpoint: shared.connection.name(*picked).to_owned(),
                        message: "the server ended the subscription".to_owned(),
                    }
                }
            };
            self.live = None;
            self.pause_after(error).await?;
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
                    self.reached(match &item {
                        StateItem::Put(entry) => entry.version,
                        StateItem::Deletion { version, .. }
                        | StateItem::CaughtUp { version }
                        | StateItem::Checkpoint { version } => *version,
                    });
                    self.received.push_back(item);
                }
            }
            Some(Content::CaughtUp(version)) => {
                self.reached(version);
                self.received.push_back(StateItem::CaughtUp { version });
            }
            Some(Content::Checkpoint(version)) => {
                self.reached(version);
                self.received.push_back(StateItem::Checkpoint { version });
            }
            None => {}
        }
        Ok(())
    }

    /// Notes the version up to which everything was received.
    fn reached(&mut self, version: u64) {
        let after = &mut self.subscribe.request.after_version;
        *after = (*after).max(Some(version));
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
            Err(_elapsed) => {
                shared.connection.move_on(picked);
                Error::DeadlineExceeded {
                    after: *timeout,
                    last: None,
                }
            }
        };
        self.pause_after(error).await
    }

    /// Waits before a connection attempt, or returns the error if there is to be none.
    async fn pause_after(&mut self, error: Error) -> Result<()> {
        if !error.is_retryable() {
            return Err(error);
        }
        let lost_at = *self.lost_at.get_or_insert_with(Instant::now);
        let pause = self.tries.after_failure_without_end();
        let limit = self.subscribe.reconnect_timeout;
        if limit.is_some_and(|most| lost_at.elapsed() + pause >= most) {
            return Err(error);
        }
        tracing::debug!(%error, ?pause, "subscription to state broke, resuming");
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
