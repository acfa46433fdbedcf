//! Finds the sequence of changes of each scope, from everything that was reported about their versions.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::{
    StateAnswer, StateCalls, StateEntry, StateNotice, StateSubscribeAnswer, StateUpdate, StateWriteCall,
};
use crate::checker::{Moment, Rule, Violation, timeline::Timeline, violation::Findings};

/// The sequences of all scopes, and the writes that are in them.
pub(super) struct Sequences<'a> {
    pub scopes: BTreeMap<&'a str, Sequence<'a>>,
    pub writes: Vec<Write<'a>>,
}

/// A write with all of its retries.
pub(super) struct Write<'a> {
    /// The first call.
    pub call: &'a StateWriteCall,
    /// The version of each change, as far as it is known; 0: it changed nothing.
    pub versions: Vec<Option<u64>>,
    /// The first response that reported the changes as made.
    pub ended: Option<Moment>,
    /// Whether it can have happened: one of its calls was not refused.
    pub is_possible: bool,
    /// Whether it is an append whose first event is in the log.
    pub is_in_log: bool,
}

/// The changes of a scope.
#[derive(Default)]
pub(super) struct Sequence<'a> {
    /// By version, from 1.
    changes: Vec<Option<Change<'a>>>,
    /// The versions that changed each key.
    keys: BTreeMap<&'a str, Vec<u64>>,
    /// Moments in ascending order, each with the version that the scope was known to have reached from then on.
    known: Vec<(Moment, u64)>,
    /// For each version, the moment at which the last of the changes up to it was first sent.
    sent: Vec<Moment>,
    /// The first version of unknown content.
    gap: Option<u64>,
}

/// A change with a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change<'a> {
    pub key: &'a str,
    /// The value; `None` for a deletion.
    pub value: Option<&'a str>,
    /// Index of its write, if it is known.
    pub write: Option<usize>,
}

struct Finder<'a, 'v> {
    found: Sequences<'a>,
    /// Index of the write and of its change, by scope and value.
    values: HashMap<(&'a str, &'a str), (usize, usize)>,
    times: HashMap<(&'a str, u64), u64>,
    violations: &'v mut Vec<Violation>,
}

impl<'a> Sequences<'a> {
    pub(super) fn find(
        calls: &'a StateCalls,
        timeline: &Timeline<'_>,
        violations: &mut Vec<Violation>,
    ) -> Self {
        let mut finder = Finder {
            found: Self {
                scopes: BTreeMap::new(),
                writes: Vec::new(),
            },
            values: HashMap::new(),
            times: HashMap::new(),
            violations,
        };
        finder.take_writes(calls, timeline);
        finder.take_reads(calls);
        finder.take_notices(calls);
        finder.found.close(finder.violations);
        finder.found
    }

    /// The sequence of a scope; an empty one if it never changed.
    pub(super) fn of(&self, scope: &str) -> &Sequence<'a> {
        const NEVER_CHANGED: &Sequence<'static> = &Sequence {
            changes: Vec::new(),
            keys: BTreeMap::new(),
            known: Vec::new(),
            sent: Vec::new(),
            gap: None,
        };
        self.scopes.get(scope).unwrap_or(NEVER_CHANGED)
    }

    /// Completes the sequences.
    fn close(&mut self, violations: &mut Vec<Violation>) {
        for (name, scope) in &mut self.scopes {
            let spare = self.writes.iter().filter(|write| write.is_possible).map(|write| {
                let changes = write.call.changes.iter().zip(&write.versions);
                changes
                    .filter(|(change, version)| change.scope == *name && version.is_none())
                    .count()
            });
            let (spare, mut missing) = (spare.sum::<usize>(), Vec::new());
            let last = scope.known.iter().map(|(_, version)| *version).max().unwrap_or(0);
            let last = usize::try_from(last)
                .unwrap_or(usize::MAX)
                .min(scope.changes.len() + spare + 1);
            scope.changes.resize(last.max(scope.changes.len()), None);
            let mut sent = 0;
            for (version, change) in (1..).zip(&scope.changes) {
                match change {
                    None => missing.push(version),
                    Some(change) => {
                        scope.keys.entry(change.key).or_default().push(version);
                        let write = change.write.map(|write| &self.writes[write]);
                        sent = write.map_or(sent, |write| sent.max(write.call.invoked));
                    }
                }
                scope.sent.push(sent);
            }
            violations.require(missing.len() <= spare, Rule::DenseVersions, || {
                format!("no write made the changes {missing:?} of {name}")
            });
            scope.gap = missing.first().copied();
            let mut known = std::mem::take(&mut scope.known);
            known.sort_unstable();
            let mut highest = 0;
            for (_, version) in &mut known {
                // Of a write that was seen, all changes are known.
                highest = highest.max(scope.end_of(*version));
                *version = highest;
            }
            scope.known = known;
        }
    }
}

impl<'a> Finder<'a, '_> {
    fn take_writes(&mut self, calls: &'a StateCalls, timeline: &Timeline<'_>) {
        let mut of_call = Vec::new();
        // Writes with the same id; usually one.
        let mut by_id: HashMap<Uuid, Vec<usize>> = HashMap::new();
        for call in &calls.writes {
            let writes = by_id.entry(call.id).or_default();
            let same = |write: &&usize| self.found.writes[**write].call.is_same(call);
            let write = writes.iter().find(same).copied().unwrap_or_else(|| {
                let write = self.found.writes.len();
                writes.push(write);
                for (n, change) in call.changes.iter().enumerate() {
                    if let Some(value) = &change.value {
                        self.values.insert((&change.scope, value), (write, n));
                    }
                }
                self.found.writes.push(Write {
                    call,
                    versions: vec![None; call.changes.len()],
                    ended: None,
                    is_possible: false,
                    is_in_log: call.is_append && !timeline.positions(call.id).is_empty(),
                });
                write
            });
            of_call.push(write);
            let answer = call.answered.as_ref().map(|(_, answer)| answer);
            self.found.writes[write].is_possible |= matches!(
                answer,
                None | Some(StateAnswer::Unknown | StateAnswer::Written { .. })
            );
        }
        for (call, write) in calls.writes.iter().zip(of_call) {
            match &call.answered {
                Some((
                    at,
                    StateAnswer::Written {
                        versions, changed_at, ..
                    },
                )) => {
                    if versions.len() != call.changes.len() {
                        let what = format!("{call:?} got {} versions", versions.len());
                        self.violations.add(Rule::FirstResult, what);
                        continue;
                    }
                    let ended = &mut self.found.writes[write].ended;
                    *ended = Some(ended.map_or(*at, |before| before.min(*at)));
                    for (n, version) in versions.iter().enumerate() {
                        self.place((write, n), *version);
                        if *version > 0 {
                            self.known(&call.changes[n].scope, *at, *version);
                            if let Some(changed_at) = changed_at {
                                self.time(&call.changes[n].scope, *version, *changed_at);
                            }
                        }
                    }
                }
                Some((at, StateAnswer::Failed(failed))) => {
                    for failed in failed {
                        if let (Some(check), Some(actual)) = (call.checks.get(failed.index), failed.actual) {
                            self.known(&check.scope, *at, actual);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn take_reads(&mut self, calls: &'a StateCalls) {
        for call in &calls.reads {
            let Some((at, page)) = &call.answered else {
                continue;
            };
            self.known(call.read.scope(), *at, page.version);
            for entry in &page.entries {
                self.see(call.read.scope(), entry);
            }
        }
    }

    fn take_notices(&mut self, calls: &'a StateCalls) {
        for call in &calls.subscriptions {
            let scope = call.request.scope.as_str();
            if let Some((
                at,
                StateSubscribeAnswer::Expired(version) | StateSubscribeAnswer::BeyondEnd(version),
            )) = &call.answered
            {
                self.known(scope, *at, *version);
            }
            for (at, notice) in &call.notices {
                if let StateNotice::Expired(version) = notice {
                    self.known(scope, *at, *version);
                }
                if let Some(version) = notice.version() {
                    self.known(scope, *at, version);
                }
                let StateNotice::Updates(updates) = notice else {
                    continue;
                };
                for update in updates {
                    match update {
                        StateUpdate::Put(entry) => self.see(scope, entry),
                        StateUpdate::Deletion { key, version } => {
                            let change = Change {
                                key,
                                value: None,
                                write: None,
                            };
                            self.put(scope, *version, change);
                        }
                    }
                }
            }
        }
    }

    fn known(&mut self, scope: &'a str, at: Moment, version: u64) {
        self.found
            .scopes
            .entry(scope)
            .or_default()
            .known
            .push((at, version));
    }

    /// An entry was read, so its change happened.
    fn see(&mut self, scope: &'a str, entry: &'a StateEntry) {
        self.time(scope, entry.version, entry.changed_at);
        match self.values.get(&(scope, entry.value.as_str())).copied() {
            Some((write, n)) if self.found.writes[write].call.changes[n].key == entry.key => {
                self.place((write, n), entry.version);
            }
            _ => {
                let what = format!("{entry:?} of {scope} was never written");
                self.violations.add(Rule::NothingInvented, what);
            }
        }
    }

    fn time(&mut self, scope: &'a str, version: u64, changed_at: u64) {
        let before = *self.times.entry((scope, version)).or_insert(changed_at);
        self.violations
            .require(before == changed_at, Rule::Unchanged, || {
                format!("change {version} of {scope} was made at {before} and at {changed_at}")
            });
    }

    /// A change of a write got a version.
    fn place(&mut self, (index, n): (usize, usize), version: u64) {
        let write = &mut self.found.writes[index];
        let (call, before) = (write.call, write.versions[n].replace(version));
        self.violations
            .require(write.is_possible, Rule::RefusedIsAbsent, || {
                format!("{call:?} was refused, but made change {version}")
            });
        self.violations.require(
            before.is_none_or(|before| before == version),
            Rule::FirstResult,
            || format!("change {n} of {call:?} has the versions {before:?} and {version}"),
        );
        let change = &call.changes[n];
        if version == 0 {
            self.violations
                .require(change.value.is_none(), Rule::DenseVersions, || {
                    format!("change {n} of {call:?} has no version")
                });
            return;
        }
        let placed = Change {
            key: &change.key,
            value: change.value.as_deref(),
            write: Some(index),
        };
        self.put(&change.scope, version, placed);
    }

    fn put(&mut self, scope: &'a str, version: u64, change: Change<'a>) {
        // No history is this long; such a version would only take memory.
        let index = usize::try_from(version).unwrap_or(usize::MAX).wrapping_sub(1);
        if index > 1_000_000 {
            return self.violations.add(
                Rule::DenseVersions,
                format!("{change:?} of {scope} has the version {version}"),
            );
        }
        let changes = &mut self.found.scopes.entry(scope).or_default().changes;
        if changes.len() <= index {
            changes.resize(index + 1, None);
        }
        match &mut changes[index] {
            None => changes[index] = Some(change),
            Some(before) => {
                let is_same = before.key == change.key
                    && before.value == change.value
                    && (before.write == change.write || before.write.is_none() || change.write.is_none());
                before.write = before.write.or(change.write);
                let before = before.clone();
                self.violations.require(is_same, Rule::DenseVersions, || {
                    format!("change {version} of {scope} is both {before:?} and {change:?}")
                });
            }
        }
    }
}

impl<'a> Sequence<'a> {
    pub(super) fn last(&self) -> u64 {
        self.changes.len() as u64
    }

    /// Whether all changes up to a version are known.
    pub(super) fn is_known_to(&self, version: u64) -> bool {
        version <= self.last() && self.gap.is_none_or(|gap| version < gap)
    }

    pub(super) fn at(&self, version: u64) -> Option<&Change<'a>> {
        let index = usize::try_from(version.checked_sub(1)?).ok()?;
        self.changes.get(index)?.as_ref()
    }

    /// The last version of the write that made a change.
    pub(super) fn end_of(&self, version: u64) -> u64 {
        let Some(write) = self.at(version).and_then(|change| change.write) else {
            return version;
        };
        let is_same = |next: &u64| self.at(*next).is_some_and(|change| change.write == Some(write));
        (version + 1..).take_while(is_same).last().unwrap_or(version)
    }

    /// Whether a reader can see the scope as of a version: it is not in the middle of a write.
    pub(super) fn is_visible(&self, version: u64) -> bool {
        self.end_of(version) == version
    }

    /// The last version that changed a key, up to a version.
    pub(super) fn last_change(&self, key: &str, to: u64) -> Option<u64> {
        let versions = self.keys.get(key)?;
        let before = versions.partition_point(|version| *version <= to);
        before.checked_sub(1).map(|index| versions[index])
    }

    /// The first version after one that changed a key.
    pub(super) fn next_change(&self, key: &str, after: u64) -> Option<u64> {
        let versions = self.keys.get(key)?;
        let before = versions.partition_point(|version| *version <= after);
        versions.get(before).copied()
    }

    /// The version of an entry as of a version of the scope; `None`: there was no entry.
    pub(super) fn entry(&self, key: &str, at: u64) -> Option<u64> {
        let version = self.last_change(key, at)?;
        self.at(version)?.value.map(|_| version)
    }

    /// The keys, values and versions of the entries as of a version of the scope.
    pub(super) fn entries(&self, at: u64, prefix: &str) -> Vec<(&'a str, &'a str, u64)> {
        let keys = self.keys.keys().filter(|key| key.starts_with(prefix));
        let entries = keys.filter_map(|key| {
            let version = self.entry(key, at)?;
            Some((*key, self.at(version)?.value?, version))
        });
        entries.collect()
    }

    /// All keys that were ever changed.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.keys.keys().copied()
    }

    /// The version that the scope was known to have reached.
    pub(super) fn floor(&self, at: Moment) -> u64 {
        let before = self.known.partition_point(|(moment, _)| *moment < at);
        before.checked_sub(1).map_or(0, |index| self.known[index].1)
    }

    /// The greatest version that the scope can have had.
    pub(super) fn ceiling(&self, at: Moment) -> u64 {
        self.sent.partition_point(|sent| *sent < at) as u64
    }
}
