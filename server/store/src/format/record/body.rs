//! The body of a record: the fields from the client.

use bytes::{Bytes, BytesMut};
use uuid::Uuid;

use super::{ID_LEN, number};
use crate::{
    format::wire::{self, Cursor, Malformed, Parsed},
    values::{
        content_type::ContentType,
        event::NewEvent,
        limits::{self, Limits},
        name::{EventType, Tag},
    },
};

/// Offsets of the indexed parts of a body. They are known from checking or writing the body, so that it is not parsed
/// again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// Offset of the type's first byte.
    kind: u32,
    /// Offset after the type's last byte.
    kind_end: u32,
    /// Offset of the first tag's field, or the end.
    tags: u32,
}

impl Parts {
    fn new(kind: &str, tags: usize) -> Self {
        let behind_id = wire::field_len(ID_LEN);
        let kind_end = behind_id + wire::field_len(kind.len());
        Self {
            kind: offset(kind_end - kind.len()),
            kind_end: offset(kind_end),
            tags: offset(tags),
        }
    }

    /// Returns the type in the body to which these offsets belong.
    pub(crate) fn kind(self, body: &[u8]) -> Parsed<&str> {
        let kind = body.get(self.kind as usize..self.kind_end as usize);
        std::str::from_utf8(kind.unwrap_or_default()).map_err(|_| Malformed("text: not UTF-8"))
    }

    /// Returns the tags in the body to which these offsets belong.
    pub(crate) fn tags(self, body: &[u8]) -> impl Iterator<Item = &str> {
        tags(body.get(self.tags as usize..).unwrap_or_default())
    }
}

/// Converts an offset in a body, which is far smaller than 4 GB.
fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("an event is within the limits of an append")
}

/// Parses consecutive tags, up to the first other field.
pub(super) fn tags(fields: &[u8]) -> impl Iterator<Item = &str> {
    let mut cursor = Cursor::new(fields);
    std::iter::from_fn(move || match cursor.field() {
        // The caller has parsed the same bytes before, so no error can end this early.
        Ok(Some((number::TAGS, field))) => field.text().ok(),
        _ => None,
    })
}

/// Number of bytes of an event's body.
pub(crate) fn body_len(event: &NewEvent) -> usize {
    wire::field_len(ID_LEN)
        + wire::field_len(event.kind.as_str().len())
        + wire::field_len(event.data.len())
        + wire::field_len(event.metadata.len())
        + event
            .tags
            .iter()
            .map(|tag| wire::field_len(tag.as_str().len()))
            .sum::<usize>()
        + wire::field_len(event.content_type.as_str().len())
        + event.unknown.len()
}

/// Encodes the body of an event and returns its offsets.
pub(crate) fn put_body(out: &mut BytesMut, event: &NewEvent) -> Parts {
    let start = out.len();
    let mut id = [0; ID_LEN];
    wire::put_field(
        out,
        number::ID,
        event.id.hyphenated().encode_lower(&mut id).as_bytes(),
    );
    wire::put_field(out, number::TYPE, event.kind.as_str().as_bytes());
    wire::put_field(out, number::DATA, &event.data);
    wire::put_field(out, number::METADATA, &event.metadata);
    let tags = out.len() - start;
    for tag in &event.tags {
        wire::put_field(out, number::TAGS, tag.as_str().as_bytes());
    }
    wire::put_field(out, number::CONTENT_TYPE, event.content_type.as_str().as_bytes());
    out.extend_from_slice(&event.unknown);
    Parts::new(event.kind.as_str(), tags)
}

/// The reason why the fields of an event that this version does not know can't be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownFieldError {
    /// Only the store assigns this field.
    #[error("has the field {0}, which only the store assigns; leave it out")]
    Assigned(u32),
    /// The encoding of a field is not supported.
    #[error("has a field in an encoding that is not supported (a group, or cut short)")]
    Malformed,
}

/// Returns the encoded fields of an `annals.v1.NewEvent` that this version does not know, in their order.
///
/// # Errors
/// [`UnknownFieldError`] if one of them is a field that only the store assigns, or can't be parsed.
pub fn unknown_fields(event: &[u8]) -> Result<Bytes, UnknownFieldError> {
    let mut unknown = BytesMut::new();
    let mut cursor = Cursor::new(event);
    let mut rest = event;
    while let Some((field_number, _)) = cursor.field().map_err(|_| UnknownFieldError::Malformed)? {
        match field_number {
            number::ID..=number::CONTENT_TYPE => {}
            number::STREAM..=number::ASSIGNED_MAX | number::ASSIGNED_FROM.. => {
                return Err(UnknownFieldError::Assigned(field_number));
            }
            _ => unknown.extend_from_slice(&rest[..rest.len() - cursor.rest().len()]),
        }
        rest = cursor.rest();
    }
    Ok(unknown.freeze())
}

/// Returns the id and the offsets of an event that is within the limits and whose encoding is what [`put_body`] would
/// write, byte for byte; `None` for any other.
pub(crate) fn plain(body: &[u8], limits: &Limits) -> Option<(Uuid, Parts)> {
    let mut fields = Cursor::new(body);
    let id = plain_field(&mut fields, number::ID)?;
    if id.len() != ID_LEN || id.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let id = Uuid::try_parse_ascii(id).ok()?;
    let kind = plain_text(&mut fields, number::TYPE)?;
    EventType::check(kind).ok()?;
    let data = plain_field(&mut fields, number::DATA).unwrap_or_default();
    let metadata = plain_field(&mut fields, number::METADATA).unwrap_or_default();
    if data.len() > limits.event_bytes_max || metadata.len() > limits::METADATA_BYTES_MAX {
        return None;
    }
    let parts = Parts::new(kind, body.len() - fields.rest().len());
    let mut tags = [""; limits::TAGS_MAX];
    let mut count = 0;
    while let Some(tag) = plain_text(&mut fields, number::TAGS) {
        Tag::check(tag).ok()?;
        if tags[..count].contains(&tag) {
            return None;
        }
        *tags.get_mut(count)? = tag;
        count += 1;
    }
    if let Some(content_type) = plain_text(&mut fields, number::CONTENT_TYPE) {
        ContentType::check(content_type).ok()?;
    }
    fields.rest().is_empty().then_some((id, parts))
}

/// Takes the next field like [`plain_field`], if it is UTF-8.
fn plain_text<'a>(fields: &mut Cursor<'a>, number: u32) -> Option<&'a str> {
    let mut after = fields.clone();
    let text = std::str::from_utf8(plain_field(&mut after, number)?).ok()?;
    *fields = after;
    Some(text)
}

/// Takes the next field if it has this number and is encoded as [`wire::put_field`] does it: it is not empty, and its
/// length has the fewest possible bytes. Otherwise takes nothing.
fn plain_field<'a>(fields: &mut Cursor<'a>, number: u32) -> Option<&'a [u8]> {
    let mut after = fields.clone();
    let bytes = after.take_field(number)?;
    if fields.rest().len() - after.rest().len() != wire::field_len(bytes.len()) {
        return None;
    }
    *fields = after;
    Some(bytes)
}
