//! Checks whether there was a reason to refuse an append.

use super::{
    Answer, Append, AppendCall, ChecksFailed, Found, History, Scene, call::Identity, matches::Matches,
};
use crate::checker::{Check, Expected, Moment, Rule, Violation, timeline::Timeline, violation::Findings};

/// The first and the last of consecutive states; empty if the last is before the first.
pub(super) type Run = (u64, u64);

const ALWAYS: Run = (0, u64::MAX);
const NEVER: Run = (1, 0);

pub(super) fn check(history: &History, scene: &Scene<'_>, violations: &mut Vec<Violation>) {
    for (number, call) in history.appends.iter().enumerate() {
        let Some((at, answer)) = &call.answered else {
            continue;
        };
        let wrong = match answer {
            Answer::ChecksFailed(failed) => wrong_checks(call, *at, failed, scene),
            Answer::BeyondHead { after, head } => wrong_head(call, *at, (*after, *head), scene),
            Answer::IdConflict {
                stream,
                revision,
                position,
            } => wrong_id(call, *at, (stream, *revision, *position), scene),
            Answer::Written(_) | Answer::Refused | Answer::Unknown => None,
        };
        if let Some(why) = wrong {
            let what = format!(
                "append {number} with {:?} was refused with {answer:?}, but {why}",
                call.append.checks
            );
            violations.add(Rule::RightlyRefused, what);
        }
    }
}

/// Checks that every check held in a state.
///
/// # Errors
/// The first check that did not hold.
pub(super) fn held(
    append: &Append,
    state: u64,
    timeline: &Timeline<'_>,
    matches: &Matches<'_>,
) -> Result<(), String> {
    for (index, check) in append.checks.iter().enumerate() {
        let (first, last) = holds(check, timeline, matches);
        if !(first..=last).contains(&state) {
            return Err(format!(
                "check {index}, {check:?}, did not hold in the log up to {state}"
            ));
        }
    }
    Ok(())
}

/// The states in which a check holds. They are always one run.
fn holds(check: &Check, timeline: &Timeline<'_>, matches: &Matches<'_>) -> Run {
    match check {
        Check::Stream { stream, expected } => match expected {
            Expected::Any => ALWAYS,
            Expected::NoStream => at_revision(stream, None, timeline),
            Expected::StreamExists => timeline
                .position(stream, 0)
                .map_or(NEVER, |first| (first, u64::MAX)),
            Expected::Exactly(revision) => at_revision(stream, Some(*revision), timeline),
        },
        Check::NoMatch { filter, after } => {
            let first = matches.first(filter, *after);
            (*after, first.map_or(u64::MAX, |first| first - 1))
        }
    }
}

/// The states in which a stream has this last revision.
fn at_revision(stream: &str, revision: Option<u64>, timeline: &Timeline<'_>) -> Run {
    let first = match revision {
        None => Some(0),
        Some(revision) => timeline.position(stream, revision),
    };
    let next = timeline.position(stream, revision.map_or(0, |revision| revision + 1));
    first.map_or(NEVER, |first| (first, next.map_or(u64::MAX, |next| next - 1)))
}

/// The states in which a check fails with the reported finding.
///
/// # Errors
/// If there cannot be any, whatever the log was.
fn fails_so(
    check: &Check,
    found: &Found,
    timeline: &Timeline<'_>,
    matches: &Matches<'_>,
) -> Result<Run, &'static str> {
    match (check, found) {
        (Check::Stream { stream, expected }, Found::Stream { stream: told, actual }) => {
            if told != stream {
                return Err("it is about another stream");
            }
            if expected.allows(*actual) {
                return Err("that is the revision it expected");
            }
            Ok(at_revision(stream, *actual, timeline))
        }
        (
            Check::NoMatch { filter, after },
            Found::Match {
                after: told,
                position,
            },
        ) => {
            if told != after {
                return Err("it is about another position");
            }
            if matches.first(filter, *after) != Some(*position) {
                return Err("that is not the first match");
            }
            Ok((*position, u64::MAX))
        }
        _ => Err("the check is of the other kind"),
    }
}

/// The states that a response may reflect: everything known when the request was sent, nothing that had not been sent
/// when the response came, and before its own events, if another call with the same ids wrote them.
fn window(call: &AppendCall, at: Moment, scene: &Scene<'_>) -> Run {
    let own = scene.standing.places(&call.append, &scene.timeline);
    let before_own = own.first().map_or(u64::MAX, |first| first - 1);
    (
        scene.timeline.floor(call.invoked),
        scene.timeline.ceiling(at).min(before_own),
    )
}

fn common(a: Run, b: Run) -> Run {
    (a.0.max(b.0), a.1.min(b.1))
}

fn wrong_checks(call: &AppendCall, at: Moment, told: &ChecksFailed, scene: &Scene<'_>) -> Option<String> {
    let checks = &call.append.checks;
    let count = told.count as usize;
    if told.failed.is_empty() {
        return Some("it reports no failed check".to_owned());
    }
    if told.failed.len() != count.min(ChecksFailed::TOLD_MAX) {
        return Some(format!("it lists {} failed checks", told.failed.len()));
    }
    if !told.failed.is_sorted_by(|a, b| a.index < b.index) {
        return Some("they are not in the order of the append's checks".to_owned());
    }
    let mut run = window(call, at, scene);
    if run.0 > run.1 {
        return Some(format!("its events were already stored: {run:?}"));
    }
    let window = run;
    // After the last one listed, failed checks are only counted.
    let judged = if told.failed.len() == count {
        checks.len()
    } else {
        told.failed.last().map_or(0, |last| last.index + 1)
    };
    if let Some(unknown) = told.failed.iter().find(|failed| failed.index >= checks.len()) {
        return Some(format!("it has no check {}", unknown.index));
    }
    for (index, check) in checks.iter().enumerate().take(judged) {
        let of_check = match told.failed.iter().find(|failed| failed.index == index) {
            None => holds(check, &scene.timeline, &scene.matches),
            Some(failed) => match fails_so(check, &failed.found, &scene.timeline, &scene.matches) {
                Ok(run) => run,
                Err(why) => return Some(format!("for check {index}, {why}")),
            },
        };
        run = common(run, of_check);
        if scene.standing.states(run).next().is_none() {
            return Some(format!(
                "check {index} had that outcome in the states {of_check:?}; with the checks before it and the time, \
                 that leaves {run:?} of {window:?}"
            ));
        }
    }
    let runs: Vec<Run> = checks[judged..]
        .iter()
        .map(|check| holds(check, &scene.timeline, &scene.matches))
        .collect();
    let failing = |state: u64| {
        runs.iter()
            .filter(|(first, last)| !(*first..=*last).contains(&state))
            .count()
    };
    let counted = scene
        .standing
        .states(run)
        .any(|state| told.failed.len() + failing(state) == count);
    (!counted).then(|| format!("in none of the states {run:?} {count} checks fail"))
}

fn wrong_head(call: &AppendCall, at: Moment, (after, head): (u64, u64), scene: &Scene<'_>) -> Option<String> {
    let asked = |check: &Check| matches!(check, Check::NoMatch { after: asked, .. } if *asked == after);
    if !call.append.checks.iter().any(asked) {
        return Some("no check begins there".to_owned());
    }
    if after <= head {
        return Some("that is not beyond the head".to_owned());
    }
    let window = window(call, at, scene);
    let was_head = scene
        .standing
        .states(common(window, (head, head)))
        .next()
        .is_some();
    (!was_head).then(|| format!("the head was in {window:?}"))
}

fn wrong_id(
    call: &AppendCall,
    at: Moment,
    (stream, revision, position): (&str, Option<u64>, u64),
    scene: &Scene<'_>,
) -> Option<String> {
    let Some(Identity::FirstId(first, after)) = call.append.identity() else {
        return Some("its retries are detected by revision".to_owned());
    };
    // Without a revision, the event was removed, and the stream is that of the refused append.
    let told = scene.timeline.at(position).is_some_and(|event| {
        let is_here = |revision| event.stream == stream && event.revision == revision;
        event.id == first && revision.is_none_or(is_here)
    });
    if !told || position > scene.timeline.ceiling(at) {
        return Some(format!("{first} was not stored there"));
    }
    if position <= after {
        return Some(format!("it is only searched after {after}"));
    }
    let known = scene.timeline.floor(call.invoked);
    let own = scene.standing.places(&call.append, &scene.timeline);
    own.iter()
        .any(|first| *first <= known)
        .then(|| "its own events were already stored".to_owned())
}
