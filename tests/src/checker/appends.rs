//! Checks the responses to appends.

use std::collections::HashMap;

use super::{
    AppendAnswer, AppendCall, Expected, History, Moment, Placed, Refusal, Rule, Violation, checks,
    timeline::Timeline, violation::Findings,
};

pub(super) fn check(history: &History, timeline: &Timeline<'_>, violations: &mut Vec<Violation>) {
    let mut writers: HashMap<u64, usize> = HashMap::new();
    for (number, call) in history.appends.iter().enumerate() {
        match &call.answered {
            Some((at, AppendAnswer::Acknowledged(placed))) => {
                check_placed(number, call, *at, placed, timeline, violations);
                if !placed.already_appended
                    && let Some(other) = writers.insert(placed.first_position, number)
                {
                    let what = format!(
                        "appends {other} and {number} were both reported to have written position {}",
                        placed.first_position
                    );
                    violations.add(Rule::Once, what);
                }
            }
            Some((at, AppendAnswer::Rejected(refusal))) => {
                check_refusal(history, number, *at, refusal, timeline, violations);
            }
            _ => {}
        }
    }
}

fn check_placed(
    number: usize,
    call: &AppendCall,
    at: Moment,
    placed: &Placed,
    timeline: &Timeline<'_>,
    violations: &mut Vec<Violation>,
) {
    let told = |what: &str| format!("append {number} to {} got {placed:?}, but {what}", call.stream);
    let events = call.events.len() as u64;
    let targets = call.targets();
    let first = (placed.first_revision, placed.last_revision);
    let revisions: Vec<(u64, u64)> = std::iter::once(first)
        .chain(placed.others.iter().copied())
        .collect();
    let fits = placed.last_position.checked_sub(placed.first_position) == Some(events - 1)
        && revisions.len() == targets.len()
        && revisions
            .iter()
            .zip(&targets)
            .all(|((first, last), (_, events))| last.checked_sub(*first) == Some(events - 1));
    violations.require(fits, Rule::AsExpected, || {
        told(&format!("it has {events} events"))
    });
    // The next revision of each stream.
    let mut next: HashMap<&str, u64> = targets
        .iter()
        .zip(&revisions)
        .map(|((stream, _), (first, _))| (*stream, *first))
        .collect();
    for (n, (stream, sent)) in (0..).zip(call.each()) {
        let revision = next.entry(stream).or_default();
        let stands = timeline.at(placed.first_position + n).is_some_and(|event| {
            event.id == sent.id
                && event.stream == stream
                && event.revision == *revision
                && event.recorded_at == placed.recorded_at
        });
        *revision += 1;
        violations.require(stands, Rule::Durable, || {
            told(&format!(
                "{} is not stored at position {}",
                sent.id,
                placed.first_position + n
            ))
        });
    }
    let as_expected = match call.expected {
        Expected::Exactly(revision) => placed.first_revision == revision + 1,
        Expected::NoStream => placed.first_revision == 0,
        Expected::StreamExists => placed.first_revision > 0 || placed.already_appended,
        Expected::Any => true,
    };
    violations.require(as_expected, Rule::AsExpected, || {
        told(&format!("it expected {:?}", call.expected))
    });
    if !placed.already_appended
        && let Some(broken) = checks::broken_before(call, placed.first_position, timeline)
    {
        violations.add(
            Rule::ChecksHold,
            told(&format!("{broken:?} did not hold at that position")),
        );
    }
    let known = timeline.floor(call.invoked);
    violations.require(
        placed.already_appended || placed.first_position > known,
        Rule::RealTime,
        || told(&format!("the log was already known to reach {known}")),
    );
    let possible = timeline.ceiling(at);
    violations.require(placed.last_position <= possible, Rule::RealTime, || {
        told(&format!("events after {possible} had not been sent yet"))
    });
}

fn check_refusal(
    history: &History,
    number: usize,
    at: Moment,
    refusal: &Refusal,
    timeline: &Timeline<'_>,
    violations: &mut Vec<Violation>,
) {
    let call = &history.appends[number];
    let wrong = match refusal {
        Refusal::Revision { actual } => wrong_revision(history, call, at, *actual, timeline),
        Refusal::Id {
            stream,
            revision,
            position,
        } => {
            let told = (stream.as_str(), *revision, *position);
            wrong_id(history, call, at, told, timeline)
        }
        Refusal::Checks(failed) => checks::wrong_refusal(history, call, at, failed, timeline),
        Refusal::BeyondHead { after, head } => checks::wrong_beyond(call, at, (*after, *head), timeline),
    };
    if let Some(why) = wrong {
        let what = format!(
            "append {number} to {} expecting {:?} was refused with {refusal:?}, but {why}",
            call.stream, call.expected
        );
        violations.add(Rule::RightlyRefused, what);
    }
}

/// The error in the revision that a refusal reported, if there is one.
fn wrong_revision(
    history: &History,
    call: &AppendCall,
    at: Moment,
    actual: Option<u64>,
    timeline: &Timeline<'_>,
) -> Option<String> {
    let stream = call.stream.as_str();
    if call.checks.is_some() {
        return Some("all of its failed checks must be reported".to_owned());
    }
    if call.expected.allows(actual) {
        return Some("that is the revision it expected".to_owned());
    }
    let known = timeline.floor(call.invoked);
    let (lowest, highest) = (
        timeline.last_revision(stream, known),
        timeline.last_revision(stream, timeline.ceiling(at)),
    );
    if actual < lowest || actual > highest {
        return Some(format!(
            "the stream's revision was between {lowest:?} and {highest:?} in that time"
        ));
    }
    if let Some(actual) = actual
        && let Some(event) = timeline
            .position(stream, actual)
            .and_then(|position| timeline.at(position))
    {
        let ends = |call: &AppendCall| call.last_in(stream).is_some_and(|last| last.id == event.id);
        if !history.appends.iter().any(ends) {
            return Some("no append ends at that revision".to_owned());
        }
    }
    let from = match call.expected {
        Expected::NoStream => 0,
        Expected::Exactly(revision) => revision + 1,
        Expected::Any | Expected::StreamExists => return None,
    };
    let stands = (from..).zip(&call.events).all(|(revision, sent)| {
        timeline
            .position(stream, revision)
            .filter(|position| *position <= known)
            .and_then(|position| timeline.at(position))
            .is_some_and(|event| event.id == sent.id)
    });
    stands.then(|| "the same ids were already stored there".to_owned())
}

/// The error in the place of an id that a refusal reported, if there is one.
fn wrong_id(
    history: &History,
    call: &AppendCall,
    at: Moment,
    (stream, revision, position): (&str, Option<u64>, u64),
    timeline: &Timeline<'_>,
) -> Option<String> {
    if !call.is_keyed() {
        return Some("its retries are detected by revision".to_owned());
    }
    let first = &call.events.first()?.id;
    // Without a revision, the event was removed, and the stream is that of the refused append.
    let told = timeline.at(position).is_some_and(|event| {
        let is_here = |revision| event.stream == stream && event.revision == revision;
        event.id == *first && revision.is_none_or(is_here)
    });
    if !told || position > timeline.ceiling(at) {
        return Some(format!("{first} was not stored there"));
    }
    if position <= call.known_to() {
        return Some("the search for it must not include that place".to_owned());
    }
    let same = |other: &AppendCall| {
        let seen = other
            .first_position()
            .is_some_and(|first| first > call.known_to());
        other.was_acknowledged(call.invoked) && other.is_same(call) && seen
    };
    history
        .appends
        .iter()
        .any(same)
        .then(|| "the same append was acknowledged before".to_owned())
}
