//! Keeps one generation of a read model up to date, and handles failures of the handler, the store and the log.
//!
//! 1. It continues from the stored checkpoint, which moves in the transaction of the changes.
//! 2. Temporary failures are retried without limit.
//! 3. A failure of the handler costs that event a bounded number of attempts, and then a dead letter; the events
//!    before and after it are not affected.
//! 4. If another process moves the checkpoint, it starts again from there.
//! 5. Its future may be dropped at any await: the transaction is then rolled back, and it can be run again.

mod handling;

use std::sync::Arc;

use annals_client::{Client, Position, RecordedEvent, SubscriptionItem};
use futures::FutureExt;
use tokio::sync::watch;

use super::reports::Reached;
use super::{Definition, Handler, Nothing, Progress, ProjectionError, ProjectionPolicy, State, Work, reason};
use crate::error::is_of_the_moment;
use crate::store::{BoxError, Generation, Move, ReadModelStore, StoreError};

/// The state shared by the generations of a projection.
pub(super) struct Parts<S: ReadModelStore> {
    pub(super) client: Client,
    pub(super) store: S,
    pub(super) definition: Definition,
    pub(super) work: Work<S::Model>,
    pub(super) policy: ProjectionPolicy,
    pub(super) progress: watch::Sender<Progress>,
    /// What is reported to the event store.
    pub(super) reached: watch::Sender<Reached>,
}

/// Why a generation is no longer followed, permanently or temporarily.
#[derive(Debug)]
pub(super) enum Halt {
    /// Another process moved its checkpoint.
    Superseded,
    /// The generation was removed: another process has switched to another one.
    Removed,
    /// A temporary failure.
    Passing(BoxError),
    /// A permanent failure.
    Failed(ProjectionError),
}

impl<S: ReadModelStore> Parts<S> {
    /// Converts an error of the event store.
    pub(super) fn of_client(&self, error: annals_client::Error) -> Halt {
        if error.is_retryable() {
            return Halt::Passing(error.into());
        }
        Halt::Failed(error.into())
    }

    /// Converts an error of the read model's store.
    pub(super) fn of_store(&self, error: StoreError) -> Halt {
        match error {
            StoreError::Superseded | StoreError::Behind => Halt::Superseded,
            // A single event always fits, so this is a store that violates its contract.
            error @ StoreError::DoesNotFit { .. } => self.of_read_model(error.into()),
            StoreError::Failed(error) | StoreError::HandlerFailed { reason: error, .. } => {
                if self.is_passing(&error) {
                    return Halt::Passing(error);
                }
                self.of_read_model(error)
            }
        }
    }

    fn of_read_model(&self, error: BoxError) -> Halt {
        Halt::Failed(ProjectionError::ReadModel {
            name: self.definition.name.clone(),
            reason: Arc::new(error),
        })
    }

    fn is_passing(&self, error: &BoxError) -> bool {
        is_of_the_moment(error.as_ref()) || self.store.is_passing(error.as_ref())
    }

    /// Waits after failure number `failed` (from 1), if the failure is temporary; otherwise returns it.
    pub(super) async fn pause(&self, failed: u32, halt: Halt) -> Result<(), Halt> {
        let pause = self.policy.pause(failed);
        match halt {
            // Another process was faster. While it continues, this one mostly waits.
            Halt::Superseded => {}
            Halt::Passing(error) => {
                let name = &self.definition.name;
                tracing::warn!(projection = name, %error, ?pause, "projection is waiting");
            }
            halt => return Err(halt),
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// How far to follow a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// Without end.
    Never,
    /// Until all stored events have been applied.
    CaughtUp,
    /// Until this position.
    Position(Position),
}

/// Keeps one generation up to date.
pub(super) struct Follower<S: ReadModelStore> {
    parts: Arc<Parts<S>>,
    pub(super) generation: Generation,
    pub(super) position: Position,
    caught_up: bool,
    failed: u32,
    /// Whether this is the live generation, whose progress is the projection's.
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

    /// Follows the log from the stored checkpoint, until the goal is reached or something fails.
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
            // Items that have already arrived are processed in one transaction.
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
        if self.live {
            let stored = Reached::Stored(self.position);
            self.parts.reached.send_if_modified(|reached| {
                let is_first = *reached == Reached::Nothing;
                if is_first {
                    *reached = stored;
                }
                is_first
            });
        }
        Ok(())
    }

    async fn take(&mut self, items: impl Iterator<Item = SubscriptionItem>) -> Result<(), Halt> {
        let mut events = Vec::new();
        let (mut looked_at, mut caught_up) = (None, self.caught_up);
        for item in items {
            match item {
                SubscriptionItem::Event(event) => events.push(event),
                SubscriptionItem::CaughtUp { position, .. } => {
                    caught_up = true;
                    looked_at = Some(position);
                }
                SubscriptionItem::FellBehind { position, .. } => {
                    caught_up = false;
                    looked_at = Some(position);
                }
                SubscriptionItem::Checkpoint { position, .. } => looked_at = Some(position),
                // An item of a newer client, which does not affect the read model.
                _ => {}
            }
        }
        // Work outside of the transaction is not rolled back with it, so the checkpoint moves after each event.
        let batch = match self.parts.work {
            Work::InTransaction(_) => events.len().max(1),
            Work::Before(_) => 1,
        };
        for batch in events.chunks(batch) {
            self.apply(batch).await?;
        }
        if let Some(position) = looked_at.filter(|&position| position > self.position) {
            // No matching event up to there: store the checkpoint, so that the events are not scanned again.
            self.commit(&[], position, &Nothing)
                .await
                .map_err(|error| self.parts.of_store(error))?;
            self.move_to(position);
        }
        self.caught_up = caught_up;
        self.publish_state();
        Ok(())
    }

    fn move_to(&mut self, position: Position) {
        self.position = position;
        self.publish_state();
        self.report();
    }

    /// Reports the position, to which this process has moved the checkpoint, if this is the live generation.
    pub(super) fn report(&self) {
        if self.live {
            self.parts.reached.send_replace(Reached::Moved(self.position));
        }
    }

    async fn commit(
        &self,
        events: &[RecordedEvent],
        to: Position,
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
