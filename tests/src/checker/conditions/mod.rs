//! Judges appends with checks: to any number of streams, each with conditions on streams and on queries, sent by many
//! clients concurrently.
//!
//! A test records every append and every read in a [`History`], with the times of request and response and the
//! response itself; reads the whole log at the end; and calls [`check`]. Nothing else is known, in particular nothing
//! about the store's internals. With P the position of an append's first event, and "state" the log up to the end of
//! some append:
//!
//! 1. Every append in the log is stored as a whole, with the sent content, and every one of its checks held in the
//!    state just before P: no two successful appends violate each other's conditions. This also holds for appends
//!    whose response was lost: they are stored like this, or not at all.
//! 2. No event is stored because of an append that was only refused, and none more often than it was requested,
//!    however often it was sent.
//! 3. The place reported for an append (positions, the revisions in every stream, the time) is right; the response to
//!    a retry is the place of the first attempt.
//! 4. No append was refused without a reason: between request and response there was a state in which exactly the
//!    reported checks failed and all others held, and in which the reported finding of each (the stream's last
//!    revision, the position of the first match) was right; and that state came before the append's own events, if a
//!    retry wrote them.
//! 5. Real time: everything known before a request is visible in its response, and no event is visible before it was
//!    sent; the appends of a pipeline are stored in the order in which they were sent.
//! 6. A read returns exactly what the log holds up to its head; and its head is a state, so that no reader sees part
//!    of an append.
//!
//! How a state is found without trying all (`refusals`): the log only grows, so each outcome of a check holds over
//! one contiguous run of states, from the event that causes it to the event that ends it. Either the runs of all
//! checks have a state in common, or the refusal was wrong.
//!
//! Limits: no event is deleted while a history is recorded. A refusal that names an event id is judged by the
//! location of that id.

mod answers;
mod call;
mod history;
mod matches;
mod refusals;
mod standing;
#[cfg(test)]
mod tests;

pub use call::{Answer, Append, AppendCall, ChecksFailed, FailedCheck, Found, Write, Written};
pub use history::History;

use super::{Observed, ReadAnswer, Rule, Violation, log, reads, timeline::Timeline, violation::Findings};
use matches::Matches;
use standing::Standing;

/// The log, with the indexes for questions about it.
struct Scene<'a> {
    timeline: Timeline<'a>,
    matches: Matches<'a>,
    standing: Standing,
}

/// Judges a history by the log that it led to. The log must be complete and in order.
///
/// # Errors
/// Every rule that was broken, with the evidence.
pub fn check(history: &History, log: &[Observed]) -> Result<(), Vec<Violation>> {
    let mut violations = log::check(log);
    if violations.is_empty() {
        let mut timeline = Timeline::of(log);
        timeline.set(history.known(&timeline), history.sent());
        let matches = Matches::new(log);
        let standing = Standing::find(history, &timeline, &matches, &mut violations);
        // States are where appends end; without them nothing else can be judged.
        if violations.is_empty() {
            let scene = Scene {
                timeline,
                matches,
                standing,
            };
            answers::check(history, &scene, &mut violations);
            refusals::check(history, &scene, &mut violations);
            reads::check(&history.reads, &scene.timeline, &mut violations);
            check_heads(history, &scene.standing, &mut violations);
        }
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(violations)
    }
}

fn check_heads(history: &History, standing: &Standing, violations: &mut Vec<Violation>) {
    for (number, call) in history.reads.iter().enumerate() {
        if let Some((_, ReadAnswer::Events { head, .. })) = call.answered {
            violations.require(standing.is_state(head), Rule::Whole, || {
                format!("read {number} reported the head {head}, in the middle of an append")
            });
        }
    }
}
