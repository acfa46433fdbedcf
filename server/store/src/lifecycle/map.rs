//! The states of all streams that have one, in memory.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::atomic::{AtomicUsize, Ordering},
};

use parking_lot::RwLock;

use super::Lifecycle;
use crate::{
    name::{self, StreamName},
    position::{Position, Revision},
    record::View,
    wire::Parsed,
};

/// A stream that has a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marked {
    pub lifecycle: Lifecycle,
    /// How often it was changed.
    pub version: u64,
    /// Where the event stands that set it.
    pub position: Position,
    /// The stream's last revision, if it is known. It only grows.
    pub last: Option<Revision>,
}

impl Marked {
    /// What an event says, and of which stream; `None` if it is not one of those that the store writes.
    pub(crate) fn of_event<'a>(event: &View<'a>) -> Parsed<Option<(&'a str, Self)>> {
        let Some(stream) = name::subject(event.stream) else {
            return Ok(None);
        };
        let marked = Self {
            lifecycle: Lifecycle::from_json(event.data)?,
            version: event.revision.0 + 1,
            position: event.position,
            last: None,
        };
        Ok(Some((stream, marked)))
    }
}

/// The states of all streams that have one, as of the tail's head.
#[derive(Debug, Default)]
pub(crate) struct Lifecycles {
    marked: RwLock<BTreeMap<StreamName, Marked>>,
    /// How many there are: most stores have none, and then nothing else is asked.
    count: AtomicUsize,
    beginnings: AtomicUsize,
}

/// From when on events are taken without a gap: what was looked up before that may lack some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beginning(usize);

impl Lifecycles {
    /// Whether everything is kept, of every stream.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// How many streams have a state.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// What is set for a stream; the default if nothing is. For a stream `$$S`, that its last event is kept.
    pub(crate) fn of(&self, stream: &str) -> Lifecycle {
        self.get(stream)
            .map(|marked| marked.lifecycle)
            .unwrap_or_default()
    }

    /// The first of these streams that was deleted for ever.
    pub(crate) fn tombstoned<'a>(
        &self,
        mut streams: impl Iterator<Item = &'a StreamName>,
    ) -> Option<&'a StreamName> {
        if self.is_empty() {
            return None;
        }
        streams.find(|stream| self.of(stream.as_str()).tombstoned)
    }

    /// The state of a stream.
    pub(crate) fn get(&self, stream: &str) -> Option<Marked> {
        if self.is_empty() {
            return None;
        }
        let marked = self.marked.read();
        find(&marked, stream)
    }

    /// The states of streams, in their order, all as of the same moment.
    pub(crate) fn get_all<'a>(&self, streams: impl IntoIterator<Item = &'a str>) -> Vec<Option<Marked>> {
        let marked = self.marked.read();
        streams.into_iter().map(|stream| find(&marked, stream)).collect()
    }

    /// Streams that have a state (never a `$$S`), in the order of their names: the first `count_max` behind `after`.
    pub(crate) fn names(&self, after: Option<&str>, count_max: usize) -> Vec<StreamName> {
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let marked = self.marked.read();
        let names = marked.range::<str, _>((behind, Bound::Unbounded));
        names.take(count_max).map(|(name, _)| name.clone()).collect()
    }

    /// Takes the next event of the log. Returns whether it begins its stream, the first time or again after it was
    /// deleted.
    pub(crate) fn take(&self, event: &View<'_>, last: impl FnOnce(&str) -> Option<Revision>) -> Parsed<bool> {
        if let Some((stream, marked)) = Marked::of_event(event)? {
            self.set(stream, marked, last(stream));
        }
        if event.revision == Revision::FIRST {
            return Ok(true);
        }
        if self.is_empty() {
            return Ok(false);
        }
        let mut marked = self.marked.write();
        let Some(known) = marked.get_mut(event.stream) else {
            return Ok(false);
        };
        known.last = known.last.max(Some(event.revision));
        Ok(known.lifecycle.deleted_before == event.revision)
    }

    /// The beginning that holds now; to be asked for before a last revision is looked up.
    pub(crate) fn beginning(&self) -> Beginning {
        Beginning(self.beginnings.load(Ordering::Acquire))
    }

    /// Notes a stream's last revision that was looked up since that beginning. Not if there was another one meanwhile: of
    /// the events that were passed over then none were noted.
    pub(crate) fn learn(&self, since: Beginning, stream: &str, last: Option<Revision>) {
        let mut marked = self.marked.write();
        if self.beginning() == since
            && let Some(known) = marked.get_mut(stream)
        {
            known.last = known.last.max(last);
        }
    }

    /// Forgets everything and begins anew with what is stored.
    pub(crate) fn restart(&self, loaded: Vec<(StreamName, Marked)>) {
        let mut marked = self.marked.write();
        *marked = loaded.into_iter().collect();
        self.beginnings.fetch_add(1, Ordering::AcqRel);
        self.count.store(marked.len(), Ordering::Release);
    }

    fn set(&self, stream: &str, new: Marked, last: Option<Revision>) {
        let mut marked = self.marked.write();
        match marked.get_mut(stream) {
            // What is stored may be ahead of the events that are taken.
            Some(known) if known.version >= new.version => {}
            Some(known) => {
                *known = Marked {
                    last: known.last,
                    ..new
                }
            }
            None => {
                marked.insert(StreamName::trusted(stream), Marked { last, ..new });
            }
        }
        self.count.store(marked.len(), Ordering::Release);
    }
}

fn find(marked: &BTreeMap<StreamName, Marked>, stream: &str) -> Option<Marked> {
    let Some(subject) = name::subject(stream) else {
        return marked.get(stream).copied();
    };
    // Of `$$S` the last event is kept.
    let of_subject = marked.get(subject)?;
    let last = of_subject.version.checked_sub(1).map(Revision);
    Some(Marked {
        lifecycle: Lifecycle::keeping_last(),
        version: 0,
        position: Position::START,
        last,
    })
}
