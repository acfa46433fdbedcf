//! Which events are gone: what is set for streams, applied to events.
//!
//! Stores in which nothing is set pay for one comparison. Otherwise the streams of a page of events are looked up
//! together. Memory tells all, but for the last revision of a stream whose events are counted, which is looked up on disk
//! the first time and known from then on.

use std::sync::Arc;

use annals_engine::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    format::{
        frame::Frame,
        record::{self, Entry, Placement},
    },
    lifecycle::Marked,
    model::error::Result,
    read::{Match, all_records_at, clock, last_revision, places, stored_end},
    shared::Shared,
    values::{
        maps::HashMap,
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

/// Last revisions that are looked up side by side.
const LOOK_UPS_MAX: usize = 64;

/// Events of a page that are gone.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    /// With the index of each event's stream.
    positions: HashMap<Position, usize>,
    streams: Vec<StreamName>,
}

impl Gone {
    /// Whether the event at a position is gone.
    pub(crate) fn contains(&self, position: Position) -> bool {
        !self.positions.is_empty() && self.positions.contains_key(&position)
    }

    /// Whether no event of the page is gone.
    pub(crate) fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// The stream of the event at a position, if that is gone.
    pub(crate) fn stream_of(&self, position: Position) -> Option<&StreamName> {
        if self.positions.is_empty() {
            return None;
        }
        self.positions.get(&position).map(|index| &self.streams[*index])
    }

    /// Whether a frame has an event that is gone.
    pub(crate) fn any_in(&self, frame: &Frame) -> bool {
        !self.positions.is_empty()
            && (frame.first.0..=frame.last.0).any(|n| self.positions.contains_key(&Position(n)))
    }
}

/// The time against which ages are measured. While expiry by age is suspended it is the beginning of time, at which nothing
/// is too old.
fn now(shared: &Shared) -> Timestamp {
    clock::now(shared).unwrap_or_default()
}

/// Events in frames that are gone.
pub(crate) async fn in_frames(shared: &Shared, frames: &[Arc<Frame>]) -> Result<Gone> {
    if shared.tail.lifecycles().is_empty() {
        return Ok(Gone::default());
    }
    let mut page = Page::default();
    for frame in frames {
        let mut entries = frame.entries();
        while let Some(record) = entries.next_record()? {
            page.add(&record::placement(record)?);
        }
    }
    page.gone(shared).await
}

/// Events among entries that are gone.
pub(crate) async fn in_entries(shared: &Shared, entries: &[Entry]) -> Result<Gone> {
    if shared.tail.lifecycles().is_empty() {
        return Ok(Gone::default());
    }
    let mut page = Page::default();
    for entry in entries {
        page.add(&entry.placement()?);
    }
    page.gone(shared).await
}

/// Whether an event that was found is gone.
pub(crate) async fn is_gone(shared: &Shared, found: &Match) -> Result<bool> {
    if shared.tail.lifecycles().is_empty() {
        return Ok(false);
    }
    let mut page = Page::default();
    page.add(&Placement {
        stream: found.stream.as_str(),
        revision: found.revision,
        position: found.position,
        recorded_at: found.recorded_at,
    });
    Ok(page.gone(shared).await?.contains(found.position))
}

/// The first revision of a stream that is not gone, or one after `last`, which is its last one.
pub(crate) async fn first_kept(
    shared: &Shared,
    stream: &StreamName,
    last: Option<Revision>,
) -> Result<Revision> {
    let Some(marked) = shared.tail.lifecycles().holding(stream.as_str()) else {
        return Ok(Revision::FIRST);
    };
    let since = marked.lifecycle.since(now(shared));
    let (mut low, mut high) = (marked.lifecycle.floor(last), Revision::after(last));
    if since == Timestamp::default() {
        return Ok(low);
    }
    // Often few are too old, since those before them were reclaimed: steps grow from the first one on.
    let mut step = 1;
    let mut next = low;
    while low < high {
        if is_since(shared, stream, next, since).await? {
            high = next;
            step = u64::MAX;
        } else {
            low = next.next();
            step = step.saturating_mul(2);
        }
        let half = (high.0.saturating_sub(low.0)) / 2;
        next = Revision(low.0 + half.min(step));
    }
    Ok(low)
}

/// The position up to which all events of a stream are gone.
pub(crate) async fn gone_up_to(shared: &Shared, stream: &StreamName) -> Result<Position> {
    // Asked for first, so that no event up to it comes after the last revision that is known.
    let head = shared.tail.head_position();
    let last = last_revision(shared, stream).await?;
    let kept = first_kept(shared, stream, last).await?;
    if last.is_none_or(|last| kept > last) {
        return Ok(head);
    }
    let places = places(shared, stream, kept, kept).await?;
    Ok(places
        .first()
        .map_or(Position::START, |(_, position)| Position(position.0 - 1)))
}

/// Whether an event was recorded at a time or later.
async fn is_since(
    shared: &Shared,
    stream: &StreamName,
    revision: Revision,
    since: Timestamp,
) -> Result<bool> {
    let places = places(shared, stream, revision, revision).await?;
    let positions: Vec<Position> = places.into_iter().map(|(_, position)| position).collect();
    let entries = all_records_at(shared, &positions).await?;
    match entries.first() {
        Some(entry) => Ok(entry.view()?.recorded_at >= since),
        // It was reclaimed.
        None => Ok(false),
    }
}

/// The last revision of a stream whose events are counted. The tail remembers it, as far as it has room: where a prefix's
/// count holds, nothing else does.
async fn counted_last(shared: &Shared, stream: &StreamName) -> Result<Option<Revision>> {
    if let Some(last) = shared.tail.last_revision(stream) {
        return Ok(last);
    }
    let head = shared.tail.head_position();
    let stored = stored_end(shared, stream).await?;
    // Another server's index may be ahead of the tail.
    if stored.is_none_or(|(_, position)| position <= head) {
        let last = stored.map(|(last, _)| last);
        shared.tail.remember(head, [(stream.clone(), last)]);
    }
    Ok(stored.map(|(last, _)| last))
}

/// Events that are judged together.
#[derive(Default)]
struct Page {
    /// Each stream once.
    streams: Vec<StreamName>,
    indexes: HashMap<StreamName, usize>,
    events: Vec<Judged>,
}

struct Judged {
    stream: usize,
    revision: Revision,
    position: Position,
    recorded_at: Timestamp,
}

impl Page {
    fn add(&mut self, event: &Placement<'_>) {
        // Neighbours are often of one stream.
        let same = self
            .events
            .last()
            .map(|last| last.stream)
            .filter(|index| self.streams[*index].as_str() == event.stream);
        let stream = same.or_else(|| self.indexes.get(event.stream).copied());
        let stream = stream.unwrap_or_else(|| {
            let name = StreamName::trusted(event.stream);
            self.streams.push(name.clone());
            self.indexes.insert(name, self.streams.len() - 1);
            self.streams.len() - 1
        });
        self.events.push(Judged {
            stream,
            revision: event.revision,
            position: event.position,
            recorded_at: event.recorded_at,
        });
    }

    async fn gone(self, shared: &Shared) -> Result<Gone> {
        let marked = self.marked(shared).await?;
        if marked.iter().all(Option::is_none) {
            return Ok(Gone::default());
        }
        let now = now(shared);
        let bounds: Vec<Option<(Revision, Timestamp)>> = marked
            .iter()
            .map(|marked| {
                marked.map(|Marked { lifecycle, last, .. }| {
                    let floor = if lifecycle.tombstoned {
                        Revision(u64::MAX)
                    } else {
                        lifecycle.floor(last)
                    };
                    (floor, lifecycle.since(now))
                })
            })
            .collect();
        let is_gone = |event: &&Judged| {
            bounds[event.stream]
                .is_some_and(|(floor, since)| event.revision < floor || event.recorded_at < since)
        };
        let gone = self.events.iter().filter(is_gone);
        Ok(Gone {
            positions: gone.map(|event| (event.position, event.stream)).collect(),
            streams: self.streams,
        })
    }

    /// What holds for the page's streams, with the last revisions that are needed.
    async fn marked(&self, shared: &Shared) -> Result<Vec<Option<Marked>>> {
        let lifecycles = shared.tail.lifecycles();
        let mut since = lifecycles.beginning();
        let mut looked_up: HashMap<usize, Option<Revision>> = HashMap::default();
        loop {
            let mut marked = lifecycles.holding_all(self.streams.iter().map(StreamName::as_str));
            let mut look_ups: Vec<BoxFuture<'_, Result<_>>> = Vec::new();
            for (index, (marked, name)) in marked.iter_mut().zip(&self.streams).enumerate() {
                let Some(marked) = marked else { continue };
                let known = looked_up.get(&index);
                marked.last = marked.last.max(known.copied().flatten());
                if marked.lifecycle.retention.max_count.is_some() && marked.last.is_none() && known.is_none()
                {
                    look_ups.push(Box::pin(async move {
                        let last = counted_last(shared, name).await?;
                        lifecycles.learn(since, name.as_str(), last);
                        Ok((index, last))
                    }));
                }
            }
            if look_ups.is_empty() {
                return Ok(marked);
            }
            let found: Vec<_> = stream::iter(look_ups)
                .buffer_unordered(LOOK_UPS_MAX)
                .try_collect()
                .await?;
            looked_up.extend(found);
            if lifecycles.beginning() != since {
                // Of the events that were passed over meanwhile none was noted.
                since = lifecycles.beginning();
                looked_up.clear();
            }
        }
    }
}
