//! For each rule, a history that breaks it, forged from a good one.

mod refusals;
mod writes;

use uuid::Uuid;

use super::{Answer, Append, ChecksFailed, FailedCheck, Found, History, Write, Written, check};
use crate::checker::{
    CallId, Check, Expected, Filter, FilterItem, Observed, ReadAnswer, ReadRequest, Rule, Sent, Target,
    Violation, digest,
    tests::{Judged, assert_broken, assert_good},
};

impl Judged for History {
    fn judge(&self, log: &[Observed]) -> Result<(), Vec<Violation>> {
        check(self, log)
    }
}

/// An event with an id made from a number, and one tag.
fn sent(id: u128, tag: &str) -> Sent {
    Sent {
        id: Uuid::from_u128(id),
        kind: "Placed".to_owned(),
        tags: vec![tag.to_owned()],
        digest: digest(b"data", &id.to_be_bytes()),
    }
}

fn write(stream: &str, events: &[(u128, &str)]) -> Write {
    Write {
        stream: stream.to_owned(),
        events: events.iter().map(|(id, tag)| sent(*id, tag)).collect(),
    }
}

fn append(writes: Vec<Write>, checks: Vec<Check>) -> Append {
    Append { writes, checks }
}

/// The stored events of an append from a position on, with these first revisions of its writes.
fn stands(first: u64, append: &Append, revisions: &[u64]) -> Vec<Observed> {
    let mut position = first;
    let mut events = Vec::new();
    for (write, first_revision) in append.writes.iter().zip(revisions) {
        for (revision, sent) in (*first_revision..).zip(&write.events) {
            events.push(Observed {
                position,
                stream: write.stream.clone(),
                revision,
                id: sent.id,
                kind: sent.kind.clone(),
                tags: sent.tags.clone(),
                digest: sent.digest,
                recorded_at: 1_000,
            });
            position += 1;
        }
    }
    events
}

fn written(first_position: u64, streams: &[(&str, u64, u64)]) -> Written {
    let events: u64 = streams.iter().map(|(_, first, last)| last - first + 1).sum();
    Written {
        first_position,
        last_position: first_position + events - 1,
        recorded_at: 1_000,
        already_appended: false,
        streams: streams
            .iter()
            .map(|(stream, first, last)| ((*stream).to_owned(), *first, *last))
            .collect(),
    }
}

fn tagged(tag: &str) -> Filter {
    Filter {
        items: vec![FilterItem {
            tags: vec![tag.to_owned()],
            ..FilterItem::default()
        }],
    }
}

fn no_match(tag: &str, after: u64) -> Check {
    Check::NoMatch {
        filter: tagged(tag),
        after,
    }
}

fn stream_is(stream: &str, expected: Expected) -> Check {
    Check::Stream {
        stream: stream.to_owned(),
        expected,
    }
}

fn failed(failed: &[(usize, Found)]) -> Answer {
    let failed: Vec<FailedCheck> = failed
        .iter()
        .map(|(index, found)| FailedCheck {
            index: *index,
            found: found.clone(),
        })
        .collect();
    let count = u32::try_from(failed.len()).unwrap_or(u32::MAX);
    Answer::ChecksFailed(ChecksFailed { failed, count })
}

fn at(stream: &str, actual: Option<u64>) -> Found {
    Found::Stream {
        stream: stream.to_owned(),
        actual,
    }
}

fn matched(after: u64, position: u64) -> Found {
    Found::Match { after, position }
}

fn answer(history: &mut History, append: &Append, answer: Answer) -> CallId {
    let call = history.append(append.clone(), None);
    history.append_answered(call, answer);
    call
}

fn read(history: &mut History, head: u64, events: &[Observed]) {
    let call = history.read(ReadRequest {
        target: Target::Log,
        backwards: false,
        from: None,
        limit: None,
        filter: Filter::default(),
    });
    let answer = ReadAnswer::Events {
        head,
        last_revision: None,
        events: events.to_vec(),
        complete: true,
    };
    history.read_answered(call, answer);
}

/// Three appends, one after the other: `a` takes the tag `red` in two streams (positions 1 to 3), `b` writes `blue`
/// after it (4), and `c` writes `red` again, having seen all of them (5 and 6).
struct Good {
    history: History,
    log: Vec<Observed>,
    a: Append,
    b: Append,
    c: Append,
}

fn good() -> Good {
    let a = append(
        vec![
            write("s", &[(1, "red")]),
            write("t", &[(2, "red")]),
            write("s", &[(3, "green")]),
        ],
        vec![no_match("red", 0), stream_is("u", Expected::NoStream)],
    );
    let b = append(
        vec![write("t", &[(4, "blue")])],
        vec![stream_is("t", Expected::Exactly(0))],
    );
    let c = append(
        vec![write("u", &[(5, "red"), (6, "red")])],
        vec![no_match("red", 4), no_match("blue", 4)],
    );
    let mut history = History::default();
    answer(
        &mut history,
        &a,
        Answer::Written(written(1, &[("s", 0, 1), ("t", 0, 0)])),
    );
    answer(&mut history, &b, Answer::Written(written(4, &[("t", 1, 1)])));
    answer(&mut history, &c, Answer::Written(written(5, &[("u", 0, 1)])));
    let mut log = stands(1, &a, &[0, 0, 1]);
    log.extend(stands(4, &b, &[1]));
    log.extend(stands(5, &c, &[0]));
    Good {
        history,
        log,
        a,
        b,
        c,
    }
}
