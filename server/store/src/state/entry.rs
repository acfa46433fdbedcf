//! Values of entries, changes and versions.
//!
//! ```text
//! entry:   format 1 byte, 1 | version 8 bytes | changed at 8 bytes, microseconds | value
//! change:  0 (put) or 1 (deletion) | key
//! version: 8 bytes
//! ```

use annals_engine::Entry;
use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::{
    format::{
        keys::state as keys,
        wire::{Malformed, Parsed},
    },
    model::state::StateEntry,
    values::{
        name::{ScopeName, StateKey},
        position::Timestamp,
    },
};

/// No scope has as many changes, so versions do not overflow.
pub(crate) const VERSION_MAX: u64 = u64::MAX >> 1;

const FORMAT: u8 = 1;
const HEAD_BYTES: usize = 17;
const PUT: u8 = 0;
const DELETION: u8 = 1;

/// The last change of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub version: u64,
    pub key: StateKey,
    pub is_deletion: bool,
}

pub(crate) fn to_value(version: u64, changed_at: Timestamp, value: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(HEAD_BYTES + value.len());
    out.put_u8(FORMAT);
    out.put_u64(version);
    out.put_u64(changed_at.micros);
    out.put_slice(value);
    out.freeze()
}

/// Parses the version and the time of an entry.
pub(crate) fn parse_head(value: &[u8]) -> Parsed<(u64, Timestamp)> {
    let malformed = Malformed("state: entry");
    let fields = value.strip_prefix(&[FORMAT]).ok_or(malformed)?;
    let (version, rest) = fields.split_first_chunk().ok_or(malformed)?;
    let changed_at = rest.first_chunk().ok_or(malformed)?;
    Ok((
        u64::from_be_bytes(*version),
        Timestamp::from_micros(u64::from_be_bytes(*changed_at)),
    ))
}

/// Parses an entry with this key.
pub(crate) fn parse(key: StateKey, mut value: Bytes) -> Parsed<StateEntry> {
    let (version, changed_at) = parse_head(&value)?;
    value.advance(HEAD_BYTES);
    Ok(StateEntry {
        key,
        value,
        version,
        changed_at,
    })
}

/// Parses a stored entry of a scope.
pub(crate) fn parse_stored(scope: &ScopeName, entry: Entry) -> Parsed<StateEntry> {
    let key = keys::parse_entry(scope, &entry.key).ok_or(Malformed("state: key of an entry"))?;
    parse(StateKey::trusted(key), entry.value)
}

pub(crate) fn change_value(key: &StateKey, is_deletion: bool) -> Bytes {
    let mut out = BytesMut::with_capacity(1 + key.as_str().len());
    out.put_u8(if is_deletion { DELETION } else { PUT });
    out.put_slice(key.as_str().as_bytes());
    out.freeze()
}

/// Parses a stored change.
pub(crate) fn parse_change(entry: &Entry) -> Parsed<Change> {
    let malformed = Malformed("state: change");
    let version = keys::parse_change(&entry.key).ok_or(malformed)?;
    let (kind, key) = entry.value.split_first().ok_or(malformed)?;
    let key = std::str::from_utf8(key).map_err(|_| malformed)?;
    Ok(Change {
        version,
        key: StateKey::trusted(key),
        is_deletion: match *kind {
            PUT => false,
            DELETION => true,
            _ => return Err(malformed),
        },
    })
}

pub(crate) fn version_value(version: u64) -> Bytes {
    Bytes::copy_from_slice(&version.to_be_bytes())
}

/// Parses a version; an absent one is 0.
pub(crate) fn parse_version(value: Option<&Bytes>) -> Parsed<u64> {
    let malformed = Malformed("state: version");
    value.map_or(Ok(0), |value| {
        let bytes = value[..].try_into().map_err(|_| malformed)?;
        let version = u64::from_be_bytes(bytes);
        (version <= VERSION_MAX).then_some(version).ok_or(malformed)
    })
}
