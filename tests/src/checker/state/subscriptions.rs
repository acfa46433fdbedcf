//! Checks the deliveries of subscriptions to state, by applying them like a subscriber.
//!
//! Of each entry only the last change is delivered. So after an update of version v, a subscriber may lack a change
//! before v, but only of an entry that changes again after v; then it keeps what it had until that change is delivered.

use std::collections::BTreeMap;

use super::{
    StateCalls, StateNotice, StateSubscribeAnswer, StateSubscribeCall, StateUpdate,
    sequence::{Sequence, Sequences},
};
use crate::checker::{Moment, Rule, Violation, violation::Findings};

/// The versions of the entries that a subscriber has.
type View<'a> = BTreeMap<&'a str, u64>;

pub(super) fn check(calls: &StateCalls, sequences: &Sequences<'_>, violations: &mut Vec<Violation>) {
    let mut views: Vec<View<'_>> = Vec::new();
    for (number, call) in calls.subscriptions.iter().enumerate() {
        // A subscription resumes an earlier one.
        let (view, place) = match call.request.resumes {
            Some((resumed, place)) => (views.get(resumed.0).cloned().unwrap_or_default(), place),
            None => (View::new(), 0),
        };
        let mut follower = Follower {
            call,
            sequence: sequences.of(&call.request.scope),
            view,
            place,
            is_caught_up: false,
            found: Vec::new(),
        };
        follower.check();
        views.push(follower.view);
        violations.extend(follower.found.into_iter().map(|violation| Violation {
            what: format!(
                "state subscription {number} ({:?}): {}",
                call.request, violation.what
            ),
            ..violation
        }));
    }
}

struct Follower<'a> {
    call: &'a StateSubscribeCall,
    sequence: &'a Sequence<'a>,
    view: View<'a>,
    place: u64,
    is_caught_up: bool,
    found: Vec<Violation>,
}

impl<'a> Follower<'a> {
    fn check(&mut self) {
        let call = self.call;
        match call.answered {
            Some((_, StateSubscribeAnswer::Expired(first))) => self.expire(first),
            Some((_, StateSubscribeAnswer::BeyondEnd(last))) => {
                let place = self.place;
                let is_after = place > last && place > self.sequence.floor(call.invoked);
                self.found.require(is_after, Rule::FreshRead, || {
                    format!("was refused because the scope ends at {last}, but {place} was reported before")
                });
            }
            _ => {}
        }
        for (at, notice) in &call.notices {
            if let Some(version) = notice.version() {
                let (before, highest) = (self.place, self.sequence.ceiling(*at));
                self.found.require(version >= before, Rule::HonestPlaces, || {
                    format!("{notice:?} comes after {before}")
                });
                self.found.require(version <= highest, Rule::RealTime, || {
                    format!("{notice:?}, when changes after {highest} had not been sent yet")
                });
            }
            match notice {
                StateNotice::Updates(updates) => self.update(*at, updates),
                StateNotice::CaughtUp(version) => {
                    let known = self.sequence.floor(call.invoked);
                    let is_caught_up = std::mem::replace(&mut self.is_caught_up, true);
                    self.found.require(!is_caught_up, Rule::HonestPlaces, || {
                        format!("{notice:?} comes twice")
                    });
                    self.found.require(*version >= known, Rule::FreshRead, || {
                        format!("{notice:?}, when the scope was known to have reached {known}")
                    });
                    self.reach(*version);
                }
                StateNotice::Checkpoint(version) => {
                    let is_caught_up = self.is_caught_up;
                    self.found.require(is_caught_up, Rule::HonestPlaces, || {
                        format!("{notice:?} comes before the subscription has caught up")
                    });
                    self.reach(*version);
                }
                StateNotice::Expired(first) => self.expire(*first),
            }
        }
    }

    /// A refusal because deletions up to a version are no longer known.
    fn expire(&mut self, first: u64) {
        let is_deletion = self
            .sequence
            .at(first)
            .is_none_or(|change| change.value.is_none());
        let (place, last) = (self.place, self.sequence.last());
        self.found.require(first > place && first <= last && is_deletion, Rule::RightlyRefused, || {
            format!("deletions up to {first} are not known after {place}, but {first} is no deletion after that")
        });
    }

    fn update(&mut self, at: Moment, updates: &'a [StateUpdate]) {
        let mut before = self.place;
        for update in updates {
            let (key, version) = (update.key(), update.version());
            let change = self.sequence.at(version);
            let is_right = change.is_some_and(|change| {
                let is_same = match update {
                    StateUpdate::Put(entry) => change.value == Some(&entry.value),
                    StateUpdate::Deletion { .. } => change.value.is_none(),
                };
                is_same && change.key == key
            });
            let is_wanted = key.starts_with(&self.call.request.prefix) && version > before;
            self.found
                .require(is_right && is_wanted, Rule::ExactDelivery, || {
                    format!("delivered {update:?} after {before}, but that change is {change:?}")
                });
            before = before.max(version);
            match update {
                StateUpdate::Put(_) => self.view.insert(key, version),
                StateUpdate::Deletion { .. } => self.view.remove(key),
            };
        }
        self.found.require(!updates.is_empty(), Rule::ExactDelivery, || {
            "delivered no updates".to_owned()
        });
        self.place = before;
        let highest = self.sequence.ceiling(at);
        if !self.sequence.is_known_to(highest) {
            return;
        }
        for key in self.keys() {
            let is_current = self.view.get(key).copied() == self.sequence.entry(key, before);
            let next = self.sequence.next_change(key, before);
            if !is_current && next.is_none_or(|next| next > highest) {
                let (has, is) = (self.view.get(key), self.sequence.entry(key, before));
                let what = format!(
                    "has {key:?} of version {has:?} at {before}, where it is {is:?}, and does not change after that"
                );
                self.found.add(Rule::ExactDelivery, what);
            }
        }
    }

    /// All changes up to a version were delivered.
    fn reach(&mut self, version: u64) {
        self.place = self.place.max(version);
        if !self.sequence.is_known_to(version) {
            return;
        }
        let is_visible = self.sequence.is_visible(version);
        self.found.require(is_visible, Rule::Whole, || {
            format!("reached {version}, in the middle of a write")
        });
        let entries = self.sequence.entries(version, &self.call.request.prefix);
        let entries: View<'_> = entries
            .into_iter()
            .map(|(key, _, version)| (key, version))
            .collect();
        let view = &self.view;
        self.found.require(*view == entries, Rule::HonestPlaces, || {
            format!("reached {version} with the entries {view:?} instead of {entries:?}")
        });
    }

    fn keys(&self) -> Vec<&'a str> {
        let keys = self.sequence.keys();
        keys.filter(|key| key.starts_with(&self.call.request.prefix))
            .collect()
    }
}
