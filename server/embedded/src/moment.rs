//! A consistent view of the committed state: the tree as of the last fold, overlaid with the generation up to a
//! commit.
//!
//! 1. A moment never changes, and keeps alive everything it reads: fjall's snapshot, the generation, the files of the
//!    log.
//! 2. The generation overrides the tree for every key that it has.
//! 3. Values in the log are read once a page is complete, adjacent ones together, and are verified.

use std::sync::Arc;

use annals_engine::{Direction, Entry, Error, KeyRange, Page, PageLimit, Result};
use bytes::Bytes;
use fjall::{Readable, Snapshot};

use crate::fault;
use crate::generation::Generation;
use crate::layout::Place;
use crate::location::Location;
use crate::segment::{Segment, Segments};
use crate::tree::Tree;

pub(crate) struct Moment {
    pub(crate) base: Arc<Snapshot>,
    pub(crate) generation: Arc<Generation>,
    /// The last commit of the generation that is visible.
    pub(crate) sequence: u64,
    pub(crate) segments: Segments,
}

/// The source of a value.
pub(crate) enum Source {
    Here(Bytes),
    Log(Location),
}

impl Source {
    fn bytes(&self) -> usize {
        match self {
            Self::Here(value) => value.len(),
            Self::Log(location) => location.bytes as usize,
        }
    }
}

/// Limit on the gap between two values that are read together, in bytes.
const GAP_BYTES_MAX: u64 = 4 * 1_024;
/// Limit on the bytes that are read together.
const RUN_BYTES_MAX: u64 = 4 << 20;

impl Moment {
    /// The value of a key.
    pub(crate) fn get(&self, tree: &Tree, key: &[u8]) -> Result<Option<Bytes>> {
        if let Some(left) = self.generation.get(key, self.sequence) {
            return Ok(left.map(|(value, _)| value));
        }
        let place = tree.layout.place(key);
        let value = self.base.get(tree.keyspace(place), key);
        let value = value.map_err(|error| fault::of_read(&error))?.map(Bytes::from);
        match (place, value) {
            (Place::Log, Some(location)) => self.value(Location::decode(&location)?).map(Some),
            (_, value) => Ok(value),
        }
    }

    /// The location of a bulk key's value in the log.
    pub(crate) fn location(&self, tree: &Tree, key: &[u8]) -> Result<Option<Location>> {
        if let Some(left) = self.generation.get(key, self.sequence) {
            return Ok(left.map(|(_, location)| location));
        }
        let location = self.base.get(tree.keyspace(Place::Log), key);
        let location = location.map_err(|error| fault::of_read(&error))?;
        location.map(|location| Location::decode(&location)).transpose()
    }

    /// Reads one page of a range, part by part.
    pub(crate) fn page(
        &self,
        tree: &Tree,
        range: &KeyRange,
        direction: Direction,
        limit: PageLimit,
    ) -> Result<Page> {
        let (mut found, mut bytes, mut more) = (Vec::new(), 0, false);
        self.walk(tree, range, direction, limit, |key, source| {
            bytes += key.len() + source.bytes();
            found.push((key, source));
            // A full page reports more even if none follows: to know, the next block might have to be read.
            more = found.len() >= limit.entries || bytes >= limit.bytes;
            !more
        })?;
        Ok(Page {
            entries: self.resolve(found)?,
            more,
        })
    }

    /// The keys of a range.
    pub(crate) fn keys(&self, tree: &Tree, range: &KeyRange) -> Result<Vec<Bytes>> {
        let all = PageLimit {
            entries: usize::MAX,
            bytes: usize::MAX,
        };
        let mut keys = Vec::new();
        self.walk(tree, range, Direction::Forwards, all, |key, _| {
            keys.push(key);
            true
        })?;
        Ok(keys)
    }

    /// Visits the keys of a range until `visit` returns false. `limit` bounds how many entries it will accept.
    fn walk(
        &self,
        tree: &Tree,
        range: &KeyRange,
        direction: Direction,
        limit: PageLimit,
        mut visit: impl FnMut(Bytes, Source) -> bool,
    ) -> Result<()> {
        let mut parts = tree.layout.parts(range);
        if direction == Direction::Backwards {
            parts.reverse();
        }
        for (place, part) in parts {
            let over = self.generation.page(&part, direction, limit, self.sequence);
            let mut over = over.into_iter().peekable();
            let mut below = self
                .base
                .range::<&[u8], _>(tree.keyspace(place), &part.start[..]..&part.end[..]);
            let mut step = || match direction {
                Direction::Forwards => below.next(),
                Direction::Backwards => below.next_back(),
            };
            let mut next = read(place, step())?;
            loop {
                let before = |a: &Bytes, b: &Bytes| match direction {
                    Direction::Forwards => a <= b,
                    Direction::Backwards => a >= b,
                };
                let first =
                    over.next_if(|(key, _)| next.as_ref().is_none_or(|(other, _)| before(key, other)));
                let (key, source) = if let Some((key, left)) = first {
                    if next.as_ref().is_some_and(|(hidden, _)| *hidden == key) {
                        next = read(place, step())?;
                    }
                    let Some(value) = left else { continue };
                    (key, Source::Here(value))
                } else if let Some(found) = next.take() {
                    if !visit(found.0, found.1) {
                        return Ok(());
                    }
                    next = read(place, step())?;
                    continue;
                } else {
                    break;
                };
                if !visit(key, source) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Reads the values that are in the log.
    fn resolve(&self, found: Vec<(Bytes, Source)>) -> Result<Vec<Entry>> {
        let mut in_log: Vec<(Location, usize)> = Vec::new();
        let mut entries = Vec::with_capacity(found.len());
        for (nth, (key, source)) in found.into_iter().enumerate() {
            let value = match source {
                Source::Here(value) => value,
                Source::Log(location) => {
                    in_log.push((location, nth));
                    Bytes::new()
                }
            };
            entries.push(Entry { key, value });
        }
        in_log.sort_unstable_by_key(|(location, _)| (location.segment, location.offset));
        let mut rest = &in_log[..];
        while let Some((first, _)) = rest.first() {
            let mut end = first.end();
            let neighbours = rest.iter().take_while(|(location, _)| {
                let joins = location.segment == first.segment
                    && u64::from(location.offset) <= end + GAP_BYTES_MAX
                    && location.end() - u64::from(first.offset) <= RUN_BYTES_MAX.max(u64::from(first.bytes));
                if joins {
                    end = end.max(location.end());
                }
                joins
            });
            let (run, others) = rest.split_at(neighbours.count());
            let buffer = self.bytes(*first, end)?;
            for (location, nth) in run {
                let from = (location.offset - first.offset) as usize;
                let value = buffer.slice(from..from + location.bytes as usize);
                location.check(&value)?;
                entries[*nth].value = value;
            }
            rest = others;
        }
        Ok(entries)
    }

    /// Reads and verifies the value at a location in the log.
    pub(crate) fn value(&self, location: Location) -> Result<Bytes> {
        let value = self.bytes(location, location.end())?;
        location.check(&value)?;
        Ok(value)
    }

    /// Reads the log from the beginning of `first` up to `end`.
    fn bytes(&self, first: Location, end: u64) -> Result<Bytes> {
        let segment: &Arc<Segment> = self.segments.get(&first.segment).ok_or_else(|| {
            Error::Corrupt(format!(
                "segment {} of the log is in use but missing",
                first.segment
            ))
        })?;
        let offset = u64::from(first.offset);
        let read = segment.read(offset, end - offset);
        read.map_err(|error| fault::of_log(segment.path(), &error))
    }
}

/// Reads the next key of the tree, with the source of its value.
fn read(place: Place, next: Option<fjall::Guard>) -> Result<Option<(Bytes, Source)>> {
    let Some(next) = next else { return Ok(None) };
    let (key, value) = next.into_inner().map_err(|error| fault::of_read(&error))?;
    let source = match place {
        Place::Log => Source::Log(Location::decode(&value)?),
        Place::Index => Source::Here(Bytes::from(value)),
    };
    Ok(Some((Bytes::from(key), source)))
}
