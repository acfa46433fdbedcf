//! State shared by an engine and its snapshots.

use std::time::{Duration, Instant};

use annals_engine::{Error, Result};
use bytes::Bytes;
use foundationdb::options::ConflictRangeType;
use foundationdb::{Database, FdbResult, Transaction};
use parking_lot::Mutex;

use crate::fault::{self, Refusal};
use crate::fence::Fences;
use crate::keyspace::Keyspace;

/// An open database with its settings.
pub(crate) struct Shared {
    pub(crate) keyspace: Keyspace,
    pub(crate) fences: Fences,
    pub(crate) timeout_ms: u64,
    pub(crate) retry_limit: u32,
    pub(crate) database: Database,
    pub(crate) known: Mutex<Option<Known>>,
}

/// The value of a key as this engine last committed it, so that the next commit that checks it need not read it.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) key: Bytes,
    pub(crate) value: Bytes,
    /// The version at which it was committed.
    pub(crate) version: i64,
    pub(crate) since: Instant,
}

impl Shared {
    pub(crate) fn transaction(&self) -> std::result::Result<Transaction, Refusal> {
        self.database
            .create_trx()
            .map_err(|error| fault::of_read("opening a transaction", error))
    }

    pub(crate) const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// Runs a step that changes nothing; fails if it takes longer than the timeout. The time is not that of
    /// FoundationDB's transactions, which counts from their beginning: a snapshot may be read long after it was
    /// opened.
    pub(crate) async fn within<T>(&self, doing: &str, step: impl Future<Output = Result<T>>) -> Result<T> {
        match tokio::time::timeout(self.timeout(), step).await {
            Ok(result) => result,
            Err(_) => Err(Error::Unavailable(fault::no_answer(doing, self.timeout_ms))),
        }
    }
}

/// Declares that a transaction has read or writes a key, without doing so.
pub(crate) fn conflict_on(transaction: &Transaction, key: &[u8], kind: ConflictRangeType) -> FdbResult<()> {
    transaction.add_conflict_range(key, &[key, &[0]].concat(), kind)
}
