//! Judges whether the responses of an event store are consistent. The checker knows only requests and responses, so
//! the same code judges the simulation, a server that is killed under load, and any later test.
//!
//! A test records its requests and their responses in a [`History`], in the order in which they happened, reads the
//! whole log at the end, and calls [`check`]. These rules are checked:
//!
//! 1. The log: positions are 1, 2, 3, …; revisions are 0, 1, 2, … in each stream; recorded times never decrease.
//! 2. Every event in it was sent, is unchanged, and is stored together with its whole append; no event is stored
//!    because of an append that was only refused; none is stored more often than it was requested, however often an
//!    append was retried.
//! 3. Every acknowledged append is stored where its response placed it, as its expectation demanded.
//! 4. Every refusal was right at some moment between request and response. The conditions of appends to many streams
//!    held where these are stored; and where they were refused, exactly the reported conditions had failed
//!    (`checks`).
//! 5. Real time: everything known before a request (acknowledged, read or delivered to any client) is visible in its
//!    response, and no event is visible before it was sent.
//! 6. A read returns exactly what the log holds up to the head that it reported, as the request demanded.
//! 7. A subscription delivers each event after its start once and in order, and no event up to a reported place is
//!    undelivered.
//! 8. The reported state of a stream was its state at some moment, and a list of streams is complete.
//! 9. [`state`]: writes, reads and subscriptions of state are those of one sequence of changes in each scope.
//!
//! Why one log at the end is enough: the store never changes a stored event, so the final log contains every state
//! that the store was ever in, each as a prefix. The prefixes that a response may reflect are bounded by what was
//! known when the request was sent and by what had been sent when the response came (`timeline`).
//!
//! [`conditions`] judges races of appends with checks, with its own history type: every refusal as a whole, in one
//! state.
//!
//! Limits: an append whose outcome is unknown may be stored or not; the test itself does not know.

mod appends;
mod calls;
mod checks;
pub mod conditions;
mod event;
pub mod groups;
mod history;
mod log;
mod looks;
mod reads;
mod standing;
pub mod state;
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

/// Judges a history by the log that it led to. The log must be complete and in order.
///
/// # Errors
/// Every rule that was broken, with the evidence.
pub fn check(history: &History, log: &[Observed]) -> Result<(), Vec<Violation>> {
    let mut violations = log::check(log);
    if violations.is_empty() {
        // All other checks look events up by position, and by revision in a stream.
        let timeline = Timeline::new(history, log);
        standing::check(history, &timeline, &mut violations);
        appends::check(history, &timeline, &mut violations);
        reads::check(&history.reads, &timeline, &mut violations);
        subscriptions::check(history, &timeline, &mut violations);
        looks::check(history, &timeline, &mut violations);
        state::check(history, &timeline, &mut violations);
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(violations)
    }
}
