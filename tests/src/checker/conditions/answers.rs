//! Checks the responses to appends that were written.

use std::collections::HashMap;

use super::{Answer, AppendCall, History, Scene, Written, refusals::held};
use crate::checker::{Moment, Rule, Violation, violation::Findings};

pub(super) fn check(history: &History, scene: &Scene<'_>, violations: &mut Vec<Violation>) {
    let mut writers: HashMap<u64, usize> = HashMap::new();
    // The last position that each pipeline was given.
    let mut pipelines: HashMap<u64, u64> = HashMap::new();
    for (number, call) in history.appends.iter().enumerate() {
        let Some((at, Answer::Written(written))) = &call.answered else {
            continue;
        };
        let mut found = Vec::new();
        check_one(call, *at, written, scene, &mut found);
        if !written.already_appended {
            if let Some(other) = writers.insert(written.first_position, number) {
                let what = format!("append {other} was reported to have written that too");
                found.add(Rule::Once, what);
            }
            if let Some(pipeline) = call.pipeline {
                let before = pipelines.insert(pipeline, written.last_position).unwrap_or(0);
                found.require(before < written.first_position, Rule::RealTime, || {
                    format!("an earlier append of pipeline {pipeline} is stored at {before}")
                });
            }
        }
        violations.extend(found.into_iter().map(|violation| Violation {
            what: format!("append {number} got {written:?}, but {}", violation.what),
            ..violation
        }));
    }
}

fn check_one(
    call: &AppendCall,
    at: Moment,
    written: &Written,
    scene: &Scene<'_>,
    violations: &mut Vec<Violation>,
) {
    let timeline = &scene.timeline;
    let places = scene.standing.places(&call.append, timeline);
    violations.require(places.contains(&written.first_position), Rule::Durable, || {
        format!("it is stored at {places:?}")
    });
    let last = (written.first_position + call.append.len()).checked_sub(1);
    violations.require(last == Some(written.last_position), Rule::AsExpected, || {
        format!("it has {} events", call.append.len())
    });
    let recorded_at = timeline.at(written.first_position).map(|event| event.recorded_at);
    violations.require(
        recorded_at.is_none_or(|time| time == written.recorded_at),
        Rule::Durable,
        || format!("it was recorded at {recorded_at:?}"),
    );
    let streams = streams(call, written.first_position, scene);
    violations.require(streams == written.streams, Rule::Durable, || {
        format!("the revisions there are {streams:?}")
    });
    let possible = timeline.ceiling(at);
    violations.require(written.last_position <= possible, Rule::RealTime, || {
        format!("events after {possible} had not been sent yet")
    });
    if written.already_appended {
        // The first call may have been sent with other checks, which is judged where the append is stored.
        return;
    }
    let known = timeline.floor(call.invoked);
    violations.require(written.first_position > known, Rule::RealTime, || {
        format!("the log was already known to reach {known}")
    });
    let before = written.first_position.saturating_sub(1);
    if let Err(why) = held(&call.append, before, timeline, &scene.matches) {
        violations.add(Rule::ChecksHold, why);
    }
}

/// The streams of the append in order of first occurrence, with their revisions from a position on.
fn streams(call: &AppendCall, first: u64, scene: &Scene<'_>) -> Vec<(String, u64, u64)> {
    let mut streams: Vec<(String, u64, u64)> = Vec::new();
    for (position, (stream, _)) in (first..).zip(call.append.events()) {
        let Some(event) = scene.timeline.at(position) else {
            continue;
        };
        match streams.iter_mut().find(|(name, ..)| name == stream) {
            Some((_, _, last)) => *last = event.revision,
            None => streams.push((stream.to_owned(), event.revision, event.revision)),
        }
    }
    streams
}
