//! State that all loads share, and the outcome of a run.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::Dataset;
use crate::{
    load::{CpuTimes, Latencies, Measured, Supply, Window},
    stores::Store,
};

/// Settings and data of the runs of one store, from its start to its end.
pub(super) struct Course {
    /// Streams and events that the store has not yet received.
    pub(super) supply: Arc<Supply>,
    pub(super) warm_up: Duration,
    pub(super) measured: Duration,
    pub(super) clients_per_connection: usize,
    /// Events to which a log is grown, and the time limit for it.
    pub(super) growth: u64,
    pub(super) growth_time: Duration,
    pub(super) dataset: Dataset,
}

impl Course {
    /// Returns the measurement window; its warm-up begins now.
    pub(super) fn window(&self) -> Window {
        Window::of(self.warm_up, self.measured)
    }
}

/// The outcome of one run.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Outcome {
    /// The workload's figure.
    pub(super) figure: f64,
    #[serde(flatten)]
    pub(super) measured: Measured,
    /// Number of latency samples.
    pub(super) samples: u64,
    /// Quantiles of the latency, with milliseconds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) quantiles: Vec<(f64, f64)>,
    /// Steps of the growth workload.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) growth: Vec<Step>,
    /// Costs of the log after it has grown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) large: Option<Large>,
}

/// A step of the growth workload: a million events.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Step {
    /// Events in the log after the step.
    pub(super) events: u64,
    pub(super) events_per_second: f64,
    /// Latency of an append of 100 events.
    pub(super) latency: crate::load::Latency,
    /// Memory after the step, and its peak until then.
    pub(super) memory_mib: f64,
    pub(super) memory_peak_mib: f64,
    pub(super) disk_bytes_per_event: f64,
}

impl Step {
    /// Formats the step for the terminal.
    pub(super) fn line(&self) -> String {
        format!(
            "{:>5.1} million: {:>9.0} events/s, p50 {:.1} p99 {:.1} p99.9 {:.1} max {:.1} ms, {:.0} MiB, \
             {:.0} bytes per event on disk",
            self.events as f64 / 1e6,
            self.events_per_second,
            self.latency.p50_ms,
            self.latency.p99_ms,
            self.latency.p999_ms,
            self.latency.max_ms,
            self.memory_peak_mib,
            self.disk_bytes_per_event,
        )
    }
}

/// Costs of a large log.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Large {
    pub(super) events: u64,
    /// Bytes on disk per event, after kill -9 and a start.
    pub(super) disk_bytes_per_event: f64,
    /// Peak memory while the log grew, and memory after a start.
    pub(super) memory_peak_mib: f64,
    pub(super) memory_mib_after_start: f64,
    /// Time from the start to the first reply, after a graceful shutdown.
    pub(super) start_ms: f64,
    /// Time from the start to the first reply, after kill -9 right after the last reply, with files that are no
    /// longer in the page cache.
    pub(super) killed_cold_start_ms: f64,
    /// Time to load a stream of up to 1,000 events, right after that start.
    pub(super) first_load_ms: f64,
}

impl Outcome {
    /// Builds an outcome whose figure is the rate.
    pub(super) fn rate(events: u64, seconds: f64, cpu: CpuTimes, latencies: Option<&Latencies>) -> Self {
        let measured = Measured::new(events, seconds, cpu);
        Self {
            figure: measured.events_per_second,
            ..Self::with(measured, latencies)
        }
    }

    /// Builds an outcome whose figure is a quantile of the latency.
    pub(super) fn latency(measured: Measured, latencies: &Latencies, quantile: f64) -> Self {
        Self {
            figure: latencies.at(quantile),
            ..Self::with(measured, Some(latencies))
        }
    }

    /// Builds an outcome that has only a figure.
    pub(super) fn of(figure: f64) -> Self {
        Self {
            figure,
            ..Self::default()
        }
    }

    fn with(measured: Measured, latencies: Option<&Latencies>) -> Self {
        const QUANTILES: [f64; 9] = [0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0];
        Self {
            measured: Measured {
                latency: latencies.map(Latencies::summary),
                ..measured
            },
            samples: latencies.map_or(0, Latencies::count),
            quantiles: latencies
                .map(|latencies| {
                    QUANTILES
                        .map(|quantile| (quantile, latencies.at(quantile)))
                        .to_vec()
                })
                .unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// Memory that a store's processes use, in MiB. A shared page counts once.
pub(super) fn memory_mib(store: &dyn Store) -> f64 {
    let of = |pid: u32| -> Option<f64> {
        let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = rollup.lines().find(|line| line.starts_with("Pss:"))?;
        line.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    store.processes().into_iter().filter_map(of).sum::<f64>() / 1_024.0
}

/// Peak memory of a store's process, in MiB. For several processes, which may share pages, this is their current
/// memory: the system keeps the peak of each process alone, so shared pages would count once per process.
pub(super) fn memory_peak_mib(store: &dyn Store) -> f64 {
    let now = memory_mib(store);
    let [pid] = store.processes()[..] else { return now };
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|value| value.split_ascii_whitespace().next()?.parse::<f64>().ok());
    kib.map_or(now, |kib| now.max(kib / 1_024.0))
}
