//! Prints a history as lines, in the order in which it happened.

use crate::checker::{AppendCall, History, Moment, Notice, Observed, ReadAnswer, state::StateCalls};

/// One line for each request and each response.
#[must_use]
pub fn trace(history: &History) -> String {
    let mut lines: Vec<(Moment, String)> = Vec::new();
    for (number, call) in history.appends.iter().enumerate() {
        lines.push((call.invoked, format!("append {number}: {}", append(call))));
        if let Some((at, answer)) = &call.answered {
            lines.push((*at, format!("append {number}: {answer:?}")));
        }
    }
    for (number, call) in history.reads.iter().enumerate() {
        lines.push((call.invoked, format!("read {number}: {:?}", call.request)));
        if let Some((at, answer)) = &call.answered {
            lines.push((*at, format!("read {number}: {}", read(answer))));
        }
    }
    for (number, call) in history.looks.iter().enumerate() {
        lines.push((call.invoked, format!("lookup {number}: {:?}", call.look)));
        if let Some((at, streams)) = &call.answered {
            lines.push((*at, format!("lookup {number}: {streams:?}")));
        }
    }
    for (number, call) in history.subscriptions.iter().enumerate() {
        lines.push((call.invoked, format!("subscription {number}: {:?}", call.request)));
        if let Some((at, answer)) = &call.answered {
            lines.push((*at, format!("subscription {number}: {answer:?}")));
        }
        for (at, told) in &call.notices {
            lines.push((*at, format!("subscription {number}: {}", notice(told))));
        }
    }
    state(&history.state, &mut lines);
    lines.sort();
    lines
        .into_iter()
        .map(|(at, line)| format!("{at:>6}  {line}\n"))
        .collect()
}

fn state(calls: &StateCalls, lines: &mut Vec<(Moment, String)>) {
    for (number, call) in calls.writes.iter().enumerate() {
        let (id, changes, checks) = (short(call.id), &call.changes, &call.checks);
        let kind = if call.is_append { "append" } else { "write" };
        let line = format!("state write {number}: {kind} {id}: {changes:?} if {checks:?}");
        lines.push((call.invoked, line));
        if let Some((at, answer)) = &call.answered {
            lines.push((*at, format!("state write {number}: {answer:?}")));
        }
    }
    for (number, call) in calls.reads.iter().enumerate() {
        lines.push((call.invoked, format!("state read {number}: {:?}", call.read)));
        if let Some((at, page)) = &call.answered {
            lines.push((*at, format!("state read {number}: {page:?}")));
        }
    }
    for (number, call) in calls.subscriptions.iter().enumerate() {
        lines.push((
            call.invoked,
            format!("state subscription {number}: {:?}", call.request),
        ));
        if let Some((at, answer)) = &call.answered {
            lines.push((*at, format!("state subscription {number}: {answer:?}")));
        }
        for (at, notice) in &call.notices {
            lines.push((*at, format!("state subscription {number}: {notice:?}")));
        }
    }
}

fn append(call: &AppendCall) -> String {
    let ids: Vec<String> = call.events.iter().map(|event| short(event.id)).collect();
    let Some(checks) = &call.checks else {
        return format!("{} {:?} {}", call.stream, call.expected, ids.join(" "));
    };
    let events = call
        .streams
        .iter()
        .zip(ids)
        .map(|(stream, id)| format!("{stream}:{id}"));
    format!("{} if {checks:?}", events.collect::<Vec<_>>().join(" "))
}

fn read(answer: &ReadAnswer) -> String {
    match answer {
        ReadAnswer::Events {
            head,
            last_revision,
            events,
            complete,
        } => {
            format!(
                "head {head}, last revision {last_revision:?}, complete {complete}: {}",
                places(events)
            )
        }
        other => format!("{other:?}"),
    }
}

fn notice(notice: &Notice) -> String {
    match notice {
        Notice::Events(events) => places(events),
        other => format!("{other:?}"),
    }
}

fn places(events: &[Observed]) -> String {
    let places: Vec<String> = events
        .iter()
        .map(|event| {
            format!(
                "{}={}@{}:{}",
                event.position,
                event.stream,
                event.revision,
                short(event.id)
            )
        })
        .collect();
    places.join(" ")
}

/// The beginning of an id, which identifies it within one run.
fn short(id: uuid::Uuid) -> String {
    id.simple().to_string()[..6].to_owned()
}
