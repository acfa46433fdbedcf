//! A recorded event in the bytes in which it is sent: an `annals.v1.RecordedEvent`, as one element of the field `events`
//! (number 1) of `EventBatch`, `ReadAllResponse` and `ReadStreamResponse`.
//!
//! ```text
//! entry  = 0x0A, length of the record (varint), record
//! record = body, placement
//! body   = id (1), type (2), data (3), metadata (4), tags (5) …      what the client gave
//! placement = stream (6), revision (7), position (8), recorded_at (9)    what the store adds
//! ```
//!
//! 1. Entries that are put behind each other form the field `events` of a message, so that answers are copied together
//!    from what is stored and nothing is decoded on the way.
//! 2. The placement comes last, so that a body is encoded once, before its place is known.
//! 3. Fields are written in the order of their numbers and empty ones are left out: equal events have equal bytes.

mod body;
mod writing;

use bytes::Bytes;
use uuid::Uuid;

use crate::{
    format::wire::{Cursor, Field, Malformed, Parsed},
    values::position::{Position, Revision, Timestamp},
};
pub(crate) use body::{Parts, body_len, parse_body, plain, put_body};
pub(crate) use writing::{Place, TimeField, entry_len, entry_len_max, put_entry};

/// Field numbers of `annals.v1.RecordedEvent`; a test compares them with the protocol.
mod number {
    pub(super) const ID: u32 = 1;
    pub(super) const TYPE: u32 = 2;
    pub(super) const DATA: u32 = 3;
    pub(super) const METADATA: u32 = 4;
    pub(super) const TAGS: u32 = 5;
    pub(super) const STREAM: u32 = 6;
    pub(super) const REVISION: u32 = 7;
    pub(super) const POSITION: u32 = 8;
    pub(super) const RECORDED_AT: u32 = 9;
    pub(super) const SECONDS: u32 = 1;
    pub(super) const NANOS: u32 = 2;
    pub(super) const EVENTS: u32 = 1;
}

const ID_LEN: usize = uuid::fmt::Hyphenated::LENGTH;

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placement<'a> {
    pub stream: &'a str,
    pub revision: Revision,
    pub position: Position,
    pub recorded_at: Timestamp,
}

/// A record, looked at where it lies.
#[derive(Clone, Debug)]
pub struct View<'a> {
    id: &'a [u8],
    /// From its first tag on.
    tags: &'a [u8],
    /// Its type.
    pub kind: &'a str,
    /// Its data.
    pub data: &'a [u8],
    /// Its metadata.
    pub metadata: &'a [u8],
    /// Its stream.
    pub stream: &'a str,
    /// Its revision.
    pub revision: Revision,
    /// Its position.
    pub position: Position,
    /// When it was recorded.
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

    /// An event that is prepared and not yet stored, as it will be. What its tags are is looked at when they are asked for.
    pub(crate) fn of_body(body: &'a [u8], placement: Placement<'a>) -> Parsed<Self> {
        let mut view = Self {
            id: &[],
            tags: &[],
            kind: "",
            data: &[],
            metadata: &[],
            stream: placement.stream,
            revision: placement.revision,
            position: placement.position,
            recorded_at: placement.recorded_at,
        };
        let mut cursor = Cursor::new(body);
        let mut rest = body;
        while let Some((field_number, field)) = cursor.field()? {
            if field_number == number::TAGS {
                // Nothing else comes behind the first one.
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
            number::STREAM => self.stream = field.text()?,
            number::REVISION => self.revision = Revision(field.number()?),
            number::POSITION => self.position = Position(field.number()?),
            number::RECORDED_AT => self.recorded_at = parse_time(field.bytes()?)?,
            // Tags are walked over again when asked for: most readers do not ask.
            number::TAGS => {
                field.text()?;
            }
            _ => return Err(Malformed("record: unknown field")),
        }
        Ok(())
    }

    /// Its identity.
    ///
    /// # Errors
    /// [`Malformed`] if it is not a UUID.
    pub(crate) fn id(&self) -> Parsed<Uuid> {
        Uuid::try_parse_ascii(self.id).map_err(|_| Malformed("record: id is not a UUID"))
    }

    /// Its tags, in order.
    pub fn tags(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        body::tags(self.tags)
    }
}

/// Where a recorded event stands. What it is, is passed over and not checked.
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
            _ => return Err(Malformed("time: unknown field")),
        }
    }
    let micros = seconds
        .checked_mul(1_000_000)
        .and_then(|micros| micros.checked_add(nanos / 1_000));
    micros
        .map(Timestamp::from_micros)
        .ok_or(Malformed("time: out of range"))
}

/// Entries one after the other, each with the record in it.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a> {
    bytes: &'a Bytes,
    at: usize,
}

/// An entry: its own bytes, shared with where they lie, and where in them the record begins.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    bytes: Bytes,
    record: usize,
}

impl Entry {
    /// The whole entry, as it is sent.
    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
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

    /// Goes to where an entry begins.
    pub(crate) const fn seek(&mut self, offset: usize) {
        self.at = offset;
    }

    /// Where the next entry begins.
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    /// The next record without taking hold of its bytes, or `None` at the end.
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

    /// The next entry, or `None` at the end.
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

/// A recorded event, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its identity.
    pub id: Uuid,
    /// Its type.
    pub kind: String,
    /// Its data.
    pub data: Bytes,
    /// Its metadata.
    pub metadata: Bytes,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its stream.
    pub stream: String,
    /// Its revision.
    pub revision: Revision,
    /// Its position.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

impl Record {
    pub(crate) fn from_view(view: &View<'_>) -> Parsed<Self> {
        Ok(Self {
            id: view.id()?,
            kind: view.kind.to_owned(),
            data: Bytes::copy_from_slice(view.data),
            metadata: Bytes::copy_from_slice(view.metadata),
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
