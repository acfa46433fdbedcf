//! Event handling: in batches; one by one where a handler fails; finally by skipping the event.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use annals_client::{RecordedEvent, Timestamp};
use futures::FutureExt;

use super::{Follower, Halt};
use crate::projection::{Nothing, Work, reason};
use crate::store::{BoxError, DeadLetter, ReadModelStore, StoreError, panicked};

impl<S: ReadModelStore> Follower<S> {
    /// Makes one attempt to handle events, at least one, and to move the checkpoint after them.
    async fn attempt(&self, events: &[RecordedEvent]) -> Result<(), StoreError> {
        let to = events.last().map_or(self.position, |event| event.position);
        let react = match &self.parts.work {
            Work::InTransaction(handler) => return self.commit(events, to, handler.as_ref()).await,
            Work::Before(react) => react,
        };
        for (index, event) in events.iter().enumerate() {
            let reaction = AssertUnwindSafe(react.react(event)).catch_unwind().await;
            reaction
                .unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
                .map_err(|reason| StoreError::HandlerFailed { index, reason })?;
        }
        self.commit(&[], to, &Nothing).await
    }

    /// Handles events in one transaction, or in several if their changes do not fit into one. If the handler fails on
    /// one, handles those before it, then it alone, then the rest.
    pub(super) async fn apply(&mut self, mut events: &[RecordedEvent]) -> Result<(), Halt> {
        while !events.is_empty() {
            // The number of events, from the first, that are handled in one transaction.
            let mut sound = events.len();
            // Why the handler failed on the event after them, if it did.
            let mut told = None;
            while sound > 0 {
                match self.attempt(&events[..sound]).await {
                    Ok(()) => {
                        self.move_to(events[sound - 1].position);
                        break;
                    }
                    Err(StoreError::HandlerFailed { index, reason }) => {
                        told = Some(self.note(reason)?);
                        sound = index;
                    }
                    Err(StoreError::DoesNotFit { fitting }) if (1..sound).contains(&fitting) => {
                        told = None;
                        sound = fitting;
                    }
                    Err(error) => return Err(self.parts.of_store(error)),
                }
            }
            events = &events[sound..];
            if let (Some(told), Some((failed, rest))) = (told, events.split_first()) {
                self.insist(failed, told).await?;
                events = rest;
            }
        }
        Ok(())
    }

    /// Retries the handler on one event on which it has failed once, with the reason `told`; finally skips the event.
    async fn insist(&mut self, event: &RecordedEvent, mut told: Arc<str>) -> Result<(), Halt> {
        let mut attempts = 1;
        while attempts < self.parts.policy.attempts_max {
            tokio::time::sleep(self.parts.policy.pause(attempts)).await;
            match self.attempt(std::slice::from_ref(event)).await {
                Ok(()) => {
                    self.move_to(event.position);
                    return Ok(());
                }
                Err(StoreError::HandlerFailed { reason, .. }) => {
                    attempts += 1;
                    told = self.note(reason)?;
                }
                Err(error) => return Err(self.parts.of_store(error)),
            }
        }
        self.bury(event, attempts, told).await
    }

    async fn bury(&mut self, event: &RecordedEvent, attempts: u32, reason: Arc<str>) -> Result<(), Halt> {
        let letter = DeadLetter {
            name: self.generation.name.clone(),
            generation: self.generation.number,
            position: event.position,
            event_id: event.id,
            stream: event.stream.clone(),
            revision: event.revision,
            event_type: event.event_type.clone(),
            reason: reason.to_string(),
            attempts,
            buried_at: Timestamp::now(),
        };
        tracing::error!(
            projection = letter.name,
            event = letter.event_type,
            position = letter.position.0,
            attempts,
            reason = letter.reason,
            "projection skipped an event"
        );
        let buried = self
            .parts
            .store
            .bury(&self.generation, self.position, &letter)
            .await;
        buried.map_err(|error| self.parts.of_store(error))?;
        self.move_to(event.position);
        Ok(())
    }

    /// Records the error of a handler in the progress; unless it is temporary, and not a failure of the handler.
    fn note(&self, error: BoxError) -> Result<Arc<str>, Halt> {
        if self.parts.is_passing(&error) {
            return Err(Halt::Passing(error));
        }
        let told: Arc<str> = reason(&error).into();
        self.parts
            .progress
            .send_modify(|progress| progress.last_error = Some(told.clone()));
        Ok(told)
    }
}
