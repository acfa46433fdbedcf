//! The events of a file that was exported from this store, recognised by position: they are not appended again,
//! whatever revision their appends expected.
//!
//! The log is read alongside the file, one event at a time. Where the file skips a large part of the log, so does the
//! read.

use annals_client::{Client, Events, Position, RecordedEvent};

use super::line::Parsed;
use crate::failure::Failure;

/// Distance in positions up to which events are read rather than skipped.
const NEAR: u64 = 10_000;

/// The events of the store when the import began.
pub struct Own {
    client: Client,
    head: Position,
    /// Whether the file's header names this store.
    is_own: bool,
    events: Option<Events>,
    next: Option<RecordedEvent>,
    /// Position of `next`; the maximum at the end.
    reached: Position,
    /// The last position requested.
    asked: Position,
}

impl Own {
    /// Compares with the events of the store up to `head`. `is_own`: whether the file's header names this store.
    pub fn new(client: &Client, head: Position, is_own: bool) -> Self {
        Own {
            client: client.clone(),
            head,
            is_own,
            events: None,
            next: None,
            reached: Position::START,
            asked: Position::START,
        }
    }

    /// Whether the log has the event of a line at the position given in the line; or had it, if the file is of this
    /// store and the event has been removed since.
    pub async fn holds(&mut self, parsed: &Parsed) -> Result<bool, Failure> {
        let (Some(position), Some(revision)) = (parsed.position, parsed.revision) else {
            return Ok(false);
        };
        if position == Position::START || position > self.head {
            return Ok(false);
        }
        self.read_to(position).await?;
        match &self.next {
            Some(event) if event.position == position => Ok(event.id == parsed.event.id
                && event.stream == parsed.stream
                && event.revision == revision),
            _ => Ok(self.is_own),
        }
    }

    /// Reads up to the first event at or after a position.
    async fn read_to(&mut self, position: Position) -> Result<(), Failure> {
        let is_ahead = position > self.asked && position.0 <= self.reached.0.saturating_add(NEAR);
        self.asked = position;
        if self.events.is_none() || !is_ahead {
            self.events = Some(self.client.read_all().from_position(position).await?);
            self.next = None;
            self.reached = Position::START;
        }
        let Some(events) = &mut self.events else {
            return Ok(());
        };
        while self.reached < position {
            match events.next().await.transpose()? {
                Some(event) => {
                    self.reached = event.position;
                    self.next = Some(event);
                }
                None => {
                    self.reached = Position(u64::MAX);
                    self.next = None;
                }
            }
        }
        Ok(())
    }
}
