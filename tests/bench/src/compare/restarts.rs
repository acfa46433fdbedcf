//! What a server takes to hold a log, and to come back to it.

use std::{fs::File, path::Path};

use rand::{Rng, SeedableRng, rngs::StdRng};
use rustix::fs::{Advice, fadvise};
use tokio::time::Instant;

use super::{
    Course, Outcome,
    course::{disk_bytes, memory_mib},
    reads::{check, one},
};
use crate::{
    Error, Result,
    load::{Latencies, Measured},
    stores::{Selection, Store},
};

/// Streams that are loaded cold: after some hundred, what they share is no longer cold.
const COLD_LOADS: u64 = 100;
const SEED: u64 = 7;

/// Bytes that its files take, for an event.
pub(super) async fn disk_size(store: &dyn Store, course: &Course) -> Result<Outcome> {
    Ok(Outcome::of(
        disk_bytes(store.folder()) as f64 / course.dataset.events() as f64,
    ))
}

/// What its processes hold.
pub(super) async fn memory(store: &dyn Store) -> Result<Outcome> {
    Ok(Outcome::of(memory_mib(store)))
}

/// From the start until it answers. Then everything must be there.
pub(super) async fn restart(store: &mut dyn Store, course: &Course, killed: bool) -> Result<Outcome> {
    let took = store.restart(killed).await?;
    let mut client = one(&*store).await?;
    let total = course.dataset.events();
    let count = client.read(Selection::All, total).await?;
    check("reading what was there before the restart", count, total)?;
    Ok(Outcome::of(took.as_secs_f64() * 1e3))
}

/// Loads some streams from disk, each once, after a restart.
pub(super) async fn load_cold(store: &mut dyn Store, course: &Course, events: u32) -> Result<Outcome> {
    store.restart(false).await?;
    forget(store.folder())?;
    let mut client = one(&*store).await?;
    let streams = course.dataset.streams_of(events);
    let mut random = StdRng::seed_from_u64(SEED);
    let latencies = Latencies::new();
    let start = Instant::now();
    let loads = COLD_LOADS.min(streams.end - streams.start);
    for _ in 0..loads {
        let sent = Instant::now();
        let count = client.load(random.random_range(streams.clone()), events).await?;
        check("load", count, u64::from(events))?;
        latencies.record(sent.elapsed());
    }
    let loaded = loads * u64::from(events);
    let measured = Measured::new(loaded, start.elapsed().as_secs_f64(), Default::default());
    Ok(Outcome::latency(measured, &latencies, 0.5))
}

/// Has the system drop what it holds of these files in memory, but for pages that a process has mapped.
fn forget(folder: &Path) -> Result<()> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() {
            forget(&path)?;
        } else if let Ok(file) = File::open(&path) {
            let what = || format!("drop {} from memory", path.display());
            // What is not on disk yet can't be dropped.
            file.sync_data().map_err(Error::system(what()))?;
            fadvise(&file, 0, None, Advice::DontNeed).map_err(Error::system(what()))?;
        }
    }
    Ok(())
}
