//! The subset of the protocol buffers wire format that records need
//! (<https://protobuf.dev/programming-guides/encoding/>): varints and length-delimited fields, written and read in
//! place. It is written by hand because records are stored in the bytes in which they are sent, and are read without
//! being decoded. The server reads the requests that contain them in the same way.

use bytes::{BufMut, BytesMut};

/// Bytes that the store can't have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}")]
pub(crate) struct Malformed(pub &'static str);

/// Result of parsing bytes.
pub(crate) type Parsed<T> = std::result::Result<T, Malformed>;

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH_DELIMITED: u32 = 2;
const FIXED32: u32 = 5;

/// Maximum bytes of a field's key and length.
const HEAD_BYTES_MAX: usize = 15;

/// Number of bytes of a varint: 1 to 10.
pub(crate) const fn varint_len(value: u64) -> usize {
    // One byte for every seven bits in use; `| 1` because zero takes a byte too.
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

pub(crate) fn put_varint(out: &mut impl BufMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8((value as u8) | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// Number of bytes of a length-delimited field with a number below 16; an empty field is omitted.
pub(crate) const fn field_len(bytes: usize) -> usize {
    if bytes == 0 {
        0
    } else {
        1 + varint_len(bytes as u64) + bytes
    }
}

pub(crate) fn put_field(out: &mut BytesMut, number: u32, bytes: &[u8]) {
    if !bytes.is_empty() {
        put_field_always(out, number, bytes);
    }
}

/// Writes the field even if it is empty, as for elements of a repeated field.
pub(crate) fn put_field_always(out: &mut BytesMut, number: u32, bytes: &[u8]) {
    put_head(out, number, bytes.len());
    out.put_slice(bytes);
}

/// Writes the start of a length-delimited field: its key and its length.
pub(crate) fn put_head(out: &mut BytesMut, number: u32, bytes: usize) {
    let mut head = [0; HEAD_BYTES_MAX];
    let mut rest = &mut head[..];
    put_key(&mut rest, number);
    put_varint(&mut rest, bytes as u64);
    let len = HEAD_BYTES_MAX - rest.len();
    out.put_slice(&head[..len]);
}

/// Writes the key of a length-delimited field.
pub(crate) fn put_key(out: &mut impl BufMut, number: u32) {
    put_varint(out, u64::from(number << 3 | LENGTH_DELIMITED));
}

/// Number of bytes of a number's field, with a field number below 16; zero is omitted.
pub(crate) const fn number_len(value: u64) -> usize {
    if value == 0 { 0 } else { 1 + varint_len(value) }
}

pub(crate) fn put_number(out: &mut impl BufMut, number: u32, value: u64) {
    if value != 0 {
        put_varint(out, u64::from(number << 3 | VARINT));
        put_varint(out, value);
    }
}

/// A field of a message, not decoded further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    pub(crate) fn bytes(self) -> Parsed<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) => Err(Malformed("field: a number where bytes belong")),
        }
    }

    pub(crate) fn text(self) -> Parsed<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed("text: not UTF-8"))
    }

    pub(crate) fn number(self) -> Parsed<u64> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Bytes(_) => Err(Malformed("field: bytes where a number belongs")),
        }
    }
}

/// Iterates over a message, field by field.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Creates a cursor at the first field of a message.
    #[must_use]
    pub const fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// Returns the bytes after the fields that were taken.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes the next field and returns its bytes if it is length-delimited and has this number, which is below 16.
    /// Otherwise takes nothing.
    #[inline]
    pub fn take_field(&mut self, number: u32) -> Option<&'a [u8]> {
        debug_assert!(number < 16, "the key has one byte");
        let (key, rest) = self.rest.split_first()?;
        if u32::from(*key) != number << 3 | LENGTH_DELIMITED {
            return None;
        }
        let mut after = Self { rest };
        let bytes = after.delimited().ok()?;
        *self = after;
        Some(bytes)
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Parsed<u64> {
        // Nearly all varints have one byte: keys of fields, and lengths below 128.
        if let Some((byte @ 0..0x80, rest)) = self.rest.split_first() {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Parsed<u64> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(Malformed("varint: cut short"))?;
            self.rest = rest;
            if shift == 63 && *byte > 1 {
                return Err(Malformed("varint: more than 64 bits"));
            }
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed("varint: more than 10 bytes"))
    }

    /// Takes a length, and as many bytes.
    #[inline]
    fn delimited(&mut self) -> Parsed<&'a [u8]> {
        let len = usize::try_from(self.varint()?).map_err(|_| Malformed("field: length"))?;
        self.take(len)
    }

    #[inline]
    pub(crate) fn take(&mut self, bytes: usize) -> Parsed<&'a [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(bytes)
            .ok_or(Malformed("message: cut short"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// Returns the next field and its number, or `None` at the end.
    pub(crate) fn field(&mut self) -> Parsed<Option<(u32, Field<'a>)>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = u32::try_from(self.varint()?).map_err(|_| Malformed("field: number out of range"))?;
        let field = match tag & 7 {
            VARINT => Field::Number(self.varint()?),
            LENGTH_DELIMITED => Field::Bytes(self.delimited()?),
            FIXED64 => Field::Bytes(self.take(8)?),
            FIXED32 => Field::Bytes(self.take(4)?),
            _ => return Err(Malformed("field: unknown wire type")),
        };
        Ok(Some((tag >> 3, field)))
    }
}

#[cfg(test)]
mod tests;
