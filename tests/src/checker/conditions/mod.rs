//! Judges appends with checks: to any number of streams, each with conditions on streams and on queries, raced for by many
//! clients.
//!
//! A test writes down in a [`History`] every append and every read, when it was asked for, when it was answered and what
//! with; reads the whole log at the end; and calls [`check`]. Nothing else is known, in particular nothing of the store's
//! inside. With P the position of an append's first event, and "state" the log up to the end of some append:
//!
//! 1. Every append that stands in the log does so wholly, with what was sent, and every one of its checks held in the state
//!    just before P: no two appends that succeeded violate each other's conditions. So it is for appends whose answer was
//!    lost, too: they stand like this, or not at all.
//! 2. Nothing stands because of an append that was only refused, and nothing more often than it was asked for, however
//!    often it was sent.
//! 3. What an append was told of its place (positions, the revisions in every stream, the time) is so; the answer to one
//!    that was sent again is the place of the first.
//! 4. No append was refused without a reason: between question and answer there was a state in which exactly the checks
//!    that were told failed and all the others held, and what was told of each (the stream's last revision, the position of
//!    the first match) was so in that same state, which came before the append's own events, if a retry wrote them.
//! 5. Time: what was known before a question is seen by its answer, and nothing is seen before somebody sent it; what a
//!    session wrote stands in the order in which it was given to the session.
//! 6. A read returns exactly what the log holds up to its head; and its head is a state, so that nobody sees half an append.
//!
//! How a state is found without trying all (`refusals`): the log only grows, so what a check says is the same over one run
//! of states, from the event that makes it so to the event that ends it. The runs of all checks have a state in common, or
//! the refusal was wrong.
//!
//! Limits: nothing is deleted while a history is made. A refusal that names an event id is judged by where the id stands.

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

/// The log, and what may be asked of it.
struct Scene<'a> {
    timeline: Timeline<'a>,
    matches: Matches<'a>,
    standing: Standing,
}

/// Judges a history by the log that it led to, which is complete and in order.
///
/// # Errors
/// Every rule that was broken, and by what.
pub fn check(history: &History, log: &[Observed]) -> Result<(), Vec<Violation>> {
    let mut violations = log::check(log);
    if violations.is_empty() {
        let mut timeline = Timeline::of(log);
        timeline.set(history.known(&timeline), history.sent());
        let matches = Matches::new(log);
        let standing = Standing::find(history, &timeline, &matches, &mut violations);
        // States are where appends end; without knowing these nothing else can be judged.
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
                format!("read {number} told the head {head}, in the middle of an append")
            });
        }
    }
}
