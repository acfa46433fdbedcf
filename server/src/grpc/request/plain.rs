//! Fast path for appends whose events are stored in the bytes in which they arrive. Nearly all appends qualify: those
//! to one stream, from a client that sets ids and encodes fields in order, as generated code does.
//!
//! Accepts only valid appends. Otherwise returns `None`, and the caller decodes the message, which either gives the
//! same append or an error. So errors are reported in one place.

use annals_proto::v1 as pb;
use annals_store::{Append, Expected, Limits, StreamName, wire::Cursor};
use bytes::Bytes;
use prost::Message;

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
    let mut fields = Cursor::new(message);
    let stream = fields.take_field(number::STREAM)?;
    let stream = StreamName::new(std::str::from_utf8(stream).ok()?).ok()?;
    let expected = match fields.take_field(number::EXPECTED) {
        Some(encoded) => expected(Some(pb::ExpectedRevision::decode(encoded).ok()?)).ok()?,
        None => Expected::Any,
    };
    let bodies = keep(fields.rest());
    let mut at = 0;
    let events = std::iter::from_fn(|| {
        if fields.rest().is_empty() {
            return None;
        }
        let len = fields.take_field(number::EVENTS).map(<[u8]>::len);
        at = bodies.len() - fields.rest().len();
        Some(len.map(|len| at - len..at))
    });
    Append::of_encoded(stream, expected, bodies.clone(), events, limits)
}

/// Parses a `PipelinedAppend`.
pub(super) fn pipelined_append(message: &[u8], limits: &Limits) -> Option<Append> {
    let mut fields = Cursor::new(message);
    let request = fields.take_field(number::APPEND_TO_STREAM)?;
    if !fields.rest().is_empty() {
        return None;
    }
    // Copied, because the buffer may hold many messages and would be kept as long as one of their appends waits.
    to_stream(request, Bytes::copy_from_slice, limits)
}

/// Returns the encoded appends of an `AppendPipelineRequest`.
pub(super) fn pipelined_appends(message: &[u8]) -> Option<impl Iterator<Item = &[u8]> + Clone> {
    let appends = Appends(Cursor::new(message));
    let mut left = appends.clone();
    left.by_ref().for_each(drop);
    left.0.rest().is_empty().then_some(appends)
}

/// Iterates over the encoded appends of a message, up to the first other field.
#[derive(Clone)]
struct Appends<'a>(Cursor<'a>);

impl<'a> Iterator for Appends<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.0.take_field(number::APPENDS)
    }
}
