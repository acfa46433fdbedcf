//! Puts moved events and gaps into frames; see [`crate::format::frame`] for their layout.

use bytes::BytesMut;

use crate::{
    format::{
        frame::{Frame, Mark, SHARED_BYTES_MAX},
        record::{self, Place},
    },
    values::position::Position,
};

/// Frames that wait to be written, and the frame that is being filled.
#[derive(Debug)]
pub(super) struct Framer {
    batch: u64,
    frames: Vec<Frame>,
    bytes: usize,
    /// The first position of the frame that is being filled.
    first: Position,
    /// The next position of the log.
    next: Position,
    events: u32,
    body: BytesMut,
    /// Maximum number of positions in a frame, so that a gap of any length is split over the windows.
    span_max: u64,
}

impl Framer {
    pub(super) fn new(after: Position, batch: u64, span_max: u64) -> Self {
        Self {
            batch,
            frames: Vec::new(),
            bytes: 0,
            first: after.next(),
            next: after.next(),
            events: 0,
            body: BytesMut::new(),
            span_max: span_max.max(1),
        }
    }

    /// The next position of the log.
    pub(super) const fn next(&self) -> Position {
        self.next
    }

    /// Approximate size of the waiting frames in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.body.len()
    }

    /// Number of waiting frames.
    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Puts an event, whose body is already encoded, at the next position.
    pub(super) fn push(&mut self, body: &[u8], place: &Place<'_>) {
        let full = self.body.len() + record::entry_len(body, place) > SHARED_BYTES_MAX;
        if full && self.events > 0 || self.span() >= self.span_max {
            self.end_frame();
        }
        record::put_entry(&mut self.body, body, place);
        self.events += 1;
        self.next = self.next.next();
    }

    /// Leaves out positions up to `last`, as many as fit into the frame. Returns true if that is all of them.
    pub(super) fn skip(&mut self, last: Position) -> bool {
        if self.span() >= self.span_max {
            self.end_frame();
        }
        let room = self.span_max - self.span();
        self.next = Position(last.0.min(self.next.0.saturating_add(room - 1))).next();
        self.next > last
    }

    /// Ends the frame that is being filled and returns all frames. Later frames get another batch number.
    pub(super) fn take(&mut self, batch: u64) -> (u64, Vec<Frame>) {
        self.end_frame();
        self.bytes = 0;
        (
            std::mem::replace(&mut self.batch, batch),
            std::mem::take(&mut self.frames),
        )
    }

    const fn span(&self) -> u64 {
        self.next.0 - self.first.0
    }

    fn end_frame(&mut self) {
        if self.first == self.next {
            return;
        }
        let last = Position(self.next.0 - 1);
        let frame = if u64::from(self.events) == self.span() {
            // Known appends are moved after the log, so no mark is keyed.
            let mark = Mark {
                events: self.events,
                keyed: false,
                continued: false,
            };
            Frame::new(self.batch, self.first, last, &[mark], &self.body)
        } else {
            Frame::moved(self.batch, self.first, last, self.events.into(), &self.body)
        };
        self.bytes += frame.stored_bytes();
        self.frames.push(frame);
        self.body.clear();
        self.events = 0;
        self.first = self.next;
    }
}
