//! Encoding of lists of positions.
//!
//! ```text
//! s <stream> 0 <first revision>  -> count (varint), positions
//! t <type> 0 <first position>    -> count (varint), positions
//! g <tag> 0 <first position>     -> count (varint), positions
//! s <stream> 0 <last revision>   -> 1 (varint), position, 0 (1 byte): its event and all before it were removed
//! positions                      =  the first position, then the difference of each to the one before (varints)
//! ```
//!
//! 1. Positions ascend. Those of a stream belong to consecutive revisions.
//! 2. Entries of one name may overlap, when a window was written in part and again with other boundaries. They never
//!    disagree, since they are derived from the same log.
//! 3. Removed events may be omitted: in the list of a stream only at its beginning, in other lists anywhere. The last
//!    position of a stream is always kept.

use annals_engine::Entry;
use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    format::{
        keys,
        wire::{self, Cursor, Malformed, Parsed},
    },
    values::position::{Position, Revision},
};

/// Maximum number of positions in an entry: at no more than 10 bytes each, they stay within the engine's limit of a
/// value.
pub(crate) const POSITIONS_MAX: usize = 8_192;

/// Encodes a list of at most [`POSITIONS_MAX`] positions.
pub(crate) fn encode(positions: &[Position]) -> Bytes {
    let mut value = BytesMut::with_capacity(4 + 3 * positions.len());
    put(&mut value, positions);
    value.freeze()
}

/// Encodes a list of at most [`POSITIONS_MAX`] positions at the end of `out`.
pub(crate) fn put(out: &mut impl BufMut, positions: &[Position]) {
    wire::put_varint(out, positions.len() as u64);
    let mut before = 0;
    for position in positions {
        wire::put_varint(out, position.0 - before);
        before = position.0;
    }
}

/// Encodes the list of a stream of which only the last position remains, whose event was removed too.
pub(crate) fn encode_end(last: Position) -> Bytes {
    let mut value = BytesMut::from(&encode(&[last])[..]);
    value.put_u8(0);
    value.freeze()
}

/// Whether a value was written by [`encode_end`].
pub(crate) fn is_end(value: &[u8]) -> bool {
    matches!(decode(value), Ok(positions) if positions.len() == 1 && value.len() > encode(&positions).len())
}

/// Decodes a list.
pub(crate) fn decode(value: &[u8]) -> Parsed<Vec<Position>> {
    let mut cursor = Cursor::new(value);
    let count = usize::try_from(cursor.varint()?).unwrap_or(usize::MAX);
    if count == 0 || count > cursor.rest().len() {
        return Err(Malformed("index: count of positions"));
    }
    let mut positions = Vec::with_capacity(count);
    let mut position: u64 = 0;
    for _ in 0..count {
        let step = cursor.varint()?;
        position = position
            .checked_add(step)
            .ok_or(Malformed("index: position out of range"))?;
        if step == 0 {
            return Err(Malformed("index: positions do not ascend"));
        }
        positions.push(Position(position));
    }
    Ok(positions)
}

/// An index entry of a stream: consecutive revisions and their positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Postings {
    pub first: Revision,
    pub positions: Vec<Position>,
}

impl Postings {
    pub(crate) fn parse_stream(entry: &Entry) -> Parsed<Self> {
        let first = keys::parse_number(&entry.key).ok_or(Malformed("index: key of a stream"))?;
        let positions = decode(&entry.value)?;
        if first.checked_add(positions.len() as u64).is_none() {
            return Err(Malformed("index: revision out of range"));
        }
        Ok(Self {
            first: Revision(first),
            positions,
        })
    }

    /// Returns the last revision in the entry.
    pub(crate) fn last(&self) -> Revision {
        Revision(self.first.0 + self.positions.len() as u64 - 1)
    }

    /// Returns the revisions and their positions, ascending.
    pub(crate) fn events(&self) -> impl Iterator<Item = (Revision, Position)> + '_ {
        (self.first.0..).map(Revision).zip(self.positions.iter().copied())
    }
}
