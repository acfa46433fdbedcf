//! Reads of an existing log by one client. Every count is checked, and every event is decoded.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, timeout};

use super::{Course, Outcome};
use crate::{
    Error, Result,
    load::{CpuTimes, Latencies, Measured},
    stores::{Client, Selection, Store},
};

/// Seed that selects the same streams for every store.
const SEED: u64 = 5;
/// Time for a server to finish background work of earlier appends; applications rarely read a log right after writing
/// it.
const SETTLING: Duration = Duration::from_secs(1);
/// A subscription that delivers nothing for this long is stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// Loads streams of `events` events, one after the other.
pub(super) async fn load(store: &dyn Store, course: &Course, events: u32) -> Result<Outcome> {
    let mut client = one(store).await?;
    let streams = course.dataset.streams_of(events);
    let mut random = StdRng::seed_from_u64(SEED);
    let window = course.window();
    let latencies = Latencies::new();
    let (mut loaded, mut before) = (0, None);
    let pids = store.processes();
    loop {
        let sent = Instant::now();
        if sent >= window.to {
            break;
        }
        if before.is_none() && sent >= window.from {
            before = Some(CpuTimes::now(&pids));
        }
        let count = client.load(random.random_range(streams.clone()), events).await?;
        check("load", count, u64::from(events))?;
        let answered = Instant::now();
        if window.holds(sent) {
            latencies.record(answered - sent);
            loaded += count;
        }
    }
    let cpu = CpuTimes::now(&pids).since(&before.unwrap_or_default());
    let measured = Measured::new(loaded, window.seconds(), cpu);
    Ok(Outcome::latency(measured, &latencies, 0.5))
}

/// Reads the matching events repeatedly.
pub(super) async fn read(store: &dyn Store, course: &Course, selection: Selection) -> Result<Outcome> {
    let mut client = one(store).await?;
    let (total, expected) = (course.dataset.events(), course.dataset.matching(selection));
    tokio::time::sleep(SETTLING).await;
    check("read", client.read(selection, total).await?, expected)?;
    let pids = store.processes();
    let (before, start) = (CpuTimes::now(&pids), Instant::now());
    let latencies = Latencies::new();
    let mut events = 0;
    while start.elapsed() < course.measured {
        let sent = Instant::now();
        check("read", client.read(selection, total).await?, expected)?;
        latencies.record(sent.elapsed());
        events += expected;
    }
    let seconds = start.elapsed().as_secs_f64();
    let cpu = CpuTimes::now(&pids).since(&before);
    Ok(Outcome::rate(events, seconds, cpu, Some(&latencies)))
}

/// Subscribes from the beginning until all existing events have arrived, repeatedly.
pub(super) async fn catch_up(store: &dyn Store, course: &Course) -> Result<Outcome> {
    let total = course.dataset.events();
    let pids = store.processes();
    let (before, start) = (CpuTimes::now(&pids), Instant::now());
    let mut events = 0;
    while start.elapsed() < course.measured {
        let mut client = one(store).await?;
        let mut subscription = client.subscribe(true).await?;
        let mut numbers = Vec::new();
        while (numbers.len() as u64) < total {
            match timeout(PATIENCE, subscription.next(&mut numbers)).await {
                Ok(next) => next?,
                Err(_) => {
                    let problem = format!(
                        "the subscription stopped after {} of {total} events",
                        numbers.len()
                    );
                    return Err(Error::wrong("subscription", problem));
                }
            }
        }
        check("subscription", numbers.len() as u64, total)?;
        events += total;
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(Outcome::rate(
        events,
        seconds,
        CpuTimes::now(&pids).since(&before),
        None,
    ))
}

/// Returns a client with a connection of its own.
pub(super) async fn one(store: &dyn Store) -> Result<Box<dyn Client>> {
    let client = store.clients(1, 1).await?.pop();
    client.ok_or_else(|| Error::wrong("connecting", "the store returned no client"))
}

pub(super) fn check(load: &str, count: u64, expected: u64) -> Result<()> {
    if count == expected {
        return Ok(());
    }
    Err(Error::wrong(
        load,
        format!("received {count} of {expected} events"),
    ))
}
