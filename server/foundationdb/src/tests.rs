//! Runs the conformance suite on real clusters, and tests the guarantees that only this engine gives.
//!
//! Tests that need a cluster are ignored where FoundationDB is not installed; see [`annals_installed`].

mod conformance;
mod crashes;
mod doubt;
mod faults;
mod injected;
mod opening;
mod stores;

use std::path::Path;
use std::time::Duration;

use annals_engine::{Commit, Engine};
use annals_fdbserver::{Cluster, Layout, Programs, shared as shared_cluster};
use bytes::Bytes;
use uuid::Uuid;

use crate::{FoundationDbEngine, KeyPrefix, Settings};

/// How long a test waits for an expected event before it fails.
const PATIENCE: Duration = annals_engine::conformance::PATIENCE;

fn own_cluster(layout: Layout) -> Cluster {
    Cluster::start(&Programs::expect(), layout)
}

fn b(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn prefix(text: &str) -> KeyPrefix {
    text.parse().expect("is a prefix")
}

/// A prefix that no other test uses.
fn fresh_prefix() -> KeyPrefix {
    prefix(&format!("test-{}", Uuid::new_v4().simple()))
}

fn settings(cluster_file: &Path, key_prefix: &KeyPrefix) -> Settings {
    Settings {
        key_prefix: key_prefix.clone(),
        open_timeout_ms: 60_000,
        ..Settings::new(cluster_file)
    }
}

async fn open(cluster: &Cluster, key_prefix: &KeyPrefix) -> FoundationDbEngine {
    FoundationDbEngine::open(settings(cluster.cluster_file(), key_prefix))
        .await
        .expect("the store opens")
}

async fn set(engine: &FoundationDbEngine, key: &str, value: &str) {
    engine
        .commit(Commit::durable().set(b(key), b(value)))
        .await
        .expect("sets");
}

async fn get(engine: &FoundationDbEngine, key: &str) -> Option<Bytes> {
    let snapshot = engine.snapshot().await.expect("a snapshot opens");
    snapshot.get(b(key)).await.expect("a snapshot is read")
}
