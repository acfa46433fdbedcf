//! State: small documents beside the log.
//!
//! ```text
//! z <scope>           -> last version 8 bytes
//! y <scope> 0 <key>   -> the entry: version and value                          (entry.rs)
//! w <scope> 0 <version> -> 0 (put) or 1 (deletion) | the key that this version changed
//! k <scope> 0 <key>   -> version 8 bytes that deleted the entry
//! u <scope>           -> version 8 bytes up to which deletions may be forgotten
//! q <write id>        -> the first result of a write                           (receipt.rs)
//! a r <time> <commit> <chunk> -> ids of the writes of a commit, 16 bytes each  (expiry.rs)
//! a d <time> <commit> <chunk> -> the deletions of a commit
//! ```
//!
//! 1. An entry has one change under `w`, its last one, and so has a deleted entry, as long as its deletion is known.
//!    Reading `w` from a version on therefore gives the latest change of each entry since, however many there were.
//! 2. Every write checks the last version of each scope that it changes or checks, so what was read of a scope to
//!    evaluate the write is still true when it is written. It also checks that its id has no new receipt. Writes of
//!    different scopes have nothing else in common.
//! 3. Deletions and receipts are forgotten after a while ([`expiry`]).

pub(crate) mod entry;
pub(crate) mod evaluation;
pub(crate) mod expiry;
pub(crate) mod read;
pub(crate) mod receipt;
mod sabotage;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod transfer;
