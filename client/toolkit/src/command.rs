//! Common parts of all commands: retries after conflicts, and idempotency.

use std::time::Duration;

use annals_client::{Event, Uuid};
use rand::Rng;

use crate::metadata::Context;
use crate::schema::{DomainEvent, SchemaError};

/// How often a decision is made again after a conflict with another client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConflictPolicy {
    /// Maximum number of attempts; 1 disables retries. 10 unless set.
    pub tries_max: u32,
    /// Maximum pause after the first conflict; it doubles each time, and a random fraction of it is used. 5 ms unless
    /// set.
    pub pause_first: Duration,
    /// Upper limit of the pause. 500 ms unless set.
    pub pause_max: Duration,
}

impl Default for ConflictPolicy {
    fn default() -> Self {
        ConflictPolicy {
            tries_max: 10,
            pause_first: Duration::from_millis(5),
            pause_max: Duration::from_millis(500),
        }
    }
}

impl ConflictPolicy {
    /// Waits after attempt number `failed` (from 1), if another one is allowed; otherwise returns the error.
    pub(crate) async fn pause(
        &self,
        failed: u32,
        error: annals_client::Error,
    ) -> Result<(), annals_client::Error> {
        if !error.is_conflict() || failed >= self.tries_max {
            return Err(error);
        }
        tracing::debug!(%error, failed, "another client appended first, deciding again");
        self.wait(failed).await;
        Ok(())
    }

    /// Waits after attempt number `failed` (from 1).
    pub(crate) async fn wait(&self, failed: u32) {
        let longest = self
            .pause_first
            .saturating_mul(1 << failed.saturating_sub(1).min(20));
        let part = rand::rng().random_range(0.0..=1.0);
        tokio::time::sleep(longest.min(self.pause_max).mul_f64(part)).await;
    }
}

/// The tag of the events of a command.
pub(crate) fn tag_of(command: Uuid) -> String {
    format!("command:{command}")
}

/// Encodes the events of a command, with its metadata, and with ids derived from its id.
pub(crate) fn encode_all<'a, E: DomainEvent>(
    events: impl IntoIterator<Item = &'a E>,
    command: Option<Uuid>,
) -> Result<Vec<Event>, SchemaError> {
    let context = Context::beginning(command);
    let encode = |(nth, event): (usize, &E)| {
        let mut encoded = event.encode()?;
        if let Some(command) = command {
            encoded = encoded
                .with_id(Uuid::new_v5(&command, nth.to_string().as_bytes()))
                .with_tag(tag_of(command));
        }
        Ok(context.stamp(encoded))
    };
    events.into_iter().enumerate().map(encode).collect()
}
