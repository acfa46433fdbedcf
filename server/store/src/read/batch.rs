//! Batches of events in the encoding in which they are sent.

use annals_engine::Direction;
use bytes::Bytes;

use super::log_reader::frames;
use crate::{
    format::{
        frame::Frame,
        record::{Record, View},
        wire::Malformed,
    },
    model::{
        error::{Error, Result},
        query::Query,
    },
    read::gone::{self, Gone},
    shared::Shared,
    values::position::Position,
};

/// Consecutive events of a response, ready to be sent: the concatenated chunks are entries of the field `events` (see
/// [`crate::format::record`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Chunks, each of one or more whole entries.
    pub chunks: Vec<Bytes>,
    /// Total number of events.
    pub events: usize,
    /// Total number of bytes.
    pub bytes: usize,
}

/// An event in the encoding in which it is sent, an `annals.v1.RecordedEvent`. Cloning is cheap: clones share the bytes
/// with the frame of the log that holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent(Bytes);

impl EncodedEvent {
    /// Wraps the bytes of an `annals.v1.RecordedEvent`, which are not checked.
    #[must_use]
    pub const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// Returns the encoded event.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Parses the event.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`] if the bytes are not an event, which those of the store never are.
    pub fn view(&self) -> Result<View<'_>> {
        Ok(View::parse(&self.0)?)
    }
}

impl Batch {
    /// Returns the events one by one, encoded.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`] if the bytes are not events, which a batch of the store never has.
    pub fn encoded(&self) -> Result<Vec<EncodedEvent>> {
        let mut events = Vec::with_capacity(self.events);
        for chunk in &self.chunks {
            let mut entries = crate::format::record::Entries::new(chunk);
            while let Some(entry) = entries.next_entry()? {
                events.push(EncodedEvent(entry.into_record()));
            }
        }
        Ok(events)
    }

    pub(crate) fn push(&mut self, chunk: Bytes, events: usize) {
        self.events += events;
        self.bytes += chunk.len();
        self.chunks.push(chunk);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// Returns the position of the last event.
    pub(crate) fn last_position(&self) -> Result<Option<Position>> {
        let mut last = None;
        if let Some(chunk) = self.chunks.last() {
            let mut entries = crate::format::record::Entries::new(chunk);
            while let Some(entry) = entries.next_entry()? {
                last = Some(entry.view()?.position);
            }
        }
        Ok(last)
    }

    /// Decodes the events.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`] if the bytes are not events, which a batch of the store never has.
    pub fn records(&self) -> Result<Vec<Record>> {
        let mut records = Vec::with_capacity(self.events);
        for chunk in &self.chunks {
            let mut entries = crate::format::record::Entries::new(chunk);
            while let Some(entry) = entries.next_entry()? {
                records.push(Record::from_view(&entry.view()?)?);
            }
        }
        Ok(records)
    }
}

/// Selects the events of a read from frames, in order.
#[derive(Debug)]
pub(crate) struct Selector<'a> {
    pub query: &'a Query,
    pub direction: Direction,
    /// The first position to take, in the direction of the read.
    pub from: Position,
    /// The last position to take.
    pub to: Position,
    /// Maximum number of events to take.
    pub events_max: u64,
    /// Approximate bytes of the log that are read for a page.
    pub page_bytes: usize,
}

impl Selector<'_> {
    /// Takes events from a page of whole frames, and returns the last position that was read.
    pub(crate) async fn page(&self, shared: &Shared, batch: &mut Batch) -> Result<Position> {
        Ok(self.page_with_gone(shared, batch).await?.0)
    }

    /// Like [`Self::page`], but also returns which events of the page are removed.
    pub(crate) async fn page_with_gone(
        &self,
        shared: &Shared,
        batch: &mut Batch,
    ) -> Result<(Position, Gone)> {
        let frames = frames(shared, self.from, self.direction, self.page_bytes).await?;
        let gone = gone::in_frames(shared, &frames).await?;
        let mut reached = None;
        // Every position is covered by a frame, whether its event is removed or not.
        let mut next = self.from;
        let missing = |position| Error::Corrupt(format!("no event is stored at position {position}"));
        for frame in &frames {
            if frame.first > next || frame.last < next {
                return Err(missing(next));
            }
            next = match self.direction {
                Direction::Forwards => frame.last.next(),
                Direction::Backwards => Position(frame.first.0 - 1),
            };
            reached = self.take(frame, &gone, batch)?.or(reached);
        }
        let reached = reached.ok_or_else(|| missing(self.from))?;
        Ok((reached, gone))
    }

    /// Takes the visible events of a frame into `batch`, and returns the last position that was read, or `None` if
    /// the frame has nothing in the range.
    pub(crate) fn take(&self, frame: &Frame, gone: &Gone, batch: &mut Batch) -> Result<Option<Position>> {
        let room = self.events_max.saturating_sub(batch.events as u64);
        let (low, high) = match self.direction {
            Direction::Forwards => (self.from.max(frame.first), self.to.min(frame.last)),
            Direction::Backwards => (self.to.max(frame.first), self.from.min(frame.last)),
        };
        if low > high || room == 0 {
            return Ok(None);
        }
        let whole = low == frame.first && high == frame.last && room >= frame.len();
        if self.direction == Direction::Forwards && whole && self.query.matches_all() && !gone.any_in(frame) {
            let events = usize::try_from(frame.len()).map_err(|_| Malformed("frame: too long"))?;
            batch.push(frame.body.clone(), events);
            return Ok(Some(frame.last));
        }
        self.take_some(frame, gone, batch, (low, high), room)
    }

    fn take_some(
        &self,
        frame: &Frame,
        gone: &Gone,
        batch: &mut Batch,
        (low, high): (Position, Position),
        room: u64,
    ) -> Result<Option<Position>> {
        let mut found = frame.entries_between(low, high)?;
        if self.direction == Direction::Backwards {
            found.reverse();
        }
        let mut last = None;
        let mut left = room;
        for entry in found {
            if left == 0 {
                return Ok(last);
            }
            let view = entry.view()?;
            last = Some(view.position);
            if self.query.matches(&view) && !gone.contains(view.position) {
                left -= 1;
                batch.push(entry.into_bytes(), 1);
            }
        }
        Ok(Some(match self.direction {
            Direction::Forwards => high,
            Direction::Backwards => low,
        }))
    }
}
