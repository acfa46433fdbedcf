//! Finding where the matches of a query stand, page by page, so that the cost follows the matches and not the log: from
//! the lists of positions that the indexes keep of every type, stream and tag. On disk they are complete up to where the
//! tail's windows begin, and from there on they are in memory.
//!
//! An item of a query is the intersection of groups of lists (its types, its streams, each of its tags), a group the union
//! of its lists, the query the union of its items. Each is a [`run::Run`]: what it holds from where the read is up to some
//! position, up to which all that it is made of is known.
//!
//! 1. Every match is found once and in order. What is found may not match: whoever reads the events looks at them. So it
//!    need not be exact where being exact costs more than looking: of an item the sparsest group proposes, and the others
//!    take out as far as they are loaded anyway.
//! 2. What was loaded stays true, because the log never changes but for events that go; nothing is kept open between
//!    pages. Positions whose events are gone may be found; whoever reads them finds nothing there.
//! 3. A list is read on disk only up to where the tail's windows begin at that moment. What lies behind that, of a window
//!    that is being written, or that another server wrote, is passed over.
//! 4. Of streams that were seen to have many events that are gone, those are left out by the stream's own list
//!    ([`Lookup::skip`]), so that a stream which expired as a whole is passed in a few pages of its list.
//! 5. Memory: a list keeps its share of [`Settings::lookup_positions_max`](crate::Settings::lookup_positions_max), at
//!    least [`SHARE_MIN`]; a query with more than [`LISTS_MAX`](crate::model::query) lists is not looked up.
//!
//! Why not by windows of positions, each evaluated whole: a rare tag in a long log is one entry here and one look-up a
//! window there.

mod item;
mod list;
mod run;
#[cfg(test)]
mod tests;

use annals_engine::{Direction, Read};

use crate::{
    format::keys::ListName,
    index::Window,
    model::{error::Result, query::Query},
    shared::Shared,
    tail::Recent,
    values::position::Position,
};
use item::Item;
use list::{List, Loading};
use run::{Rank, Run};

/// Positions that are kept of each list at the least.
const SHARE_MIN: usize = 16;
/// Streams whose events are left out at the most.
const SKIPPED_MAX: usize = 64;
/// Lists that are read in one trip to the engine, so that what comes back is bounded.
const LISTS_PER_TRIP: usize = 64;

/// A page of positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where events stand that may match, in the direction of the read.
    pub positions: Vec<Position>,
    /// Up to here there are no others.
    pub reached: Position,
}

/// A query that is looked up, and what is loaded of its lists.
#[derive(Debug)]
pub(crate) struct Lookup {
    direction: Direction,
    items: Vec<Item>,
    skipped: Vec<Skipped>,
}

/// A stream whose events are left out up to a position.
#[derive(Debug)]
struct Skipped {
    list: List,
    up_to: Position,
}

impl Lookup {
    /// `None` if the indexes don't tell where the query's matches are.
    pub(crate) fn new(query: &Query, direction: Direction) -> Option<Self> {
        let items = query.lists()?.into_iter().map(Item::new).collect();
        Some(Self {
            direction,
            items,
            skipped: Vec::new(),
        })
    }

    /// Leaves out the events of a stream up to a position, by its list: they need not be read to see that they are gone.
    /// False if no more streams are left out.
    pub(crate) fn skip(&mut self, stream: &str, up_to: Position) -> bool {
        if self.skipped.len() < SKIPPED_MAX {
            self.skipped.push(Skipped {
                list: List::new(ListName::Stream(stream.to_owned())),
                up_to,
            });
        }
        self.skipped.len() < SKIPPED_MAX
    }

    /// The next positions from `from` to `to`, which is not behind the tail's head: up to `count_max`. None may be found
    /// although there are more behind `reached`. `from` must not go back from one page to the next.
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

/// Where the first event of a window behind a position stands that matches a query, if the query's matches are in lists.
pub(crate) fn first_in(window: &Window, query: &Query, after: Position) -> Option<Position> {
    let first = window.after.max(after).next();
    if window.last < first {
        return None;
    }
    if query.matches_all() {
        return Some(first);
    }
    let rank = |position: Position| Rank::of(position, Direction::Forwards);
    let from = rank(first);
    let mut items: Vec<Item> = query.lists()?.into_iter().map(Item::new).collect();
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

/// What is to be loaded of lists.
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

    /// What was found in the tail, which may go on behind `to`.
    fn run(self, positions: &[Position], until: Position) -> Run {
        let rank = |position: &Position| Rank::of(*position, self.direction);
        let to = rank(&self.to);
        let ranks = positions.iter().map(rank).filter(|rank| *rank <= to);
        Run::new(ranks, rank(&until).min(to))
    }
}

/// Loads lists from disk, a step of all of them in each trip.
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
