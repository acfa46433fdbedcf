//! Costs of holding a log, and of restarting with it.

use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::time::Instant;

use super::{
    Course, Outcome,
    course::memory_mib,
    reads::{check, one},
};
use crate::{
    Result,
    folder::{disk_bytes, forget},
    load::{Latencies, Measured},
    process::Restart,
    stores::{Selection, Store},
};

/// Streams that are loaded cold: after some hundred, the pages that they share are no longer cold.
const COLD_LOADS: u64 = 100;
const SEED: u64 = 7;

/// Measures the bytes on disk per event.
pub(super) async fn disk_size(store: &dyn Store, course: &Course) -> Result<Outcome> {
    Ok(Outcome::of(
        disk_bytes(store.folder()) as f64 / course.dataset.events() as f64,
    ))
}

/// Measures the memory of the store's processes.
pub(super) async fn memory(store: &dyn Store) -> Result<Outcome> {
    Ok(Outcome::of(memory_mib(store)))
}

/// Measures the time from the start until the store answers, then checks that every event is present.
pub(super) async fn restart(store: &mut dyn Store, course: &Course, is_killed: bool) -> Result<Outcome> {
    let is_cold = false;
    let took = store.restart(Restart { is_killed, is_cold }).await?;
    let mut client = one(&*store).await?;
    let total = course.dataset.events();
    let count = client.read(Selection::All, total).await?;
    check("reading the log after the restart", count, total)?;
    Ok(Outcome::of(took.as_secs_f64() * 1e3))
}

/// Loads some streams from disk, each once, after a restart.
pub(super) async fn load_cold(store: &mut dyn Store, course: &Course, events: u32) -> Result<Outcome> {
    let in_order = Restart {
        is_killed: false,
        is_cold: false,
    };
    store.restart(in_order).await?;
    // Not before the restart: pages that the start reads would be warm.
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
