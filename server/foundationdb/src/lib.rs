//! The engine for a cluster: [`annals_engine::Engine`] on FoundationDB 7.3.
//!
//! How the contract holds:
//!
//! 1. **Atomic, ordered, isolated.** A commit is one FoundationDB transaction; a snapshot is one at a read version that was
//!    asked for when it was opened, so it sees every commit that returned before.
//! 2. **Checked.** Checks are read within the transaction and compared here. That FoundationDB commits it says that none of
//!    them changed in between (`attempt`).
//! 3. **Durable.** Always: FoundationDB answers once the logs of a commit are synced on as many machines as its redundancy
//!    mode says. [`annals_engine::Commit::durable`] makes no difference.
//! 4. **Never applied later than its answer.** FoundationDB leaves some outcomes open. Such a commit is answered with
//!    [`annals_engine::Error::MaybeCommitted`], never tried again, and *fenced*: before this engine opens another snapshot, it
//!    makes sure that the commit can't be applied any more (`fence`).
//! 5. **Apart.** A store's keys stand under its [`KeyPrefix`], and no prefix is the beginning of another.
//!
//! Every call ends within a few times [`Settings::transaction_timeout_ms`], once for each step it takes,
//! whether the cluster answers or not. Only a watch waits for as long as nothing changes.
//!
//! Limits:
//! - FoundationDB counts a key up to five times in its limit of 10 MB for a transaction, as a mutation and in conflict ranges.
//!   A commit of several MB made of keys alone is refused with [`annals_engine::Error::TooLarge`] here.
//! - The client library `libfdb_c` must be of the cluster's version, 7.3, and is loaded when the process starts. It runs one
//!   thread per process, started by the first engine that is opened (`network`).
//! - A commit whose future is dropped halfway is fenced as well, but nobody learns what became of it.

mod attempt;
mod backoff;
mod cluster_file;
mod engine;
mod fault;
mod fence;
mod keyspace;
mod network;
mod settings;
mod shared;
#[cfg(test)]
mod tests;
mod view;

pub use engine::FoundationDbEngine;
pub use fault::OpenError;
pub use keyspace::KeyPrefix;
pub use network::shut_down;
pub use settings::Settings;
