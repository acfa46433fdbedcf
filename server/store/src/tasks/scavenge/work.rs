//! The work of a round: the dead positions of some streams, from their lists in the index.

use std::collections::{BTreeSet, HashMap};

use annals_engine::{BoxFuture, Direction, Entry as KeyValue, Mutation, Page, PageLimit, Read};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use super::names;
use crate::{
    format::{frame::Frame, keys, wire::Parsed},
    index::{Postings, postings},
    model::{error::Result, log},
    read::{clock, follow::fresh_head, gone, last_revision},
    shared::Shared,
    values::{
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

/// Maximum number of streams in a round.
const ROUND_STREAMS_MAX: usize = 1_024;
/// Number of streams whose lists are read in one round trip.
const STREAMS_PER_TRIP: usize = 64;
/// The part of a stream's list that is read at a time.
const LIST_PAGE: PageLimit = PageLimit {
    entries: usize::MAX,
    bytes: 128 << 10,
};

/// The work of a round.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Positions of dead events.
    pub dead: BTreeSet<Position>,
    /// The first live revision of every stream with dead events.
    pub floors: HashMap<StreamName, Revision>,
    /// Streams whose lists are cut when the round is done, in the order of names.
    pub streams: Vec<Cut>,
    /// The last position whose frame may be changed.
    pub horizon: Position,
    /// The clock when the round began; `None` if nothing was removed by age.
    pub judged_at: Option<Timestamp>,
    /// Number of prefix changes at that time.
    pub prefix_changes: u64,
}

/// A stream whose list is to be cut.
#[derive(Debug)]
pub(super) struct Cut {
    /// A stream with settings.
    pub stream: StreamName,
    /// The lists of the stream and of its internal stream that were read, with their dead positions.
    pub lists: Vec<List>,
    /// Whether its name is removed: it has a tombstone, and all of its events are dead and on disk.
    pub forgotten: bool,
    /// Whether it has more dead events than the round takes.
    pub partial: bool,
}

/// The beginning of a stream's list.
#[derive(Debug)]
pub(super) struct List {
    pub stream: StreamName,
    pub entries: Vec<KeyValue>,
    /// Revisions before this one are cut.
    pub floor: Revision,
    /// Whether these are all entries of the list.
    pub ends: bool,
}

/// Collects the work for the streams after a name; `None` if nothing is left.
pub(super) async fn gather(shared: &Shared, after: Option<&str>) -> Result<Option<Work>> {
    let mut work = Work {
        horizon: horizon(shared).await?,
        judged_at: clock::now(shared),
        prefix_changes: shared.tail.lifecycles().prefix_changes(),
        ..Work::default()
    };
    let mut after = after.map(str::to_owned);
    while work.dead.len() < shared.settings.scavenge_round_events && work.streams.len() < ROUND_STREAMS_MAX {
        let names = names::next(shared, after.as_deref(), STREAMS_PER_TRIP).await?;
        let Some(last) = names.last() else { break };
        after = Some(last.as_str().to_owned());
        add(shared, &mut work, names).await?;
        if work.streams.last().is_some_and(|cut| cut.partial) {
            break;
        }
        tokio::task::yield_now().await;
    }
    Ok((!work.streams.is_empty()).then_some(work))
}

/// Returns the last position up to which all frames are indexed.
async fn horizon(shared: &Shared) -> Result<Position> {
    let indexed = shared.tail.indexed();
    if indexed == Position::START {
        return Ok(indexed);
    }
    let frames = log::holding(&*shared.engine, &[indexed]).await?;
    let holds_more = |frame: &&Frame| frame.last > indexed;
    let frame = frames.first().filter(holds_more);
    Ok(frame.map_or(indexed, |frame| Position(frame.first.0 - 1)))
}

/// Adds streams, in order, until the round is full.
async fn add(shared: &Shared, work: &mut Work, names: Vec<StreamName>) -> Result<()> {
    let lifecycles = shared.tail.lifecycles();
    // Most streams with a prefix have no internal stream.
    let own = |name: &StreamName| lifecycles.get(name.as_str()).map(|_| name.own());
    let lists: Vec<Vec<StreamName>> = names
        .iter()
        .map(|name| std::iter::once(name.clone()).chain(own(name)).collect())
        .collect();
    let all: Vec<StreamName> = lists.iter().flatten().cloned().collect();
    let reads = all
        .iter()
        .map(|name| keys::stream_entries(name.as_str()))
        .map(|range| Read::range(range, Direction::Forwards, LIST_PAGE))
        .collect();
    let pages = shared.engine.snapshot().await?.read(reads).await?;
    let look_ups: Vec<BoxFuture<'_, Result<_>>> = all
        .iter()
        .map(|name| last_revision(shared, name).boxed())
        .collect();
    let lasts: Vec<_> = stream::iter(look_ups)
        .buffered(STREAMS_PER_TRIP)
        .try_collect()
        .await?;
    // The settings are read after the last revisions. In the opposite order, more events might be taken for removed
    // than ever were: the current settings may keep more than earlier ones, and a count would include events appended
    // since.
    fresh_head(shared).await?;
    let mut found = pages.into_iter().zip(lasts);
    for (stream, lists) in names.into_iter().zip(lists) {
        if work.dead.len() >= shared.settings.scavenge_round_events {
            return Ok(());
        }
        let mut cut = Cut {
            stream,
            lists: Vec::new(),
            forgotten: false,
            partial: false,
        };
        for name in lists {
            let (page, last) = found.next().unwrap_or_default();
            add_list(shared, work, &mut cut, name, last, page).await?;
        }
        let partial = cut.partial;
        work.streams.push(cut);
        if partial {
            return Ok(());
        }
    }
    Ok(())
}

/// Adds the dead positions of one list.
async fn add_list(
    shared: &Shared,
    work: &mut Work,
    cut: &mut Cut,
    stream: StreamName,
    last: Option<Revision>,
    mut page: Page,
) -> Result<()> {
    let nothing_left = matches!(page.entries.as_slice(), [only] if postings::is_end(&only.value));
    if page.entries.is_empty() || nothing_left && !page.more {
        return Ok(());
    }
    let floor = gone::first_kept(shared, &stream, last).await?;
    let mut list = List {
        stream,
        entries: Vec::new(),
        floor: Revision::FIRST,
        ends: false,
    };
    let mut dead = Vec::new();
    'pages: loop {
        let last_key = page.entries.last().map(|entry| entry.key.clone());
        for entry in page.entries {
            let postings = Postings::parse_stream(&entry)?;
            let is_dead = |place: &(Revision, Position)| place.0 < floor && place.1 <= work.horizon;
            let dead_here: Vec<_> = postings.events().take_while(is_dead).collect();
            let all = dead_here.len() == postings.positions.len();
            if let Some((revision, _)) = dead_here.last() {
                list.floor = revision.next();
                dead.extend(dead_here.into_iter().map(|(_, position)| position));
                list.entries.push(entry);
            }
            if !all {
                break 'pages;
            }
        }
        match last_key {
            Some(last) if page.more => {
                if work.dead.len() + dead.len() >= shared.settings.scavenge_round_events {
                    cut.partial = true;
                    break;
                }
                let rest = keys::stream_entries(list.stream.as_str()).after(&last);
                let snapshot = shared.engine.snapshot().await?;
                page = snapshot.range(rest, Direction::Forwards, LIST_PAGE).await?;
            }
            _ => {
                list.ends = true;
                break;
            }
        }
    }
    if list.is_done() {
        return Ok(());
    }
    let tombstoned = shared.tail.lifecycles().of(list.stream.as_str()).tombstoned;
    cut.forgotten |= tombstoned && list.ends && last.is_some_and(|last| last < list.floor);
    if !dead.is_empty() {
        work.floors.insert(list.stream.clone(), floor);
        work.dead.extend(dead);
        cut.lists.push(list);
    }
    Ok(())
}

impl List {
    /// Whether only the last position is left, and the event there was removed earlier.
    fn is_done(&self) -> bool {
        self.ends && matches!(self.entries.as_slice(), [only] if postings::is_end(&only.value))
    }

    /// Returns the mutations after which the list begins with its first live position, or keeps only its last one if
    /// none is live.
    pub(super) fn cut(&self) -> Parsed<Vec<Mutation>> {
        let mut mutations = Vec::new();
        for (n, entry) in self.entries.iter().enumerate() {
            let parsed = Postings::parse_stream(entry)?;
            mutations.push(Mutation::Clear(entry.key.clone()));
            let dead = self.floor.0.saturating_sub(parsed.first.0);
            let live = usize::try_from(dead)
                .ok()
                .and_then(|dead| parsed.positions.get(dead..));
            match live {
                Some(live @ [_, ..]) => {
                    let key = keys::stream(self.stream.as_str(), self.floor.max(parsed.first));
                    mutations.push(Mutation::Set(key, postings::encode(live)));
                }
                _ if self.ends && n + 1 == self.entries.len() => {
                    let Some(last) = parsed.positions.last() else {
                        continue;
                    };
                    let key = keys::stream(self.stream.as_str(), parsed.last());
                    mutations.push(Mutation::Set(key, postings::encode_end(*last)));
                }
                _ => {}
            }
        }
        Ok(mutations)
    }
}
