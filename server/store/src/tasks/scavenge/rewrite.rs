//! Rewrites frames without their dead events. Pure: determines which frames to delete and to write, from frames and
//! positions.
//!
//! 1. The written frames cover exactly the positions of the deleted ones, so every position stays covered by one
//!    frame.
//! 2. Live entries keep their bytes and their order.
//! 3. Live entries of one frame stay in one frame, together with small neighbours up to [`SHARED_BYTES_MAX`]: a
//!    written frame has at most so many bytes of entries, or as many as one of the frames it was made of.
//! 4. A dead range gets no frame of its own if a neighbour is rewritten or small; otherwise it is one frame without
//!    entries, and it is merged with dead neighbours whenever they are processed together.
//!
//! Why small neighbours are included although nothing in them is dead: where nine of ten events are removed, single
//! events and the gaps between them would remain, each with a key and a header of its own.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    format::{
        frame::{Frame, SHARED_BYTES_MAX},
        wire::Parsed,
    },
    values::position::Position,
};

/// Maximum bytes of entries up to which a frame without dead events is included: rewriting it is worth saving a
/// frame.
const SMALL_BYTES_MAX: usize = SHARED_BYTES_MAX / 4;

/// The changes that remove dead events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rewritten {
    /// Frames to delete.
    pub deleted: Vec<Arc<Frame>>,
    /// Frames that replace them.
    pub written: Vec<Frame>,
    /// Number of events that are removed.
    pub events: u64,
}

impl Rewritten {
    /// Returns how many fewer bytes are stored than before.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = |frame: &Frame| frame.stored_bytes() as u64;
        let deleted: u64 = self.deleted.iter().map(|frame| bytes(frame)).sum();
        let written: u64 = self.written.iter().map(bytes).sum();
        deleted.saturating_sub(written)
    }
}

/// Removes dead positions from frames that follow each other without gaps.
pub(crate) fn rewrite(frames: &[Arc<Frame>], dead: &BTreeSet<Position>) -> Parsed<Rewritten> {
    let mut rewritten = Rewritten::default();
    let mut group = Group::default();
    for frame in frames {
        let part = Part::of(frame, dead)?;
        if !group.takes(&part) {
            std::mem::take(&mut group).finish(&mut rewritten);
        }
        group.add(part);
    }
    group.finish(&mut rewritten);
    Ok(rewritten)
}

/// A frame and its live entries.
#[derive(Debug)]
struct Part {
    frame: Arc<Frame>,
    body: Vec<u8>,
    live: u64,
    dead: u64,
}

impl Part {
    fn of(frame: &Arc<Frame>, dead: &BTreeSet<Position>) -> Parsed<Self> {
        let mut part = Self {
            frame: Arc::clone(frame),
            body: Vec::new(),
            live: 0,
            dead: 0,
        };
        if dead.range(frame.first..=frame.last).next().is_none() {
            part.live = frame.len();
            part.body = frame.body.to_vec();
            return Ok(part);
        }
        let mut entries = frame.entries();
        while let Some(entry) = entries.next_entry()? {
            if dead.contains(&entry.view()?.position) {
                part.dead += 1;
            } else {
                part.live += 1;
                part.body.extend_from_slice(&entry.into_bytes());
            }
        }
        Ok(part)
    }

    /// Whether it is included only to save a frame.
    const fn is_untouched(&self) -> bool {
        self.dead == 0
    }
}

/// Neighbours that become one frame.
#[derive(Debug, Default)]
struct Group {
    parts: Vec<Part>,
    bytes: usize,
}

impl Group {
    fn takes(&self, part: &Part) -> bool {
        if self.parts.is_empty() || self.bytes == 0 && part.body.is_empty() {
            return true;
        }
        if part.is_untouched() && part.body.len() > SMALL_BYTES_MAX {
            return false;
        }
        if let [only] = self.parts.as_slice()
            && only.is_untouched()
            && only.body.len() > SMALL_BYTES_MAX
        {
            return false;
        }
        part.body.is_empty() || self.bytes + part.body.len() <= SHARED_BYTES_MAX
    }

    fn add(&mut self, part: Part) {
        self.bytes += part.body.len();
        self.parts.push(part);
    }

    fn finish(self, rewritten: &mut Rewritten) {
        let changes = |part: &Part| part.dead > 0;
        let merges = |part: &Part| part.body.is_empty() && self.parts.len() > 1;
        if !self.parts.iter().any(|part| changes(part) || merges(part)) {
            return;
        }
        let (Some(first), Some(last)) = (self.parts.first(), self.parts.last()) else {
            return;
        };
        let body: Vec<u8> = self.parts.iter().flat_map(|part| &part.body).copied().collect();
        let live = self.parts.iter().map(|part| part.live).sum();
        rewritten.events += self.parts.iter().map(|part| part.dead).sum::<u64>();
        let (from, to) = (first.frame.first, last.frame.last);
        let batch = first.frame.batch;
        rewritten
            .written
            .push(Frame::scavenged(batch, from, to, live, &body));
        rewritten
            .deleted
            .extend(self.parts.into_iter().map(|part| part.frame));
    }
}

#[cfg(test)]
mod tests;
