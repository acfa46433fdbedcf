//! Removes dead positions from the indexes: from the lists of types and tags, and from the entries that recognise
//! appends.

use std::collections::{BTreeMap, BTreeSet};

use annals_engine::{Direction, Entry as KeyValue, KeyRange, Mutation, Page, PageLimit, Read};
use uuid::Uuid;

use super::receipts;
use crate::{
    format::{
        keys::{self, ListName},
        record::View,
        wire::Parsed,
    },
    index::{self, Request, postings},
    model::error::Result,
    read::clock,
    shared::Shared,
    tasks::receipt::Receipt,
    values::{
        name::StreamName,
        position::{Position, Timestamp},
    },
};

/// Number of lists that are read in one round trip.
const LISTS_PER_TRIP: usize = 256;
/// Number of ids that are looked up in one round trip.
const REQUESTS_PER_TRIP: usize = 512;

/// The lists that contain dead events.
#[derive(Debug, Default)]
pub(super) struct Listed {
    lists: BTreeMap<ListName, Vec<Position>>,
    begun: Vec<Begun>,
}

/// The mutations that remove dead events from lists.
pub(super) struct Unlisted {
    pub mutations: Vec<Mutation>,
    /// Number of dead events that begin an append so recent that it is still recognised by its id.
    pub ids_kept: u64,
}

impl Listed {
    /// Adds the next dead event, in the order of the log. `may_begin`: whether an append may begin with it.
    pub(super) fn add(&mut self, event: &View<'_>, may_begin: bool) -> Parsed<()> {
        let kind = ListName::Type(event.kind.to_owned());
        let tags = event.tags().map(|tag| ListName::Tag(tag.to_owned()));
        for list in std::iter::once(kind).chain(tags) {
            self.lists.entry(list).or_default().push(event.position);
        }
        if may_begin {
            self.begun.push(Begun {
                stream: StreamName::trusted(event.stream),
                id: event.id()?,
                position: event.position,
                recorded_at: event.recorded_at,
            });
        }
        Ok(())
    }

    /// Returns the mutations that remove the events. `dead`: all dead positions, of which these may be a part.
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
        let now = clock::now(shared).unwrap_or_default();
        let recent = self
            .begun
            .iter()
            .filter(|begun| !receipts::is_old(begun.recorded_at, now));
        let ids_kept = recent.count() as u64;
        for begun in self.begun.chunks(REQUESTS_PER_TRIP) {
            let reads = begun.iter().flat_map(Begun::reads).collect();
            let pages = shared.engine.snapshot().await?.read(reads).await?;
            for (begun, pages) in begun.iter().zip(pages.chunks_exact(2)) {
                mutations.extend(begun.forgotten(pages, now, dead)?);
            }
        }
        Ok(Unlisted { mutations, ids_kept })
    }
}

/// Limit of a page of entries.
const PAGE: PageLimit = PageLimit {
    entries: usize::MAX,
    bytes: 1 << 20,
};

/// Reads the entry that contains the first dead position, and those after it up to the last.
fn reads(name: &ListName, dead: &[Position]) -> [Read; 2] {
    let all = keys::list_entries(name);
    let (first, last) = bounds(dead);
    let behind_first = keys::list_entry(name, first.0 + 1);
    let behind_last = keys::list_entry(name, last.0 + 1);
    [
        Read::last(KeyRange::new(all.start, behind_first.clone())),
        Read::range(
            KeyRange::new(behind_first, behind_last),
            Direction::Forwards,
            PAGE,
        ),
    ]
}

fn bounds(dead: &[Position]) -> (Position, Position) {
    let first = dead.first().copied().unwrap_or_default();
    (first, dead.last().copied().unwrap_or(first))
}

/// Returns the entries that were read, and reads the remaining ones.
async fn all_entries(
    shared: &Shared,
    name: &ListName,
    dead: &[Position],
    pages: &[Page],
) -> Result<Vec<KeyValue>> {
    let mut entries: Vec<KeyValue> = pages.iter().flat_map(|page| &page.entries).cloned().collect();
    let mut more = pages.last().is_some_and(|page| page.more);
    while more && let Some(last) = entries.last() {
        let up_to_last = KeyRange::new(&b""[..], keys::list_entry(name, bounds(dead).1.0 + 1));
        let snapshot = shared.engine.snapshot().await?;
        let page = snapshot
            .range(up_to_last.after(&last.key), Direction::Forwards, PAGE)
            .await?;
        more = page.more && !page.entries.is_empty();
        entries.extend(page.entries);
    }
    Ok(entries)
}

/// Returns the mutations that remove dead positions from an entry of a list.
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

/// A dead event with which an append may have begun.
#[derive(Debug)]
struct Begun {
    stream: StreamName,
    id: Uuid,
    position: Position,
    recorded_at: Timestamp,
}

impl Begun {
    fn reads(&self) -> [Read; 2] {
        [
            Read::Get(keys::request(self.id)),
            Read::Get(keys::receipt(self.stream.as_str(), self.id)),
        ]
    }

    /// Returns the mutations that remove the append's entries if it began with this event and none of its events is
    /// left: at once if the append is old, otherwise when it has become old. While an event is left, a retry must not
    /// write it again.
    fn forgotten(&self, pages: &[Page], now: Timestamp, dead: &BTreeSet<Position>) -> Parsed<Vec<Mutation>> {
        let is_of_this = |request: &Request| {
            let last = request.first.0.saturating_add(u64::from(request.events) - 1);
            request.first == self.position && (request.first.0..=last).all(|n| dead.contains(&Position(n)))
        };
        let value = |n: usize| pages.get(n).and_then(|page| page.clone().into_value());
        let request = value(0).map(|value| index::parse_request(&value)).transpose()?;
        let has_id = request.as_ref().is_some_and(is_of_this);
        let receipt = value(1).map(|value| Receipt::parse(&value)).transpose()?;
        // A receipt with details expires on its own.
        let has_receipt =
            receipt.is_some_and(|receipt| receipt.details.is_none() && is_of_this(&receipt.request));
        let mut mutations = Vec::new();
        if receipts::is_old(self.recorded_at, now) {
            if has_id {
                mutations.push(Mutation::Clear(keys::request(self.id)));
            }
            if has_receipt {
                mutations.push(Mutation::Clear(keys::receipt(self.stream.as_str(), self.id)));
            }
        } else if has_id {
            let at = (self.position, self.recorded_at);
            mutations.push(receipts::expiry(self.stream.as_str(), self.id, at, true));
        }
        Ok(mutations)
    }
}
