//! Explains each event in the log: it belongs to an append that is stored as a whole, and whose checks all held.

use std::collections::{BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use super::{
    Append, History,
    call::Identity,
    matches::Matches,
    refusals::{self, held},
};
use crate::checker::{Rule, Violation, timeline::Timeline, violation::Findings};

/// The locations of appends.
pub(super) struct Standing {
    /// The positions at which appends end, and 0. These are the states that the log was in.
    ends: BTreeSet<u64>,
    /// The last position of an append by its first. If several appends fit, one of which is the beginning of another,
    /// the longer one is stored: its other events were not sent otherwise.
    lasts: HashMap<u64, u64>,
}

impl Standing {
    pub(super) fn find(
        history: &History,
        timeline: &Timeline<'_>,
        matches: &Matches<'_>,
        violations: &mut Vec<Violation>,
    ) -> Self {
        let mut standing = Self::places_taken(history, timeline);
        let mut explained = vec![false; timeline.log.len()];
        let mut asked: HashMap<Uuid, HashSet<Identity<'_>>> = HashMap::new();
        // By location: of the retries with other checks not all need to be right, but one must be.
        let mut broken: HashMap<u64, Vec<String>> = HashMap::new();
        let mut sound: HashSet<u64> = HashSet::new();
        for (number, call) in history.appends.iter().enumerate() {
            let Some(identity) = call.append.identity().filter(|_| call.may_stand()) else {
                continue;
            };
            for (_, event) in call.append.events() {
                asked.entry(event.id).or_default().insert(identity);
            }
            for first in standing.places(&call.append, timeline) {
                let last = first + call.append.len() - 1;
                standing.ends.insert(last);
                let range = usize::try_from(first - 1).unwrap_or(usize::MAX)
                    ..usize::try_from(last).unwrap_or(usize::MAX);
                explained[range].fill(true);
                check_content(&call.append, first, timeline, violations);
                match held(&call.append, first - 1, timeline, matches) {
                    Ok(()) => {
                        sound.insert(first);
                    }
                    Err(why) => broken.entry(first).or_default().push(format!(
                        "append {number} is stored at positions {first} to {last}, but {why}"
                    )),
                }
            }
        }
        for (_, whats) in broken.into_iter().filter(|(first, _)| !sound.contains(first)) {
            whats
                .into_iter()
                .for_each(|what| violations.add(Rule::ChecksHold, what));
        }
        check_explained(history, timeline, &explained, &asked, violations);
        for (id, identities) in &asked {
            let places = timeline.positions(*id);
            violations.require(places.len() <= identities.len(), Rule::Once, || {
                format!(
                    "{id} was requested {} times and is stored at positions {places:?}",
                    identities.len()
                )
            });
        }
        standing
    }

    fn places_taken(history: &History, timeline: &Timeline<'_>) -> Self {
        let mut lasts: HashMap<u64, u64> = HashMap::new();
        for call in history.appends.iter().filter(|call| call.may_stand()) {
            for first in fitting(&call.append, timeline) {
                let last = lasts.entry(first).or_default();
                *last = (*last).max(first + call.append.len() - 1);
            }
        }
        Self {
            ends: BTreeSet::from([0]),
            lasts,
        }
    }

    /// The first positions at which the append is stored, as far as its identity allows.
    pub(super) fn places(&self, append: &Append, timeline: &Timeline<'_>) -> Vec<u64> {
        let is_its_own = |first: &u64| {
            self.lasts
                .get(first)
                .is_none_or(|last| *last == first + append.len() - 1)
        };
        let mut places = fitting(append, timeline);
        places.retain(is_its_own);
        places
    }

    /// True if readers could ever see the log end at a position.
    pub(super) fn is_state(&self, position: u64) -> bool {
        self.ends.contains(&position)
    }

    /// The states between two positions, both inclusive.
    pub(super) fn states(&self, (lowest, highest): refusals::Run) -> impl Iterator<Item = u64> + '_ {
        // `BTreeSet::range` panics for a range that ends before it begins.
        let run = (lowest <= highest).then(|| self.ends.range(lowest..=highest).copied());
        run.into_iter().flatten()
    }
}

/// The first positions from which the events of an append are stored, as far as its identity allows; possibly as the
/// beginning of another append.
fn fitting(append: &Append, timeline: &Timeline<'_>) -> Vec<u64> {
    let candidates: Vec<u64> = match append.identity() {
        None => Vec::new(),
        Some(Identity::Place(stream, revision)) => timeline.position(stream, revision).into_iter().collect(),
        Some(Identity::FirstId(id, after)) => {
            let behind = timeline.positions(id).iter().copied();
            behind.filter(|position| *position > after).collect()
        }
    };
    let stands = |first: &u64| {
        let recorded_at = timeline.at(*first).map(|event| event.recorded_at);
        (*first..).zip(append.events()).all(|(position, (stream, sent))| {
            timeline.at(position).is_some_and(|event| {
                event.id == sent.id && event.stream == stream && Some(event.recorded_at) == recorded_at
            })
        })
    };
    candidates.into_iter().filter(stands).collect()
}

fn check_content(append: &Append, first: u64, timeline: &Timeline<'_>, violations: &mut Vec<Violation>) {
    for (position, (_, sent)) in (first..).zip(append.events()) {
        let Some(event) = timeline.at(position) else {
            continue;
        };
        violations.require(event.is(sent), Rule::Unchanged, || {
            format!(
                "{} differs from the sent event: {event:?} instead of {sent:?}",
                event.place()
            )
        });
    }
}

fn check_explained(
    history: &History,
    timeline: &Timeline<'_>,
    explained: &[bool],
    asked: &HashMap<Uuid, HashSet<Identity<'_>>>,
    violations: &mut Vec<Violation>,
) {
    let sent: HashSet<Uuid> = history.sent().map(|(_, id, _)| id).collect();
    for (event, _) in timeline
        .log
        .iter()
        .zip(explained)
        .filter(|(_, explained)| !**explained)
    {
        let (rule, why) = match (sent.contains(&event.id), asked.contains_key(&event.id)) {
            (false, _) => (Rule::NothingInvented, "it was never sent"),
            (true, false) => (Rule::RefusedIsAbsent, "every append with it was refused"),
            (true, true) => (Rule::Whole, "its append is not stored there as a whole"),
        };
        violations.add(rule, format!("the log holds {}, but {why}", event.place()));
    }
}
