//! The engine for a cluster: [`annals_engine::Engine`] on FoundationDB 7.3.
//!
//! How the contract is met:
//!
//! 1. **Atomic, ordered, isolated.** A commit is one FoundationDB transaction; a snapshot is one at a read version
//!    that was requested when it was opened, so it sees every commit that returned before.
//! 2. **Checked.** Checks are read within the transaction and compared here. If FoundationDB commits it, none of them
//!    changed in between (`attempt`).
//! 3. **Durable.** Always: FoundationDB acknowledges a commit once its logs are synced on as many machines as the
//!    redundancy mode requires. [`annals_engine::Commit::durable`] makes no difference.
//! 4. **Never applied after its result.** FoundationDB leaves some outcomes open. Such a commit returns
//!    [`annals_engine::Error::MaybeCommitted`], is never retried, and is *fenced*: before this engine opens another
//!    snapshot, it makes sure that the commit can no longer be applied (`fence`).
//! 5. **Separate.** A store's keys begin with its [`KeyPrefix`], and no store sees the keys of another prefix.
//!
//! Every call ends within a few times [`Settings::transaction_timeout_ms`], once for each step it takes, whether the
//! cluster responds or not. Only a watch waits for as long as nothing changes.
//!
//! Limits:
//! - FoundationDB counts a key up to five times towards its limit of 10 MB for a transaction, as a mutation and in
//!   conflict ranges. A commit of several MB that consists of keys only is rejected with
//!   [`annals_engine::Error::TooLarge`] here.
//! - The client library `libfdb_c` must have the cluster's version, 7.3, and is loaded when the process starts. It
//!   runs one thread per process, started by the first engine that is opened (`network`).
//! - A commit whose future is dropped halfway is fenced as well, but no caller learns its outcome.

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
