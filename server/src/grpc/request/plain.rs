//! Appends whose events are stored in the bytes in which they came, which is nearly all: those to one stream from a client
//! that gives ids and encodes fields in their order, as generated code does.
//!
//! Only what is right is taken here. Of anything else `None` is returned, and whoever asked decodes the message, which
//! leads to the same append or tells what is wrong with it. So there is one place that says what is wrong.

use annals_proto::v1 as pb;
use annals_store::{Append, Expected, Limits, StreamName};
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

/// An `AppendToStreamRequest`.
pub(super) fn append_to_stream(message: &[u8], limits: &Limits) -> Option<Append> {
    let mut rest = message;
    let stream = field(&mut rest, number::STREAM)?;
    let stream = StreamName::new(std::str::from_utf8(stream).ok()?).ok()?;
    let expected = match field(&mut rest, number::EXPECTED) {
        Some(encoded) => append::expected(Some(pb::ExpectedRevision::decode(encoded).ok()?)).ok()?,
        None => Expected::Any,
    };
    let events = Elements {
        rest,
        number: number::EVENTS,
    };
    if !events.is_all() {
        return None;
    }
    Append::of_encoded(stream, expected, events, limits)
}

/// A `SessionAppend`.
pub(super) fn session_append(message: &[u8], limits: &Limits) -> Option<Append> {
    let mut rest = message;
    let request = field(&mut rest, number::APPEND_TO_STREAM)?;
    if !rest.is_empty() {
        return None;
    }
    append_to_stream(request, limits)
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
