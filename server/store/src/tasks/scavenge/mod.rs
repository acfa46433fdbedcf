//! Scavenging: removes the events that streams have lost (`lifecycle`) from the frames and the indexes, in the
//! background, while the store serves.
//!
//! A scavenge is one pass over the streams with settings, and those to which a prefix's retention may apply
//! (`names`), in the order of their names. It works in rounds: `work` collects the dead positions of some streams
//! from their lists in the index; `step` removes the events at some thousand of them from their frames (`rewrite`)
//! and from the lists of their types and tags (`lists`) in one commit; and when the round is done, the lists of its
//! streams are cut. A position is dead if its event is removed but still stored. `progress` is the state of the
//! scavenge, stored under one key; `control` changes it, and `task` does the work.
//!
//! 1. Every commit checks the stored progress and updates it, so that of several servers one works at a time, a
//!    paused one can't write late, and a scavenge is stopped by writing a stopped progress.
//! 2. The events that a commit removes were invisible before it. Other events are not changed.
//! 3. Only frames whose events are all indexed on disk are changed, so that the tail and servers that follow the log
//!    never index from a frame that lost events. To include recent events, the current window is completed when the
//!    work begins.
//! 4. A stream's list is cut after its events were removed, and keeps its last position, dead or not, so that the
//!    stream's last revision stays known. A scavenge that was interrupted finds the rest there.
//! 5. Commits are not durable: a crash may undo the last of them together with their progress.
//! 6. A stream's first live revision only grows, so one that was looked up earlier in a round is never too high.
//!
//! Why it works from the lists of streams and not along the log: the cost depends on the number of dead events and of
//! settings, not on the length of the log.
//!
//! Limits: [`Settings::scavenge_round_events`](crate::Settings) positions are in memory at a time; a commit contains
//! about [`step::STEP_BYTES_MAX`] of frames. Entries under `r`, by which retried appends are recognised, stay if some
//! events of their append remain when it is scavenged, even if those are removed later. `receipts` keeps the first
//! results of removed appends, for a day.

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
