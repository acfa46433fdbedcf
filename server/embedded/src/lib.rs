//! The engine for one machine: [`annals_engine::Engine`] on fjall, a log-structured merge tree with a journal.
//!
//! How the contract holds:
//!
//! 1. **Atomic, checked, ordered.** The `writer` takes one commit at a time: checks, then one fjall batch, then the answer.
//!    Nobody else writes, so what it read is still true when it writes.
//! 2. **Durable.** A durable commit ends with one fdatasync of the journal, which makes every batch before it durable as
//!    well; the reasons stand in `writer`.
//! 3. **Isolated, and never visible too early.** Readers get the fjall snapshot that the writer published after its last
//!    batch was complete, never one opened while a batch is under way; the reasons stand in `store`.
//! 4. **A write or a sync that fails is the end.** The commit and all later ones answer [`annals_engine::Error::Failed`].
//! 5. **Space comes back.** When many keys were removed, a thread of its own compacts what is left (`reclaim`).
//!
//! Keys under [`Settings::bulk_prefixes`] live in a keyspace laid out for large values that are written once (`layout`).
//! A directory looks like this:
//!
//! ```text
//! DIR/lock              locked while an engine has the directory open
//! DIR/store/format      what the store was created with, as text
//! DIR/store/fjall/      fjall's own files
//! DIR/creating/         a store under construction, renamed to `store` when it is complete; else left from a crash
//! ```
//!
//! Limits:
//! - A commit blocks the thread that asks for it until the disk has answered. On a runtime of several threads the others go
//!   on; on one of a single thread nothing else runs meanwhile.
//! - Clearing a range writes a tombstone for each of its keys and holds them in memory until the commit returns (fjall has
//!   no range tombstones): clear some 100,000 keys at a time.
//! - A value read shares memory with the block it was read in (16 KiB for bulk, 4 KiB for others), and a value written with
//!   the buffer it came in. Copy what you keep for long if it is small.
//! - Loss of power may tear a batch that was being written. If that leaves its end on the disk but not its middle, fjall
//!   takes the journal for damaged, and opening says [`OpenError::Corrupt`]; no commit that returned is affected.

mod directory;
mod engine;
mod fault;
mod layout;
mod reclaim;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod view;
mod writer;

pub use engine::EmbeddedEngine;
pub use fault::OpenError;
pub use reclaim::Reclaimed;
pub use settings::{OnReclaim, OnSync, Settings};
