//! Parked events of groups.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1::{self as pb, parked_selection::Selection};
use jiff::Timestamp;

use super::PAGE_MAX;
use crate::connection::GroupStub;
use crate::error::{Error, Result};
use crate::event::{self, RecordedEvent};
use crate::position::{Position, Revision};
use crate::retry::Shared;

/// Why and when an event was parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedEvent {
    /// Position of the event.
    pub position: Position,
    /// Name of its stream.
    pub stream: String,
    /// Its revision in the stream.
    pub revision: Revision,
    /// Why it is parked: what the consumer gave as the reason, or what happened.
    pub reason: String,
    /// Name of the consumer that had it last. Empty if none had it.
    pub consumer: String,
    /// How often it was delivered.
    pub attempts: u32,
    /// When it was parked, by the server's clock.
    pub parked_at: Timestamp,
    /// When it was first delivered since the group's leader started; `None` if it was not.
    pub first_delivered_at: Option<Timestamp>,
    /// The event; `None` unless it was requested, and if it was removed since.
    pub event: Option<RecordedEvent>,
}

impl TryFrom<pb::ParkedEvent> for ParkedEvent {
    type Error = Error;

    fn try_from(parked: pb::ParkedEvent) -> Result<Self> {
        let first = parked.first_delivered_at.as_ref();
        let first = first.map(|time| event::parse_time(Some(time), "first_delivered_at"));
        Ok(ParkedEvent {
            position: parked.position.into(),
            parked_at: event::parse_time(parked.parked_at.as_ref(), "parked_at")?,
            first_delivered_at: first.transpose()?,
            stream: parked.stream,
            revision: parked.revision.into(),
            reason: parked.reason,
            consumer: parked.consumer,
            attempts: parked.attempts,
            event: parked.event.map(TryInto::try_into).transpose()?,
        })
    }
}

/// Selects parked events of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParkedSelection {
    /// The events at these positions: 1 to 1,000.
    Positions(Vec<Position>),
    /// The events of this stream.
    Stream(String),
    /// All.
    All,
}

impl From<ParkedSelection> for pb::ParkedSelection {
    fn from(selection: ParkedSelection) -> Self {
        let selection = match selection {
            ParkedSelection::Positions(positions) => Selection::Positions(pb::ParkedPositions {
                positions: positions.into_iter().map(Into::into).collect(),
            }),
            ParkedSelection::Stream(stream) => Selection::Stream(stream),
            ParkedSelection::All => Selection::All(()),
        };
        pb::ParkedSelection {
            selection: Some(selection),
        }
    }
}

/// Parked events in the order of their positions, fetched page by page on demand: add options, then call
/// [`next`](Self::next).
pub struct ParkedEvents {
    shared: Arc<Shared>,
    timeout: Duration,
    request: pb::ListParkedRequest,
    received: VecDeque<pb::ParkedEvent>,
    has_more: bool,
}

impl ParkedEvents {
    pub(super) fn new(shared: Arc<Shared>, timeout: Duration, group: String) -> Self {
        ParkedEvents {
            shared,
            timeout,
            request: pb::ListParkedRequest {
                group,
                page_size: Some(PAGE_MAX),
                ..Default::default()
            },
            received: VecDeque::new(),
            has_more: true,
        }
    }

    /// Lists only events of this stream.
    #[must_use]
    pub fn stream(mut self, stream: impl Into<String>) -> Self {
        self.request.stream = stream.into();
        self
    }

    /// Lists only events after this position.
    #[must_use]
    pub fn after(mut self, position: impl Into<Position>) -> Self {
        self.request.after_position = position.into().into();
        self
    }

    /// Sets the maximum number of events of a page, 1 to 1,000. 1,000 unless set.
    #[must_use]
    pub fn page_size(mut self, events: u32) -> Self {
        self.request.page_size = Some(events);
        self
    }

    /// Returns the events themselves as well.
    #[must_use]
    pub fn include_events(mut self) -> Self {
        self.request.include_events = true;
        self
    }

    /// Returns the next event; `None` after the last. After an error, continues where it was.
    pub async fn next(&mut self) -> Option<Result<ParkedEvent>> {
        loop {
            if let Some(parked) = self.received.pop_front() {
                self.request.after_position = parked.position;
                return Some(parked.try_into());
            }
            if !self.has_more {
                return None;
            }
            let call = |mut stub: GroupStub| {
                let request = self.request.clone();
                async move { stub.list_parked(request).await }
            };
            match self.shared.call(self.timeout, call).await {
                Ok(page) => {
                    let page = page.into_inner();
                    self.has_more = page.has_more && !page.events.is_empty();
                    self.received = page.events.into();
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl std::fmt::Debug for ParkedEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParkedEvents")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
