//! Recorded events in the bytes in which they are sent: an `annals.v1.RecordedEvent`, as one element of the field
//! `events` (number 1) of `EventBatch`, `ReadAllResponse` and `ReadStreamResponse`.
//!
//! ```text
//! entry  = 0x0A, length of the record (varint), record
//! record = body, placement
//! body   = id (1), type (2), data (3), metadata (4), tags (5) …, content_type (6), unknown …    from the client
//! placement = stream (9), revision (10), position (11), recorded_at (12), unknown …           added by the store
//! ```
//!
//! 1. Concatenated entries form the field `events` of a message, so responses are assembled by copying stored bytes,
//!    and nothing is decoded on the way.
//! 2. The placement comes last, so that a body is encoded once, before its position is known.
//! 3. Fields are written in the order of their numbers and empty ones are omitted: equal events have equal bytes.
//! 4. Fields that this version does not know are kept and ignored. A client of a newer version may have sent them, or
//!    a server of a newer version added them, while servers of both versions run. A change that older servers must
//!    not ignore gets a new version of the frame.

mod body;
#[cfg(feature = "newer-for-tests")]
mod newer;
mod writing;

use bytes::Bytes;
use uuid::Uuid;

use crate::{
    format::wire::{Cursor, Field, Malformed, Parsed},
    values::position::{Position, Revision, Timestamp},
};
pub(crate) use body::{Parts, body_len, plain, put_body};
pub use body::{UnknownFieldError, unknown_fields};
pub(crate) use writing::{Place, TimeField, entry_len, entry_len_max, put_entry};

/// Field numbers of `annals.v1.RecordedEvent`; a test compares them with the protocol.
mod number {
    pub(super) const ID: u32 = 1;
    pub(super) const TYPE: u32 = 2;
    pub(super) const DATA: u32 = 3;
    pub(super) const METADATA: u32 = 4;
    pub(super) const TAGS: u32 = 5;
    pub(super) const CONTENT_TYPE: u32 = 6;
    pub(super) const STREAM: u32 = 9;
    pub(super) const REVISION: u32 = 10;
    pub(super) const POSITION: u32 = 11;
    pub(super) const RECORDED_AT: u32 = 12;
    /// The last of the numbers from `STREAM` on that only the store assigns.
    pub(super) const ASSIGNED_MAX: u32 = 15;
    /// From this number on only the store assigns fields.
    pub(super) const ASSIGNED_FROM: u32 = 64;
    pub(super) const SECONDS: u32 = 1;
    pub(super) const NANOS: u32 = 2;
    pub(super) const EVENTS: u32 = 1;
}

const ID_LEN: usize = uuid::fmt::Hyphenated::LENGTH;

/// Stream, revision, position and time of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placement<'a> {
    pub stream: &'a str,
    pub revision: Revision,
    pub position: Position,
    pub recorded_at: Timestamp,
}

/// A record, parsed in place without copying.
#[derive(Clone, Debug)]
pub struct View<'a> {
    id: &'a [u8],
    /// The fields from the first tag on.
    tags: &'a [u8],
    /// Type of the event.
    pub kind: &'a str,
    /// Data of the event.
    pub data: &'a [u8],
    /// Metadata of the event.
    pub metadata: &'a [u8],
    /// Content type of the data; empty if it is JSON.
    pub content_type: &'a str,
    /// Stream of the event.
    pub stream: &'a str,
    /// Revision of the event in its stream.
    pub revision: Revision,
    /// Position of the event in the log.
    pub position: Position,
    /// Time at which the event was recorded.
    pub recorded_at: Timestamp,
}

impl<'a> View<'a> {
    pub(crate) fn parse(record: &'a [u8]) -> Parsed<Self> {
        let mut view = Self {
            id: &[],
            tags: &[],
            kind: "",
            data: &[],
            metadata: &[],
            content_type: "",
            stream: "",
            revision: Revision::FIRST,
            position: Position::START,
            recorded_at: Timestamp::default(),
        };
        let mut cursor = Cursor::new(record);
        let mut rest = record;
        while let Some((field_number, field)) = cursor.field()? {
            if field_number == number::TAGS && view.tags.is_empty() {
                view.tags = rest;
            }
            view.take(field_number, field)?;
            rest = cursor.rest();
        }
        if view.position == Position::START || view.stream.is_empty() || view.id.len() != ID_LEN {
            return Err(Malformed("record: without id, stream or position"));
        }
        Ok(view)
    }

    /// Creates the view of an event that is prepared and not yet stored. Its tags are parsed only when they are
    /// requested, and its content type is not.
    pub(crate) fn of_body(body: &'a [u8], placement: Placement<'a>) -> Parsed<Self> {
        let mut view = Self {
            id: &[],
            tags: &[],
            kind: "",
            data: &[],
            metadata: &[],
            content_type: "",
            stream: placement.stream,
            revision: placement.revision,
            position: placement.position,
            recorded_at: placement.recorded_at,
        };
        let mut cursor = Cursor::new(body);
        let mut rest = body;
        while let Some((field_number, field)) = cursor.field()? {
            if field_number == number::TAGS {
                // The fields after the tags are not needed.
                view.tags = rest;
                break;
            }
            view.take(field_number, field)?;
            rest = cursor.rest();
        }
        Ok(view)
    }

    fn take(&mut self, field_number: u32, field: Field<'a>) -> Parsed<()> {
        match field_number {
            number::ID => self.id = field.bytes()?,
            number::TYPE => self.kind = field.text()?,
            number::DATA => self.data = field.bytes()?,
            number::METADATA => self.metadata = field.bytes()?,
            number::CONTENT_TYPE => self.content_type = field.text()?,
            number::STREAM => self.stream = field.text()?,
            number::REVISION => self.revision = Revision(field.number()?),
            number::POSITION => self.position = Position(field.number()?),
            number::RECORDED_AT => self.recorded_at = parse_time(field.bytes()?)?,
            // Tags are parsed again when they are requested: most readers do not need them.
            number::TAGS => {
                field.text()?;
            }
            // Of a newer version.
            _ => {}
        }
        Ok(())
    }

    /// Returns the id of the event.
    ///
    /// # Errors
    /// [`Malformed`] if the id is not a UUID.
    pub(crate) fn id(&self) -> Parsed<Uuid> {
        Uuid::try_parse_ascii(self.id).map_err(|_| Malformed("record: id is not a UUID"))
    }

    /// Returns the tags of the event, in order.
    pub fn tags(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        body::tags(self.tags)
    }
}

/// Parses the placement of a recorded event. The fields of its body are skipped and not checked.
pub(crate) fn placement(record: &[u8]) -> Parsed<Placement<'_>> {
    let mut placement = Placement {
        stream: "",
        revision: Revision::FIRST,
        position: Position::START,
        recorded_at: Timestamp::default(),
    };
    let mut cursor = Cursor::new(record);
    while let Some((field_number, field)) = cursor.field()? {
        match field_number {
            number::STREAM => placement.stream = field.text()?,
            number::REVISION => placement.revision = Revision(field.number()?),
            number::POSITION => placement.position = Position(field.number()?),
            number::RECORDED_AT => placement.recorded_at = parse_time(field.bytes()?)?,
            _ => {}
        }
    }
    if placement.position == Position::START || placement.stream.is_empty() {
        return Err(Malformed("record: without stream or position"));
    }
    Ok(placement)
}

fn parse_time(message: &[u8]) -> Parsed<Timestamp> {
    let (mut seconds, mut nanos) = (0, 0);
    let mut cursor = Cursor::new(message);
    while let Some((field_number, field)) = cursor.field()? {
        match field_number {
            number::SECONDS => seconds = field.number()?,
            number::NANOS => nanos = field.number()?,
            _ => {}
        }
    }
    let micros = seconds
        .checked_mul(1_000_000)
        .and_then(|micros| micros.checked_add(nanos / 1_000));
    micros
        .map(Timestamp::from_micros)
        .ok_or(Malformed("time: out of range"))
}

/// Consecutive entries, each with the record in it.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a> {
    bytes: &'a Bytes,
    at: usize,
}

/// An entry: its bytes, shared with the frame that holds them, and the offset of the record in them.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    bytes: Bytes,
    record: usize,
}

impl Entry {
    /// Returns the whole entry, as it is sent.
    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Returns the record in it.
    pub(crate) fn into_record(self) -> Bytes {
        self.bytes.slice(self.record..)
    }

    pub(crate) fn placement(&self) -> Parsed<Placement<'_>> {
        placement(&self.bytes[self.record..])
    }

    pub(crate) fn view(&self) -> Parsed<View<'_>> {
        View::parse(&self.bytes[self.record..])
    }
}

impl<'a> Entries<'a> {
    pub(crate) const fn new(bytes: &'a Bytes) -> Self {
        Self { bytes, at: 0 }
    }

    /// Moves to the offset of an entry.
    pub(crate) const fn seek(&mut self, offset: usize) {
        self.at = offset;
    }

    /// Returns the offset of the next entry.
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    /// Returns the next record without a reference to its shared bytes, or `None` at the end.
    pub(crate) fn next_record(&mut self) -> Parsed<Option<&'a [u8]>> {
        let rest = &self.bytes[self.at..];
        let mut cursor = Cursor::new(rest);
        match cursor.field()? {
            None => Ok(None),
            Some((number::EVENTS, Field::Bytes(record))) => {
                self.at += rest.len() - cursor.rest().len();
                Ok(Some(record))
            }
            Some(_) => Err(Malformed("frame: something other than an event")),
        }
    }

    /// Returns the next entry, or `None` at the end.
    pub(crate) fn next_entry(&mut self) -> Parsed<Option<Entry>> {
        let start = self.at;
        let Some(record) = self.next_record()? else {
            return Ok(None);
        };
        let bytes = self.bytes.slice(start..self.at);
        Ok(Some(Entry {
            record: bytes.len() - record.len(),
            bytes,
        }))
    }
}

/// A recorded event, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Id of the event.
    pub id: Uuid,
    /// Type of the event.
    pub kind: String,
    /// Data of the event.
    pub data: Bytes,
    /// Metadata of the event.
    pub metadata: Bytes,
    /// Content type of the data; empty if it is JSON.
    pub content_type: String,
    /// Tags of the event.
    pub tags: Vec<String>,
    /// Stream of the event.
    pub stream: String,
    /// Revision of the event in its stream.
    pub revision: Revision,
    /// Position of the event in the log.
    pub position: Position,
    /// Time at which the event was recorded.
    pub recorded_at: Timestamp,
}

impl Record {
    pub(crate) fn from_view(view: &View<'_>) -> Parsed<Self> {
        Ok(Self {
            id: view.id()?,
            kind: view.kind.to_owned(),
            data: Bytes::copy_from_slice(view.data),
            metadata: Bytes::copy_from_slice(view.metadata),
            content_type: view.content_type.to_owned(),
            tags: view.tags().map(str::to_owned).collect(),
            stream: view.stream.to_owned(),
            revision: view.revision,
            position: view.position,
            recorded_at: view.recorded_at,
        })
    }
}

#[cfg(test)]
mod tests;
