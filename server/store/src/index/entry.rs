//! Encoding of the small entries of the index.
//!
//! ```text
//! x                 -> position, 8 bytes: the indexes are complete up to it
//! n <stream>        -> version 1 byte, 1 | first position 8 bytes | recorded at 8 bytes, microseconds
//! r <first id>      -> first position 8 bytes | events 4 bytes
//! c <minute>        -> first position 8 bytes
//! ```

use annals_engine::{Direction, KeyRange, PageLimit, Pages, Read, Snapshot};
use bytes::{BufMut, Bytes};

use crate::{
    format::{
        keys,
        wire::{Malformed, Parsed},
    },
    index::{NewStream, Request},
    model::error::Result,
    values::position::{Position, Timestamp},
};

const NAME_VERSION: u8 = 1;

pub(crate) fn position(position: Position) -> Bytes {
    Bytes::copy_from_slice(&position.0.to_be_bytes())
}

pub(crate) fn put_position(out: &mut impl BufMut, position: Position) {
    out.put_u64(position.0);
}

fn parse_position(value: &[u8]) -> Parsed<Position> {
    value
        .try_into()
        .map(|bytes| Position(u64::from_be_bytes(bytes)))
        .map_err(|_| Malformed("index: position"))
}

/// Returns the value of `x` to compare with: `None` before the first window.
pub(crate) fn indexed(indexed: Position) -> Option<Bytes> {
    (indexed > Position::START).then(|| position(indexed))
}

pub(crate) fn parse_indexed(value: Option<&[u8]>) -> Parsed<Position> {
    value.map_or(Ok(Position::START), parse_position)
}

pub(crate) fn put_name(out: &mut impl BufMut, began: &NewStream) {
    out.put_u8(NAME_VERSION);
    out.put_u64(began.first_position.0);
    out.put_u64(began.created_at.micros);
}

pub(crate) fn parse_name(value: &[u8]) -> Parsed<NewStream> {
    let fields = value
        .strip_prefix(&[NAME_VERSION])
        .ok_or(Malformed("index: version of a name"))?;
    let (first, micros) = fields.split_at_checked(8).ok_or(Malformed("index: name"))?;
    let micros = micros
        .try_into()
        .map(u64::from_be_bytes)
        .map_err(|_| Malformed("index: name"))?;
    Ok(NewStream {
        first_position: parse_position(first)?,
        created_at: Timestamp::from_micros(micros),
    })
}

pub(crate) fn put_request(out: &mut impl BufMut, request: Request) {
    out.put_u64(request.first.0);
    out.put_u32(request.events);
}

pub(crate) fn parse_request(value: &[u8]) -> Parsed<Request> {
    let (first, events) = value.split_at_checked(8).ok_or(Malformed("index: request"))?;
    let events = events
        .try_into()
        .map(u32::from_be_bytes)
        .map_err(|_| Malformed("index: request"))?;
    if events == 0 {
        return Err(Malformed("index: request"));
    }
    Ok(Request {
        first: parse_position(first)?,
        events,
    })
}

/// Returns the last minute that began at or before `indexed`, up to which the indexes are complete, so that the start
/// of the next minute can be detected. `None` at the start of the log, and if all events up to `indexed` were removed
/// before the log was moved here. The event at `indexed` itself can't be used, because it may have been removed.
pub(crate) async fn last_minute(snapshot: &dyn Snapshot, indexed: Position) -> Result<Option<u64>> {
    if indexed == Position::START {
        return Ok(None);
    }
    let mut pages = Pages::new(keys::minutes(), Direction::Backwards, PageLimit::entries(8));
    while let Some(page) = pages.next(snapshot).await? {
        for entry in &page.entries {
            // A window that is being written may already have written minutes that began after `indexed`.
            if parse_position(&entry.value)? <= indexed {
                let minute = keys::parse_number(&entry.key).ok_or(Malformed("index: key of a minute"))?;
                return Ok(Some(minute));
            }
        }
    }
    Ok(None)
}

/// Returns the stored minutes around a given one: the last minute that is not later, with its first position, and the
/// first position of the next later minute.
pub(crate) async fn minutes(
    snapshot: &dyn Snapshot,
    minute: u64,
) -> Result<(Option<(u64, Position)>, Option<Position>)> {
    let all = keys::minutes();
    let behind = keys::minute(minute.saturating_add(1));
    let reads = vec![
        Read::last(KeyRange::new(all.start, behind.clone())),
        Read::first(KeyRange::new(behind, all.end)),
    ];
    let mut found = snapshot.read(reads).await?.into_iter().map(|page| {
        let Some(entry) = page.entries.into_iter().next() else {
            return Ok(None);
        };
        let minute = keys::parse_number(&entry.key).ok_or(Malformed("index: key of a minute"))?;
        Ok::<_, Malformed>(Some((minute, parse_position(&entry.value)?)))
    });
    let not_later = found.next().transpose()?.flatten();
    let later = found.next().transpose()?.flatten();
    Ok((not_later, later.map(|(_, position)| position)))
}

/// Returns the stored starts of streams, in the order of `names`.
pub(crate) async fn names(snapshot: &dyn Snapshot, names: &[&str]) -> Result<Vec<Option<NewStream>>> {
    let reads = names.iter().map(|stream| Read::Get(keys::name(stream))).collect();
    let pages = snapshot.read(reads).await?;
    let parse = |page: annals_engine::Page| page.into_value().map(|value| parse_name(&value)).transpose();
    Ok(pages.into_iter().map(parse).collect::<Parsed<_>>()?)
}
