//! Putting placed events into frames; see [`crate::frame`] for what goes where.

use bytes::BytesMut;

use crate::{
    append::Append,
    frame::{Frame, Mark, OWN_BYTES_MAX, SHARED_BYTES_MAX},
    position::{Position, Revision, Timestamp},
    record::{self, Placement},
};

/// Builds the frames of one commit, append by append.
#[derive(Debug)]
pub(crate) struct Builder {
    batch: u64,
    /// When the events that are being added were recorded.
    recorded_at: Timestamp,
    frames: Vec<Frame>,
    first: Position,
    next: Position,
    marks: Vec<Mark>,
    body: BytesMut,
}

impl Builder {
    /// The first event goes behind `after`.
    pub(crate) fn new(after: Position, batch: u64) -> Self {
        Self {
            batch,
            recorded_at: Timestamp::default(),
            frames: Vec::new(),
            first: after.next(),
            next: after.next(),
            marks: Vec::new(),
            body: BytesMut::new(),
        }
    }

    /// Adds an append whose first event gets the revision `first`.
    pub(crate) fn add(&mut self, append: &Append, first: Revision, recorded_at: Timestamp) {
        self.recorded_at = recorded_at;
        let lens: Vec<usize> = (0..append.len())
            .map(|n| self.entry_len(append, first, n))
            .collect();
        let bytes: usize = lens.iter().sum();
        let shares = bytes <= SHARED_BYTES_MAX;
        let bytes_max = if shares { SHARED_BYTES_MAX } else { OWN_BYTES_MAX };
        if !shares || self.body.len() + bytes > bytes_max {
            self.flush();
        }
        for (n, len) in lens.into_iter().enumerate() {
            if self.body.len() + len > bytes_max {
                self.flush();
            }
            if n == 0 || self.marks.is_empty() {
                let events = u32::try_from(append.len() - n).expect("an append has at most 10,000 events");
                self.marks.push(Mark {
                    events,
                    keyed: append.is_keyed(),
                    continued: n > 0,
                });
            }
            let placement = self.placement(append, first, n);
            record::put_entry(&mut self.body, &append.events[n].body, &placement);
            self.next = self.next.next();
        }
        if !shares {
            self.flush();
        }
    }

    /// The frames, in order.
    pub(crate) fn finish(mut self) -> Vec<Frame> {
        self.flush();
        self.frames
    }

    fn flush(&mut self) {
        if self.first == self.next {
            return;
        }
        self.frames.push(Frame::new(
            self.batch,
            self.first,
            Position(self.next.0 - 1),
            std::mem::take(&mut self.marks),
            &self.body,
        ));
        // Its room is used again: a frame has a copy of exactly its size.
        self.body.clear();
        self.first = self.next;
    }

    fn placement<'a>(&self, append: &'a Append, first: Revision, n: usize) -> Placement<'a> {
        Placement {
            stream: append.stream.as_str(),
            revision: Revision(first.0 + n as u64),
            position: self.next,
            recorded_at: self.recorded_at,
        }
    }

    /// Length of the entry that the n-th event will take.
    fn entry_len(&self, append: &Append, first: Revision, n: usize) -> usize {
        let mut placement = self.placement(append, first, n);
        placement.position = Position(self.next.0 + n as u64);
        record::entry_len(&append.events[n].body, &placement)
    }
}
