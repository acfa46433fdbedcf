//! The states of all streams and prefixes that have one, in memory.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use parking_lot::RwLock;

use super::{Lifecycle, Prefixes, Retention, Rule};
use crate::{
    format::{record::View, wire::Parsed},
    values::{
        name::{self, StreamName},
        position::{Position, Revision},
    },
};

/// Sorts before the settings names of all prefixes.
const FIRST_FILED: &str = "$";

/// The state of a stream or a prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marked {
    pub lifecycle: Lifecycle,
    /// Number of changes to the state.
    pub version: u64,
    /// Position of the event that set the state.
    pub position: Position,
    /// The stream's last revision, if it is known. It only grows.
    pub last: Option<Revision>,
}

impl Marked {
    /// Parses the state that an event sets, and for which stream; `None` if the event is not in one of the store's
    /// own streams.
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

/// The states of all streams and prefixes that have one, as of the tail's head.
#[derive(Debug, Default)]
pub(crate) struct Lifecycles {
    states: RwLock<States>,
    /// Number of states. Most stores have none, and then nothing else is checked.
    count: AtomicUsize,
    /// Position of the last event that set a state.
    last_set: AtomicU64,
    beginnings: AtomicUsize,
}

#[derive(Debug, Default)]
struct States {
    marked: BTreeMap<StreamName, Marked>,
    prefixes: Prefixes,
}

/// The settings that apply to a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MarkedStream {
    /// Settings of the stream itself.
    pub marked: Option<Marked>,
    /// Rule for a stream of its name that has no count and no age of its own.
    pub rule: Option<Rule>,
    /// Number of changes to prefix settings so far.
    pub prefix_changes: u64,
}

/// The settings that apply to a prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MarkedPrefix {
    /// Settings of the prefix itself.
    pub marked: Option<Marked>,
    /// Rule for its streams.
    pub rule: Option<Rule>,
    /// Rule that its streams would have if the prefix had no settings.
    pub without: Option<Rule>,
    /// Number of prefixes that have a retention. `known` is the number of those that have or had one.
    pub set: usize,
    pub known: usize,
}

/// Start of the period in which events are taken without a gap. A look-up from before it may lack some events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beginning(usize);

impl Lifecycles {
    /// Whether no stream or prefix has settings, so that every event is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Returns the position of the last event that set a state; [`Position::START`] if there is none.
    pub(crate) fn last_set(&self) -> Position {
        Position(self.last_set.load(Ordering::Acquire))
    }

    /// Number of streams and prefixes that have a state.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Returns the settings of a stream; the default if it has none. For a stream `$$S`: that its last event is kept.
    pub(crate) fn of(&self, stream: &str) -> Lifecycle {
        self.get(stream)
            .map(|marked| marked.lifecycle)
            .unwrap_or_default()
    }

    /// Returns the first of these streams that was permanently deleted.
    pub(crate) fn tombstoned<'a>(
        &self,
        mut streams: impl Iterator<Item = &'a StreamName>,
    ) -> Option<&'a StreamName> {
        if self.is_empty() {
            return None;
        }
        streams.find(|stream| self.of(stream.as_str()).tombstoned)
    }

    /// Returns the state of a stream.
    pub(crate) fn get(&self, stream: &str) -> Option<Marked> {
        if self.is_empty() {
            return None;
        }
        find(&self.states.read(), stream)
    }

    /// Returns the state that applies to a stream: its own settings and, if these limit neither count nor age, those
    /// of a prefix of its name. `None`: everything is kept.
    pub(crate) fn holding(&self, stream: &str) -> Option<Marked> {
        if self.is_empty() {
            return None;
        }
        self.states.read().holding(stream)
    }

    /// Returns the states that apply to streams, in their order and all as of the same moment; see [`Self::holding`].
    pub(crate) fn holding_all<'a>(&self, streams: impl IntoIterator<Item = &'a str>) -> Vec<Option<Marked>> {
        let states = self.states.read();
        streams.into_iter().map(|stream| states.holding(stream)).collect()
    }

    /// Returns the settings of a stream, and the rule for a stream of this name that has no count and no age of its
    /// own.
    pub(crate) fn get_with_rule(&self, stream: &str) -> MarkedStream {
        let states = self.states.read();
        MarkedStream {
            marked: find(&states, stream),
            rule: states.prefixes.rule(stream).copied(),
            prefix_changes: states.prefixes.changes(),
        }
    }

    /// Returns the prefix whose retention applies to a stream, because the stream has no count and no age of its own.
    pub(crate) fn governing(&self, stream: &str) -> Option<(String, Retention)> {
        if self.is_empty() {
            return None;
        }
        let states = self.states.read();
        let limited = |marked: &Marked| marked.lifecycle.retention.is_limited();
        if states.marked.get(stream).is_some_and(limited) {
            return None;
        }
        let (prefix, retention) = states.prefixes.governing(stream)?;
        Some((prefix.to_owned(), retention))
    }

    /// Returns the settings that apply to a prefix.
    pub(crate) fn prefix(&self, prefix: &str) -> MarkedPrefix {
        let prefixes = &self.states.read().prefixes;
        MarkedPrefix {
            marked: prefixes.get(prefix),
            rule: prefixes.rule(prefix).copied(),
            without: prefixes.without(prefix).copied(),
            set: prefixes.count_set(),
            known: prefixes.len(),
        }
    }

    /// Whether any prefix has or had settings.
    pub(crate) fn has_prefixes(&self) -> bool {
        !self.is_empty() && self.states.read().prefixes.len() > 0
    }

    /// Returns the prefixes that have a retention, in order: the first `count_max` after `after`.
    pub(crate) fn prefixes(&self, after: Option<&str>, count_max: usize) -> Vec<(String, Marked)> {
        let states = self.states.read();
        let set = states.prefixes.behind(after);
        set.filter(|(_, marked)| marked.lifecycle.retention.is_limited())
            .take(count_max)
            .map(|(prefix, marked)| (prefix.to_owned(), marked))
            .collect()
    }

    /// Returns the settings names of prefixes, in order: the first `count_max` after `after`.
    pub(crate) fn filed_prefixes(&self, after: Option<&str>, count_max: usize) -> Vec<StreamName> {
        let behind = match after {
            Some(after) if after > FIRST_FILED => match name::prefix(after) {
                Some(prefix) => Some(prefix),
                None => return Vec::new(),
            },
            _ => None,
        };
        let states = self.states.read();
        let filed = states.prefixes.behind(behind).take(count_max);
        filed.map(|(prefix, _)| name::filed_prefix(prefix)).collect()
    }

    /// Returns a number that changes with every change to the settings of prefixes.
    pub(crate) fn prefix_changes(&self) -> u64 {
        if self.is_empty() {
            return 0;
        }
        self.states.read().prefixes.changes()
    }

    /// Returns prefixes that together cover every stream to which a prefix's retention may apply, in order, without
    /// overlap.
    pub(crate) fn prefix_roots(&self) -> Vec<String> {
        self.states.read().prefixes.roots().map(str::to_owned).collect()
    }

    /// Returns the streams that have a state (never a `$$S`), in the order of their names: the first `count_max`
    /// after `after`.
    pub(crate) fn names(&self, after: Option<&str>, count_max: usize) -> Vec<StreamName> {
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let states = self.states.read();
        let names = states.marked.range::<str, _>((behind, Bound::Unbounded));
        names.take(count_max).map(|(name, _)| name.clone()).collect()
    }

    /// Takes the next event of the log. Returns whether it begins its stream, for the first time or again after it
    /// was deleted.
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
        let mut states = self.states.write();
        let Some(known) = states.marked.get_mut(event.stream) else {
            return Ok(false);
        };
        known.last = known.last.max(Some(event.revision));
        Ok(known.lifecycle.deleted_before == event.revision)
    }

    /// Returns the current beginning, which must be read before a last revision is looked up.
    pub(crate) fn beginning(&self) -> Beginning {
        Beginning(self.beginnings.load(Ordering::Acquire))
    }

    /// Records a stream's last revision that was looked up since that beginning. Does nothing if there was another
    /// beginning since, because the events that were skipped then were not recorded.
    pub(crate) fn learn(&self, since: Beginning, stream: &str, last: Option<Revision>) {
        let mut states = self.states.write();
        if self.beginning() == since
            && let Some(known) = states.marked.get_mut(stream)
        {
            known.last = known.last.max(last);
        }
    }

    /// Discards everything and starts again with the stored states.
    pub(crate) fn restart(&self, loaded: Vec<(StreamName, Marked)>) {
        let mut states = self.states.write();
        *states = States::default();
        for (name, marked) in loaded {
            self.last_set.fetch_max(marked.position.0, Ordering::AcqRel);
            states.set(name.as_str(), marked);
        }
        self.beginnings.fetch_add(1, Ordering::AcqRel);
        self.count.store(states.len(), Ordering::Release);
    }

    fn set(&self, stream: &str, new: Marked, last: Option<Revision>) {
        let mut states = self.states.write();
        // Before the state, so that a reader of an event that the state removes finds its position.
        self.last_set.fetch_max(new.position.0, Ordering::AcqRel);
        states.set(stream, Marked { last, ..new });
        self.count.store(states.len(), Ordering::Release);
    }
}

impl States {
    fn len(&self) -> usize {
        self.marked.len() + self.prefixes.len()
    }

    /// Takes the settings of a stream, or those of a prefix by its settings name.
    fn set(&mut self, stream: &str, new: Marked) {
        if let Some(prefix) = name::prefix(stream) {
            return self.prefixes.set(prefix, new);
        }
        match self.marked.get_mut(stream) {
            // The stored state may be newer than the events taken so far.
            Some(known) if known.version >= new.version => {}
            Some(known) => {
                *known = Marked {
                    last: known.last,
                    ..new
                }
            }
            None => {
                self.marked.insert(StreamName::trusted(stream), new);
            }
        }
    }

    fn holding(&self, stream: &str) -> Option<Marked> {
        let own = find(self, stream);
        let Some(rule) = self.prefixes.rule(stream) else {
            return own;
        };
        let own = own.unwrap_or_default();
        Some(Marked {
            lifecycle: Rule::holds_for(Some(rule), &own.lifecycle),
            ..own
        })
    }
}

/// Returns the settings of a stream, or those of a prefix by its settings name.
fn find(states: &States, stream: &str) -> Option<Marked> {
    let find = |name: &str| match name::prefix(name) {
        Some(prefix) => states.prefixes.get(prefix),
        None => states.marked.get(name).copied(),
    };
    let Some(subject) = name::subject(stream) else {
        return find(stream);
    };
    // Of `$$S` only the last event is kept.
    let of_subject = find(subject)?;
    let last = of_subject.version.checked_sub(1).map(Revision);
    Some(Marked {
        lifecycle: Lifecycle::keeping_last(),
        version: 0,
        position: Position::START,
        last,
    })
}
