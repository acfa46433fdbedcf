//! Appends of 100 events by 16 clients while a log grows, a million events at a time.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{task::JoinSet, time::Instant};

use super::{
    Course, Outcome,
    course::{Step, memory_mib},
};
use crate::{
    Error, Result,
    folder::disk_bytes,
    load::{Latencies, Supply},
    stores::{Batch, Client, Store},
};

const CLIENTS: usize = 16;
const EVENTS: u32 = 100;
/// Events of a step.
const STEP: u64 = 1_000_000;
/// Appends to a stream before the client begins another.
const STREAM_APPENDS: u64 = 10;

/// Grows it, and compares the last million with the first.
pub(super) async fn run(store: &dyn Store, course: &Course) -> Result<Outcome> {
    let mut clients = store.clients(CLIENTS, course.clients_per_connection).await?;
    let mut growth: Vec<Step> = Vec::new();
    for nth in 1..=course.growth / STEP {
        let latencies = Arc::new(Latencies::new());
        let left = Arc::new(AtomicU64::new(STEP / u64::from(EVENTS)));
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for client in clients.drain(..) {
            tasks.spawn(append(
                client,
                course.supply.clone(),
                left.clone(),
                latencies.clone(),
            ));
        }
        while let Some(ended) = tasks.join_next().await {
            clients.push(ended.map_err(|error| Error::wrong("growth", error.to_string()))??);
        }
        let step = Step {
            events: nth * STEP,
            events_per_second: STEP as f64 / start.elapsed().as_secs_f64(),
            latency: latencies.summary(),
            memory_mib: memory_mib(store),
            disk_bytes_per_event: disk_bytes(store.folder()) as f64 / (nth * STEP) as f64,
        };
        eprintln!(
            "  {:>4} million: {:>9.0} events/s, p99.9 {:.1} ms, max {:.1} ms, {:.0} MiB, {:.0} bytes an event on disk",
            nth,
            step.events_per_second,
            step.latency.p999_ms,
            step.latency.max_ms,
            step.memory_mib,
            step.disk_bytes_per_event,
        );
        growth.push(step);
    }
    let rate = |step: Option<&Step>| step.map_or(0.0, |step| step.events_per_second);
    Ok(Outcome {
        growth: growth.clone(),
        ..Outcome::of(rate(growth.last()) / rate(growth.first()))
    })
}

/// One client, until the step's appends are used up.
async fn append(
    mut client: Box<dyn Client>,
    supply: Arc<Supply>,
    left: Arc<AtomicU64>,
    latencies: Arc<Latencies>,
) -> Result<Box<dyn Client>> {
    loop {
        let (stream, mut mark) = (supply.stream(), 0);
        for nth in 0..STREAM_APPENDS {
            let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            if taken.is_err() {
                return Ok(client);
            }
            let batch = Batch {
                stream,
                revision: nth * u64::from(EVENTS),
                mark,
                first: supply.events(EVENTS),
                events: EVENTS,
                labelled: false,
            };
            let sent = Instant::now();
            mark = client.append(batch).await?;
            latencies.record(sent.elapsed());
        }
    }
}
