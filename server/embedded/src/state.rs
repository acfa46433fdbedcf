//! The tree's state about the log, in the keyspace `state`.
//!
//! ```text
//! "applied"          how much of the log the tree has: segment 4, checksum of the last record 4, end of it in the
//!                    segment 8, its sequence 8, relaxed commits 8
//! "rebuilding"       exists while the tree is rebuilt from the log (`recovery/rebuild`)
//! "s" <segment 4>    live data of a segment that the tree refers to: values 8, bytes of them 8
//! ```
//!
//! Numbers are little-endian, those of keys big-endian. "applied" and the live counts are written with every fold, in
//! its batch, so they always match the contents of the tree.

use annals_engine::{Error, Result};
use fjall::Keyspace;

use crate::change::Tip;
use crate::fault;

pub(crate) const APPLIED: &[u8] = b"applied";
pub(crate) const REBUILDING: &[u8] = b"rebuilding";

/// How much of the log the tree has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) segment: u32,
    /// Offset at which the last record ends in the segment.
    pub(crate) end: u64,
    pub(crate) tip: Tip,
    /// Relaxed commits that are in the tree.
    pub(crate) relaxed: u64,
}

/// The live data of a segment: values that the tree refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) values: u64,
    pub(crate) bytes: u64,
}

impl Applied {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32);
        bytes.extend_from_slice(&self.segment.to_le_bytes());
        bytes.extend_from_slice(&self.tip.checksum.to_le_bytes());
        bytes.extend_from_slice(&self.end.to_le_bytes());
        bytes.extend_from_slice(&self.tip.sequence.to_le_bytes());
        bytes.extend_from_slice(&self.relaxed.to_le_bytes());
        bytes
    }

    /// Reads it from the tree; `None`: it is missing or malformed.
    pub(crate) fn read(state: &Keyspace) -> fjall::Result<Option<Self>> {
        let Some(value) = state.get(APPLIED)? else {
            return Ok(None);
        };
        let Some([first, end, sequence, relaxed]) = words::<4>(&value) else {
            return Ok(None);
        };
        Ok(Some(Self {
            segment: first as u32,
            end,
            tip: Tip {
                sequence,
                checksum: (first >> 32) as u32,
            },
            relaxed,
        }))
    }
}

impl Live {
    pub(crate) fn encode(self) -> Vec<u8> {
        [self.values.to_le_bytes(), self.bytes.to_le_bytes()].concat()
    }
}

/// The key of a segment's live counts.
pub(crate) fn segment_key(number: u32) -> Vec<u8> {
    [&b"s"[..], &number.to_be_bytes()].concat()
}

/// All segments that the tree refers to, in order.
pub(crate) fn segments(state: &Keyspace) -> Result<Vec<(u32, Live)>> {
    let mut segments = Vec::new();
    for entry in state.prefix(b"s") {
        let (key, value) = entry.into_inner().map_err(|error| fault::of_read(&error))?;
        let number = key.get(1..).and_then(|number| number.try_into().ok());
        let parts = number.map(u32::from_be_bytes).zip(words::<2>(&value));
        let (number, [values, bytes]) = parts.ok_or_else(|| {
            Error::Corrupt(format!(
                "{key:?} is not the key of a segment, or {value:?} not its live counts"
            ))
        })?;
        segments.push((number, Live { values, bytes }));
    }
    Ok(segments)
}

fn words<const N: usize>(bytes: &[u8]) -> Option<[u64; N]> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let chunks: &[[u8; 8]; N] = chunks.try_into().ok().filter(|_| rest.is_empty())?;
    Some(chunks.map(u64::from_le_bytes))
}
