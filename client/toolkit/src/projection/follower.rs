//! What keeps one generation of a read model up to date, and what it does when a handler, the store or the log fails.
//!
//! 1. It goes on from the checkpoint that is stored, which moves in the transaction of what the events changed.
//! 2. What is of the moment is waited for without end.
//! 3. A handler's failure costs that event a bounded number of tries, and then a dead letter; never the events before or
//!    behind it.
//! 4. Who loses the checkpoint to another process begins again from where that one has moved it.
//! 5. Its future may be dropped at any await: nothing of a transaction is left then, and it can be run again.

mod handling;

use std::sync::Arc;

use annals_client::{Client, RecordedEvent, SubscriptionItem};
use futures::FutureExt;
use tokio::sync::watch;

use super::{Definition, Handler, Nothing, Progress, ProjectionError, ProjectionPolicy, State, Work, reason};
use crate::error::is_of_the_moment;
use crate::store::{BoxError, Generation, Move, ReadModelStore, StoreError};

/// What the generations of a projection have in common.
pub(super) struct Parts<S: ReadModelStore> {
    pub(super) client: Client,
    pub(super) store: S,
    pub(super) definition: Definition,
    pub(super) work: Work<S::Model>,
    pub(super) policy: ProjectionPolicy,
    pub(super) progress: watch::Sender<Progress>,
}

/// Why a generation is not followed any more, or not for the moment.
#[derive(Debug)]
pub(super) enum Halt {
    /// Another process moved its checkpoint.
    Superseded,
    /// It is no more: another process has switched to another.
    Removed,
    /// Something is away for the moment.
    Passing(BoxError),
    /// It can't go on.
    Failed(ProjectionError),
}

impl<S: ReadModelStore> Parts<S> {
    /// What an error of the event store means.
    pub(super) fn of_client(&self, error: annals_client::Error) -> Halt {
        if error.is_retryable() {
            return Halt::Passing(error.into());
        }
        Halt::Failed(error.into())
    }

    /// What an error of the read model's store means.
    pub(super) fn of_store(&self, error: StoreError) -> Halt {
        match error {
            StoreError::Superseded | StoreError::Behind => Halt::Superseded,
            StoreError::Failed(error) | StoreError::HandlerFailed { reason: error, .. } => {
                if self.is_passing(&error) {
                    return Halt::Passing(error);
                }
                Halt::Failed(ProjectionError::ReadModel {
                    name: self.definition.name.clone(),
                    reason: Arc::new(error),
                })
            }
        }
    }

    fn is_passing(&self, error: &BoxError) -> bool {
        is_of_the_moment(error.as_ref()) || self.store.is_passing(error.as_ref())
    }

    /// Waits after the n-th (from 1) failure, if it is one that passes.
    pub(super) async fn pause(&self, failed: u32, halt: Halt) -> Result<(), Halt> {
        let pause = self.policy.pause(failed);
        match halt {
            // Another process was faster. If it goes on, this one waits most of the time.
            Halt::Superseded => {}
            Halt::Passing(error) => {
                let name = &self.definition.name;
                tracing::warn!(projection = name, %error, ?pause, "a projection waits");
            }
            halt => return Err(halt),
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// How far a generation is to be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// Without end.
    Never,
    /// Until everything there is has been taken.
    CaughtUp,
    /// Until this position.
    Position(u64),
}

/// Keeps one generation up to date.
pub(super) struct Follower<S: ReadModelStore> {
    parts: Arc<Parts<S>>,
    pub(super) generation: Generation,
    pub(super) position: u64,
    caught_up: bool,
    failed: u32,
    /// Whether its progress is the projection's, because it is the live one.
    pub(super) live: bool,
}

impl<S: ReadModelStore> Follower<S> {
    pub(super) fn new(parts: Arc<Parts<S>>, generation: Generation, live: bool) -> Self {
        Follower {
            parts,
            position: generation.position,
            generation,
            caught_up: false,
            failed: 0,
            live,
        }
    }

    /// Follows the log until the goal is reached.
    pub(super) async fn run(&mut self, goal: Goal) -> Result<(), Halt> {
        loop {
            let Err(halt) = self.follow(goal).await else {
                return Ok(());
            };
            self.failed += 1;
            let error = match &halt {
                Halt::Passing(error) => Some(reason(error)),
                _ => None,
            };
            self.publish(State::Waiting, error);
            self.parts.pause(self.failed, halt).await?;
        }
    }

    fn publish(&self, state: State, error: Option<String>) {
        if !self.live {
            return;
        }
        let position = self.position;
        self.parts.progress.send_if_modified(|progress| {
            let changed = progress.position != position || progress.state != state || error.is_some();
            progress.position = position;
            progress.state = state;
            if let Some(error) = error {
                progress.last_error = Some(error.into());
            }
            changed
        });
    }

    pub(super) fn publish_state(&self) {
        self.publish(
            if self.caught_up {
                State::Live
            } else {
                State::CatchingUp
            },
            None,
        );
    }

    /// From the checkpoint that is stored, until the goal is reached or something fails.
    async fn follow(&mut self, goal: Goal) -> Result<(), Halt> {
        let parts = self.parts.clone();
        self.reload().await?;
        let info = parts
            .client
            .server_info()
            .await
            .map_err(|error| parts.of_client(error))?;
        if info.store_id != self.generation.store_id {
            return Err(Halt::Failed(ProjectionError::WrongStore {
                name: parts.definition.name.clone(),
                made_from: self.generation.store_id,
                given: info.store_id,
            }));
        }
        self.caught_up = false;
        self.publish_state();
        let subscribe = parts.client.subscribe_all().after(self.position);
        let subscribe = subscribe.query(parts.definition.query.clone());
        let mut subscription = subscribe.await.map_err(|error| parts.of_client(error))?;
        let mut items = Vec::new();
        loop {
            let mut next = subscription.next().await;
            // What is there already is taken in one transaction.
            while let Some(item) = next {
                items.push(item.map_err(|error| parts.of_client(error))?);
                if items.len() >= parts.policy.batch_max.max(1) {
                    break;
                }
                next = subscription.next().now_or_never().flatten();
            }
            if items.is_empty() {
                let ended = annals_client::Error::Protocol {
                    message: "a subscription ended without an error".to_owned(),
                };
                return Err(parts.of_client(ended));
            }
            self.take(items.drain(..)).await?;
            self.failed = 0;
            let reached = match goal {
                Goal::Never => false,
                Goal::CaughtUp => self.caught_up,
                Goal::Position(position) => self.position >= position,
            };
            if reached {
                return Ok(());
            }
        }
    }

    async fn reload(&mut self) -> Result<(), Halt> {
        let name = &self.parts.definition.name;
        let stored = self.parts.store.generations(name).await;
        let stored = stored.map_err(|error| self.parts.of_store(error))?;
        let own = stored.iter().find(|one| one.number == self.generation.number);
        self.position = own.ok_or(Halt::Removed)?.position;
        Ok(())
    }

    async fn take(&mut self, items: impl Iterator<Item = SubscriptionItem>) -> Result<(), Halt> {
        let mut events = Vec::new();
        let (mut looked_at, mut caught_up) = (None, self.caught_up);
        for item in items {
            match item {
                SubscriptionItem::Event(event) => events.push(event),
                SubscriptionItem::CaughtUp { position } => {
                    caught_up = true;
                    looked_at = Some(position);
                }
                SubscriptionItem::FellBehind { position, .. } => {
                    caught_up = false;
                    looked_at = Some(position);
                }
                SubscriptionItem::Checkpoint { position } => looked_at = Some(position),
                // Of a newer client: nothing that concerns the read model.
                _ => {}
            }
        }
        // What is done outside of the transaction is not undone with it: a checkpoint after each.
        let batch = match self.parts.work {
            Work::InTransaction(_) => events.len().max(1),
            Work::Before(_) => 1,
        };
        for batch in events.chunks(batch) {
            self.apply(batch).await?;
        }
        if let Some(position) = looked_at.filter(|&position| position > self.position) {
            // Nothing up to there concerns it: worth keeping, so that it is not looked at again.
            self.commit(&[], position, &Nothing)
                .await
                .map_err(|error| self.parts.of_store(error))?;
            self.move_to(position);
        }
        self.caught_up = caught_up;
        self.publish_state();
        Ok(())
    }

    fn move_to(&mut self, position: u64) {
        self.position = position;
        self.publish_state();
    }

    async fn commit(
        &self,
        events: &[RecordedEvent],
        to: u64,
        handler: &dyn Handler<S::Model>,
    ) -> Result<(), StoreError> {
        let checkpoint = Move {
            from: self.position,
            to,
        };
        let projection = (&self.parts.definition, handler);
        let store = &self.parts.store;
        store
            .apply(&self.generation, checkpoint, events, projection)
            .await
    }
}
