//! The most recent frames, in memory, shared by all readers near the head.
//!
//! 1. Frames are consecutive, without gaps; the last one ends at the head.
//! 2. Together they hold at most the allowed bytes, but always the last frame.

use std::{collections::VecDeque, sync::Arc};

use crate::{format::frame::Frame, values::position::Position};

#[derive(Debug)]
pub(crate) struct Ring {
    /// Frames with the position at which each ends, so that a search does not touch every frame.
    frames: VecDeque<(Position, Arc<Frame>)>,
    /// Evicted frames, until they are taken.
    evicted: Vec<Arc<Frame>>,
    bytes: usize,
    bytes_max: usize,
}

/// Approximate bytes of a frame besides its body, including the offsets of its entries.
const FRAME_OVERHEAD_BYTES: usize = 256;

impl Ring {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            frames: VecDeque::new(),
            evicted: Vec::new(),
            bytes: 0,
            bytes_max,
        }
    }

    pub(crate) fn push(&mut self, frame: Arc<Frame>) {
        self.bytes += frame.body.len() + FRAME_OVERHEAD_BYTES;
        self.frames.push_back((frame.last, frame));
        while self.bytes > self.bytes_max && self.frames.len() > 1 {
            if let Some((_, oldest)) = self.frames.pop_front() {
                self.bytes -= oldest.body.len() + FRAME_OVERHEAD_BYTES;
                self.evicted.push(oldest);
            }
        }
    }

    /// Takes the evicted frames. Freeing them takes long, so a caller that holds a lock drops them after releasing
    /// it.
    pub(crate) fn take_evicted(&mut self) -> Vec<Arc<Frame>> {
        std::mem::take(&mut self.evicted)
    }

    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.bytes = 0;
    }

    /// Returns the frame that holds a position, if it is in the ring.
    pub(crate) fn holding(&self, position: Position) -> Option<&Arc<Frame>> {
        self.index_of(position).map(|index| &self.frames[index].1)
    }

    /// Returns frames from the one that holds `from` on, up to the one with which their bodies reach `bytes`. `None`
    /// if `from` is not in the ring.
    pub(crate) fn forwards(&self, from: Position, bytes: usize) -> Option<Vec<Arc<Frame>>> {
        let start = self.index_of(from)?;
        Some(take_bytes(self.frames.range(start..), bytes))
    }

    /// Returns frames from the one that holds `from` back, up to the one with which their bodies reach `bytes`.
    /// `None` if `from` is not in the ring.
    pub(crate) fn backwards(&self, from: Position, bytes: usize) -> Option<Vec<Arc<Frame>>> {
        let start = self.index_of(from)?;
        Some(take_bytes(self.frames.range(..=start).rev(), bytes))
    }

    fn index_of(&self, position: Position) -> Option<usize> {
        let index = self.frames.partition_point(|(last, _)| *last < position);
        (self.frames.get(index)?.1.first <= position).then_some(index)
    }
}

fn take_bytes<'a>(frames: impl Iterator<Item = &'a (Position, Arc<Frame>)>, bytes: usize) -> Vec<Arc<Frame>> {
    let mut taken = Vec::new();
    let mut total = 0;
    for (_, frame) in frames {
        total += frame.body.len();
        taken.push(Arc::clone(frame));
        if total >= bytes {
            break;
        }
    }
    taken
}
