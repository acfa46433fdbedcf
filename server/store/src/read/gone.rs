//! Determines the visibility of events according to the settings of their streams. An event is removed if retention,
//! a deletion or a tombstone hides it, whether or not its space has been reclaimed.
//!
//! A store without stream settings pays for one comparison. Otherwise the streams of a page of events are looked up
//! together. Everything needed is in memory, except the last revision of a stream whose retention has a count: it is
//! looked up on disk the first time and remembered from then on.

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

/// Maximum number of last revisions that are looked up concurrently.
const LOOK_UPS_MAX: usize = 64;

/// Removed events of a page.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    /// Position of each removed event, with the index of its stream.
    positions: HashMap<Position, usize>,
    streams: Vec<StreamName>,
}

impl Gone {
    /// Whether the event at a position is removed.
    pub(crate) fn contains(&self, position: Position) -> bool {
        !self.positions.is_empty() && self.positions.contains_key(&position)
    }

    /// Whether no event of the page is removed.
    pub(crate) fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Returns the stream of the event at a position if the event is removed.
    pub(crate) fn stream_of(&self, position: Position) -> Option<&StreamName> {
        if self.positions.is_empty() {
            return None;
        }
        self.positions.get(&position).map(|index| &self.streams[*index])
    }

    /// Whether a frame contains a removed event.
    pub(crate) fn any_in(&self, frame: &Frame) -> bool {
        !self.positions.is_empty()
            && (frame.first.0..=frame.last.0).any(|n| self.positions.contains_key(&Position(n)))
    }
}

/// Returns the time against which ages are measured. While expiry by age is suspended, that is the epoch, at which no
/// event is too old.
fn now(shared: &Shared) -> Timestamp {
    clock::now(shared).unwrap_or_default()
}

/// Returns the removed events in frames.
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

/// Returns the removed events among entries.
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

/// Whether a match that was found is removed by now.
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

/// Returns the first revision of a stream that its settings keep. `last` is the stream's last revision; if all events
/// are removed, returns the one after it. Without an age it reads nothing, so it may be that of an event that was
/// scavenged before a prefix kept more again, or before expiry was suspended: see [`first_not_removed`].
pub(crate) async fn first_kept(
    shared: &Shared,
    stream: &StreamName,
    last: Option<Revision>,
) -> Result<Revision> {
    let Some(marked) = shared.tail.lifecycles().holding(stream.as_str()) else {
        return Ok(Revision::FIRST);
    };
    let since = marked.lifecycle.since(now(shared));
    let floor = marked.lifecycle.floor(last);
    if since == Timestamp::default() {
        return Ok(floor);
    }
    first_since(shared, stream, floor, last, since).await
}

/// Returns the first revision of a stream that is not removed, neither by its settings nor by an earlier scavenge;
/// the one after `last`, its last revision, if all events are removed.
pub(crate) async fn first_not_removed(
    shared: &Shared,
    stream: &StreamName,
    last: Option<Revision>,
) -> Result<Revision> {
    let Some(marked) = shared.tail.lifecycles().holding(stream.as_str()) else {
        return Ok(Revision::FIRST);
    };
    let floor = marked.lifecycle.floor(last);
    first_since(shared, stream, floor, last, marked.lifecycle.since(now(shared))).await
}

/// Returns the first revision from `floor` on whose event is stored and was recorded at `since` or later.
async fn first_since(
    shared: &Shared,
    stream: &StreamName,
    floor: Revision,
    last: Option<Revision>,
    since: Timestamp,
) -> Result<Revision> {
    let (mut low, mut high) = (floor, Revision::after(last));
    // Often few events have expired, because earlier ones were reclaimed: the steps grow from the first revision on.
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

/// Returns the position up to which all events of a stream are removed.
pub(crate) async fn gone_up_to(shared: &Shared, stream: &StreamName) -> Result<Position> {
    // The head is read first, so that no event up to it is after the last revision that is read next.
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

/// Whether an event is stored and was recorded at `since` or later.
async fn is_since(
    shared: &Shared,
    stream: &StreamName,
    revision: Revision,
    since: Timestamp,
) -> Result<bool> {
    let places = places(shared, stream, revision, revision).await?;
    if since == Timestamp::default() {
        return Ok(!places.is_empty());
    }
    let positions: Vec<Position> = places.into_iter().map(|(_, position)| position).collect();
    let entries = all_records_at(shared, &positions).await?;
    match entries.first() {
        Some(entry) => Ok(entry.view()?.recorded_at >= since),
        // The event was reclaimed.
        None => Ok(false),
    }
}

/// Returns the last revision of a stream whose retention has a count. The tail remembers it while it has room: if the
/// count is that of a prefix, it is remembered nowhere else.
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

/// Events whose visibility is determined together.
#[derive(Default)]
struct Page {
    /// Streams of the events, without duplicates.
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
        // Adjacent events are often of the same stream.
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

    /// Returns the states that apply to the page's streams, with the last revisions that are needed.
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
                // The tail was restarted meanwhile, and the events that it skipped were not noted: look up again.
                since = lifecycles.beginning();
                looked_up.clear();
            }
        }
    }
}
