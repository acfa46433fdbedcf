//! The bytes of a commit in the log.
//!
//! ```text
//! record     header, table, values
//! header      0  magic             4   "anl1"
//!             4  table's length    4   bytes
//!             8  values' length    4   bytes, of all of them
//!            12  previous          4   the checksum of the record before this one
//!            16  sequence          8   counts records, from 1
//!            24  relaxed           8   relaxed commits that this one stands on (`fold`)
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
//! 1. **A record is whole** if its checksum is right and those of its values are. The checksums begin with a secret of the
//!    log, so that nobody can send a value that would be taken for a record.
//! 2. **A record counts only behind the one before it:** it names that one's checksum, and its number is the next.
//! 3. A value can be read, and checked, without the rest of its record.
//!
//! Why the keys stand apart from the values: what a segment still holds is found from its tables, without reading the values.

use std::io;

use bytes::Bytes;

use crate::{
    changes::Changes,
    location::{Location, crc_of},
    segment::Segment,
};

/// Bytes of a header.
pub(crate) const HEADER_BYTES: u64 = 36;
/// How a record begins.
pub(crate) const MAGIC: [u8; 4] = *b"anl1";

const SET: u8 = 1;
const CLEAR: u8 = 2;
/// Where the checksum stands in the header.
const CHECKSUM_AT: usize = 32;

/// The end of the log: what the next record follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tip {
    /// The number of the last record.
    pub(crate) sequence: u64,
    /// Its checksum.
    pub(crate) checksum: u32,
}

/// A record about to be written.
pub(crate) struct Draft {
    /// Header and table.
    pub(crate) head: Vec<u8>,
    /// Bytes of all values.
    pub(crate) values_bytes: u64,
    /// The CRC of each value, in the order of keys.
    pub(crate) crcs: Vec<u32>,
    /// What the log ends with once this is written.
    pub(crate) tip: Tip,
}

impl Draft {
    /// What is to be written for `changes` behind `tip`.
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

/// A record's header and table, found whole.
#[derive(Debug)]
pub(crate) struct Record {
    /// The checksum of the record before.
    pub(crate) previous: u32,
    pub(crate) tip: Tip,
    pub(crate) relaxed: u64,
    /// Keys with where their values are; `None`: the key is cleared.
    pub(crate) entries: Vec<(Bytes, Option<Location>)>,
    /// Where the next record begins in the segment.
    pub(crate) end: u64,
    /// Where the values begin.
    values: u64,
}

impl Record {
    /// The record at `offset`, if there is one whose header and table are whole.
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

    /// Its keys with their values, if those are whole too.
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

/// A key with its new value, and where that is in the log.
pub(crate) type Change = (Bytes, Option<(Bytes, Location)>);

/// Takes a table apart. `None` if it is not one: the checksum was right by chance.
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

/// Of a header and its table, but for the checksum itself.
fn checksum(secret: u32, head: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(secret);
    hasher.update(&head[..CHECKSUM_AT]);
    hasher.update(&head[HEADER_BYTES as usize..]);
    hasher.finalize()
}

/// Keys have 8,000 bytes at most.
fn u16_of(bytes: usize) -> u16 {
    u16::try_from(bytes).expect("a key is within the limits of the engine")
}

/// A commit has 9 MB of keys and values at most, and a key one byte at least.
fn u32_of(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a commit is within the limits of the engine")
}
