//! Appends whose events are stored in the bytes in which they came, which is nearly all: those to one stream from a client
//! that gives ids and encodes fields in their order, as generated code does.
//!
//! Only what is right is taken here. Of anything else `None` is returned, and whoever asked decodes the message, which
//! leads to the same append or tells what is wrong with it. So there is one place that says what is wrong.

use annals_proto::v1 as pb;
use annals_store::{Append, Expected, Limits, StreamName};
use bytes::Bytes;
use prost::{Message, encoding::decode_varint};

use super::append;

/// Field numbers of the protocol; the tests compare what is taken here with what is decoded.
mod number {
    /// Of `AppendSessionRequest`.
    pub(super) const APPENDS: u32 = 1;
    /// Of `SessionAppend`.
    pub(super) const APPEND_TO_STREAM: u32 = 1;
    /// Of `AppendToStreamRequest`.
    pub(super) const STREAM: u32 = 1;
    pub(super) const EXPECTED: u32 = 2;
    pub(super) const EVENTS: u32 = 3;
}

/// The wire type of all of them.
const LENGTH_DELIMITED: u32 = 2;

/// A message of a call of its own that is this large is kept as long as its append waits. A smaller one is copied, because
/// the buffer that it came in may be much larger.
const KEPT_BYTES_MIN: usize = 4 << 10;

/// An `AppendToStreamRequest` that came by itself.
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

/// An `AppendToStreamRequest`, of whose events `keep` makes what is kept.
fn to_stream(message: &[u8], keep: impl FnOnce(&[u8]) -> Bytes, limits: &Limits) -> Option<Append> {
    let mut rest = message;
    let stream = field(&mut rest, number::STREAM)?;
    let stream = StreamName::new(std::str::from_utf8(stream).ok()?).ok()?;
    let expected = match field(&mut rest, number::EXPECTED) {
        Some(encoded) => append::expected(Some(pb::ExpectedRevision::decode(encoded).ok()?)).ok()?,
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

/// A `SessionAppend`.
pub(super) fn session_append(message: &[u8], limits: &Limits) -> Option<Append> {
    let mut rest = message;
    let request = field(&mut rest, number::APPEND_TO_STREAM)?;
    if !rest.is_empty() {
        return None;
    }
    // Its buffer may hold many messages: it would stay as long as one of their appends waits.
    to_stream(request, Bytes::copy_from_slice, limits)
}

/// The appends of an `AppendSessionRequest`, each encoded.
pub(super) fn session_appends(message: &[u8]) -> Option<impl Iterator<Item = &[u8]> + Clone> {
    let appends = Elements {
        rest: message,
        number: number::APPENDS,
    };
    appends.is_all().then_some(appends)
}

/// The elements of a repeated field, as long as nothing else comes between.
#[derive(Clone)]
struct Elements<'a> {
    rest: &'a [u8],
    number: u32,
}

impl<'a> Elements<'a> {
    /// Whether there is nothing else up to the end.
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

/// The bytes of the next field, if it is this one. Otherwise nothing is taken.
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
