//! Checks the reported states of streams.

use super::{
    History, Look, LookCall, Moment, Rule, StreamFacts, Violation, timeline::Timeline, violation::Findings,
};

pub(super) fn check(history: &History, timeline: &Timeline<'_>, violations: &mut Vec<Violation>) {
    for (number, call) in history.looks.iter().enumerate() {
        let Some((at, streams)) = &call.answered else {
            continue;
        };
        let mut found = Vec::new();
        for stream in streams {
            check_facts(call, *at, stream, timeline, &mut found);
        }
        check_whole(call, streams, timeline, &mut found);
        violations.extend(found.into_iter().map(|violation| Violation {
            what: format!("lookup {number} ({:?}): {}", call.look, violation.what),
            ..violation
        }));
    }
}

/// The reported state of a stream must have been its state at some moment between request and response.
fn check_facts(
    call: &LookCall,
    at: Moment,
    told: &StreamFacts,
    timeline: &Timeline<'_>,
    violations: &mut Vec<Violation>,
) {
    let first = timeline
        .position(&told.name, 0)
        .and_then(|position| timeline.at(position));
    let right = first.is_some_and(|first| {
        first.position == told.first_position
            && first.recorded_at == told.created_at
            && timeline.position(&told.name, told.last_revision) == Some(told.last_position)
    });
    violations.require(right, Rule::ExactRead, || {
        format!("reported {told:?}, which does not match the log")
    });
    let known = timeline.last_revision(&told.name, timeline.floor(call.invoked));
    violations.require(Some(told.last_revision) >= known, Rule::FreshRead, || {
        format!("reported {told:?}, when the stream was known to reach {known:?}")
    });
    let possible = timeline.ceiling(at);
    violations.require(told.last_position <= possible, Rule::RealTime, || {
        format!("reported {told:?}, when events after {possible} had not been sent yet")
    });
}

/// The response must contain exactly the streams that it should, in order.
fn check_whole(
    call: &LookCall,
    streams: &[StreamFacts],
    timeline: &Timeline<'_>,
    violations: &mut Vec<Violation>,
) {
    let names: Vec<&str> = streams.iter().map(|stream| stream.name.as_str()).collect();
    let known = timeline.floor(call.invoked);
    let mut must: Vec<&str> = timeline
        .stream_names()
        .filter(|name| timeline.last_revision(name, known).is_some())
        .collect();
    must.sort_unstable();
    match &call.look {
        Look::Stream(name) => {
            violations.require(names.iter().all(|told| told == name), Rule::ExactRead, || {
                format!("returned {names:?}")
            });
            violations.require(
                !names.is_empty() || !must.contains(&name.as_str()),
                Rule::FreshRead,
                || "was refused because there is no such stream".to_owned(),
            );
        }
        Look::List { prefix, after, limit } => {
            let wanted = |name: &&str| {
                name.starts_with(prefix.as_str()) && after.as_ref().is_none_or(|after| *name > after.as_str())
            };
            let ordered = names.is_sorted() && names.iter().all(wanted) && names.len() <= *limit;
            violations.require(ordered, Rule::ExactRead, || format!("returned {names:?}"));
            // A full page ends with its last name; any other contains all streams.
            let end = names.last().filter(|_| names.len() == *limit);
            let due = must
                .into_iter()
                .filter(wanted)
                .filter(|name| end.is_none_or(|end| name <= end));
            for name in due.filter(|name| !names.contains(name)) {
                violations.add(Rule::FreshRead, format!("returned {names:?}, without {name}"));
            }
        }
    }
}
