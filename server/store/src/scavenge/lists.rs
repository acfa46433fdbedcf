//! Entries of the indexes without dead positions: the lists of types and tags, and what appends are recognised by.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use annals_engine::{Direction, Entry as KeyValue, KeyRange, Mutation, Page, PageLimit, Read};
use uuid::Uuid;

use crate::{
    error::Result,
    index::{self, postings},
    keys,
    position::{Position, Timestamp},
    query::ListName,
    record::View,
    shared::Shared,
    wire::Parsed,
};

/// Lists that are read in one trip.
const LISTS_PER_TRIP: usize = 256;
/// For how long after it was written an append is recognised by its id, although nothing is left of it: one that was sent
/// twice, or handed over, may come late. About 30 bytes each, which stay.
const IDS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Ids that are looked up in one trip.
const REQUESTS_PER_TRIP: usize = 1_024;

/// Where dead events are listed.
#[derive(Debug, Default)]
pub(super) struct Listed {
    lists: BTreeMap<ListName, Vec<Position>>,
    ids: Vec<(Uuid, Position, Timestamp)>,
}

/// What takes dead events out of lists.
pub(super) struct Unlisted {
    pub mutations: Vec<Mutation>,
    /// Dead events that are so recent that appends are still recognised by their ids.
    pub ids_kept: u64,
}

impl Listed {
    /// Takes the next dead event, in the order of the log.
    pub(super) fn add(&mut self, event: &View<'_>) -> Parsed<()> {
        let kind = ListName::Type(event.kind.to_owned());
        let tags = event.tags().map(|tag| ListName::Tag(tag.to_owned()));
        for list in std::iter::once(kind).chain(tags) {
            self.lists.entry(list).or_default().push(event.position);
        }
        self.ids.push((event.id()?, event.position, event.recorded_at));
        Ok(())
    }

    /// What takes them out. `dead`: all that is dead, of which this may be a part.
    pub(super) async fn mutations(self, shared: &Shared, dead: &BTreeSet<Position>) -> Result<Unlisted> {
        let mut mutations = Vec::new();
        let lists: Vec<(ListName, Vec<Position>)> = self.lists.into_iter().collect();
        for lists in lists.chunks(LISTS_PER_TRIP) {
            let reads = lists.iter().flat_map(|(name, dead)| reads(name, dead)).collect();
            let pages = shared.engine.snapshot().await?.read(reads).await?;
            for ((name, dead), pages) in lists.iter().zip(pages.chunks(2)) {
                for entry in all_entries(shared, name, dead, pages).await? {
                    mutations.extend(without(name, &entry, dead)?);
                }
            }
            tokio::task::yield_now().await;
        }
        let now = shared.environment.clock.now();
        let is_old = |recorded_at: Timestamp| {
            now.micros.saturating_sub(recorded_at.micros) >= IDS_KEPT.as_micros() as u64
        };
        let (old, recent): (Vec<_>, Vec<_>) = self.ids.into_iter().partition(|(_, _, at)| is_old(*at));
        for ids in old.chunks(REQUESTS_PER_TRIP) {
            let reads = ids.iter().map(|(id, ..)| Read::Get(keys::request(*id))).collect();
            let pages = shared.engine.snapshot().await?.read(reads).await?;
            for ((id, position, _), page) in ids.iter().zip(pages) {
                if is_forgotten(*position, page, dead)? {
                    mutations.push(Mutation::Clear(keys::request(*id)));
                }
            }
        }
        Ok(Unlisted {
            mutations,
            ids_kept: recent.len() as u64,
        })
    }
}

/// The entry in which the first dead position is, and those behind it up to the last.
fn reads(name: &ListName, dead: &[Position]) -> [Read; 2] {
    let all = keys::list_entries(name);
    let (first, last) = bounds(dead);
    let behind_first = keys::list_entry(name, first.0 + 1);
    let behind_last = keys::list_entry(name, last.0 + 1);
    [
        range(
            KeyRange::new(all.start, behind_first.clone()),
            Direction::Backwards,
            1,
        ),
        range(
            KeyRange::new(behind_first, behind_last),
            Direction::Forwards,
            usize::MAX,
        ),
    ]
}

fn bounds(dead: &[Position]) -> (Position, Position) {
    let first = dead.first().copied().unwrap_or_default();
    (first, dead.last().copied().unwrap_or(first))
}

/// The entries of a list that were read, and more if there are.
async fn all_entries(
    shared: &Shared,
    name: &ListName,
    dead: &[Position],
    pages: &[Page],
) -> Result<Vec<KeyValue>> {
    let mut entries: Vec<KeyValue> = pages.iter().flat_map(|page| &page.entries).cloned().collect();
    let mut more = pages.last().is_some_and(|page| page.more);
    while more && let Some(last) = entries.last() {
        let start = [&last.key[..], &[0]].concat();
        let behind = KeyRange::new(start, keys::list_entry(name, bounds(dead).1.0 + 1));
        let snapshot = shared.engine.snapshot().await?;
        let page = snapshot
            .read(vec![range(behind, Direction::Forwards, usize::MAX)])
            .await?
            .pop();
        let page = page.unwrap_or_default();
        more = page.more && !page.entries.is_empty();
        entries.extend(page.entries);
    }
    Ok(entries)
}

/// An entry of a list without dead positions.
fn without(name: &ListName, entry: &KeyValue, dead: &[Position]) -> Parsed<Vec<Mutation>> {
    let positions = index::decode(&entry.value)?;
    let is_live = |position: &Position| dead.binary_search(position).is_err();
    let live: Vec<Position> = positions.iter().copied().filter(is_live).collect();
    if live.len() == positions.len() {
        return Ok(Vec::new());
    }
    let mut mutations = vec![Mutation::Clear(entry.key.clone())];
    if let Some(first) = live.first() {
        mutations.push(Mutation::Set(
            keys::list_entry(name, first.0),
            postings::encode(&live),
        ));
    }
    Ok(mutations)
}

/// Whether an append need not be recognised any more: it began with the dead event at `position`, and nothing is left of
/// it. While something is, trying it again must not write it again.
fn is_forgotten(position: Position, page: Page, dead: &BTreeSet<Position>) -> Parsed<bool> {
    let Some(value) = page.into_value() else {
        return Ok(false);
    };
    let request = index::parse_request(&value)?;
    let last = request.first.0.saturating_add(u64::from(request.events) - 1);
    Ok(request.first == position && (request.first.0..=last).all(|n| dead.contains(&Position(n))))
}

fn range(range: KeyRange, direction: Direction, entries: usize) -> Read {
    Read::Range {
        range,
        direction,
        limit: PageLimit {
            entries,
            bytes: 1 << 20,
        },
    }
}
