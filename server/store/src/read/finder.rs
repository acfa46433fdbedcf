//! Reads the matches of a query at the positions that the indexes return.

use annals_engine::Direction;

use super::{BATCH_BYTES, Batch, Selector, all_records_at, records_at};
use crate::{
    format::record::Entry,
    model::{error::Result, query::Query},
    read::{
        gone::{self, Gone},
        lookup::{Found, Lookup},
    },
    shared::Shared,
    values::{maps::HashMap, name::StreamName, position::Position},
};

/// Maximum number of events that are read at a time.
const PAGE_EVENTS: u64 = 64;
/// Minimum number of events that are looked up, because not every candidate need match. The number doubles with
/// every page from which no event is taken, so that a small limit costs no more than a large one.
const PAGE_EVENTS_MIN: u64 = 8;
/// Maximum number of streams whose removed events are counted at a time.
const COUNTED_STREAMS_MAX: usize = 256;
/// Number of events that are read at a time when reading backwards.
const BACKWARDS_EVENTS: usize = 16;
/// If on average at least one of so many consecutive positions is a candidate, whole pages of the log are read.
const DENSE_POSITIONS: u64 = 16;

/// A read by index.
#[derive(Debug)]
pub(crate) struct Finder {
    lookup: Lookup,
    page_events_min: u64,
    /// Number of removed events that were found, by stream.
    gone: HashMap<StreamName, usize>,
    /// Whether more streams may be skipped.
    may_skip: bool,
}

impl Finder {
    /// Returns `None` if the whole log must be read.
    pub(crate) fn new(query: &Query, direction: Direction) -> Option<Self> {
        if query.matches_all() {
            return None;
        }
        Lookup::new(query, direction).map(|lookup| Self {
            lookup,
            page_events_min: PAGE_EVENTS_MIN,
            gone: HashMap::default(),
            may_skip: true,
        })
    }

    /// Takes a page of selected events into an empty batch, and returns the position up to which the log was read.
    /// The batch may stay empty although there are more matches after that position.
    pub(crate) async fn page(
        &mut self,
        shared: &Shared,
        selector: &Selector<'_>,
        batch: &mut Batch,
    ) -> Result<Position> {
        let count_max = selector.events_max.clamp(self.page_events_min, PAGE_EVENTS) as usize;
        let found = self
            .lookup
            .page(shared, selector.from, selector.to, count_max)
            .await?;
        let reached = match dense_from(&found.positions) {
            Some(from) => {
                let dense = Selector { from, ..*selector };
                let (reached, gone) = dense.page_with_gone(shared, batch).await?;
                self.note_gone(shared, &found.positions, &gone).await?;
                reached
            }
            None => self.read(shared, selector, found, batch).await?,
        };
        self.page_events_min = if batch.is_empty() {
            (self.page_events_min * 2).min(PAGE_EVENTS)
        } else {
            PAGE_EVENTS_MIN
        };
        Ok(reached)
    }

    /// Reads the candidates one by one.
    async fn read(
        &mut self,
        shared: &Shared,
        selector: &Selector<'_>,
        mut found: Found,
        batch: &mut Batch,
    ) -> Result<Position> {
        match selector.direction {
            Direction::Forwards => {
                let mut left = found.positions.as_slice();
                while !left.is_empty() {
                    let (entries, looked_at) = records_at(shared, left).await?;
                    let gone = gone::in_entries(shared, &entries).await?;
                    self.note_gone(shared, &left[..looked_at], &gone).await?;
                    left = &left[looked_at..];
                    if let Some(reached) = take(selector, &gone, entries.into_iter(), batch)? {
                        return Ok(reached);
                    }
                }
            }
            Direction::Backwards => {
                found.positions.reverse();
                // A group must be read completely before its last event can be returned.
                for group in found.positions.rchunks(BACKWARDS_EVENTS) {
                    let entries = all_records_at(shared, group).await?;
                    let gone = gone::in_entries(shared, &entries).await?;
                    self.note_gone(shared, group, &gone).await?;
                    if let Some(reached) = take(selector, &gone, entries.into_iter().rev(), batch)? {
                        return Ok(reached);
                    }
                }
            }
        }
        Ok(found.reached)
    }

    /// Counts the removed events among the candidates. For a stream with many of them, the rest of its removed events
    /// is skipped.
    async fn note_gone(&mut self, shared: &Shared, positions: &[Position], gone: &Gone) -> Result<()> {
        if gone.is_empty() || !self.may_skip {
            return Ok(());
        }
        let mut many = Vec::new();
        for stream in positions.iter().filter_map(|position| gone.stream_of(*position)) {
            if self.gone.len() >= COUNTED_STREAMS_MAX && !self.gone.contains_key(stream) {
                self.gone.clear();
            }
            let count = self.gone.entry(stream.clone()).or_default();
            *count += 1;
            if *count == shared.settings.gone_events_max {
                many.push(stream);
            }
        }
        for stream in many {
            let up_to = gone::gone_up_to(shared, stream).await?;
            self.may_skip &= self.lookup.skip(stream.as_str(), up_to);
        }
        Ok(())
    }
}

/// Takes events that match and are not removed. Returns the last position that was read once the batch is full.
fn take(
    selector: &Selector<'_>,
    gone: &Gone,
    entries: impl Iterator<Item = Entry>,
    batch: &mut Batch,
) -> Result<Option<Position>> {
    for entry in entries {
        let view = entry.view()?;
        if !selector.query.matches(&view) || gone.contains(view.position) {
            continue;
        }
        let position = view.position;
        batch.push(entry.into_bytes(), 1);
        if batch.events as u64 >= selector.events_max || batch.bytes >= BATCH_BYTES {
            return Ok(Some(position));
        }
    }
    Ok(None)
}

/// Returns the first position if reading the log from there is cheaper than reading the positions one by one.
fn dense_from(positions: &[Position]) -> Option<Position> {
    let (first, last) = (positions.first()?, positions.last()?);
    let count = positions.len() as u64;
    let dense = count >= PAGE_EVENTS / 2 && first.0.abs_diff(last.0) < count * DENSE_POSITIONS;
    dense.then_some(*first)
}
