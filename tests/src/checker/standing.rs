//! Why each event stands in the log: which append wrote it, whole, and no more often than it was asked for.
//!
//! Retries of one append ask for the same thing once. What makes two appends the same is what the store remembers them by:
//! the first event's id for those that take the stream as it is, the place in the stream for the others. An id is looked for
//! only behind the position up to which an append knew the log: one that gives a later position asks for the same events
//! once more if they stand before it. So of those that begin with one id, two are the same if they pass over the same places
//! where it stands.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    AppendCall, Expected, History, Rule, Violation, checks, timeline::Timeline, violation::Findings,
};

/// What the store tells a retry by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Identity<'a> {
    /// The first event's id, and how many of the places where it stands are passed over.
    FirstId(Uuid, usize),
    Place(&'a str, u64),
}

impl<'a> Identity<'a> {
    fn of(call: &'a AppendCall, timeline: &Timeline<'_>) -> Option<Self> {
        match call.expected {
            Expected::Any | Expected::StreamExists => call.events.first().map(|event| {
                let places = timeline.positions(event.id);
                let passed_over = places.partition_point(|place| *place <= call.known_to());
                Self::FirstId(event.id, passed_over)
            }),
            Expected::NoStream => Some(Self::Place(&call.stream, 0)),
            Expected::Exactly(revision) => Some(Self::Place(&call.stream, revision + 1)),
        }
    }
}

pub(super) fn check(history: &History, timeline: &Timeline<'_>, violations: &mut Vec<Violation>) {
    let mut explained = vec![false; timeline.log.len()];
    // Whole, but where a check did not hold.
    let mut unchecked = explained.clone();
    let mut asked: HashMap<Uuid, HashSet<Identity<'_>>> = HashMap::new();
    for call in history.appends.iter().filter(|call| call.may_stand()) {
        let Some(identity) = Identity::of(call, timeline) else {
            continue;
        };
        for event in &call.events {
            asked.entry(event.id).or_default().insert(identity);
        }
        for first in timeline.positions(call.events[0].id) {
            if stands_at(call, *first, timeline, violations) {
                let start = usize::try_from(*first - 1).unwrap_or(usize::MAX);
                let explains = match checks::broken_before(call, *first, timeline) {
                    None => &mut explained,
                    Some(_) => &mut unchecked,
                };
                explains[start..start + call.events.len()].fill(true);
            }
        }
    }
    let sent: HashSet<Uuid> = history
        .appends
        .iter()
        .flat_map(|call| &call.events)
        .map(|event| event.id)
        .collect();
    let explained = explained.iter().zip(&unchecked);
    for (event, (_, unchecked)) in timeline
        .log
        .iter()
        .zip(explained)
        .filter(|(_, (explained, _))| !**explained)
    {
        let (rule, why) = match (sent.contains(&event.id), asked.contains_key(&event.id)) {
            _ if *unchecked => (Rule::ChecksHold, "a check of its append did not hold there"),
            (false, _) => (Rule::NothingInvented, "nobody sent it"),
            (true, false) => (Rule::RefusedIsAbsent, "every append with it was refused"),
            (true, true) => (Rule::Whole, "its append does not stand there as a whole"),
        };
        violations.add(rule, format!("the log holds {}, but {why}", event.place()));
    }
    for (id, identities) in &asked {
        let places = timeline.positions(*id);
        violations.require(places.len() <= identities.len(), Rule::Once, || {
            format!(
                "{id} was asked for {} times and stands at positions {places:?}",
                identities.len()
            )
        });
    }
}

/// Whether a whole append stands from a position on, where its expectation allows it.
fn stands_at(
    call: &AppendCall,
    first: u64,
    timeline: &Timeline<'_>,
    violations: &mut Vec<Violation>,
) -> bool {
    let Some(first_event) = timeline.at(first) else {
        return false;
    };
    let allowed = match call.expected {
        Expected::Any => true,
        Expected::StreamExists => first_event.revision > 0,
        Expected::NoStream => first_event.revision == 0,
        Expected::Exactly(revision) => first_event.revision == revision + 1,
    };
    let mut events = Vec::with_capacity(call.events.len());
    for (n, (stream, sent)) in (0..).zip(call.each()) {
        let Some(event) = timeline.at(first + n) else {
            return false;
        };
        let here = event.id == sent.id && event.stream == *stream;
        if !here || event.recorded_at != first_event.recorded_at {
            return false;
        }
        events.push((event, sent));
    }
    if allowed {
        for (event, sent) in events {
            violations.require(event.is(sent), Rule::Unchanged, || {
                format!(
                    "{} is not what was sent: {event:?} instead of {sent:?}",
                    event.place()
                )
            });
        }
    }
    allowed
}
