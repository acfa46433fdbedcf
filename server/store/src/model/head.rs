//! The head: the last position of the log, and the server that wrote it. Every append checks that the head has not
//! changed, which puts all appends of a log in one order.
//!
//! ```text
//! version 1 byte, 1 | position 8 bytes | batch 8 bytes | recorded_at 8 bytes, microseconds | writer, UTF-8
//! ```

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    format::wire::{Malformed, Parsed},
    model::error::Result,
    values::position::{Position, Timestamp},
};

const VERSION: u8 = 1;
const FIXED_LEN: usize = 25;

/// Returns the position in a value of the head's key ([`keys::HEAD`](crate::format::keys::HEAD)); [`Position::START`]
/// if there is none. For code that finds such a value outside of a store.
///
/// # Errors
/// [`Error::Corrupt`](crate::Error::Corrupt) if it is not a value of that key.
pub fn position_of_head(value: Option<&[u8]>) -> Result<Position> {
    Ok(Head::from_value(value)?.position)
}

/// The end of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// The last position.
    pub position: Position,
    /// The commit that wrote the head, so that two heads at one position differ.
    pub batch: u64,
    /// Time at which its events were recorded; later events are not recorded earlier.
    pub recorded_at: Timestamp,
    /// Address at which the server that wrote it can be reached, or its name.
    pub writer: String,
}

impl Head {
    /// Returns the value of the head's key; `None` before the first append, when there is no head.
    pub(crate) fn to_value(&self) -> Option<Bytes> {
        if self.position == Position::START {
            return None;
        }
        let mut value = BytesMut::with_capacity(FIXED_LEN + self.writer.len());
        value.put_u8(VERSION);
        value.put_u64(self.position.0);
        value.put_u64(self.batch);
        value.put_u64(self.recorded_at.micros);
        value.put_slice(self.writer.as_bytes());
        Some(value.freeze())
    }

    pub(crate) fn from_value(value: Option<&[u8]>) -> Parsed<Self> {
        let Some(value) = value else {
            return Ok(Self::default());
        };
        if value.len() < FIXED_LEN || value[0] != VERSION {
            return Err(Malformed("head: unknown version"));
        }
        let number = |at: usize| {
            value[at..at + 8]
                .try_into()
                .map(u64::from_be_bytes)
                .map_err(|_| Malformed("head: cut short"))
        };
        let position = Position(number(1)?);
        if position == Position::START {
            return Err(Malformed("head: position 0"));
        }
        let writer = std::str::from_utf8(&value[FIXED_LEN..]).map_err(|_| Malformed("head: writer"))?;
        Ok(Self {
            position,
            batch: number(9)?,
            recorded_at: Timestamp::from_micros(number(17)?),
            writer: writer.to_owned(),
        })
    }
}
