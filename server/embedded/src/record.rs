//! The format of a commit in the log.
//!
//! ```text
//! record     header, table, values
//! header      0  magic             4   "anl1"
//!             4  table's length    4   bytes
//!             8  values' length    4   bytes, of all of them
//!            12  previous          4   the checksum of the record before this one
//!            16  sequence          8   counts records, from 1
//!            24  relaxed           8   relaxed commits that this record depends on (`fold`)
//!            32  checksum          4   CRC-32 of the header up to here and of the table
//! table      for each key, in the order of keys:
//!               operation          1   1 set, 2 clear
//!               key's length       2
//!               key
//!               value's length     4   of a set
//!               value's CRC-32     4   of a set
//! values     those of the sets, one after the other
//! ```
//!
//! Numbers are little-endian.
//!
//! 1. **A record is intact** if its checksum and those of its values match. The checksums start from a secret of the
//!    log, so no client can send a value that would be taken for a record.
//! 2. **A record counts only directly after its predecessor:** it contains that record's checksum, and its number is
//!    the next.
//! 3. A value can be read, and checked, without the rest of its record.
//!
//! The keys are kept apart from the values so that the live contents of a segment can be found from its tables,
//! without reading the values.

use std::io;

use bytes::Bytes;

use crate::{
    change::{Change, Changes, Tip},
    location::{Location, crc_of},
    segment::Segment,
};

/// Bytes of a header.
pub(crate) const HEADER_BYTES: u64 = 36;
/// The first bytes of a record.
pub(crate) const MAGIC: [u8; 4] = *b"anl1";

const SET: u8 = 1;
const CLEAR: u8 = 2;
/// Offset of the checksum in the header.
const CHECKSUM_AT: usize = 32;

/// A record that is about to be written.
pub(crate) struct Draft {
    /// Header and table.
    pub(crate) head: Vec<u8>,
    /// Bytes of all values.
    pub(crate) values_bytes: u64,
    /// The CRC of each value, in the order of keys.
    pub(crate) crcs: Vec<u32>,
    /// The end of the log after this record.
    pub(crate) tip: Tip,
}

impl Draft {
    /// Encodes a record of `changes` that follows `tip`.
    pub(crate) fn new(secret: u32, tip: Tip, relaxed: u64, changes: &Changes) -> Self {
        let table_bytes: usize = changes.iter().map(|(key, _)| key.len() + 11).sum();
        let mut head = Vec::with_capacity(HEADER_BYTES as usize + table_bytes);
        head.resize(HEADER_BYTES as usize, 0);
        let mut crcs = Vec::with_capacity(changes.len());
        let mut values_bytes = 0;
        for (key, value) in changes.iter() {
            head.push(if value.is_some() { SET } else { CLEAR });
            head.extend_from_slice(&u16_of(key.len()).to_le_bytes());
            head.extend_from_slice(key);
            if let Some(value) = value {
                let crc = crc_of(value);
                head.extend_from_slice(&u32_of(value.len()).to_le_bytes());
                head.extend_from_slice(&crc.to_le_bytes());
                crcs.push(crc);
                values_bytes += value.len() as u64;
            }
        }
        let sequence = tip.sequence + 1;
        let table = u32_of(head.len() - HEADER_BYTES as usize);
        head[0..4].copy_from_slice(&MAGIC);
        head[4..8].copy_from_slice(&table.to_le_bytes());
        head[8..12].copy_from_slice(&u32_of(values_bytes as usize).to_le_bytes());
        head[12..16].copy_from_slice(&tip.checksum.to_le_bytes());
        head[16..24].copy_from_slice(&sequence.to_le_bytes());
        head[24..32].copy_from_slice(&relaxed.to_le_bytes());
        let checksum = checksum(secret, &head);
        head[CHECKSUM_AT..HEADER_BYTES as usize].copy_from_slice(&checksum.to_le_bytes());
        Self {
            head,
            values_bytes,
            crcs,
            tip: Tip { sequence, checksum },
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.head.len() as u64 + self.values_bytes
    }
}

/// The header and table of a record, found intact.
#[derive(Debug)]
pub(crate) struct Record {
    /// Checksum of the record before this one.
    pub(crate) previous: u32,
    pub(crate) tip: Tip,
    pub(crate) relaxed: u64,
    /// Keys with the locations of their values; `None`: the key is cleared.
    pub(crate) entries: Vec<(Bytes, Option<Location>)>,
    /// Offset of the next record in the segment.
    pub(crate) end: u64,
    /// Offset of the values.
    values: u64,
}

impl Record {
    /// Reads the record at `offset`; `None`: there is none with an intact header and table.
    pub(crate) fn read(segment: &Segment, secret: u32, offset: u64) -> io::Result<Option<Self>> {
        let size = segment.bytes();
        if offset + HEADER_BYTES > size {
            return Ok(None);
        }
        let header = segment.read(offset, HEADER_BYTES)?;
        let word =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let table_bytes = u64::from(word(4));
        let values = offset + HEADER_BYTES + table_bytes;
        let end = values + u64::from(word(8));
        if header[..4] != MAGIC || end > size {
            return Ok(None);
        }
        let head = segment.read(offset, HEADER_BYTES + table_bytes)?;
        if checksum(secret, &head) != word(CHECKSUM_AT) {
            return Ok(None);
        }
        let table = head.slice(HEADER_BYTES as usize..);
        let Some(entries) = entries(table, segment.number, values, end) else {
            return Ok(None);
        };
        Ok(Some(Self {
            previous: word(12),
            tip: Tip {
                sequence: u64::from(word(16)) | u64::from(word(20)) << 32,
                checksum: word(CHECKSUM_AT),
            },
            relaxed: u64::from(word(24)) | u64::from(word(28)) << 32,
            entries,
            end,
            values,
        }))
    }

    /// Reads the values of the record; `None`: one of them is not intact.
    pub(crate) fn changes(self, segment: &Segment) -> io::Result<Option<Vec<Change>>> {
        let values = segment.read(self.values, self.end - self.values)?;
        let start = self.values;
        let change = |(key, location): (Bytes, Option<Location>)| {
            let Some(location) = location else {
                return Some((key, None));
            };
            let from = (u64::from(location.offset) - start) as usize;
            let value = values.slice(from..from + location.bytes as usize);
            (crc_of(&value) == location.crc).then_some((key, Some((value, location))))
        };
        Ok(self.entries.into_iter().map(change).collect())
    }
}

/// Parses a table. `None`: it is not one, and the checksum matched by chance.
fn entries(table: Bytes, segment: u32, values: u64, end: u64) -> Option<Vec<(Bytes, Option<Location>)>> {
    let mut entries = Vec::new();
    let mut offset = values;
    let mut at = 0;
    while at < table.len() {
        let [operation, low, high] = *table.get(at..at + 3)?.first_chunk::<3>()?;
        let key_at = at + 3;
        at = key_at + usize::from(u16::from_le_bytes([low, high]));
        let key = (at <= table.len()).then(|| table.slice(key_at..at))?;
        let location = match operation {
            SET => {
                let [bytes, crc] = [at, at + 4].map(|at| table.get(at..at + 4)?.first_chunk::<4>().copied());
                let (bytes, crc) = (u32::from_le_bytes(bytes?), u32::from_le_bytes(crc?));
                at += 8;
                let location = Location {
                    segment,
                    offset: u32::try_from(offset).ok()?,
                    bytes,
                    crc,
                };
                offset += u64::from(bytes);
                Some(location)
            }
            CLEAR => None,
            _ => return None,
        };
        entries.push((key, location));
    }
    (offset == end).then_some(entries)
}

/// Checksum of a header and its table, without the checksum field itself.
fn checksum(secret: u32, head: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(secret);
    hasher.update(&head[..CHECKSUM_AT]);
    hasher.update(&head[HEADER_BYTES as usize..]);
    hasher.finalize()
}

/// Length of a key as a `u16`: keys have at most 8,000 bytes.
fn u16_of(bytes: usize) -> u16 {
    u16::try_from(bytes).expect("a key is within the limits of the engine")
}

/// A length as a `u32`: a commit has at most 9 MB of keys and values, and a key at least one byte.
fn u32_of(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a commit is within the limits of the engine")
}
