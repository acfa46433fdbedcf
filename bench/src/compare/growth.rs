//! Appends of 100 events by 16 clients while a log grows, a million events at a time; then the disk space, memory and
//! start-up time of the large log.
//!
//! 1. The workload ends when its time is up; the last step is then shorter, and the length that the log reached is
//!    reported.
//! 2. The server is killed right after the last reply and starts from files that are no longer in the page cache. The
//!    streams that were written last must then be complete.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};

use super::{
    Course, Outcome,
    course::{Large, Step, memory_mib, memory_peak_mib},
    reads::{check, one},
};
use crate::{
    Error, Result,
    folder::disk_bytes,
    load::{CpuTimes, Latencies, Measured, Supply},
    process::Restart,
    stores::{Batch, Client, Store},
};

const CLIENTS: usize = 16;
const EVENTS: u32 = 100;
/// Events of a step.
const STEP: u64 = 1_000_000;
/// Appends to a stream before the client starts another.
const STREAM_APPENDS: u32 = 10;

/// Grows a log, and compares the rate of the last million events with the first.
pub(super) async fn run(store: &mut dyn Store, course: &Course) -> Result<Outcome> {
    let clients = store.clients(CLIENTS, course.clients_per_connection).await?;
    let pids = store.processes();
    let (before, start) = (CpuTimes::now(&pids), Instant::now());
    let mut growing = Growing {
        clients: clients.into_iter().map(Appending::new).collect(),
        supply: course.supply.clone(),
        deadline: start + course.growth_time,
        events: 0,
    };
    let mut growth: Vec<Step> = Vec::new();
    while growing.events < course.growth && Instant::now() < growing.deadline {
        let step = growing.step(&*store, course.growth).await?;
        eprintln!("  {}", step.line());
        growth.push(step);
    }
    let cpu = CpuTimes::now(&pids).since(&before);
    let measured = Measured::new(growing.events, start.elapsed().as_secs_f64(), cpu);
    let events = growing.events;
    let lasts: Vec<Last> = growing.clients.into_iter().map(|client| client.last).collect();
    let rate = |step: Option<&Step>| step.map_or(0.0, |step| step.events_per_second);
    Ok(Outcome {
        measured,
        large: Some(large(store, events, &lasts, &growth).await?),
        growth: growth.clone(),
        ..Outcome::of(rate(growth.last()) / rate(growth.first()))
    })
}

/// Measures the costs of the grown log; `lasts` are the streams that its clients wrote last.
async fn large(store: &mut dyn Store, events: u64, lasts: &[Last], growth: &[Step]) -> Result<Large> {
    let memory = growth.iter().map(|step| step.memory_peak_mib);
    let memory_peak_mib = memory.max_by(f64::total_cmp).unwrap_or(0.0);
    let killed = Restart {
        is_killed: true,
        is_cold: true,
    };
    let killed_start = store.restart(killed).await?;
    let mut client = one(&*store).await?;
    let (sent, mut first_load) = (Instant::now(), None);
    for last in lasts.iter().filter(|last| last.events > 0) {
        let count = client.load(last.stream, last.events).await?;
        check(
            "loading the streams that were written last",
            count,
            u64::from(last.events),
        )?;
        first_load.get_or_insert_with(|| sent.elapsed());
    }
    drop(client);
    let disk_bytes_per_event = disk_bytes(store.folder()) as f64 / events as f64;
    let in_order = Restart {
        is_killed: false,
        is_cold: false,
    };
    let start = store.restart(in_order).await?;
    Ok(Large {
        events,
        disk_bytes_per_event,
        memory_peak_mib,
        memory_mib_after_start: memory_mib(store),
        start_ms: millis(start),
        killed_cold_start_ms: millis(killed_start),
        first_load_ms: first_load.map_or(0.0, millis),
    })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A log that is growing.
struct Growing {
    clients: Vec<Appending>,
    supply: Arc<Supply>,
    deadline: Instant,
    events: u64,
}

/// A client, and the stream that it wrote last.
struct Appending {
    client: Box<dyn Client>,
    last: Last,
}

#[derive(Clone, Copy, Default)]
struct Last {
    stream: u64,
    events: u32,
}

impl Appending {
    fn new(client: Box<dyn Client>) -> Self {
        Self {
            client,
            last: Last::default(),
        }
    }
}

/// State that the clients share in a step.
struct Shared {
    supply: Arc<Supply>,
    appends_left: AtomicU64,
    appended: AtomicU64,
    latencies: Latencies,
    deadline: Instant,
}

impl Growing {
    /// Appends a million events, or fewer if `events_max` or the deadline is reached first.
    async fn step(&mut self, store: &dyn Store, events_max: u64) -> Result<Step> {
        let wanted = STEP.min(events_max - self.events).div_ceil(u64::from(EVENTS));
        let shared = Arc::new(Shared {
            supply: self.supply.clone(),
            appends_left: AtomicU64::new(wanted),
            appended: AtomicU64::new(0),
            latencies: Latencies::new(),
            deadline: self.deadline,
        });
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for appending in self.clients.drain(..) {
            tasks.spawn(append(appending, shared.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            let appending = ended.map_err(|error| Error::wrong("growth", error.to_string()))??;
            self.clients.push(appending);
        }
        let events = shared.appended.load(Ordering::Relaxed);
        self.events += events;
        Ok(Step {
            events: self.events,
            events_per_second: events as f64 / start.elapsed().as_secs_f64(),
            latency: shared.latencies.summary(),
            memory_mib: memory_mib(store),
            memory_peak_mib: memory_peak_mib(store),
            disk_bytes_per_event: disk_bytes(store.folder()) as f64 / self.events as f64,
        })
    }
}

/// Runs one client until the step's appends are used up or the deadline is reached.
async fn append(mut appending: Appending, shared: Arc<Shared>) -> Result<Appending> {
    loop {
        let (stream, mut mark) = (shared.supply.stream(), 0);
        for nth in 0..STREAM_APPENDS {
            let sent = Instant::now();
            let left = &shared.appends_left;
            let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            if taken.is_err() || sent >= shared.deadline {
                return Ok(appending);
            }
            let batch = Batch {
                stream,
                revision: u64::from(nth * EVENTS),
                mark,
                first: shared.supply.events(EVENTS),
                events: EVENTS,
                labelled: false,
            };
            mark = appending.client.append(batch).await?;
            shared.latencies.record(sent.elapsed());
            shared.appended.fetch_add(u64::from(EVENTS), Ordering::Relaxed);
            appending.last = Last {
                stream,
                events: (nth + 1) * EVENTS,
            };
        }
    }
}
