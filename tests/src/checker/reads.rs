//! Checks the responses to reads.

use super::{
    Moment, Observed, ReadAnswer, ReadCall, ReadRequest, Rule, Target, Violation, timeline::Timeline,
    violation::Findings,
};

pub(super) fn check(calls: &[ReadCall], timeline: &Timeline<'_>, violations: &mut Vec<Violation>) {
    for (number, call) in calls.iter().enumerate() {
        let Some((at, answer)) = &call.answered else {
            continue;
        };
        let mut found = Vec::new();
        check_one(call, *at, answer, timeline, &mut found);
        violations.extend(found.into_iter().map(|violation| Violation {
            what: format!("read {number} ({:?}): {}", call.request, violation.what),
            ..violation
        }));
    }
}

fn check_one(
    call: &ReadCall,
    at: Moment,
    answer: &ReadAnswer,
    timeline: &Timeline<'_>,
    violations: &mut Vec<Violation>,
) {
    let (known, possible) = (timeline.floor(call.invoked), timeline.ceiling(at));
    match answer {
        ReadAnswer::Events {
            head,
            last_revision,
            events,
            complete,
        } => {
            violations.require(*head <= timeline.log.len() as u64, Rule::Durable, || {
                format!(
                    "reported the head {head}, but the log ends at {}",
                    timeline.log.len()
                )
            });
            violations.require(*head >= known, Rule::FreshRead, || {
                format!("reported the head {head}, when the log was known to reach {known}")
            });
            violations.require(*head <= possible, Rule::RealTime, || {
                format!("reported the head {head}, when events after {possible} had not been sent yet")
            });
            if let Target::Stream(stream) = &call.request.target {
                let last = timeline.last_revision(stream, *head);
                violations.require(last == *last_revision, Rule::ExactRead, || {
                    format!(
                        "reported the last revision {last_revision:?}; at the head {head} it was {last:?}"
                    )
                });
            }
            compare(&call.request, *head, events, *complete, timeline, violations);
        }
        ReadAnswer::StreamNotFound => {
            if let Target::Stream(stream) = &call.request.target {
                let last = timeline.last_revision(stream, known);
                violations.require(last.is_none(), Rule::FreshRead, || {
                    format!("was refused because there is no such stream, which was known to reach {last:?}")
                });
            }
        }
        ReadAnswer::BeyondEnd(end) => {
            let right = beyond_end(
                &call.request.target,
                call.request.from,
                *end,
                (known, possible),
                timeline,
            );
            violations.require(right, Rule::FreshRead, || {
                format!("was refused because the end is {end:?}")
            });
        }
        ReadAnswer::Failed => {}
    }
}

/// True if it was right to report that a place is beyond the end.
pub(super) fn beyond_end(
    target: &Target,
    place: Option<u64>,
    end: Option<u64>,
    (known, possible): (u64, u64),
    timeline: &Timeline<'_>,
) -> bool {
    let (lowest, highest) = match target {
        Target::Log => (Some(known), Some(possible)),
        Target::Stream(stream) => (
            timeline.last_revision(stream, known),
            timeline.last_revision(stream, possible),
        ),
    };
    place > end && (lowest..=highest).contains(&end)
}

fn compare(
    request: &ReadRequest,
    head: u64,
    events: &[Observed],
    complete: bool,
    timeline: &Timeline<'_>,
    violations: &mut Vec<Violation>,
) {
    let mut expected = expected(request, head, timeline);
    for (n, event) in events.iter().enumerate() {
        match expected.next() {
            Some(right) if right == event => {}
            right => {
                let right = right.map_or_else(|| "nothing".to_owned(), Observed::place);
                let what = format!("event {n} is {}, where {right} belongs", event.place());
                return violations.add(Rule::ExactRead, what);
            }
        }
    }
    if let Some(missing) = expected.next().filter(|_| complete) {
        let what = format!("ended after {} events, before {}", events.len(), missing.place());
        violations.add(Rule::ExactRead, what);
    }
}

/// The events that a read must return.
fn expected<'a>(
    request: &'a ReadRequest,
    head: u64,
    timeline: &'a Timeline<'a>,
) -> impl Iterator<Item = &'a Observed> {
    let log = &timeline.log[..timeline
        .log
        .len()
        .min(usize::try_from(head).unwrap_or(usize::MAX))];
    let events: Vec<&Observed> = match &request.target {
        Target::Log => {
            // Most reads of a long log begin near its end.
            let skipped = request.from.filter(|_| !request.backwards).unwrap_or(1).max(1) - 1;
            log.iter()
                .skip(usize::try_from(skipped).unwrap_or(usize::MAX))
                .collect()
        }
        Target::Stream(stream) => {
            let places = timeline
                .stream(stream)
                .iter()
                .take_while(|position| **position <= head);
            places.filter_map(|position| timeline.at(*position)).collect()
        }
    };
    let wanted = |event: &&&Observed| {
        let place = if request.target == Target::Log {
            event.position
        } else {
            event.revision
        };
        let behind = |from: u64| {
            if request.backwards {
                place <= from
            } else {
                place >= from
            }
        };
        request.from.is_none_or(behind) && request.filter.matches(event)
    };
    let mut events: Vec<&Observed> = events.iter().filter(wanted).copied().collect();
    if request.backwards {
        events.reverse();
    }
    events.into_iter().take(
        request
            .limit
            .map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
    )
}
