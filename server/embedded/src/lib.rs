//! The single-machine engine: implements [`annals_engine::Engine`] with its own write-ahead log in front of a tree
//! (fjall, a log-structured merge tree).
//!
//! A durable commit is one record appended to the log (`record`, `log`) and synced. Values of bulk keys
//! ([`Settings::bulk_prefixes`]: large, written once and in order) stay in the log; the tree holds only their
//! locations. All other committed changes are kept in memory in front of the tree (`generation`, the memtable) until
//! they are flushed to it in one batch (`fold`). So large values are written once, and a commit waits for one sync of
//! one file.
//!
//! How the contract is met:
//!
//! 1. **Atomic, checked, ordered.** The `writer` handles one commit at a time: it evaluates the checks, writes one
//!    record or one batch of the tree, and returns. There is no other writer, so its reads are still current when it
//!    writes.
//! 2. **Durable.** A durable commit ends with one fdatasync of the log; `writer` explains why that suffices.
//! 3. **Isolated, and never visible too early.** Readers get the `moment` that the writer published last: a snapshot
//!    of the tree, taken while no batch was in progress (`store`), overlaid with the in-memory changes up to a
//!    commit.
//! 4. **A failed write or sync is final.** That commit and all later ones return [`annals_engine::Error::Failed`].
//! 5. **Acknowledged commits are recovered, or their loss is reported** (`recovery`, `durable`).
//! 6. **Space is reclaimed.** A background thread drops log segments that are mostly unused, and compacts the tree
//!    after many keys were removed (`reclaim`).
//!
//! The modules, lowest layer first. A module may use only those above its own row; the tidy test (`tests/tests/tidy/`)
//! fails otherwise.
//!
//! | modules | hold |
//! |---|---|
//! | `blocking`, `fs`, `latency`, `location`, `loss`, `syncing` | blocking work, files, locations, losses, syncs |
//! | `change`, `fault`, `settings` | changes of a commit, errors, settings |
//! | `durable`, `segment` | the durable mark, the files of the log |
//! | `generation`, `layout`, `salvage`, `state` | the memtable; the keyspaces, journal and contents of the tree |
//! | `directory`, `record`, `tree` | the directory, the format of a commit in the log, the tree |
//! | `log`, `moment` | the end of the log, and a view of the committed state |
//! | `space`, `store` | how much of each segment is in use; state that the writer and the readers share |
//! | `view`, `writer` | reads and commits |
//! | `fold` | the flush of the memtable |
//! | `reclaim`, `recovery` | reclaiming space, and replaying the log after a crash |
//! | `open` | opening and creating a store |
//! | `engine` | [`EmbeddedEngine`] |
//!
//! Layout of a directory:
//!
//! ```text
//! DIR/lock              locked while an engine has the directory open
//! DIR/store/format      format version and bulk prefixes of the store, as text
//! DIR/store/durable     the last record of the log that is known to be durable
//! DIR/store/log/        the log, in segments
//! DIR/store/fjall/      the tree: fjall's own files
//! DIR/store/fjall.lost/ the old tree, if it was rebuilt after a loss
//! DIR/creating/         a store under construction, renamed to `store` when complete; otherwise left by a crash
//! ```
//!
//! Limits:
//! - A commit blocks its calling thread until the disk has responded. On a multi-threaded runtime the other threads
//!   continue; on a single-threaded one nothing else runs meanwhile.
//! - Clearing a range writes a record entry for each of its keys and holds the keys in memory until the commit
//!   returns: clear about 100,000 keys at a time.
//! - A value that was read shares memory with the buffer it was read into (up to 4 MiB of a page of bulk values, 4
//!   KiB of others), and a value that was written shares memory with the buffer it came in. Copy small values that
//!   you keep for long.
//! - A relaxed commit that sets bulk keys is written as a durable one.

mod blocking;
mod change;
mod directory;
mod durable;
mod engine;
mod fault;
mod fold;
mod fs;
mod generation;
mod latency;
mod layout;
mod location;
mod log;
mod loss;
mod moment;
mod open;
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
pub use settings::{OnReclaim, OnSync, Reclaimed, Settings};
