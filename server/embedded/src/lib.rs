//! The engine for one machine: [`annals_engine::Engine`] on a log of its own, over a tree (fjall, a log-structured merge tree).
//!
//! A durable commit is one record at the end of the log (`record`, `log`), written and synced. Values of bulk keys
//! ([`Settings::bulk_prefixes`]: large, written once and in order) stay there, and the tree knows only where they are. What
//! else was committed stands in memory over the tree (`generation`), until it goes there in one batch (`fold`). So large
//! values are written once, and what is answered waits for one sync of one file.
//!
//! How the contract holds:
//!
//! 1. **Atomic, checked, ordered.** The `writer` takes one commit at a time: checks, then one record or one batch of the tree,
//!    then the answer. Nobody else writes, so what it read is still true when it writes.
//! 2. **Durable.** A durable commit ends with one fdatasync of the log; the reasons stand in `writer`.
//! 3. **Isolated, and never visible too early.** Readers get the `moment` that the writer published last: a snapshot of the
//!    tree, taken when no batch was under way (`store`), and what is in memory over it up to a commit.
//! 4. **A write or a sync that fails is the end.** The commit and all later ones answer [`annals_engine::Error::Failed`].
//! 5. **What was answered is found again, or its loss is reported** (`recovery`, `durable`).
//! 6. **Space comes back.** Segments of the log of which little is in use are given up, and when many keys were removed, the
//!    tree is compacted, by a thread of its own (`reclaim`).
//!
//! A directory looks like this:
//!
//! ```text
//! DIR/lock              locked while an engine has the directory open
//! DIR/store/format      what the store was created with, as text
//! DIR/store/durable     up to which record the log is known to be durable
//! DIR/store/log/        the log, in segments
//! DIR/store/fjall/      the tree: fjall's own files
//! DIR/store/fjall.lost/ the tree before it was built again after a loss
//! DIR/creating/         a store under construction, renamed to `store` when it is complete; else left from a crash
//! ```
//!
//! Limits:
//! - A commit blocks the thread that asks for it until the disk has answered. On a runtime of several threads the others go
//!   on; on one of a single thread nothing else runs meanwhile.
//! - Clearing a range writes a record of each of its keys and holds them in memory until the commit returns: clear some
//!   100,000 keys at a time.
//! - A value read shares memory with what it was read with (up to 4 MiB of a page of bulk values, 4 KiB of others), and a
//!   value written with the buffer it came in. Copy what you keep for long if it is small.
//! - A relaxed commit that sets bulk keys is written as a durable one.

mod changes;
mod directory;
mod durable;
mod engine;
mod fault;
mod fold;
mod generation;
mod layout;
mod location;
mod log;
mod loss;
mod moment;
mod positioned;
mod prefill;
mod reclaim;
mod record;
mod recovery;
mod salvage;
mod segment;
mod settings;
mod space;
mod state;
mod store;
mod syncing;
#[cfg(test)]
mod tests;
mod tree;
mod view;
mod writer;

pub use engine::EmbeddedEngine;
pub use fault::OpenError;
pub use loss::{AcceptLoss, Loss};
pub use reclaim::Reclaimed;
pub use settings::{OnReclaim, OnSync, Settings};
