//! The events that the store already has of a log that is moved to it again: read alongside the file, and not
//! appended.
//!
//! Appends are idempotent as a whole. But an export that was cut short may have ended within an append, whose rest is
//! then a separate append. So the stored events must be read.

use annals_client::{Client, Events, RecordedEvent};

use super::line::Parsed;
use crate::failure::Failure;

/// The events of the store when the import began.
pub struct Standing {
    events: Events,
    next: Option<RecordedEvent>,
}

impl Standing {
    /// Starts to read the log from its beginning.
    pub async fn of(client: &Client) -> Result<Self, Failure> {
        let mut events = client.read_all().await?;
        let next = events.next().await.transpose()?;
        Ok(Standing { events, next })
    }

    /// Whether the store has the event of a line, with the same position and content. Must be called in the order of
    /// positions.
    pub async fn holds(&mut self, line: u64, parsed: &Parsed) -> Result<bool, Failure> {
        let Some(position) = parsed.position else {
            return Ok(false);
        };
        while self.next.as_ref().is_some_and(|event| event.position < position) {
            self.next = self.events.next().await.transpose()?;
        }
        let there = self
            .next
            .as_ref()
            .filter(|event| event.position == position && event.id == parsed.event.id);
        let Some(event) = there else { return Ok(false) };
        let same = event.stream == parsed.stream
            && parsed.revision.is_none_or(|revision| revision == event.revision)
            && parsed.recorded_at == Some(event.recorded_at);
        match same {
            true => Ok(true),
            false => Err(Failure::MoveStopped {
                line,
                reason: format!(
                    "event {} is already in the store, in stream {:?} at revision {}, recorded at {:.6}; \
                     move the log to an empty store",
                    event.id, event.stream, event.revision, event.recorded_at
                ),
            }),
        }
    }
}
