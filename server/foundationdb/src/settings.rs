//! Settings of the engine.

use std::path::PathBuf;

use crate::KeyPrefix;

/// Settings with which a store in a cluster is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The file that names the cluster's coordinators. FoundationDB's client rewrites it when they change, so the
    /// process should be allowed to write it and its directory.
    pub cluster_file: PathBuf,
    /// Distinguishes this store's keys from others in the cluster. A store opens only with the prefix it was created
    /// with: another prefix is another store.
    pub key_prefix: KeyPrefix,
    /// How long opening waits for the cluster, in milliseconds.
    pub open_timeout_ms: u64,
    /// How long one step waits for the cluster, in milliseconds: a read, or a commit once its checks are read.
    /// FoundationDB itself aborts a transaction after 5 s.
    pub transaction_timeout_ms: u64,
    /// How often a step that FoundationDB refused for a transient reason (a storage server that lags, throttling),
    /// with nothing changed, is retried before the error is returned. Unknown outcomes are never retried.
    pub retry_limit: u32,
}

impl Settings {
    /// The defaults for a cluster: prefix `annals`, 5 s for opening and for each step, 5 retries.
    pub fn new(cluster_file: impl Into<PathBuf>) -> Self {
        Self {
            cluster_file: cluster_file.into(),
            key_prefix: KeyPrefix::default(),
            open_timeout_ms: 5_000,
            transaction_timeout_ms: 5_000,
            retry_limit: 5,
        }
    }
}
