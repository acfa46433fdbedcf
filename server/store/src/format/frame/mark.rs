//! Marks: what a frame records about the appends that have events in it.

use crate::format::wire::{Cursor, Malformed, Parsed};

/// An append that has events in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Number of the append's events in this frame and in later ones.
    pub events: u32,
    /// Whether the append is deduplicated by the id of its first event.
    pub keyed: bool,
    /// Whether the append began in an earlier frame.
    pub continued: bool,
}

impl Mark {
    pub(super) fn to_varint(self) -> u64 {
        u64::from(self.events) << 2 | u64::from(self.keyed) << 1 | u64::from(self.continued)
    }

    fn from_varint(value: u64) -> Parsed<Self> {
        let events = u32::try_from(value >> 2).map_err(|_| Malformed("frame: events of an append"))?;
        Ok(Self {
            events,
            keyed: value & 2 != 0,
            continued: value & 1 != 0,
        })
    }
}

/// Parses `count` consecutive marks.
pub(super) fn marks(cursor: &mut Cursor<'_>, count: u64) -> Parsed<impl Iterator<Item = Parsed<Mark>>> {
    // Every mark takes a byte or more, which bounds the effect of a damaged count.
    if count > cursor.rest().len() as u64 {
        return Err(Malformed("frame: marks"));
    }
    Ok((0..count).map(|_| Mark::from_varint(cursor.varint()?)))
}
