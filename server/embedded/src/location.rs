//! The location of a value in the log: what the tree stores for a key under a bulk prefix.
//!
//! ```text
//! location   segment 4, offset 4, length 4, CRC-32 of the value 4; little-endian
//! ```

use annals_engine::{Error, Result};

/// Bytes of a location.
const BYTES: usize = 16;

/// The location of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// The number of the segment.
    pub(crate) segment: u32,
    /// Offset of the value in the segment, in bytes.
    pub(crate) offset: u32,
    /// The length of the value, in bytes.
    pub(crate) bytes: u32,
    /// The value's checksum.
    pub(crate) crc: u32,
}

impl Location {
    /// The location of a value that is not in the log.
    pub(crate) const NOWHERE: Self = Self {
        segment: 0,
        offset: 0,
        bytes: 0,
        crc: 0,
    };

    pub(crate) fn encode(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let words = [self.segment, self.offset, self.bytes, self.crc];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// # Errors
    /// [`Error::Corrupt`] if `bytes` is not a location.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let bytes: &[u8; BYTES] = bytes.try_into().map_err(|_| {
            Error::Corrupt(format!(
                "the location of a value has {} bytes, expected {BYTES}",
                bytes.len()
            ))
        })?;
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Ok(Self {
            segment: word(0),
            offset: word(4),
            bytes: word(8),
            crc: word(12),
        })
    }

    /// Offset of the value's end in its segment.
    pub(crate) fn end(self) -> u64 {
        u64::from(self.offset) + u64::from(self.bytes)
    }

    /// # Errors
    /// [`Error::Corrupt`] if `value` is not what was written at this location.
    pub(crate) fn check(self, value: &[u8]) -> Result<()> {
        if crc_of(value) == self.crc {
            return Ok(());
        }
        Err(Error::Corrupt(format!(
            "{} bytes at {} of segment {} of the log do not match their checksum",
            self.bytes, self.offset, self.segment
        )))
    }
}

/// The checksum of a value.
pub(crate) fn crc_of(value: &[u8]) -> u32 {
    crc32fast::hash(value)
}
