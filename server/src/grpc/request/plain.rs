//! Fast path for appends whose events are stored in the bytes in which they arrive. Nearly all appends qualify: those
//! to one stream, from a client that sets ids and encodes fields in order, as generated code does.
//!
//! Accepts only valid appends. Otherwise returns `None`, and the caller decodes the message, which either gives the
//! same append or an error. So errors are reported in one place.

use annals_proto::v1 as pb;
use annals_store::{Append, Expected, Limits, StreamName};
use bytes::Bytes;
use prost::{Message, encoding::decode_varint};

use super::expected::expected;

/// Field numbers of the protocol. The tests compare the results of this module with those of decoding.
mod number {
    /// Field of `AppendPipelineRequest`.
    pub(super) const APPENDS: u32 = 1;
    /// Field of `PipelinedAppend`.
    pub(super) const APPEND_TO_STREAM: u32 = 1;
    /// Fields of `AppendToStreamRequest`.
    pub(super) const STREAM: u32 = 1;
    pub(super) const EXPECTED: u32 = 2;
    pub(super) const EVENTS: u32 = 3;
}

/// The wire type of all these fields.
const LENGTH_DELIMITED: u32 = 2;

/// The size from which a unary call's message is kept while its append waits. Smaller ones are copied, because the
/// buffer they arrived in may be much larger.
const KEPT_BYTES_MIN: usize = 4 << 10;

/// Parses the `AppendToStreamRequest` of a unary call.
pub(super) fn append_to_stream(message: &Bytes, limits: &Limits) -> Option<Append> {
    let keep = |events: &[u8]| {
        if events.len() >= KEPT_BYTES_MIN {
            message.slice_ref(events)
        } else {
            Bytes::copy_from_slice(events)
        }
    };
    to_stream(message, keep, limits)
}

/// Parses an `AppendToStreamRequest`. `keep` returns the bytes of its events that are kept.
fn to_stream(message: &[u8], keep: impl FnOnce(&[u8]) -> Bytes, limits: &Limits) -> Option<Append> {
    let mut rest = message;
    let stream = field(&mut rest, number::STREAM)?;
    let stream = StreamName::new(std::str::from_utf8(stream).ok()?).ok()?;
    let expected = match field(&mut rest, number::EXPECTED) {
        Some(encoded) => expected(Some(pb::ExpectedRevision::decode(encoded).ok()?)).ok()?,
        None => Expected::Any,
    };
    let bodies = keep(rest);
    let mut at = 0;
    let events = std::iter::from_fn(|| {
        let len = match rest {
            [] => return None,
            _ => field(&mut rest, number::EVENTS).map(<[u8]>::len),
        };
        at = bodies.len() - rest.len();
        Some(len.map(|len| at - len..at))
    });
    Append::of_encoded(stream, expected, bodies.clone(), events, limits)
}

/// Parses a `PipelinedAppend`.
pub(super) fn pipelined_append(message: &[u8], limits: &Limits) -> Option<Append> {
    let mut rest = message;
    let request = field(&mut rest, number::APPEND_TO_STREAM)?;
    if !rest.is_empty() {
        return None;
    }
    // Copied, because the buffer may hold many messages and would be kept as long as one of their appends waits.
    to_stream(request, Bytes::copy_from_slice, limits)
}

/// Returns the encoded appends of an `AppendPipelineRequest`.
pub(super) fn pipelined_appends(message: &[u8]) -> Option<impl Iterator<Item = &[u8]> + Clone> {
    let appends = Elements {
        rest: message,
        number: number::APPENDS,
    };
    appends.is_all().then_some(appends)
}

/// Iterates over the elements of a repeated field, up to the first other field.
#[derive(Clone)]
struct Elements<'a> {
    rest: &'a [u8],
    number: u32,
}

impl<'a> Elements<'a> {
    /// Whether the rest of the message has no other field.
    fn is_all(&self) -> bool {
        let mut left = self.clone();
        left.by_ref().for_each(drop);
        left.rest.is_empty()
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        field(&mut self.rest, self.number)
    }
}

/// Takes the bytes of the next field if it has this number; otherwise takes nothing.
fn field<'a>(rest: &mut &'a [u8], number: u32) -> Option<&'a [u8]> {
    let (key, mut behind) = rest.split_first()?;
    if u32::from(*key) != number << 3 | LENGTH_DELIMITED {
        return None;
    }
    let len = usize::try_from(decode_varint(&mut behind).ok()?).ok()?;
    let (bytes, behind) = behind.split_at_checked(len)?;
    *rest = behind;
    Some(bytes)
}
