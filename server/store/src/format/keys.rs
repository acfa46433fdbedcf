//! All keys of the store, defined here and nowhere else.
//!
//! ```text
//! m                                    -> store: its format and identity       (model/meta.rs)
//! h                                    -> head: last position, its writer     (model/head.rs)
//! o                                    -> origin: the store that the log was moved from (store/transfer/origin.rs)
//! x                                    -> indexed: position up to which the indexes below are complete
//! f <last position> <chunk>            -> frame: consecutive events           (format/frame.rs)
//! n <stream name>                      -> where and when the stream began     (index/entry.rs)
//! s <stream name> 0 <first revision>   -> positions of these revisions        (index/postings.rs)
//! t <type> 0 <first position>          -> positions of events of the type
//! g <tag> 0 <first position>           -> positions of events with the tag
//! r <first event id>                   -> the append that began with this id  (index/entry.rs)
//! l <stream name>                      -> settings of the stream               (lifecycle/entry.rs)
//! p <stream name>                      -> number of changes to the stream's snapshots (tasks/snapshot/entry.rs)
//! p <stream name> 0 <revision> <form>  -> a snapshot, without its data
//! d <stream name> 0 <revision> <form> <chunk> -> a chunk of the data of that snapshot
//! v                                    -> the running or last scavenge         (tasks/scavenge/progress.rs)
//! c <minute>                           -> first position recorded in the minute (since 1970, UTC)
//! b <stream name> 0 <first event id>   -> the receipt of an append             (tasks/receipt.rs)
//! e <recorded at> <first position>     -> entries of that append that expire   (tasks/scavenge/receipts.rs)
//! z <scope>                            -> the scope's last version             (state/entry.rs)
//! y <scope> 0 <key>                    -> an entry of the scope
//! w <scope> 0 <version>                -> the key that this version changed, if it has not changed since
//! k <scope> 0 <key>                    -> the version that deleted the entry
//! u <scope>                            -> version up to which deletions may be forgotten
//! q <write id>                         -> the receipt of a write of state      (state/receipt.rs)
//! a <kind> <time> <commit> <chunk>     -> what that commit wrote that expires  (state/expiry.rs)
//! ```
//!
//! 1. Numbers are 8 bytes (form, a schema version: 4; chunk: 2), big-endian, so that keys sort as numbers do.
//! 2. Names contain no byte below 0x20 (see `name`), so a zero byte ends a name, names sort as their bytes do, and
//!    the keys of one name never mix with those of a longer one.
//! 3. A frame is stored under its **last** position: the frame that holds a position is the first one whose key is ≥
//!    that position, which is one step forward in every engine.

use annals_engine::KeyRange;
use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use crate::values::position::{Position, Revision, Timestamp};

/// One of the lists of positions in the indexes: the events of a type, of a stream, or with a tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ListName {
    Type(String),
    Stream(String),
    Tag(String),
}

pub(crate) mod state;

/// Prefix of the keys of frames. Their values are large, and written once and in order; an engine may lay them out
/// for that.
pub const FRAMES: &[u8] = b"f";

/// The key of the head: the last position of the log.
pub const HEAD: &[u8] = b"h";

const NAME: u8 = b'n';
const STREAM: u8 = b's';
const TYPE: u8 = b't';
const TAG: u8 = b'g';
const REQUEST: u8 = b'r';
const LIFECYCLE: u8 = b'l';
const SNAPSHOT: u8 = b'p';
const SNAPSHOT_DATA: u8 = b'd';
const MINUTE: u8 = b'c';
const RECEIPT: u8 = b'b';
const EXPIRY: u8 = b'e';

pub(crate) fn meta() -> Bytes {
    Bytes::from_static(b"m")
}

pub(crate) fn head() -> Bytes {
    Bytes::from_static(HEAD)
}

pub(crate) fn indexed() -> Bytes {
    Bytes::from_static(b"x")
}

pub(crate) fn origin() -> Bytes {
    Bytes::from_static(b"o")
}

pub(crate) fn scavenge() -> Bytes {
    Bytes::from_static(b"v")
}

pub(crate) fn frame(last: Position, chunk: u16) -> Bytes {
    let mut key = BytesMut::with_capacity(11);
    key.put_slice(FRAMES);
    key.put_u64(last.0);
    key.put_u16(chunk);
    key.freeze()
}

/// Parses the key of a frame.
pub(crate) fn parse_frame(key: &[u8]) -> Option<(Position, u16)> {
    let rest = key.strip_prefix(FRAMES)?;
    let (last, chunk) = rest.split_first_chunk::<8>()?;
    let chunk: [u8; 2] = chunk.try_into().ok()?;
    Some((Position(u64::from_be_bytes(*last)), u16::from_be_bytes(chunk)))
}

/// Range of the frames that hold position `from` or later ones.
pub(crate) fn frames_from(from: Position) -> KeyRange {
    KeyRange::new(frame(from, 0), KeyRange::prefix(FRAMES).end)
}

/// Range of the frames that hold only positions before `before`.
pub(crate) fn frames_before(before: Position) -> KeyRange {
    KeyRange::new(Bytes::from_static(FRAMES), frame(before, 0))
}

/// Range of the frames whose last position is `from` or more, and less than `to`.
pub(crate) fn frames_between(from: Position, to: Position) -> KeyRange {
    KeyRange::new(frame(from, 0), frame(to, 0))
}

/// Range of the chunks of one frame.
pub(crate) fn frame_chunks(last: Position) -> KeyRange {
    KeyRange::new(frame(last, 0), frame(last.next(), 0))
}

pub(crate) fn name(stream: &str) -> Bytes {
    named(NAME, stream, None)
}

pub(crate) fn put_name(out: &mut impl BufMut, stream: &str) {
    put_named(out, NAME, stream, None);
}

/// Range of the names that begin with `prefix` and sort after `after`.
pub(crate) fn names(prefix: &str, after: Option<&str>) -> KeyRange {
    part_after(KeyRange::prefix(&named(NAME, prefix, None)), after.map(name))
}

/// Returns the part of a range after a key, which may be before the range.
fn part_after(range: KeyRange, key: Option<Bytes>) -> KeyRange {
    match key {
        Some(key) if key >= range.start => range.after(&key),
        _ => range,
    }
}

pub(crate) fn parse_name(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.strip_prefix(&[NAME])?).ok()
}

pub(crate) fn stream(stream: &str, first: Revision) -> Bytes {
    named(STREAM, stream, Some(first.0))
}

pub(crate) fn put_stream(out: &mut impl BufMut, stream: &str, first: Revision) {
    put_named(out, STREAM, stream, Some(first.0));
}

/// Range of the entries of one stream.
pub(crate) fn stream_entries(stream: &str) -> KeyRange {
    entries(STREAM, stream)
}

/// Range of the entries of one list.
pub(crate) fn list_entries(list: &ListName) -> KeyRange {
    let (space, name) = list_name(list);
    entries(space, name)
}

/// Key of the entry of a list that begins with a number: a revision for a stream, otherwise a position.
pub(crate) fn list_entry(list: &ListName, first: u64) -> Bytes {
    let (space, name) = list_name(list);
    named(space, name, Some(first))
}

fn list_name(list: &ListName) -> (u8, &str) {
    match list {
        ListName::Type(name) => (TYPE, name),
        ListName::Stream(name) => (STREAM, name),
        ListName::Tag(name) => (TAG, name),
    }
}

fn entries(space: u8, name: &str) -> KeyRange {
    let mut start = BytesMut::from(&named(space, name, None)[..]);
    let mut end = start.clone();
    start.put_u8(0);
    end.put_u8(1);
    KeyRange::new(start.freeze(), end.freeze())
}

pub(crate) fn put_kind(out: &mut impl BufMut, kind: &str, first: Position) {
    put_named(out, TYPE, kind, Some(first.0));
}

pub(crate) fn put_tag(out: &mut impl BufMut, tag: &str, first: Position) {
    put_named(out, TAG, tag, Some(first.0));
}

/// Parses the number at the end of the key of a stream, type or tag.
pub(crate) fn parse_number(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|number| u64::from_be_bytes(*number))
}

pub(crate) fn request(first_id: Uuid) -> Bytes {
    let mut key = BytesMut::with_capacity(17);
    put_request(&mut key, first_id);
    key.freeze()
}

pub(crate) fn put_request(out: &mut impl BufMut, first_id: Uuid) {
    out.put_u8(REQUEST);
    out.put_slice(first_id.as_bytes());
}

pub(crate) fn put_lifecycle(out: &mut impl BufMut, stream: &str) {
    put_named(out, LIFECYCLE, stream, None);
}

/// Range of the settings of all streams.
pub(crate) fn lifecycles() -> KeyRange {
    KeyRange::prefix(&[LIFECYCLE])
}

pub(crate) fn parse_lifecycle(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.strip_prefix(&[LIFECYCLE])?).ok()
}

/// Range of the index entries of appends, by the ids of their first events.
pub(crate) fn requests() -> KeyRange {
    KeyRange::prefix(&[REQUEST])
}

pub(crate) fn parse_request(key: &[u8]) -> Option<Uuid> {
    Uuid::from_slice(key.strip_prefix(&[REQUEST])?).ok()
}

/// Range of the snapshots of all streams, without their data, and of the number of changes to those of each stream.
pub(crate) fn all_snapshots() -> KeyRange {
    KeyRange::prefix(&[SNAPSHOT])
}

/// Parses a key of the range [`all_snapshots`]: its stream, and whether it is the key of a snapshot.
pub(crate) fn parse_snapshot_stream(key: &[u8]) -> Option<(&str, bool)> {
    let rest = key.strip_prefix(&[SNAPSHOT])?;
    let name = rest.split(|byte| *byte == 0).next()?;
    Some((std::str::from_utf8(name).ok()?, name.len() < rest.len()))
}

/// Key whose value changes with every change to a stream's snapshots.
pub(crate) fn snapshots_changed(stream: &str) -> Bytes {
    named(SNAPSHOT, stream, None)
}

pub(crate) fn snapshot(stream: &str, revision: Revision, schema_version: u32) -> Bytes {
    let mut key = BytesMut::from(&named(SNAPSHOT, stream, Some(revision.0))[..]);
    key.put_u32(schema_version);
    key.freeze()
}

/// Parses the end of a snapshot's key: the revision and the schema version.
pub(crate) fn parse_snapshot(key: &[u8]) -> Option<(Revision, u32)> {
    let (rest, schema_version) = key.split_last_chunk()?;
    Some((Revision(parse_number(rest)?), u32::from_be_bytes(*schema_version)))
}

/// Range of the snapshots of a stream, without their data.
pub(crate) fn snapshots(stream: &str) -> KeyRange {
    entries(SNAPSHOT, stream)
}

pub(crate) fn snapshot_data(stream: &str, revision: Revision, schema_version: u32, chunk: u16) -> Bytes {
    let mut key = BytesMut::from(&named(SNAPSHOT_DATA, stream, Some(revision.0))[..]);
    key.put_u32(schema_version);
    key.put_u16(chunk);
    key.freeze()
}

/// Range of the chunks of a snapshot.
pub(crate) fn snapshot_chunks(stream: &str, revision: Revision, schema_version: u32) -> KeyRange {
    let first = snapshot_data(stream, revision, schema_version, 0);
    KeyRange::prefix(&first[..first.len() - 2])
}

pub(crate) fn minute(minute: u64) -> Bytes {
    let mut key = BytesMut::with_capacity(9);
    put_minute(&mut key, minute);
    key.freeze()
}

pub(crate) fn put_minute(out: &mut impl BufMut, minute: u64) {
    out.put_u8(MINUTE);
    out.put_u64(minute);
}

/// Range of all minutes.
pub(crate) fn minutes() -> KeyRange {
    KeyRange::prefix(&[MINUTE])
}

pub(crate) fn receipt(stream: &str, first_id: Uuid) -> Bytes {
    let mut key = BytesMut::with_capacity(18 + stream.len());
    put_receipt(&mut key, stream, first_id);
    key.freeze()
}

pub(crate) fn put_receipt(out: &mut impl BufMut, stream: &str, first_id: Uuid) {
    put_named(out, RECEIPT, stream, None);
    out.put_u8(0);
    out.put_slice(first_id.as_bytes());
}

/// Key of the entries of an append that expire. Such keys sort by the time at which the append was recorded.
pub(crate) fn expiry(recorded_at: Timestamp, first: Position) -> Bytes {
    let mut key = BytesMut::with_capacity(17);
    key.put_u8(EXPIRY);
    key.put_u64(recorded_at.micros);
    key.put_u64(first.0);
    key.freeze()
}

/// Range of the expiring entries of appends that were recorded before a time.
pub(crate) fn expired(before: Timestamp) -> KeyRange {
    KeyRange::new(Bytes::from_static(&[EXPIRY]), expiry(before, Position::START))
}

fn named(space: u8, name: &str, number: Option<u64>) -> Bytes {
    let mut key = BytesMut::with_capacity(1 + name.len() + 9);
    put_named(&mut key, space, name, number);
    key.freeze()
}

fn put_named(out: &mut impl BufMut, space: u8, name: &str, number: Option<u64>) {
    out.put_u8(space);
    out.put_slice(name.as_bytes());
    if let Some(number) = number {
        out.put_u8(0);
        out.put_u64(number);
    }
}

#[cfg(test)]
mod tests;
