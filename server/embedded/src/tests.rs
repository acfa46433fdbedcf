//! Runs the conformance suite on the engine in several layouts, and tests the guarantees that only this engine gives.

mod conformance;
mod copies;
pub(crate) mod fault;
mod flushes;
mod loss;
mod opening;
mod power;
mod ranges;
mod reclaim;
mod recovery;
mod zeros;

use std::path::Path;
use std::time::Duration;

use annals_engine::{Commit, Engine, Entry, KeyRange, PageLimit};
use bytes::Bytes;

use crate::record::Record;
use crate::{EmbeddedEngine, OpenError, Settings};

fn b(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn with_bulk(prefixes: &[&str]) -> Settings {
    Settings {
        bulk_prefixes: prefixes.iter().map(|prefix| b(prefix)).collect(),
        ..Settings::default()
    }
}

fn open(path: &Path, settings: Settings) -> EmbeddedEngine {
    try_open(path, settings).expect("the store opens")
}

/// Opens a store once its directory is free: the thread that reclaims space may hold it for a moment after a drop.
fn try_open(path: &Path, settings: Settings) -> Result<EmbeddedEngine, OpenError> {
    for _ in 0..1_000 {
        match EmbeddedEngine::open(path, settings.clone()) {
            Err(OpenError::InUse(_)) => std::thread::sleep(Duration::from_millis(10)),
            other => return other,
        }
    }
    EmbeddedEngine::open(path, settings)
}

/// Offsets at which the records of the active segment end.
fn ends(engine: &EmbeddedEngine) -> Vec<u64> {
    let writer = engine.writer.lock();
    let segment = &writer.log.active;
    segment.set_bytes(writer.log.end);
    let mut ends = vec![crate::segment::HEADER_BYTES];
    while let Some(record) = Record::read(segment, writer.log.secret(), ends[ends.len() - 1]).expect("reads")
    {
        ends.push(record.end);
    }
    ends
}

async fn set(engine: &EmbeddedEngine, key: &str, value: &str) {
    engine
        .commit(Commit::durable().set(b(key), b(value)))
        .await
        .expect("sets");
}

async fn contents(engine: &dyn Engine) -> Vec<Entry> {
    let snapshot = engine.snapshot().await.expect("opens");
    let limit = PageLimit {
        entries: usize::MAX,
        bytes: usize::MAX,
    };
    let all = KeyRange::new(Bytes::new(), vec![0xFF; 16]);
    snapshot
        .range(all, annals_engine::Direction::Forwards, limit)
        .await
        .expect("reads")
        .entries
}
