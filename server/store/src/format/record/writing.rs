//! Writes entries of records: encoded bodies with their placement.

use bytes::BytesMut;

#[cfg(feature = "newer-for-tests")]
use super::newer;
use super::number;
use crate::{
    format::wire,
    values::{
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

/// Maximum bytes of the field of a time: its key and its length, and seconds and nanoseconds of up to seven and five
/// bytes with a key each.
const TIME_BYTES_MAX: usize = 2 + 8 + 6;
/// Maximum bytes of the fields of two numbers.
const NUMBERS_BYTES_MAX: usize = 22;

/// A time, encoded as a field of a record: once for all events of an append.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeField {
    bytes: [u8; TIME_BYTES_MAX],
    len: usize,
}

impl TimeField {
    pub(crate) fn new(recorded_at: Timestamp) -> Self {
        let (seconds, nanos) = (recorded_at.seconds(), recorded_at.nanos().into());
        let len = wire::number_len(seconds) + wire::number_len(nanos);
        let mut bytes = [0; TIME_BYTES_MAX];
        let mut rest = &mut bytes[..];
        // Never omitted: the start of 1970 is a time too, whose field is empty.
        wire::put_key(&mut rest, number::RECORDED_AT);
        wire::put_varint(&mut rest, len as u64);
        wire::put_number(&mut rest, number::SECONDS, seconds);
        wire::put_number(&mut rest, number::NANOS, nanos);
        let len = TIME_BYTES_MAX - rest.len();
        Self { bytes, len }
    }
}

/// The placement of an event to be written, with its time already encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub stream: &'a str,
    pub revision: Revision,
    pub position: Position,
    pub time: &'a TimeField,
}

impl Place<'_> {
    fn len(&self) -> usize {
        let len = wire::field_len(self.stream.len())
            + wire::number_len(self.revision.0)
            + wire::number_len(self.position.0)
            + self.time.len;
        #[cfg(feature = "newer-for-tests")]
        let len = len + newer::field(self.position).len();
        len
    }
}

/// Maximum bytes of the entry of an event with a body of this length, at any revision, position and time.
pub(crate) fn entry_len_max(body: usize, stream: &StreamName) -> usize {
    let placement = wire::field_len(stream.as_str().len()) + NUMBERS_BYTES_MAX + TIME_BYTES_MAX;
    #[cfg(feature = "newer-for-tests")]
    let placement = placement + newer::field(Position(u64::MAX)).len();
    wire::field_len(body + placement)
}

/// Number of bytes of an entry.
pub(crate) fn entry_len(body: &[u8], place: &Place<'_>) -> usize {
    wire::field_len(body.len() + place.len())
}

/// Writes an entry.
pub(crate) fn put_entry(out: &mut BytesMut, body: &[u8], place: &Place<'_>) {
    wire::put_head(out, number::EVENTS, body.len() + place.len());
    out.extend_from_slice(body);
    wire::put_head(out, number::STREAM, place.stream.len());
    out.extend_from_slice(place.stream.as_bytes());
    // Short fields are assembled first and appended together, because every append checks for capacity.
    let mut end = [0; NUMBERS_BYTES_MAX + TIME_BYTES_MAX];
    let mut rest = &mut end[..];
    wire::put_number(&mut rest, number::REVISION, place.revision.0);
    wire::put_number(&mut rest, number::POSITION, place.position.0);
    let numbers = NUMBERS_BYTES_MAX + TIME_BYTES_MAX - rest.len();
    let len = numbers + place.time.len;
    end[numbers..len].copy_from_slice(&place.time.bytes[..place.time.len]);
    out.extend_from_slice(&end[..len]);
    #[cfg(feature = "newer-for-tests")]
    out.extend_from_slice(&newer::field(place.position));
}
