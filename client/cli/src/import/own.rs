//! What the store holds of a file that was exported from it, by position: nothing of it is appended again, whatever revision
//! its append expected.
//!
//! The log is read alongside the file, one event at a time. Where the file skips much of the log, so does the read.

use annals_client::{Client, Events, RecordedEvent};

use super::line::Parsed;
use crate::failure::Failure;

/// Positions that are read rather than skipped.
const NEAR: u64 = 10_000;

/// The events of the store as it was when the import began.
pub struct Own {
    client: Client,
    head: u64,
    /// Whether the file says that it is of this store.
    is_own: bool,
    events: Option<Events>,
    next: Option<RecordedEvent>,
    /// Position of `next`; beyond everything at the end.
    reached: u64,
    /// The last position that was asked for.
    asked: u64,
}

impl Own {
    pub fn new(client: &Client, head: u64, is_own: bool) -> Self {
        Own {
            client: client.clone(),
            head,
            is_own,
            events: None,
            next: None,
            reached: 0,
            asked: 0,
        }
    }

    /// Whether the event of a line is in the log, at the position that the line says; or was there, if the file is of this
    /// store, and is removed by now.
    pub async fn holds(&mut self, parsed: &Parsed) -> Result<bool, Failure> {
        let (Some(position), Some(revision)) = (parsed.position, parsed.revision) else {
            return Ok(false);
        };
        if position == 0 || position > self.head {
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

    /// Reads up to the first event at a position or after it.
    async fn read_to(&mut self, position: u64) -> Result<(), Failure> {
        let is_ahead = position > self.asked && position <= self.reached.saturating_add(NEAR);
        self.asked = position;
        if self.events.is_none() || !is_ahead {
            self.events = Some(self.client.read_all().from(position).await?);
            self.next = None;
            self.reached = 0;
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
                    self.reached = u64::MAX;
                    self.next = None;
                }
            }
        }
        Ok(())
    }
}
