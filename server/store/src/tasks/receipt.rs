//! Receipts: the first results of appends that can't be found by their position in a stream any more, so that their
//! retries still get the same result.
//!
//! An append that expects a revision, or no stream, leaves no entry under its ids: a retry is recognised by the
//! position of its events in their stream. Two things make that position unusable:
//!
//! - The stream is deleted and started again. The append that starts a stream again gets a receipt when it is
//!   indexed, which contains the positions of its events.
//! - Events are removed from storage (`scavenge`). Every append of which a frame is rewritten then gets a complete
//!   receipt, for [`KEPT`] after it was recorded.
//!
//! ```text
//! b <stream> 0 <first id>  -> first position 8 bytes | events 4 bytes, and once some of them may be removed:
//!                             recorded at 8 bytes | digest 16 bytes
//!                             | for each stream in which it has events, its first revision there (varint)
//! e <recorded at> <first position> -> the entries that expire then (scavenge/receipts.rs)
//! ```
//!
//! The digest identifies the append: ids and streams of all events, in order, chained by UUIDs of version 5 (RFC
//! 9562), each of which has the previous one as its namespace.

use std::{collections::HashSet, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::{SmallVec, smallvec};
use uuid::Uuid;

use crate::{
    format::{
        keys,
        wire::{self, Cursor, Malformed, Parsed},
    },
    index::{self, Request},
    model::{
        append::{Append, Appended},
        error::Result,
        stored_event::StoredEvent,
    },
    shared::Shared,
    values::{
        name::StreamName,
        position::{Revision, Timestamp},
    },
};

/// Time after the recording of an append for which its retries are recognised although its events are removed.
/// Clients, and servers that forward appends, retry within minutes.
pub(crate) const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// The first result of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The positions where its events are, or were.
    pub request: Request,
    /// Data to recognise a retry, and to reply to it, without the events. `None`: no event was removed when this was
    /// written.
    pub details: Option<Details>,
}

/// Everything needed to recognise a retry and to reply to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Details {
    pub recorded_at: Timestamp,
    digest: Uuid,
    /// The first revision in each of its streams, in the order in which they first occur.
    firsts: SmallVec<[Revision; 1]>,
}

impl Receipt {
    /// Creates the receipt of an append with exactly these events. `None` if there are none.
    pub(crate) fn of(events: &[StoredEvent]) -> Option<Self> {
        let first = events.first()?;
        let mut streams = HashSet::from([&first.stream]);
        let mut firsts = smallvec![first.revision];
        for event in events {
            if streams.insert(&event.stream) {
                firsts.push(event.revision);
            }
        }
        Some(Self {
            request: Request {
                first: first.position,
                events: u32::try_from(events.len()).ok()?,
            },
            details: Some(Details {
                recorded_at: first.recorded_at,
                digest: digest(events.iter().map(|event| (event.id, &event.stream))),
                firsts,
            }),
        })
    }

    /// Returns the first result if this is a complete receipt of the given append.
    pub(crate) fn appended(&self, append: &Append) -> Option<Appended> {
        let details = self.details.as_ref()?;
        let events = append
            .events
            .iter()
            .map(|event| (event.id, append.stream_of(event)));
        let is_same = self.request.events == append.count()
            && details.firsts.len() == append.targets.len()
            && details.digest == digest(events);
        is_same.then(|| append.appended(&details.firsts, self.request.first, details.recorded_at, true))
    }

    pub(crate) fn to_value(&self) -> Bytes {
        let mut value = BytesMut::new();
        index::put_request(&mut value, self.request);
        if let Some(details) = &self.details {
            value.put_u64(details.recorded_at.micros);
            value.put_slice(details.digest.as_bytes());
            for first in &details.firsts {
                wire::put_varint(&mut value, first.0);
            }
        }
        value.freeze()
    }

    pub(crate) fn parse(value: &[u8]) -> Parsed<Self> {
        let short = Malformed("receipt");
        let (request, rest) = value.split_first_chunk::<12>().ok_or(short)?;
        let request = index::parse_request(request)?;
        if rest.is_empty() {
            return Ok(Self {
                request,
                details: None,
            });
        }
        let (recorded_at, rest) = rest.split_first_chunk().ok_or(short)?;
        let (digest, rest) = rest.split_first_chunk().ok_or(short)?;
        let mut cursor = Cursor::new(rest);
        let mut firsts = smallvec![Revision(cursor.varint()?)];
        while !cursor.rest().is_empty() {
            firsts.push(Revision(cursor.varint()?));
        }
        Ok(Self {
            request,
            details: Some(Details {
                recorded_at: Timestamp::from_micros(u64::from_be_bytes(*recorded_at)),
                digest: Uuid::from_bytes(*digest),
                firsts,
            }),
        })
    }
}

/// Finds the receipt of an append whose first event was in this stream and had this id.
pub(crate) async fn find(shared: &Shared, stream: &StreamName, first_id: Uuid) -> Result<Option<Receipt>> {
    // The tail is read first: entries that it drops meanwhile are already on disk.
    let recent = shared.tail.began_again(stream, first_id);
    let snapshot = shared.engine.snapshot().await?;
    let stored = snapshot.get(keys::receipt(stream.as_str(), first_id)).await?;
    let stored = stored.map(|value| Receipt::parse(&value)).transpose()?;
    let recent = recent.map(|request| Receipt {
        request,
        details: None,
    });
    // The stored receipt is more complete if events were removed since.
    Ok(stored.or(recent))
}

fn digest<'a>(events: impl Iterator<Item = (Uuid, &'a StreamName)>) -> Uuid {
    let mut name = Vec::new();
    events.fold(Uuid::nil(), |before, (id, stream)| {
        name.clear();
        name.extend_from_slice(id.as_bytes());
        name.extend_from_slice(stream.as_str().as_bytes());
        Uuid::new_v5(&before, &name)
    })
}

#[cfg(test)]
mod tests;
