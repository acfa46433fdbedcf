//! Puts placed events into frames; see [`crate::format::frame`] for their layout.

use bytes::BytesMut;

use crate::{
    format::{
        frame::{Frame, Mark, OWN_BYTES_MAX, SHARED_BYTES_MAX},
        record::{self, Place, TimeField},
    },
    model::append::{Append, Placed},
    values::position::{Position, Revision, Timestamp},
};

/// Builds the frames of one commit, append by append.
#[derive(Debug)]
pub(crate) struct Builder {
    batch: u64,
    frames: Vec<Frame>,
    first: Position,
    next: Position,
    marks: Vec<Mark>,
    body: BytesMut,
}

impl Builder {
    /// Creates a builder whose first event is at the position after `after`.
    pub(crate) fn new(after: Position, batch: u64) -> Self {
        Self {
            batch,
            frames: Vec::new(),
            first: after.next(),
            next: after.next(),
            marks: Vec::new(),
            body: BytesMut::new(),
        }
    }

    /// Adds an append whose first revisions in its streams are `firsts`.
    pub(crate) fn add(&mut self, append: &Append, firsts: &[Revision], recorded_at: Timestamp) {
        let time = TimeField::new(recorded_at);
        let entry_len = |event: &Placed<'_>, position: Position| {
            record::entry_len(event.body, &place(event, position, &time))
        };
        let bodies: usize = append.events.iter().map(|event| event.body.len()).sum();
        if bodies > SHARED_BYTES_MAX && append.bytes <= OWN_BYTES_MAX {
            return self.add_alone(append, firsts, &time);
        }
        let placed = append.placed(firsts).zip(self.next.0..);
        let bytes: usize = placed.map(|(event, n)| entry_len(&event, Position(n))).sum();
        let shares = bytes <= SHARED_BYTES_MAX;
        let bytes_max = if shares { SHARED_BYTES_MAX } else { OWN_BYTES_MAX };
        if !shares || self.body.len() + bytes > bytes_max {
            self.flush();
        }
        let may_be_cut = self.body.len() + bytes > bytes_max;
        for (n, event) in append.placed(firsts).enumerate() {
            if may_be_cut && self.body.len() + entry_len(&event, self.next) > bytes_max {
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
            record::put_entry(&mut self.body, event.body, &place(&event, self.next, &time));
            self.next = self.next.next();
        }
        if !shares {
            self.flush();
        }
    }

    /// Adds an append that is too large to share a frame, but fits into one.
    fn add_alone(&mut self, append: &Append, firsts: &[Revision], time: &TimeField) {
        self.flush();
        let first = self.next;
        let last = Position(first.0 + append.len() as u64 - 1);
        let mark = Mark {
            events: append.count(),
            keyed: append.is_keyed(),
            continued: false,
        };
        let frame = Frame::of_one((self.batch, first, last), mark, append.bytes, |body| {
            for (event, position) in append.placed(firsts).zip(first.0..) {
                record::put_entry(body, event.body, &place(&event, Position(position), time));
            }
        });
        self.frames.push(frame);
        self.next = last.next();
        self.first = self.next;
    }

    /// Returns the frames, in order.
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
            &self.marks,
            &self.body,
        ));
        self.marks.clear();
        // The buffer is reused: a frame has a copy of exactly its size.
        self.body.clear();
        self.first = self.next;
    }
}

fn place<'a>(event: &Placed<'a>, position: Position, time: &'a TimeField) -> Place<'a> {
    Place {
        stream: event.stream.as_str(),
        revision: event.revision,
        position,
        time,
    }
}
