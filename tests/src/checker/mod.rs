//! The checker: whether what an event store answered can be believed. It knows requests and responses and nothing else,
//! so that the same piece judges the simulation, a server that is killed under load, and any later test.
//!
//! A test writes down in a [`History`] what it asked for and what it was answered, in the order in which that happened,
//! reads the whole log at the end, and calls [`check`]. What is checked:
//!
//! 1. The log: positions 1, 2, 3, …; revisions 0, 1, 2, … in each stream; recorded times never go backwards.
//! 2. Every event in it was sent, is unchanged, and stands with its whole append at once; none stands because of an
//!    append that was only refused; none stands more often than it was asked for, however often an append was retried.
//! 3. Every acknowledged append stands where its answer said, as its expectation demanded.
//! 4. Every refusal was right at some moment between question and answer. What appends to many streams demand held where
//!    they stand; and where they were refused, just what was told had failed (`checks`).
//! 5. Time: what was known before a question (acknowledged, read or delivered to anybody) is seen by its answer, and
//!    nothing is seen before somebody sent it.
//! 6. A read returns exactly what the log holds up to the head that it told, as the question demanded.
//! 7. A subscription delivers each event after its start once and in order, and nothing up to a place that it told is
//!    undelivered.
//! 8. What is told of a stream was so, and a list of streams leaves none out.
//!
//! Why one log at the end is enough: the store never changes what it wrote, so the final log holds every state that it
//! ever was in, each a prefix. Between which prefixes an answer must lie follows from what was known when it was asked for
//! and from what was sent when it was given (`timeline`).
//!
//! [`conditions`] judges races of appends with checks by a history of its own: every refusal as a whole, in one state.
//!
//! Limits: an append whose outcome is unknown may stand or not, which is the test's own loss of knowledge.

mod appends;
mod calls;
mod checks;
pub mod conditions;
mod event;
mod history;
mod log;
mod looks;
mod reads;
mod standing;
mod subscriptions;
#[cfg(test)]
mod tests;
mod timeline;
mod violation;

pub use calls::{
    AppendAnswer, AppendCall, CallId, Look, LookCall, Notice, Placed, ReadAnswer, ReadCall, ReadRequest,
    Refusal, Start, StreamFacts, SubscribeAnswer, SubscribeCall, SubscribeRequest, Target,
};
pub use checks::{Check, FailedCheck, Found};
pub use event::{Expected, Filter, FilterItem, Observed, Sent, digest};
pub use history::{History, Moment};
pub use violation::{Rule, Violation};

use timeline::Timeline;

/// Judges a history by the log that it led to, which is complete and in order.
///
/// # Errors
/// Every rule that was broken, and by what.
pub fn check(history: &History, log: &[Observed]) -> Result<(), Vec<Violation>> {
    let mut violations = log::check(log);
    if violations.is_empty() {
        // Everything else finds its way by position, and by revision in a stream.
        let timeline = Timeline::new(history, log);
        standing::check(history, &timeline, &mut violations);
        appends::check(history, &timeline, &mut violations);
        reads::check(&history.reads, &timeline, &mut violations);
        subscriptions::check(history, &timeline, &mut violations);
        looks::check(history, &timeline, &mut violations);
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(violations)
    }
}
