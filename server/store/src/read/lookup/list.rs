//! A list of the indexes, as far as it is loaded, and loading it from disk.
//!
//! The key of an entry of a type or a tag contains a position, so the entry that contains a given position is found
//! directly. The key of an entry of a stream contains a revision, so the entry must be searched for: first in one
//! page, which contains all entries of most streams, and then between the ends, sixteen ways at a time.

use annals_engine::{Direction, Entry, KeyRange, Page, PageLimit, Read};

use super::run::{Rank, Run};
use crate::{
    format::{
        keys::{self, ListName},
        wire::{Malformed, Parsed},
    },
    index,
    values::position::Position,
};

/// Bytes of entries that are read of a list at a time. The entries of a long list have about that size.
const PAGE_BYTES: usize = 16 << 10;
/// Number of probes that a search makes at a time.
const PROBES: u64 = 15;

/// A list and its loaded part.
#[derive(Debug)]
pub(super) struct List {
    pub name: ListName,
    pub run: Run,
    /// A number in the entry at which a stream's run ended: the first one going forwards, the last one going
    /// backwards. With it the entry is found even if its beginning was scavenged, which moves it to a later number.
    reached: Option<u64>,
}

impl List {
    pub(super) fn new(name: ListName) -> Self {
        Self {
            name,
            run: Run::default(),
            reached: None,
        }
    }

    /// Drops positions before `from`, and returns itself if it must be loaded there.
    pub(super) fn unknown_at(&mut self, from: Rank) -> Option<&mut Self> {
        self.run.pass(from);
        (!self.run.knows(from)).then_some(self)
    }
}

/// An entry of a list.
#[derive(Debug)]
struct Posted {
    /// The number in its key.
    number: u64,
    /// Positions, ascending, at least one.
    positions: Vec<Position>,
}

impl Posted {
    fn parse(entry: &Entry) -> Parsed<Self> {
        Ok(Self {
            number: keys::parse_number(&entry.key).ok_or(Malformed("index: key of a list"))?,
            positions: index::decode(&entry.value)?,
        })
    }

    fn first(&self) -> Position {
        self.positions.first().copied().unwrap_or_default()
    }

    fn last(&self) -> Position {
        self.positions.last().copied().unwrap_or_default()
    }
}

/// The next step of a search in a stream.
#[derive(Debug)]
enum Step {
    Begin,
    /// The entry is between that of `low`, which begins at or before the position, and `high`, which begins after it.
    /// Up to `none_to`, no entry but that of `low` begins.
    Narrow {
        low: u64,
        none_to: u64,
        high: u64,
    },
    /// The entry was found.
    Page(u64),
    Done,
}

/// Loading of a list from disk: in steps, so that the steps of many lists are made in one round trip.
#[derive(Debug)]
pub(super) struct Loading<'a> {
    list: &'a mut List,
    direction: Direction,
    from: Position,
    to: Position,
    count_max: usize,
    step: Step,
}

impl<'a> Loading<'a> {
    /// Loads positions between `from` and `to`, both included: the first `count_max` or fewer. The index must be
    /// complete there.
    pub(super) fn new(
        list: &'a mut List,
        direction: Direction,
        from: Position,
        to: Position,
        count_max: usize,
    ) -> Self {
        Self {
            list,
            direction,
            from,
            to,
            count_max,
            step: Step::Begin,
        }
    }

    pub(super) const fn is_done(&self) -> bool {
        matches!(self.step, Step::Done)
    }

    /// Returns the reads for the next step.
    pub(super) fn reads(&self) -> Vec<Read> {
        let all = keys::list_entries(&self.list.name);
        match (&self.step, &self.list.name) {
            (Step::Begin, ListName::Stream(_)) => {
                let (end, reached) = (opposite(self.direction), self.list.reached);
                vec![self.page_from(reached), range(all, end, 1)]
            }
            (Step::Begin, _) => {
                let behind = keys::list_entry(&self.list.name, self.from.0 + 1);
                let before = KeyRange::new(all.start, behind.clone());
                match self.direction {
                    Direction::Backwards => vec![range(before, Direction::Backwards, self.count_max)],
                    Direction::Forwards => {
                        let behind = KeyRange::new(behind, all.end);
                        vec![
                            Read::last(before),
                            range(behind, Direction::Forwards, self.count_max),
                        ]
                    }
                }
            }
            (Step::Narrow { none_to, high, .. }, _) => {
                let probe = |number| {
                    let end = keys::list_entry(&self.list.name, number + 1);
                    Read::last(KeyRange::new(all.start.clone(), end))
                };
                probes(*none_to, *high).map(probe).collect()
            }
            (Step::Page(number), _) => vec![self.page_from(Some(*number))],
            (Step::Done, _) => Vec::new(),
        }
    }

    /// Returns the read of a stream's entries from the one with a number, or from the stream's end.
    fn page_from(&self, number: Option<u64>) -> Read {
        let mut all = keys::list_entries(&self.list.name);
        match (number, self.direction) {
            (None, _) => {}
            (Some(number), Direction::Forwards) => all.start = keys::list_entry(&self.list.name, number),
            (Some(number), Direction::Backwards) => all.end = keys::list_entry(&self.list.name, number + 1),
        }
        range(all, self.direction, self.count_max)
    }

    /// Takes the results of [`Self::reads`].
    pub(super) fn take(&mut self, pages: &[Page]) -> Parsed<()> {
        let more = match (self.direction, pages) {
            (Direction::Forwards, [_, page]) if !matches!(self.list.name, ListName::Stream(_)) => page.more,
            (_, [page, ..]) => page.more,
            (_, []) => false,
        };
        let parsed = |page: &Page| page.entries.iter().map(Posted::parse).collect::<Parsed<Vec<_>>>();
        match (&self.step, &self.list.name) {
            (Step::Begin, ListName::Stream(_)) => {
                let page = pages.first().map(parsed).transpose()?.unwrap_or_default();
                let end = pages.get(1).map(parsed).transpose()?.unwrap_or_default().pop();
                self.begin_stream(&page, more, end);
            }
            (Step::Narrow { low, none_to, high }, _) => {
                let (mut low, mut none_to, mut high) = (*low, *none_to, *high);
                for (probe, page) in probes(none_to, high).zip(pages) {
                    let Some(found) = page.entries.first().map(Posted::parse).transpose()? else {
                        continue;
                    };
                    if found.first() > self.from {
                        high = found.number;
                        break;
                    }
                    (low, none_to) = (found.number, none_to_of(&found, self.from).max(probe));
                }
                self.step = self.narrowed(low, none_to, high);
            }
            (Step::Begin | Step::Page(_), _) => {
                let entries = pages.iter().map(parsed).collect::<Parsed<Vec<_>>>()?;
                self.finish(&entries.into_iter().flatten().collect::<Vec<_>>(), more);
            }
            (Step::Done, _) => {}
        }
        Ok(())
    }

    /// Checks whether a stream's first page contains the position. The page starts at the end at which the read
    /// begins, or where the last run ended; `end` is the entry at the other end.
    fn begin_stream(&mut self, page: &[Posted], more: bool, end: Option<Posted>) {
        let (Some(last), Some(end)) = (page.last(), end) else {
            return self.finish(&[], false);
        };
        match self.direction {
            _ if !more => self.finish(page, more),
            Direction::Forwards if last.last() >= self.from => self.finish(page, more),
            Direction::Forwards if end.first() <= self.from => self.step = Step::Page(end.number),
            Direction::Forwards => {
                self.step = self.narrowed(last.number, none_to_of(last, self.from), end.number);
            }
            Direction::Backwards if last.first() <= self.from => self.finish(page, more),
            Direction::Backwards if end.first() > self.from => self.finish(&[], false),
            Direction::Backwards => {
                self.step = self.narrowed(end.number, none_to_of(&end, self.from), last.number);
            }
        }
    }

    fn narrowed(&self, low: u64, none_to: u64, high: u64) -> Step {
        if none_to.saturating_add(1) < high {
            return Step::Narrow { low, none_to, high };
        }
        Step::Page(match self.direction {
            Direction::Forwards => low,
            // The entry of `low`, or its remainder if it was scavenged meanwhile.
            Direction::Backwards => high - 1,
        })
    }

    /// Takes the positions from entries in the direction of the read. `more`: more entries follow.
    fn finish(&mut self, entries: &[Posted], more: bool) {
        let rank = |position: &Position| Rank::of(*position, self.direction);
        let (from, to) = (rank(&self.from), rank(&self.to));
        let mut ranks: Vec<Rank> = Vec::new();
        let mut seen = None;
        for entry in entries {
            let mut found: Vec<Rank> = entry.positions.iter().map(rank).collect();
            found.sort_unstable();
            seen = seen.max(found.last().copied());
            // Entries may overlap; see `index::postings`.
            let behind = ranks.last().copied();
            ranks.extend(
                found
                    .into_iter()
                    .filter(|rank| Some(*rank) > behind && *rank >= from && *rank <= to),
            );
        }
        let until = match seen.filter(|_| more) {
            Some(seen) => seen.min(to),
            None => to,
        };
        if let (true, Some(last)) = (until < from, entries.last()) {
            // Only the entry before the position is in the page, and the next one is not.
            self.step = Step::Page(last.number.saturating_add(last.positions.len() as u64));
            return;
        }
        let mut run = Run::new(ranks, until);
        run.cut(self.count_max);
        let until = run.until();
        let begins = |entry: &&Posted| entry.positions.iter().map(rank).min() <= until;
        if let Some(entry) = entries.iter().rev().find(begins) {
            self.list.reached = Some(match self.direction {
                Direction::Forwards => entry.number,
                Direction::Backwards => entry.number.saturating_add(entry.positions.len() as u64 - 1),
            });
        }
        self.list.run = run;
        self.step = Step::Done;
    }
}

/// Returns the number up to which no entry begins after this one; the maximum if this entry contains the position
/// that is searched for.
fn none_to_of(entry: &Posted, from: Position) -> u64 {
    if entry.last() >= from {
        return u64::MAX;
    }
    entry.number.saturating_add(entry.positions.len() as u64 - 1)
}

/// Returns numbers between two others, at even distances.
fn probes(none_to: u64, high: u64) -> impl Iterator<Item = u64> {
    let between = high - none_to - 1;
    let count = between.min(PROBES);
    (1..=count).map(move |n| none_to + (u128::from(between) * u128::from(n) / u128::from(count)) as u64)
}

const fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Forwards => Direction::Backwards,
        Direction::Backwards => Direction::Forwards,
    }
}

fn range(range: KeyRange, direction: Direction, entries: usize) -> Read {
    let limit = PageLimit {
        entries,
        bytes: PAGE_BYTES,
    };
    Read::range(range, direction, limit)
}
