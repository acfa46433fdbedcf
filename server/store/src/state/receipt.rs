//! Receipts: the first results of writes, so that their retries are recognised.
//!
//! ```text
//! format 1 byte, 1 | changed at 8 bytes, microseconds | digest 16 bytes | version of each change (varint)
//! ```

use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use crate::{
    format::wire::{self, Cursor, Malformed, Parsed},
    model::state::{StateWrite, StateWritten},
    values::position::Timestamp,
};

const FORMAT: u8 = 1;

/// The first result of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub changed_at: Timestamp,
    digest: Uuid,
    versions: Vec<u64>,
}

impl Receipt {
    pub(crate) fn of(write: &StateWrite, written: &StateWritten) -> Self {
        Self {
            changed_at: written.changed_at,
            digest: write.digest,
            versions: written.versions.clone(),
        }
    }

    /// Returns the first result if this is the receipt of exactly this write.
    pub(crate) fn written(&self, write: &StateWrite) -> Option<StateWritten> {
        (self.digest == write.digest).then(|| StateWritten {
            versions: self.versions.clone(),
            changed_at: self.changed_at,
            already_written: true,
        })
    }

    pub(crate) fn to_value(&self) -> Bytes {
        let mut value = BytesMut::with_capacity(25 + 3 * self.versions.len());
        value.put_u8(FORMAT);
        value.put_u64(self.changed_at.micros);
        value.put_slice(self.digest.as_bytes());
        for version in &self.versions {
            wire::put_varint(&mut value, *version);
        }
        value.freeze()
    }

    pub(crate) fn parse(value: &[u8]) -> Parsed<Self> {
        let malformed = Malformed("state: receipt");
        let fields = value.strip_prefix(&[FORMAT]).ok_or(malformed)?;
        let (changed_at, rest) = fields.split_first_chunk().ok_or(malformed)?;
        let (digest, rest) = rest.split_first_chunk().ok_or(malformed)?;
        let mut cursor = Cursor::new(rest);
        let mut versions = Vec::new();
        while !cursor.rest().is_empty() {
            versions.push(cursor.varint()?);
        }
        Ok(Self {
            changed_at: Timestamp::from_micros(u64::from_be_bytes(*changed_at)),
            digest: Uuid::from_bytes(*digest),
            versions,
        })
    }
}
