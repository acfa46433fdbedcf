//! Scavenging: what is gone of streams is taken out of the frames and the indexes, in the background, while the store
//! serves. `lifecycle` says what is gone.
//!
//! A scavenge is one pass over the streams for which something is set, and those that a prefix's retention may hold for
//! (`names`), in the order of their names. It goes round by
//! round: `work` gathers the dead positions of some streams from their lists in the index, `step` takes the events at some
//! thousand of them out of their frames (`rewrite`) and out of the lists of their types and tags (`lists`) in one commit,
//! and when the round is done, the lists of its streams are cut. `progress` is what is remembered of it under one key;
//! `control` changes that, and `task` does the work.
//!
//! 1. Every commit checks that the progress is what it was and moves it, so that of several servers one works at a time,
//!    a paused one can't write late, and stopping is nothing but writing a progress that says so.
//! 2. What a commit takes away was gone before it: nobody could read it. Nothing it leaves changes.
//! 3. Only frames whose events are all indexed on disk are touched, so that the tail and those who follow the log never
//!    index from a frame that lost events. So that recent events are among them, the window that is being filled is completed
//!    when the work begins.
//! 4. A stream's list is cut after its events were taken out, and keeps its last position, dead or not, so that the
//!    stream's last revision stays known. A scavenge that was cut short finds the rest there.
//! 5. Commits are not durable: a crash takes back the last of them together with their progress.
//! 6. A stream's first live revision only grows, so one that was looked up earlier in a round is never too high.
//!
//! Why from the lists of streams and not along the log: the cost follows what is dead and what is set, not the log.
//!
//! Limits: [`Settings::scavenge_round_events`](crate::Settings) positions are in memory at a time; a commit takes about [`step::STEP_BYTES_MAX`] of
//! frames. Of the entries by which appends are recognised when they are retried, those under `r` stay that belong to an
//! append of which something is left when it is scavenged, even when the rest goes later. `receipts` keeps the first results
//! of what is removed, for a day.

mod beginning;
mod control;
mod lists;
mod names;
mod progress;
mod receipts;
mod rewrite;
mod step;
mod task;
#[cfg(test)]
mod tests;
mod work;

pub(crate) use beginning::remove_beginning;
pub(crate) use control::{progress, start, stop};
pub use progress::{Scavenge, ScavengeState};
#[cfg(test)]
pub(crate) use rewrite::rewrite;
pub(crate) use task::run;
