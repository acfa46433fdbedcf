//! Checks the responses to writes, and where their changes are in the sequences.

use std::collections::BTreeSet;

use super::{
    FailedStateCheck, StateAnswer, StateCalls, StateCheck, StateWriteCall,
    sequence::{Sequences, Write},
};
use crate::checker::{Moment, Rule, Violation, violation::Findings};

/// The events of an append are in the log if and only if its changes were made.
pub(super) fn check_whole(sequences: &Sequences<'_>, violations: &mut Vec<Violation>) {
    for write in sequences.writes.iter().filter(|write| write.call.is_append) {
        let is_in_log = write.is_in_log;
        let made = write
            .versions
            .iter()
            .any(|version| version.is_some_and(|version| version > 0));
        violations.require(is_in_log || !made, Rule::Whole, || {
            format!(
                "the changes of {:?} were made, but its events are not in the log",
                write.call
            )
        });
        let unmade = write
            .call
            .changes
            .iter()
            .zip(&write.versions)
            .find(|(change, version)| {
                let scope = sequences.of(&change.scope);
                version.is_none() && change.value.is_some() && scope.is_known_to(scope.last())
            });
        if let Some((change, _)) = unmade {
            violations.require(!is_in_log, Rule::Whole, || {
                format!(
                    "the events of {:?} are in the log, but {change:?} was not made",
                    write.call
                )
            });
        }
    }
}

pub(super) fn check(calls: &StateCalls, sequences: &Sequences<'_>, violations: &mut Vec<Violation>) {
    for write in &sequences.writes {
        check_made(write, sequences, violations);
        check_retries(write, calls, violations);
    }
    for call in &calls.writes {
        match &call.answered {
            Some((at, StateAnswer::Failed(failed))) => {
                if let Some(why) = wrong_refusal(call, *at, failed, sequences) {
                    let what = format!("{call:?} was refused, but {why}");
                    violations.add(Rule::RightlyRefused, what);
                }
            }
            Some((at, StateAnswer::IdConflict)) => {
                let takes = |other: &Write<'_>| {
                    other.is_possible
                        && other.call.id == call.id
                        && !other.call.is_same(call)
                        && other.call.invoked < *at
                };
                violations.require(sequences.writes.iter().any(takes), Rule::RightlyRefused, || {
                    format!("{call:?} was refused, but no other write has the id")
                });
            }
            _ => {}
        }
    }
    check_ids(sequences, violations);
}

/// One write of each id is made.
fn check_ids(sequences: &Sequences<'_>, violations: &mut Vec<Violation>) {
    let mut made = BTreeSet::new();
    for write in sequences.writes.iter().filter(|write| write.is_made()) {
        violations.require(made.insert(write.call.id), Rule::Once, || {
            format!("two writes with the id {} were made", write.call.id)
        });
    }
}

impl Write<'_> {
    /// The first and the last version that it has in a scope.
    pub(super) fn versions_in(&self, scope: &str) -> Option<(u64, u64)> {
        let changes = self.call.changes.iter().zip(&self.versions);
        let versions = changes.filter(|(change, _)| change.scope == scope);
        let mut versions = versions.filter_map(|(_, version)| version.filter(|version| *version > 0));
        let first = versions.next()?;
        Some((first, versions.next_back().unwrap_or(first)))
    }

    /// The scopes that it changes or checks.
    pub(super) fn scopes(&self) -> BTreeSet<&str> {
        let changed = self.call.changes.iter().map(|change| change.scope.as_str());
        changed
            .chain(self.call.checks.iter().map(|check| check.scope.as_str()))
            .collect()
    }

    /// Whether it is known to have been made.
    pub(super) fn is_made(&self) -> bool {
        self.is_in_log || self.ended.is_some() || self.versions.iter().flatten().any(|version| *version > 0)
    }

    /// The versions of a scope as of which it can have been made.
    pub(super) fn places(&self, scope: &str, sequences: &Sequences<'_>) -> Vec<u64> {
        let sequence = sequences.of(scope);
        match self.versions_in(scope) {
            Some((first, _)) => vec![first - 1],
            None => {
                let highest = self
                    .ended
                    .map_or(sequence.last(), |ended| sequence.ceiling(ended));
                let all = sequence.floor(self.call.invoked)..=highest;
                all.filter(|version| sequence.is_visible(*version)).collect()
            }
        }
    }
}

fn check_made(write: &Write<'_>, sequences: &Sequences<'_>, violations: &mut Vec<Violation>) {
    if !write.is_made() {
        return;
    }
    for scope in write.scopes() {
        let sequence = sequences.of(scope);
        if !sequence.is_known_to(sequence.last()) {
            continue;
        }
        let mut next = None;
        for (change, version) in write.call.changes.iter().zip(&write.versions) {
            if let (true, Some(version @ 1..)) = (change.scope == scope, version) {
                violations.require(
                    next.is_none_or(|next| next == *version),
                    Rule::DenseVersions,
                    || format!("the versions of {:?} are {:?}", write.call, write.versions),
                );
                next = Some(version + 1);
            }
        }
        if let Some((first, _)) = write.versions_in(scope) {
            let known = sequence.floor(write.call.invoked);
            violations.require(first > known, Rule::RealTime, || {
                format!(
                    "{:?} made change {first} of {scope}, which was known to have reached {known}",
                    write.call
                )
            });
        }
        let places = write.places(scope, sequences);
        let holds = |place: u64| {
            let mut checks = write.call.checks.iter().filter(|check| check.scope == scope);
            checks.all(|check| sequence.entry(&check.key, place) == check.expected)
        };
        violations.require(places.iter().any(|place| holds(*place)), Rule::ChecksHold, || {
            format!(
                "a check of {:?} did not hold in {scope} as of {places:?}, where it was made",
                write.call
            )
        });
        let fits = |place: u64| {
            let changes = write.call.changes.iter().zip(&write.versions);
            changes
                .filter(|(change, _)| change.scope == scope)
                .all(|(change, version)| {
                    let is_no_change = change.value.is_none() && sequence.entry(&change.key, place).is_none();
                    version.is_none_or(|version| (version == 0) == is_no_change)
                })
        };
        violations.require(places.iter().any(|place| fits(*place)), Rule::AsExpected, || {
            format!(
                "{:?} has the versions {:?}, although not all entries that it deletes existed, or others did",
                write.call, write.versions
            )
        });
    }
}

/// A write is made by one call, and all others return its result.
fn check_retries(write: &Write<'_>, calls: &StateCalls, violations: &mut Vec<Violation>) {
    let of_write = calls.writes.iter().filter(|call| call.is_same(write.call));
    let mut makers = 0;
    for call in of_write {
        let ended = write.ended.filter(|ended| *ended < call.invoked);
        match &call.answered {
            Some((_, StateAnswer::Written { already_written, .. })) => {
                makers += u32::from(!already_written);
            }
            Some((_, answer @ (StateAnswer::Failed(_) | StateAnswer::IdConflict))) => {
                violations.require(ended.is_none(), Rule::FirstResult, || {
                    format!("{call:?} is a retry of a write that was made, but got {answer:?}")
                });
            }
            _ => {}
        }
    }
    let once = if write.changes_anything() { 1 } else { u32::MAX };
    violations.require(makers <= once, Rule::Once, || {
        format!("{makers} calls were reported to have made {:?}", write.call)
    });
}

impl Write<'_> {
    /// False if it only deletes what does not exist. Two calls on two servers may then both have done so.
    fn changes_anything(&self) -> bool {
        self.versions.iter().flatten().any(|version| *version > 0)
    }
}

/// The error in a refusal because of checks, if there is one.
fn wrong_refusal(
    call: &StateWriteCall,
    at: Moment,
    failed: &[FailedStateCheck],
    sequences: &Sequences<'_>,
) -> Option<String> {
    let is_ordered = failed.is_sorted_by(|one, next| one.index < next.index);
    let is_known = failed.iter().all(|failed| failed.index < call.checks.len());
    if !is_ordered || !is_known || failed.is_empty() && !call.is_append {
        return Some("it has no such checks, or they are not in order".to_owned());
    }
    let scopes: BTreeSet<&str> = call.checks.iter().map(|check| check.scope.as_str()).collect();
    for scope in scopes {
        let sequence = sequences.of(scope);
        let (lowest, highest) = (sequence.floor(call.invoked), sequence.ceiling(at));
        if !sequence.is_known_to(highest) {
            continue;
        }
        let checks = || {
            call.checks
                .iter()
                .enumerate()
                .filter(|(_, check)| check.scope == scope)
        };
        let is_as_reported = |(index, check): (usize, &StateCheck), version| {
            let actual = sequence.entry(&check.key, version);
            match failed.iter().find(|failed| failed.index == index) {
                Some(failed) => failed.actual == actual && actual != check.expected,
                None => actual == check.expected,
            }
        };
        let mut versions = (lowest..=highest).filter(|version| sequence.is_visible(*version));
        if !versions.any(|version| checks().all(|check| is_as_reported(check, version))) {
            return Some(format!(
                "{scope} was between the versions {lowest} and {highest}, where other checks failed"
            ));
        }
    }
    None
}
