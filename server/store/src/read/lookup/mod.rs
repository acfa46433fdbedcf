//! Finds the positions of a query's matches, page by page, so that the cost depends on the number of matches and not
//! on the length of the log. The indexes keep a list of positions for every type, stream and tag. On disk these lists
//! are complete up to where the tail's windows begin; from there on they are in memory.
//!
//! An item of a query is the intersection of groups of lists (its types, its streams, each of its tags), a group the
//! union of its lists, the query the union of its items. Each is a [`run::Run`]: its positions from the current
//! position of the read up to the last one for which all of its inputs are known.
//!
//! 1. Every match is found once and in order. A position that is found is a candidate and may not match: the caller
//!    checks the events that it reads. So the result need not be exact where that would cost more than checking: the
//!    sparsest group of an item proposes candidates, and the other groups exclude some of them as far as they are
//!    loaded anyway.
//! 2. Loaded data stays valid, because the log never changes except by removal of events; nothing is kept open
//!    between pages. Positions of removed events may be found; the caller finds no event there.
//! 3. A list is read on disk only up to where the tail's windows begin at that moment. Later entries, of a window
//!    that is being written or that another server wrote, are skipped.
//! 4. For streams with many removed events, these are excluded by the stream's own list ([`Lookup::skip`]), so that a
//!    stream which expired completely is skipped in a few pages of its list.
//! 5. Memory: a list keeps its share of [`Settings::lookup_positions_max`](crate::Settings::lookup_positions_max), at
//!    least [`SHARE_MIN`]; a query with more than [`LISTS_MAX`](crate::model::query) lists is not looked up.
//!
//! Why not evaluate windows of positions, each as a whole: for a rare tag in a long log, this reads one entry, while
//! that would take one look-up per window.

mod item;
mod list;
mod run;
#[cfg(test)]
mod tests;

use annals_engine::{Direction, Read};

use crate::{
    format::keys::ListName,
    index::Window,
    model::{
        error::Result,
        query::{Query, may_match},
    },
    shared::Shared,
    tail::Recent,
    values::position::Position,
};
use item::Item;
use list::{List, Loading};
use run::{Rank, Run};

/// Minimum number of positions that are kept of each list.
const SHARE_MIN: usize = 16;
/// Maximum number of streams whose events are skipped.
const SKIPPED_MAX: usize = 64;
/// Number of lists that are read in one round trip to the engine, so that the size of the response is bounded.
const LISTS_PER_TRIP: usize = 64;

/// A page of positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Positions of candidates, in the direction of the read.
    pub positions: Vec<Position>,
    /// Position up to which there are no other candidates.
    pub reached: Position,
}

/// The look-up of a query, with the loaded parts of its lists.
#[derive(Debug)]
pub(crate) struct Lookup {
    direction: Direction,
    items: Vec<Item>,
    skipped: Vec<Skipped>,
}

/// A stream whose events are skipped up to a position.
#[derive(Debug)]
struct Skipped {
    list: List,
    up_to: Position,
}

impl Lookup {
    /// Returns `None` if the query's matches can't be found in the indexes.
    pub(crate) fn new(query: &Query, direction: Direction) -> Option<Self> {
        let items = query.lists()?.into_iter().map(Item::new).collect();
        Some(Self {
            direction,
            items,
            skipped: Vec::new(),
        })
    }

    /// Skips the events of a stream up to a position, by its list, so that they need not be read to find out that
    /// they are removed. Returns false if no more streams can be skipped.
    pub(crate) fn skip(&mut self, stream: &str, up_to: Position) -> bool {
        if self.skipped.len() < SKIPPED_MAX {
            self.skipped.push(Skipped {
                list: List::new(ListName::Stream(stream.to_owned())),
                up_to,
            });
        }
        self.skipped.len() < SKIPPED_MAX
    }

    /// Returns the next positions from `from` to `to`, at most `count_max`. `to` must not be after the tail's head.
    /// The page may be empty although there are more candidates after `reached`. `from` must not go back from one
    /// page to the next.
    pub(crate) async fn page(
        &mut self,
        shared: &Shared,
        from: Position,
        to: Position,
        count_max: usize,
    ) -> Result<Found> {
        let lists: usize = self.items.iter().map(Item::len).sum::<usize>() + self.skipped.len();
        let share = (shared.settings.lookup_positions_max / lists.max(1)).max(SHARE_MIN);
        let rank = Rank::of(from, self.direction);
        if self.direction == Direction::Forwards {
            self.skipped.retain(|skipped| skipped.up_to >= from);
        }
        let unknown = self.items.iter_mut().flat_map(|item| item.unknown_at(rank));
        let skipped = self.skipped.iter_mut().map(|skipped| &mut skipped.list);
        let unknown = unknown.chain(skipped.filter_map(|list| list.unknown_at(rank)));
        let part = Part {
            direction: self.direction,
            from,
            to,
            count_max: share,
        };
        part.load(shared, unknown.collect()).await?;
        self.items.iter_mut().for_each(|item| item.find(rank));
        let mut found = Run::union(self.items.iter().map(Item::run));
        let position = |rank: Rank| rank.position(self.direction);
        for Skipped { list, up_to } in &self.skipped {
            found.take_out(&list.run, |rank| position(rank) > *up_to);
        }
        found.cut(count_max);
        let reached = found.until().map_or(from, position);
        Ok(Found {
            positions: found
                .up_to(Rank::of(reached, self.direction))
                .map(position)
                .collect(),
            reached,
        })
    }
}

/// Returns the position of the first match in a window after a position, if the query's matches are in lists.
pub(crate) fn first_in(window: &Window, query: &Query, after: Position) -> Option<Position> {
    let first = window.after.max(after).next();
    if window.last < first {
        return None;
    }
    if query.matches_all() {
        return Some(first);
    }
    let items = query.lists()?;
    if !may_match(&items, |list| window.list(list).last() >= Some(&first)) {
        return None;
    }
    let rank = |position: Position| Rank::of(position, Direction::Forwards);
    let from = rank(first);
    let mut items: Vec<Item> = items.into_iter().map(Item::new).collect();
    for item in &mut items {
        for list in item.unknown_at(from) {
            let positions = window.list(&list.name);
            let behind = &positions[positions.partition_point(|position| *position < first)..];
            list.run = Run::new(behind.iter().copied().map(rank), rank(window.last));
        }
        item.find(from);
    }
    let found = Run::union(items.iter().map(Item::run));
    found
        .up_to(rank(window.last))
        .next()
        .map(|rank| rank.position(Direction::Forwards))
}

/// The part of lists that is to be loaded.
#[derive(Clone, Copy, Debug)]
struct Part {
    direction: Direction,
    from: Position,
    to: Position,
    count_max: usize,
}

impl Part {
    async fn load(self, shared: &Shared, lists: Vec<&mut List>) -> Result<()> {
        let mut stored = Vec::new();
        for list in lists {
            let recent = shared
                .tail
                .listed(&list.name, self.from, self.direction, self.count_max);
            match recent {
                Recent::Here { positions, until } => list.run = self.run(&positions, until),
                Recent::Stored { up_to } => {
                    let to = match self.direction {
                        Direction::Forwards => self.to.min(up_to),
                        Direction::Backwards => self.to,
                    };
                    stored.push(Loading::new(list, self.direction, self.from, to, self.count_max));
                }
            }
        }
        for loading in stored.chunks_mut(LISTS_PER_TRIP) {
            read(shared, loading).await?;
        }
        Ok(())
    }

    /// Makes a run of the positions that were found in the tail, which may extend beyond `to`.
    fn run(self, positions: &[Position], until: Position) -> Run {
        let rank = |position: &Position| Rank::of(*position, self.direction);
        let to = rank(&self.to);
        let ranks = positions.iter().map(rank).filter(|rank| *rank <= to);
        Run::new(ranks, rank(&until).min(to))
    }
}

/// Loads lists from disk. Each round trip performs one step for all of them.
async fn read(shared: &Shared, loading: &mut [Loading<'_>]) -> Result<()> {
    loop {
        let mut pending: Vec<_> = loading
            .iter_mut()
            .filter(|loading| !loading.is_done())
            .map(|loading| {
                let reads = loading.reads();
                (loading, reads)
            })
            .collect();
        if pending.is_empty() {
            return Ok(());
        }
        let reads: Vec<Read> = pending.iter().flat_map(|(_, reads)| reads).cloned().collect();
        let pages = shared.engine.snapshot().await?.read(reads).await?;
        let mut pages = pages.as_slice();
        for (loading, reads) in &mut pending {
            let (answers, rest) = pages.split_at(reads.len().min(pages.len()));
            loading.take(answers)?;
            pages = rest;
        }
    }
}
