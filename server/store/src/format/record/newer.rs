//! The field `newer` (70) of an imaginary later version, for the tests of upgrades. It names the event's position, so
//! that these notice a field at the wrong event.

use bytes::{BufMut, BytesMut};

use crate::{format::wire, values::position::Position};

const NUMBER: u32 = 70;

/// Returns the encoded field of the event at this position.
pub(super) fn field(position: Position) -> BytesMut {
    let text = format!("at {position}");
    let mut field = BytesMut::new();
    wire::put_head(&mut field, NUMBER, text.len());
    field.put_slice(text.as_bytes());
    field
}
