//! Explains each event in the log: it belongs to an append that is stored as a whole, and is stored no more often
//! than it was requested.
//!
//! Retries of one append count as one request. Two appends are the same if the store detects one as a retry of the
//! other: by the first event's id for appends without an exact expectation, by the place in the stream for the
//! others. An id is searched only after the position up to which an append knew the log: an append that gives a later
//! position requests the same events again if they are stored before it. So of the appends that begin with one id,
//! two are the same if they skip the same places where it is stored.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    AppendCall, Expected, History, Rule, Violation, checks, timeline::Timeline, violation::Findings,
};

/// The key by which the store detects a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Identity<'a> {
    /// The first event's id, and how many of the places where it is stored are skipped.
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
    // Explained, but for a check that did not hold.
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
            _ if *unchecked => (
                Rule::ChecksHold,
                "a check of its append did not hold at that position",
            ),
            (false, _) => (Rule::NothingInvented, "it was never sent"),
            (true, false) => (Rule::RefusedIsAbsent, "every append with it was refused"),
            (true, true) => (Rule::Whole, "its append is not stored there as a whole"),
        };
        violations.add(rule, format!("the log holds {}, but {why}", event.place()));
    }
    for (id, identities) in &asked {
        let places = timeline.positions(*id);
        violations.require(places.len() <= identities.len(), Rule::Once, || {
            format!(
                "{id} was requested {} times and is stored at positions {places:?}",
                identities.len()
            )
        });
    }
}

/// True if a whole append is stored from a position on, where its expectation allows it.
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
                    "{} differs from the sent event: {event:?} instead of {sent:?}",
                    event.place()
                )
            });
        }
    }
    allowed
}
