//! What commands of every kind share: how often they are decided again, and what makes them idempotent.

use std::time::Duration;

use annals_client::{Event, Uuid};
use rand::Rng;

use crate::metadata::Context;
use crate::schema::{DomainEvent, SchemaError};

/// How often a decision is made again when somebody else was faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConflictPolicy {
    /// The most tries, 1 for none again. 10 unless set.
    pub tries_max: u32,
    /// The longest pause after the first conflict; twice as long each time; a random part of it is waited. 5 ms unless set.
    pub pause_first: Duration,
    /// The longest pause of all. 500 ms unless set.
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
    /// Waits after the n-th (from 1) try that failed with that error, if another one is to be made; otherwise gives the
    /// error back.
    pub(crate) async fn pause(
        &self,
        failed: u32,
        error: annals_client::Error,
    ) -> Result<(), annals_client::Error> {
        if !error.is_conflict() || failed >= self.tries_max {
            return Err(error);
        }
        tracing::debug!(%error, failed, "somebody was faster, deciding again");
        let longest = self.pause_first.saturating_mul(1 << (failed - 1).min(20));
        let part = rand::rng().random_range(0.0..=1.0);
        tokio::time::sleep(longest.min(self.pause_max).mul_f64(part)).await;
        Ok(())
    }
}

/// The tag that the events of a command bear.
pub(crate) fn tag_of(command: Uuid) -> String {
    format!("command:{command}")
}

/// The events of a command: with its metadata, and with ids that follow from its id.
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
