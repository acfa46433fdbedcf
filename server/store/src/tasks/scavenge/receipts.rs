//! Receipts of appends whose frames are rewritten, and their expiry.
//!
//! A frame that lost events no longer shows which appends it contains. So before the first event of an append can be
//! removed from it, a receipt of the append is written, in the same commit (`receipt`). It requires all of the
//! append's events, which may be in other frames. An append that has lost events already got its receipt then.
//!
//! ```text
//! e <recorded at> <first position> -> 1 if the append's id under `r` expires, too, otherwise 0 | key of the receipt
//! ```
//!
//! Appends that were recorded longer ago than [`KEPT`] get none. Older entries are removed at the end of every
//! scavenge, so receipts take space for the appends of about one day.

use std::{collections::HashSet, sync::Arc};

use annals_engine::{Direction, Entry, Mutation, PageLimit, Read};
use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use crate::{
    format::{
        frame::{Frame, Mark},
        keys,
        wire::{Malformed, Parsed},
    },
    model::{error::Result, log, stored_event::StoredEvent},
    read::stored_events,
    shared::Shared,
    tasks::receipt::{KEPT, Receipt},
    values::position::{Position, Timestamp},
};

/// Maximum number of entries that are removed in one commit.
const EXPIRED_MAX: usize = 2_000;

/// Returns the mutations after which the appends in these frames, which are rewritten, are still recognised.
pub(super) async fn of(shared: &Shared, frames: &[Arc<Frame>]) -> Result<Vec<Mutation>> {
    let now = shared.environment.clock.now();
    let mut mutations = Vec::new();
    let mut seen = HashSet::new();
    for frame in frames.iter().filter(|frame| !frame.is_scavenged()) {
        if is_old(recorded_at(frame)?, now) {
            continue;
        }
        for part in parts(frame)? {
            // The last position of an append can be derived from each of its frames, and no other append has it.
            if !seen.insert(part.last) {
                continue;
            }
            if let Some(receipt) = receipt_of(shared, frame, &part).await? {
                mutations.extend(receipt);
            }
        }
    }
    Ok(mutations)
}

/// Returns the mutations that remove expired entries: at most some thousand, none if nothing has expired.
pub(super) async fn expired(shared: &Shared) -> Result<Vec<Mutation>> {
    let now = shared.environment.clock.now();
    let before = Timestamp::from_micros(now.micros.saturating_sub(KEPT.as_micros() as u64));
    let limit = PageLimit {
        entries: EXPIRED_MAX,
        bytes: 1 << 20,
    };
    let snapshot = shared.engine.snapshot().await?;
    let page = snapshot
        .range(keys::expired(before), Direction::Forwards, limit)
        .await?;
    let expired = page.entries.iter().map(Expired::parse);
    let expired = expired.collect::<Parsed<Vec<_>>>()?;
    let keys = expired.iter().flat_map(|expired| &expired.keys);
    let reads = keys.map(|key| Read::Get(key.clone())).collect();
    let mut values = snapshot.read(reads).await?.into_iter();
    let mut mutations = Vec::new();
    for (entry, expired) in page.entries.iter().zip(expired) {
        for (key, page) in expired.keys.into_iter().zip(&mut values) {
            let value = page.into_value();
            let found = value.map(|value| Receipt::parse(&value)).transpose()?;
            // A later append may have begun with the same id.
            if found.is_some_and(|found| found.request.first == expired.first) {
                mutations.push(Mutation::Clear(key));
            }
        }
        mutations.push(Mutation::Clear(entry.key.clone()));
    }
    Ok(mutations)
}

/// Expiring entries of an append.
struct Expired {
    first: Position,
    keys: Vec<Bytes>,
}

impl Expired {
    fn parse(entry: &Entry) -> Parsed<Self> {
        let bad = Malformed("scavenge: malformed expiry");
        let first = keys::parse_number(&entry.key).ok_or(bad)?;
        let (forgets_id, receipt) = entry.value.split_first().ok_or(bad)?;
        let id = receipt.last_chunk().ok_or(bad)?;
        let mut keys = vec![entry.value.slice(1..)];
        if *forgets_id == 1 {
            keys.push(keys::request(Uuid::from_bytes(*id)));
        }
        Ok(Self {
            first: Position(first),
            keys,
        })
    }
}

/// Returns the mutation that lets a receipt expire. `forgets_id`: the entry under the append's id expires too,
/// because all of its events are removed.
pub(super) fn expiry(
    stream: &str,
    first_id: Uuid,
    (first, recorded_at): (Position, Timestamp),
    forgets_id: bool,
) -> Mutation {
    let mut value = BytesMut::new();
    value.put_u8(u8::from(forgets_id));
    keys::put_receipt(&mut value, stream, first_id);
    Mutation::Set(keys::expiry(recorded_at, first), value.freeze())
}

/// Whether an append was recorded so long ago that its retries are no longer recognised after its events are removed.
pub(super) fn is_old(recorded_at: Timestamp, now: Timestamp) -> bool {
    now.micros.saturating_sub(recorded_at.micros) >= KEPT.as_micros() as u64
}

/// The part of an append in a frame.
pub(super) struct Part {
    /// Position of its first event in the frame.
    pub from: Position,
    /// Position of its last event, in this frame or a later one.
    last: Position,
    /// Whether it began in an earlier frame.
    pub continued: bool,
}

/// Returns the appends that have events in a frame.
pub(super) fn parts(frame: &Frame) -> Parsed<Vec<Part>> {
    let mut from = frame.first;
    let mut parts = Vec::new();
    for Mark {
        events, continued, ..
    } in frame.marks()?
    {
        let last = Position(from.0 + u64::from(events) - 1);
        parts.push(Part {
            from,
            last,
            continued,
        });
        from = last.next();
    }
    Ok(parts)
}

/// Returns the time when the last event of a frame was recorded.
fn recorded_at(frame: &Frame) -> Parsed<Timestamp> {
    let mut last = Timestamp::default();
    let mut entries = frame.entries();
    while let Some(entry) = entries.next_entry()? {
        last = entry.view()?.recorded_at;
    }
    Ok(last)
}

/// Returns the mutations that write the receipt of an append and let it expire. `None` if it has a receipt already.
async fn receipt_of(shared: &Shared, frame: &Frame, part: &Part) -> Result<Option<[Mutation; 2]>> {
    let first = if part.continued {
        beginning(shared, frame.first).await?
    } else {
        Some(part.from)
    };
    let Some(first) = first else {
        return Ok(None);
    };
    let events = if part.last <= frame.last {
        in_frame(frame, first, part.last)?
    } else {
        Vec::new()
    };
    let wanted = part.last.0 - first.0 + 1;
    let events = if events.len() as u64 == wanted {
        events
    } else {
        stored_events::between(shared, first, part.last).await?
    };
    if events.len() as u64 != wanted {
        return Ok(None);
    }
    let (Some(receipt), Some(first)) = (Receipt::of(&events), events.first()) else {
        return Ok(None);
    };
    let stream = first.stream.as_str();
    let key = keys::receipt(stream, first.id);
    let at = (first.position, first.recorded_at);
    Ok(Some([
        Mutation::Set(key, receipt.to_value()),
        expiry(stream, first.id, at, false),
    ]))
}

/// Returns the first position of the append that continues at the beginning of a frame; `None` if a frame that
/// contained a part of it was rewritten, because the append then has a receipt.
async fn beginning(shared: &Shared, mut frame_first: Position) -> Result<Option<Position>> {
    loop {
        let before = Position(frame_first.0.saturating_sub(1));
        let frames = log::holding(&*shared.engine, &[before]).await?;
        let Some(frame) = frames.first().filter(|frame| !frame.is_scavenged()) else {
            return Ok(None);
        };
        let Some(last) = parts(frame)?.pop() else {
            return Ok(None);
        };
        if !last.continued {
            return Ok(Some(last.from));
        }
        frame_first = frame.first;
    }
}

/// Returns the events at positions that a frame covers.
fn in_frame(frame: &Frame, first: Position, last: Position) -> Parsed<Vec<StoredEvent>> {
    if first < frame.first {
        return Ok(Vec::new());
    }
    stored_events::of_entries(&frame.entries_between(first, last)?)
}
