//! Judges the responses about state: writes, appends that change or check state, reads, and subscriptions.
//!
//! The values of all puts of a history are different, so that an entry that was read identifies the change that wrote
//! it. These rules are checked:
//!
//! 1. In each scope, the versions 1, 2, 3, … are each given to exactly one change; the versions of a write are
//!    consecutive in a scope, in its order. A write whose outcome is unknown may have happened; once it was seen, it
//!    happened. No write happens twice, and a retry returns the first result.
//! 2. All writes are in one order that agrees with the versions, with the log, and with real time, and in which each
//!    check held when its write was made (`order`).
//! 3. A refusal was right at some moment: in each scope there was a version, between request and response, at which
//!    exactly the reported checks failed, as reported, and the others held.
//! 4. A read returns exactly the entries at the version that it reports, which no other write interrupts and which is
//!    no older than anything known when the read began.
//! 5. A subscriber that applies the updates has exactly the entries at the version of each `CaughtUp` and `Checkpoint`;
//!    after an update, it has each entry as of that version, unless the entry has changed since.
//! 6. The events of an append are in the log if and only if its changes of state were made.
//!
//! Limits: versions that belong to writes of unknown outcome are accepted as long as there are enough such writes; what
//! the entries are from such a version on is not judged. So a test should retry every write until its outcome is known.
//! The scopes of a refusal are judged one by one, not as one moment. Receipts must not expire while a history is
//! recorded.

mod calls;
mod history;
mod order;
mod reads;
mod sequence;
mod subscriptions;
#[cfg(test)]
mod tests;
mod writes;

pub use calls::{
    FailedStateCheck, StateAnswer, StateCalls, StateChange, StateCheck, StateEntry, StateNotice, StatePage,
    StateRead, StateReadCall, StateSubscribeAnswer, StateSubscribeCall, StateSubscribeRequest, StateUpdate,
    StateWriteCall,
};

use super::{History, Violation, timeline::Timeline};
use sequence::Sequences;

pub(super) fn check(history: &History, timeline: &Timeline<'_>, violations: &mut Vec<Violation>) {
    let calls = &history.state;
    if calls.is_empty() {
        return;
    }
    let before = violations.len();
    let sequences = Sequences::find(calls, timeline, violations);
    writes::check_whole(&sequences, violations);
    // Without the sequence of changes nothing else can be judged.
    if violations.len() == before {
        writes::check(calls, &sequences, violations);
        order::check(&sequences, timeline, violations);
        reads::check(calls, &sequences, violations);
        subscriptions::check(calls, &sequences, violations);
    }
}
