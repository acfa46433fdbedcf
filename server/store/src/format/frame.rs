//! Frames: consecutive events that are stored, cached and read together. A frame holds one append, several small
//! adjacent appends of one group, or a part of a large append. An event too large for one value has a frame of its
//! own, with several chunks.
//!
//! ```text
//! value of chunk 0:   version   1 byte, 4
//!                     batch     8 bytes, the commit that wrote it
//!                     first     8 bytes, position of the first event
//!                     chunks    2 bytes, how many values the frame takes, 1 or more
//!                     marks     varint: how many appends have events here, then a varint for each:
//!                               events << 2 | keyed << 1 | continued
//!                     body      entries (record.rs)
//! value of chunk n:   body, continued
//! ```
//!
//! Version 5 is a frame from which scavenging removed events, or into which it merged such frames:
//!
//! ```text
//! value of chunk 0:   version   1 byte, 5
//!                     batch, first, chunks as above
//!                     events    varint: how many remain
//!                     body      their entries
//! ```
//!
//! Version 6 is a frame that was moved here from another store (`transfer`), with the layout of version 5: it covers
//! positions whose events were removed there. It may be read before its events are indexed.
//!
//! 1. A frame covers the positions from `first` to the last one, which is in its key (`keys`). A frame of version 4
//!    holds an event at each of them. A frame of version 5 or 6 holds events at some or none of them; the others were
//!    removed. Every position of the log is covered by exactly one frame.
//! 2. `events` of a mark counts the events of its append from here on, so that the first mark of an append gives the
//!    number of its events even if later frames hold the rest. Those frames begin with a mark that is `continued`.
//! 3. `keyed`: the append is deduplicated by the id of its first event.
//! 4. Only scavenging changes a frame, after all its events are indexed. Version 5 has no marks, because only
//!    indexing needs them. The remaining events stay the same, byte by byte. Everything else (indexes, caches) can be
//!    rebuilt from frames alone, until they are scavenged.

mod assembler;
mod mark;
mod starts;
#[cfg(test)]
mod tests;

use bytes::{BufMut, Bytes, BytesMut};

use annals_engine::limits;

use crate::{
    format::{
        keys,
        record::{Entries, Entry},
        wire::{self, Cursor, Malformed, Parsed},
    },
    values::position::Position,
};
pub(crate) use assembler::Assembler;
pub(crate) use mark::Mark;
use mark::marks;
use starts::Starts;

// Versions 1 to 3 had other field numbers in their records. No release wrote them.
const WHOLE: u8 = 4;
const SPARSE: u8 = 5;
const MOVED: u8 = 6;
const CHUNKS_AT: usize = 17;
const COUNTS_AT: usize = 19;

/// Small appends share a frame of up to this many bytes of entries. Larger frames are faster to write; smaller ones
/// load a cold stream with fewer bytes.
pub(crate) const SHARED_BYTES_MAX: usize = 4_096;
/// A large append is split into frames of about this many bytes.
pub(crate) const OWN_BYTES_MAX: usize = 65_536;
/// Maximum bytes of body in a chunk, so that a value with its header stays within the engine's limit.
const CHUNK_BYTES_MAX: usize = limits::VALUE_BYTES_MAX - 4_096;

/// Consecutive events that are stored together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub batch: u64,
    pub first: Position,
    pub last: Position,
    /// Number of events, if the frame may have fewer events than positions.
    left: Option<u64>,
    /// Whether the frame was moved here in that form, rather than scavenged here.
    moved: bool,
    /// Entries of all events, in order. In a frame of one chunk, this is the end of `value`.
    pub body: Bytes,
    /// The value of chunk 0.
    value: Bytes,
    starts: Starts,
}

impl Frame {
    /// Creates a frame with the entries `body`, which it copies once.
    pub(crate) fn new(batch: u64, first: Position, last: Position, marks: &[Mark], body: &[u8]) -> Self {
        let mut counts = BytesMut::with_capacity(10 + 5 * marks.len());
        wire::put_varint(&mut counts, marks.len() as u64);
        for mark in marks {
            wire::put_varint(&mut counts, mark.to_varint());
        }
        Self::with(WHOLE, &counts, (batch, first, last), body)
    }

    /// Creates a scavenged frame with the remaining events.
    pub(crate) fn scavenged(batch: u64, first: Position, last: Position, left: u64, body: &[u8]) -> Self {
        let mut counts = BytesMut::with_capacity(10);
        wire::put_varint(&mut counts, left);
        Self {
            left: Some(left),
            ..Self::with(SPARSE, &counts, (batch, first, last), body)
        }
    }

    /// Creates a frame that is moved here, with the events that remain in the store it comes from.
    pub(crate) fn moved(batch: u64, first: Position, last: Position, left: u64, body: &[u8]) -> Self {
        let mut counts = BytesMut::with_capacity(10);
        wire::put_varint(&mut counts, left);
        Self {
            left: Some(left),
            moved: true,
            ..Self::with(MOVED, &counts, (batch, first, last), body)
        }
    }

    /// Creates a frame of one value for one append. `put` writes the entries in place: at most `bytes_max` bytes.
    pub(crate) fn of_one(
        (batch, first, last): (u64, Position, Position),
        mark: Mark,
        bytes_max: usize,
        put: impl FnOnce(&mut BytesMut),
    ) -> Self {
        let mut value = BytesMut::with_capacity(COUNTS_AT + 6 + bytes_max);
        put_header(&mut value, WHOLE, batch, first, 1);
        wire::put_varint(&mut value, 1);
        wire::put_varint(&mut value, mark.to_varint());
        let body_at = value.len();
        put(&mut value);
        debug_assert!(value.len() - body_at <= bytes_max.min(CHUNK_BYTES_MAX));
        let value = value.freeze();
        Self {
            batch,
            first,
            last,
            left: None,
            moved: false,
            body: value.slice(body_at..),
            value,
            starts: Starts::default(),
        }
    }

    fn with(
        version: u8,
        counts: &[u8],
        (batch, first, last): (u64, Position, Position),
        body: &[u8],
    ) -> Self {
        let chunks = chunks_of(body);
        let head = &body[..body.len().min(CHUNK_BYTES_MAX)];
        let mut value = BytesMut::with_capacity(COUNTS_AT + counts.len() + head.len());
        put_header(&mut value, version, batch, first, chunks);
        value.put_slice(counts);
        let body_at = value.len();
        value.put_slice(head);
        let value = value.freeze();
        let body = if chunks == 1 {
            value.slice(body_at..)
        } else {
            Bytes::copy_from_slice(body)
        };
        Self {
            batch,
            first,
            last,
            left: None,
            moved: false,
            body,
            value,
            starts: Starts::default(),
        }
    }

    /// Returns the marks of the frame's appends; none if the frame is sparse. They are parsed from its first value on
    /// every call, because only indexing needs them.
    pub(crate) fn marks(&self) -> Parsed<Vec<Mark>> {
        if self.is_sparse() {
            return Ok(Vec::new());
        }
        let mut cursor = Cursor::new(&self.value[COUNTS_AT..]);
        let count = cursor.varint()?;
        marks(&mut cursor, count)?.collect()
    }

    pub(crate) fn entries(&self) -> Entries<'_> {
        Entries::new(&self.body)
    }

    /// Returns the entry at a position that the frame covers, if the frame is not sparse. The offsets of the entries
    /// are cached, which pays for frames that stay in memory.
    pub(crate) fn entry_at(&self, position: Position) -> Parsed<Entry> {
        let short = Malformed("frame: fewer events than it is filed under");
        let mut entries = self.entries();
        let start = self
            .starts
            .of(self.entries(), position.0.saturating_sub(self.first.0))?;
        entries.seek(start.ok_or(short)?);
        entries.next_entry()?.ok_or(short)
    }

    /// Returns the entries at positions from `low` to `high`, which the frame must cover.
    pub(crate) fn entries_between(&self, low: Position, high: Position) -> Parsed<Vec<Entry>> {
        let mut entries = self.entries();
        let mut found = Vec::new();
        if self.is_sparse() {
            let mut behind = Position(self.first.0 - 1);
            while let Some(entry) = entries.next_entry()? {
                let position = entry.view()?.position;
                if position <= behind || position > self.last {
                    return Err(Malformed("frame: a position it does not cover"));
                }
                behind = position;
                if position >= low && position <= high {
                    found.push(entry);
                }
            }
            return Ok(found);
        }
        let short = Malformed("frame: fewer events than it is filed under");
        for _ in self.first.0..low.0 {
            entries.next_record()?.ok_or(short)?;
        }
        for _ in low.0..=high.0 {
            found.push(entries.next_entry()?.ok_or(short)?);
        }
        Ok(found)
    }

    /// Number of events in the frame.
    pub(crate) fn len(&self) -> u64 {
        self.left.unwrap_or(self.last.0 - self.first.0 + 1)
    }

    /// Whether the frame may have fewer events than positions.
    pub(crate) const fn is_sparse(&self) -> bool {
        self.left.is_some()
    }

    /// Whether the frame was scavenged here, which happens only after all its events are indexed.
    pub(crate) const fn is_scavenged(&self) -> bool {
        self.left.is_some() && !self.moved
    }

    /// Whether the frame was moved here without events that had been removed before.
    pub(crate) const fn is_moved(&self) -> bool {
        self.moved
    }

    /// Number of values that hold the frame.
    pub(crate) fn chunks(&self) -> u16 {
        chunks_of(&self.body)
    }

    /// Total bytes of the frame's values.
    pub(crate) fn stored_bytes(&self) -> usize {
        let chunked = if self.chunks() > 1 {
            self.body.len() - CHUNK_BYTES_MAX
        } else {
            0
        };
        self.value.len() + chunked
    }

    /// Returns the keys and values that hold the frame.
    pub(crate) fn to_values(&self) -> Vec<(Bytes, Bytes)> {
        let mut values = vec![(keys::frame(self.last, 0), self.value.clone())];
        for chunk in 1..chunks_of(&self.body) {
            let start = usize::from(chunk) * CHUNK_BYTES_MAX;
            let end = self.body.len().min(start + CHUNK_BYTES_MAX);
            values.push((keys::frame(self.last, chunk), self.body.slice(start..end)));
        }
        values
    }

    /// Parses a frame from its values, in the order of their chunks.
    pub(crate) fn from_values(last: Position, values: &[Bytes]) -> Parsed<Self> {
        let first_value = values.first().ok_or(Malformed("frame: no value"))?;
        let version = first_value.first().copied();
        if !matches!(version, Some(WHOLE | SPARSE | MOVED)) || first_value.len() < COUNTS_AT {
            return Err(Malformed("frame: a version that this server cannot read"));
        }
        if chunk_count(first_value)? != values.len() {
            return Err(Malformed("frame: chunks are missing"));
        }
        let number = |at: usize| first_value[at..at + 8].try_into().map(u64::from_be_bytes);
        let batch = number(1).map_err(|_| Malformed("frame: header"))?;
        let first = Position(number(9).map_err(|_| Malformed("frame: header"))?);
        if first == Position::START || first > last {
            return Err(Malformed("frame: first position"));
        }
        let mut cursor = Cursor::new(&first_value[COUNTS_AT..]);
        let count = cursor.varint()?;
        let left = (version != Some(WHOLE)).then_some(count);
        if left.is_some_and(|left| left > last.0 - first.0 + 1) {
            return Err(Malformed("frame: more events than positions"));
        }
        if left.is_none() {
            for mark in marks(&mut cursor, count)? {
                mark?;
            }
        }
        let body_at = first_value.len() - cursor.rest().len();
        let body = match values {
            [only] => only.slice(body_at..),
            [first_chunk, rest @ ..] => {
                let mut body = BytesMut::from(&first_chunk[body_at..]);
                rest.iter().for_each(|chunk| body.put_slice(chunk));
                body.freeze()
            }
            [] => return Err(Malformed("frame: no value")),
        };
        Ok(Self {
            batch,
            first,
            last,
            left,
            moved: version == Some(MOVED),
            body,
            value: first_value.clone(),
            starts: Starts::default(),
        })
    }
}

fn put_header(value: &mut BytesMut, version: u8, batch: u64, first: Position, chunks: u16) {
    value.put_u8(version);
    value.put_u64(batch);
    value.put_u64(first.0);
    value.put_u16(chunks);
}

/// Number of values that hold a frame with this body.
fn chunks_of(body: &[u8]) -> u16 {
    u16::try_from(body.len().div_ceil(CHUNK_BYTES_MAX).max(1))
        .expect("an event is far smaller than 65,535 chunks")
}

/// Returns the number of values of a frame whose first value is `value`.
pub(crate) fn chunk_count(value: &[u8]) -> Parsed<usize> {
    let bytes = value
        .get(CHUNKS_AT..COUNTS_AT)
        .ok_or(Malformed("frame: header"))?;
    match u16::from_be_bytes([bytes[0], bytes[1]]) {
        0 => Err(Malformed("frame: no chunks")),
        chunks => Ok(usize::from(chunks)),
    }
}
