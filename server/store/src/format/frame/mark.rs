//! What a frame says of the appends that have events in it.

use crate::format::wire::{Cursor, Malformed, Parsed};

/// What a frame says of one append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Events of the append from here on, in this frame and those behind it.
    pub events: u32,
    /// Whether it is remembered by its first event's id.
    pub keyed: bool,
    /// Whether it began in an earlier frame.
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

/// So many marks, one after the other.
pub(super) fn marks(cursor: &mut Cursor<'_>, count: u64) -> Parsed<impl Iterator<Item = Parsed<Mark>>> {
    // Every mark takes a byte or more, which bounds what a damaged count can ask for.
    if count > cursor.rest().len() as u64 {
        return Err(Malformed("frame: marks"));
    }
    Ok((0..count).map(|_| Mark::from_varint(cursor.varint()?)))
}
