//! Looks up the positions of a stream's events: in the indexes on disk, and for recent events in the tail.

use std::sync::Arc;

use annals_engine::{Direction, KeyRange, PageLimit, Read};

use super::ends::{read_end, stored_end};
use crate::{
    format::{
        frame::Frame,
        keys,
        record::Entry,
        wire::{Malformed, Parsed},
    },
    index::Postings,
    model::{
        error::{Error, Result},
        log,
    },
    shared::Shared,
    tail::Placed,
    values::{
        name::StreamName,
        position::{Position, Revision},
    },
};

/// Revisions of a stream, ascending, and their positions.
pub(crate) type Places = Vec<(Revision, Position)>;

/// Returns a stream's last revision as of the tail's head, or `None` if it has no events.
pub(crate) async fn last_revision(shared: &Shared, stream: &StreamName) -> Result<Option<Revision>> {
    if let Some(last) = shared.tail.last_revision(stream) {
        return Ok(last);
    }
    Ok(stored_end(shared, stream).await?.map(|(last, _)| last))
}

/// Returns the positions of a stream's events with revisions from `from` to `to`, which must exist or have existed.
/// Removed events may be missing: some of the first, or all.
pub(crate) async fn places(
    shared: &Shared,
    stream: &StreamName,
    from: Revision,
    to: Revision,
) -> Result<Places> {
    // The tail is read first: entries that it drops meanwhile are already on disk.
    let recent = shared.tail.placed(stream.as_str(), from, to);
    let recent = recent.unwrap_or_else(|| Placed {
        oldest: to.next(),
        events: Vec::new(),
    });
    let mut places = Vec::new();
    if from < recent.oldest {
        let stored_to = Revision(to.0.min(recent.oldest.0 - 1));
        places = stored(shared, stream, from, stored_to).await?;
    }
    places.extend(recent.events);
    if places.last().is_none_or(|last| last.0 != to) {
        // The caller may have found `to` on disk, where another server's index was ahead of this server's tail. If
        // the tail has learned of the stream since, but not as far, all of the range is on disk.
        places = stored(shared, stream, from, to).await?;
    }
    let follow_each_other = places.windows(2).all(|pair| pair[0].0.next() == pair[1].0);
    if !follow_each_other || places.last().is_some_and(|last| last.0 != to) {
        return Err(lacking(stream, from, to));
    }
    Ok(places)
}

fn lacking(stream: &StreamName, from: Revision, to: Revision) -> Error {
    Error::Corrupt(format!(
        "the index of stream {stream:?} lacks revisions between {from} and {to}"
    ))
}

/// Index entries that are requested first: more than most reads need, and few enough to be read at once.
const ENTRIES: usize = 64;

/// Returns the positions in the index on disk. If events of the stream are removed, they begin with a later one.
async fn stored(shared: &Shared, stream: &StreamName, from: Revision, to: Revision) -> Result<Places> {
    let all = keys::stream_entries(stream.as_str());
    let behind_from = keys::stream(stream.as_str(), from.next());
    // The entry that contains `from`: the last one that begins at or before it. And those after it up to `to`.
    let before = KeyRange::new(all.start, behind_from.clone());
    let mut behind = KeyRange::new(behind_from, keys::stream(stream.as_str(), to.next()));
    let reads = vec![
        Read::last(before),
        read_end(stream),
        Read::range(behind.clone(), Direction::Forwards, PageLimit::entries(ENTRIES)),
    ];
    let snapshot = shared.engine.snapshot().await?;
    let mut pages = snapshot.read(reads).await?;
    // Removed events are the first ones of the stream, and the last entry is never removed.
    let begins_later = pages[0].entries.is_empty();
    if pages.remove(1).entries.is_empty() {
        return Err(lacking(stream, from, to));
    }
    // Engines may end a page anywhere.
    while let [_, .., page] = pages.as_slice()
        && let Some(rest) = page.rest_of(behind.clone(), Direction::Forwards)
    {
        behind = rest;
        let page = snapshot
            .range(behind.clone(), Direction::Forwards, PageLimit::NONE)
            .await?;
        pages.push(page);
    }
    let mut places: Places = Vec::new();
    for entry in pages.iter().flat_map(|page| &page.entries) {
        for (revision, position) in Postings::parse_stream(entry)?.events() {
            // Entries may overlap; see `index::postings`.
            let next = match places.last() {
                Some(last) => last.0.next(),
                None if begins_later => revision,
                None => from,
            };
            if revision == next && revision <= to {
                places.push((revision, position));
            }
        }
    }
    if places.is_empty() && !begins_later {
        return Err(lacking(stream, from, to));
    }
    Ok(places)
}

/// Returns the entries of the events at these ascending positions, except for removed events.
pub(crate) async fn all_records_at(shared: &Shared, positions: &[Position]) -> Result<Vec<Entry>> {
    let mut entries = Vec::with_capacity(positions.len());
    let mut left = positions;
    while !left.is_empty() {
        let (found, looked_at) = records_at(shared, left).await?;
        entries.extend(found);
        left = &left[looked_at..];
    }
    Ok(entries)
}

/// Like [`all_records_at`], but only as many as one page of the engine contains. Also returns the number of positions
/// that were read, at least one.
pub(crate) async fn records_at(shared: &Shared, positions: &[Position]) -> Result<(Vec<Entry>, usize)> {
    let recent = shared.tail.frames_holding(positions);
    let missing: Vec<Position> = positions
        .iter()
        .zip(&recent)
        .filter(|(_, frame)| frame.is_none())
        .map(|(p, _)| *p)
        .collect();
    let stored = if missing.is_empty() {
        Vec::new()
    } else {
        log::share(log::holding(&*shared.engine, &missing).await?)
    };
    let mut entries = Vec::with_capacity(positions.len());
    let mut looked_at = 0;
    let mut walk = Walk::default();
    for (position, recent) in positions.iter().zip(recent) {
        let entry = match recent {
            Some(frame) if !frame.is_sparse() => Some(frame.entry_at(*position)?),
            Some(frame) => walk.entry(&frame, *position)?,
            None => {
                let index = stored.partition_point(|frame| frame.last < *position);
                let Some(frame) = stored.get(index).filter(|frame| frame.first <= *position) else {
                    break;
                };
                walk.entry(frame, *position)?
            }
        };
        entries.extend(entry);
        looked_at += 1;
    }
    if looked_at == 0
        && let Some(first) = positions.first()
    {
        return Err(Error::Corrupt(format!("no event is stored at position {first}")));
    }
    Ok((entries, looked_at))
}

/// Walks through frames for ascending positions, without starting each frame again for every position.
#[derive(Debug, Default)]
struct Walk {
    frame: Option<Arc<Frame>>,
    next: Position,
    offset: usize,
}

impl Walk {
    /// Returns the entry at a position that the frame covers; `None` if its event is removed.
    fn entry(&mut self, frame: &Arc<Frame>, position: Position) -> Parsed<Option<Entry>> {
        // Frames are not compared by their ends: the tail may hold a frame as it was before it was scavenged.
        let same = self
            .frame
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, frame));
        if !same || self.next > position {
            self.frame = Some(Arc::clone(frame));
            self.next = frame.first;
            self.offset = 0;
        }
        let mut entries = frame.entries();
        entries.seek(self.offset);
        if frame.is_sparse() {
            while let Some(entry) = entries.next_entry()? {
                let found = entry.view()?.position;
                if found > position {
                    break;
                }
                self.next = found.next();
                self.offset = entries.offset();
                if found == position {
                    return Ok(Some(entry));
                }
            }
            return Ok(None);
        }
        let short = Malformed("frame: fewer events than positions");
        while self.next < position {
            entries.next_record()?.ok_or(short)?;
            self.next = self.next.next();
        }
        let entry = entries.next_entry()?.ok_or(short)?;
        self.next = self.next.next();
        self.offset = entries.offset();
        Ok(Some(entry))
    }
}
