//! The load generator: code shared by all loads.
//!
//! - `events`, `wire`: the events that are sent, and their encoding.
//! - `connection`: connections to the servers, and their assignment to clients.
//! - `calls`: unary appends in a closed loop, of one event or many.
//! - `pipeline`: one pipeline with a bounded number of appends in flight.
//! - `read`: the whole log, decoded.
//! - `state`: reads and writes of state.
//! - `live`: appends at a fixed rate, and their delivery to a subscriber.
//!
//! A load warms up first; operations that end outside the window are not counted.

pub(crate) mod calls;
pub(crate) mod connection;
pub(crate) mod events;
pub(crate) mod live;
pub(crate) mod pipeline;
pub(crate) mod read;
pub(crate) mod state;
pub(crate) mod wire;

pub(crate) use connection::connect;
pub(crate) use events::{DATA_BYTES, Supply, content, id};

use std::{sync::Mutex, time::Duration};

use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use crate::cpu;

/// Upper bound of the histogram; longer than any reply of a working server takes.
const LATENCY_MICROS_MAX: u64 = 60_000_000;

/// The servers under load, and the timing of the load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// Endpoint of each server, `http://127.0.0.1:…`; one or more.
    pub(crate) endpoints: &'a [String],
    /// Processes of the servers and of the cluster that stores their data.
    pub(crate) pids: &'a [u32],
    /// Streams and events that the server has not yet received.
    pub(crate) supply: &'a std::sync::Arc<Supply>,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    /// Number of clients that share an HTTP/2 connection.
    pub(crate) clients_per_connection: usize,
}

impl<'a> Subject<'a> {
    /// Returns the endpoint of a load that needs only one server.
    fn endpoint(&self) -> &'a str {
        let first = self.endpoints.first();
        first.expect("what is measured has a server")
    }
}

/// The measurements of one run of a load.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Measured {
    pub(crate) events: u64,
    pub(crate) seconds: f64,
    pub(crate) events_per_second: f64,
    /// Events of each server if there are several; empty for a single one, whose count is `events`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) events_by_server: Vec<u64>,
    /// Latency of a call, or from append to delivery; `None` if single operations are not timed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency: Option<Latency>,
    /// CPU time of the load generator per event, in microseconds.
    pub(crate) client_cpu_micros_per_event: f64,
    /// CPU time of the server per event, in microseconds.
    pub(crate) server_cpu_micros_per_event: f64,
    /// Cores that were kept busy by neither generator nor server: by other programs, and by the kernel for no
    /// process.
    pub(crate) others_cores_busy: f64,
    /// Maximum delay of the generator against its own schedule, in milliseconds, if it has a schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) late_ms_max: Option<f64>,
}

/// A distribution of latencies in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) max_ms: f64,
}

/// Collects the latencies of many tasks under one lock. At the rates of single calls the lock is rarely contended,
/// and one histogram stays in the cache where one per client would not.
#[derive(Debug)]
pub(crate) struct Latencies(Mutex<Histogram<u64>>);

impl Latencies {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LATENCY_MICROS_MAX, 3);
        Self(Mutex::new(
            histogram.expect("these are bounds that a histogram can have"),
        ))
    }

    pub(crate) fn record(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .saturating_record(micros);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .len()
    }

    /// Returns the latency in milliseconds at a quantile.
    pub(crate) fn at(&self, quantile: f64) -> f64 {
        let histogram = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        histogram.value_at_quantile(quantile) as f64 / 1e3
    }

    pub(crate) fn summary(&self) -> Latency {
        let histogram = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
        Latency {
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: histogram.max() as f64 / 1e3,
        }
    }
}

/// The period in which operations are counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
}

impl Window {
    /// Returns the window after the subject's warm-up, which begins now.
    pub(crate) fn after_warm_up(subject: &Subject<'_>) -> Self {
        Self::of(subject.warm_up, subject.measured)
    }

    /// Returns the window after a warm-up, which begins now.
    pub(crate) fn of(warm_up: Duration, measured: Duration) -> Self {
        let from = Instant::now() + warm_up;
        Self {
            from,
            to: from + measured,
        }
    }

    pub(crate) fn holds(&self, at: Instant) -> bool {
        self.from <= at && at < self.to
    }

    /// Sleeps until the window ends. Returns the CPU time that generator and server used in it.
    pub(crate) async fn watch(self, server: &[u32]) -> CpuTimes {
        sleep_until(self.from).await;
        let before = CpuTimes::now(server);
        sleep_until(self.to).await;
        CpuTimes::now(server).since(&before)
    }

    pub(crate) fn seconds(&self) -> f64 {
        (self.to - self.from).as_secs_f64()
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuTimes {
    client: Duration,
    server: Duration,
    all: Duration,
}

impl CpuTimes {
    pub(crate) fn others_cores_busy(&self, seconds: f64) -> f64 {
        self.all.saturating_sub(self.client + self.server).as_secs_f64() / seconds
    }

    pub(crate) fn now(server: &[u32]) -> Self {
        let of = |pid| cpu::time_of(pid).unwrap_or_default();
        Self {
            client: of(std::process::id()),
            server: server.iter().map(|&pid| of(pid)).sum(),
            all: cpu::time_of_cores(),
        }
    }

    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            client: self.client.saturating_sub(before.client),
            server: self.server.saturating_sub(before.server),
            all: self.all.saturating_sub(before.all),
        }
    }
}

/// Measures, for `time` from now on, the number of cores kept busy by neither this process nor the server.
pub(crate) async fn others_cores_busy(server: &[u32], time: Duration) -> f64 {
    let (before, start) = (CpuTimes::now(server), Instant::now());
    tokio::time::sleep(time).await;
    CpuTimes::now(server)
        .since(&before)
        .others_cores_busy(start.elapsed().as_secs_f64())
}

impl Measured {
    pub(crate) fn new(events: u64, seconds: f64, cpu: CpuTimes) -> Self {
        let per_event = |time: Duration| time.as_secs_f64() * 1e6 / events.max(1) as f64;
        Self {
            events,
            seconds,
            events_per_second: events as f64 / seconds,
            client_cpu_micros_per_event: per_event(cpu.client),
            server_cpu_micros_per_event: per_event(cpu.server),
            others_cores_busy: cpu.others_cores_busy(seconds),
            ..Self::default()
        }
    }

    /// Returns the events of the slowest of several servers as a share of an equal part: 1 if all are equally fast.
    pub(crate) fn least_share(&self) -> Option<f64> {
        let least = *self.events_by_server.iter().min()?;
        let fair = self.events as f64 / self.events_by_server.len() as f64;
        (fair > 0.0).then(|| least as f64 / fair)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_server_is_compared_with_an_equal_part() {
        let of = |events_by_server: &[u64]| Measured {
            events: events_by_server.iter().sum(),
            events_by_server: events_by_server.to_vec(),
            ..Measured::default()
        };
        assert_eq!(of(&[100, 100, 100]).least_share(), Some(1.0));
        assert_eq!(of(&[200, 50, 50]).least_share(), Some(0.5));
        assert_eq!(of(&[300, 0, 0]).least_share(), Some(0.0));
    }

    #[test]
    fn a_single_server_and_servers_that_did_nothing_have_no_slowest() {
        assert_eq!(Measured::default().least_share(), None);
        let idle = Measured {
            events_by_server: vec![0, 0],
            ..Measured::default()
        };
        assert_eq!(idle.least_share(), None);
    }
}
