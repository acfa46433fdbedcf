//! The conformance suite with all keys in one keyspace, with neighbouring keys in both, with small segments and
//! folds, and with all values in the log.

use std::sync::Arc;

use annals_engine::Engine;
use bytes::Bytes;
use tempfile::TempDir;

use crate::Settings;
use crate::tests::open;

/// Prefixes that split the keys of the suite.
fn cutting() -> Vec<Bytes> {
    let prefixes: [&[u8]; 10] = [
        &[0x00],
        &[0, 0, 0, 5],
        &[0x01],
        b"b",
        b"f",
        b"head",
        b"k3",
        b"k5",
        b"m",
        &[0xFE, 0xFF],
    ];
    prefixes.map(Bytes::from_static).to_vec()
}

fn make(settings: Settings) -> (Arc<dyn Engine>, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    (Arc::new(open(directory.path(), settings)), directory)
}

mod in_one_keyspace {
    async fn fresh() -> (super::Arc<dyn super::Engine>, super::TempDir) {
        super::make(super::Settings::default())
    }
    annals_engine::conformance_suite!(fresh);
}

mod in_two_keyspaces {
    async fn fresh() -> (super::Arc<dyn super::Engine>, super::TempDir) {
        super::make(super::Settings {
            bulk_prefixes: super::cutting(),
            ..super::Settings::default()
        })
    }
    annals_engine::conformance_suite!(fresh);
}

mod in_small_segments_that_are_folded_often {
    async fn fresh() -> (super::Arc<dyn super::Engine>, super::TempDir) {
        super::make(super::Settings {
            bulk_prefixes: super::cutting(),
            segment_bytes: 10_000,
            fold_entries: 5,
            ..super::Settings::default()
        })
    }
    annals_engine::conformance_suite!(fresh);
}

mod with_all_values_in_the_log {
    async fn fresh() -> (super::Arc<dyn super::Engine>, super::TempDir) {
        super::make(super::Settings {
            bulk_prefixes: vec![super::Bytes::new()],
            fold_bytes: 2_000,
            ..super::Settings::default()
        })
    }
    annals_engine::conformance_suite!(fresh);
}
