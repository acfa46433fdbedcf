//! Metrics of the server itself. The store has its own metrics.
//!
//! All names begin with `annals_`. Names of metrics with a unit end in the unit and names of counters in `_total`, as
//! Prometheus recommends (<https://prometheus.io/docs/practices/naming/>).

mod checkpoints;
mod collected;

use std::time::Duration;

use annals_services::groups::Groups;
use annals_store::Store;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
        info::Info,
    },
    registry::{Registry, Unit},
};
use tonic::Code;

pub(crate) use checkpoints::CheckpointLags;

/// Labels of a counted call: its gRPC method and the code it ended with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    method: &'static str,
    code: &'static str,
}

/// Counters of one server. Clones share their counts.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    calls: Family<CallLabels, Counter>,
    calls_open: Gauge,
    connections: Gauge,
    sync_seconds: Histogram,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            calls: Family::default(),
            calls_open: Gauge::default(),
            connections: Gauge::default(),
            // From 50 µs, a write cache with power-loss protection, to 6.5 s, a failing disk.
            sync_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 18)),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry, engine: &'static str) {
        let build = Info::new([("version", env!("CARGO_PKG_VERSION")), ("engine", engine)]);
        registry.register("server", "Version and engine of this server", build);
        registry.register(
            "grpc_calls",
            "gRPC calls that ended, by method and status code; CANCELLED counts calls that the client cancelled",
            self.calls.clone(),
        );
        registry.register(
            "grpc_calls_open",
            "gRPC calls that have not ended, including subscriptions and pipelines",
            self.calls_open.clone(),
        );
        registry.register(
            "grpc_connections",
            "Open gRPC connections",
            self.connections.clone(),
        );
        registry.register_with_unit(
            "fsync",
            "Time of durable commits in the engine, most of it waiting for the disk",
            Unit::Seconds,
            self.sync_seconds.clone(),
        );
    }

    /// Registers the metrics that are computed from a store, and the store's own metrics.
    pub(crate) fn register_store(registry: &mut Registry, store: &Store) {
        store.metrics().register(registry);
        registry.register_collector(Box::new(collected::Collected(store.clone())));
    }

    pub(crate) fn register_groups(registry: &mut Registry, groups: &Groups, store: &Store) {
        let (groups, store) = (groups.clone(), store.clone());
        registry.register_collector(Box::new(collected::CollectedGroups { groups, store }));
    }

    /// Records the duration of a durable commit of the engine.
    pub(crate) fn synced(&self, took: Duration) {
        self.sync_seconds.observe(took.as_secs_f64());
    }

    /// Counts a call from now until it ends.
    pub(crate) fn call(&self, method: &'static str) -> Call {
        self.calls_open.inc();
        Call {
            calls: self.calls.clone(),
            open: Open(self.calls_open.clone()),
            method,
            code: Some(Code::Cancelled),
        }
    }

    /// Counts a connection until the guard is dropped.
    pub(crate) fn connection(&self) -> Open {
        self.connections.inc();
        Open(self.connections.clone())
    }
}

/// Counts something as open until it is dropped.
#[derive(Debug)]
pub(crate) struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A call in progress. If it is dropped before it ended, it counts as cancelled.
#[derive(Debug)]
pub(crate) struct Call {
    calls: Family<CallLabels, Counter>,
    // Held only to be dropped with the call.
    #[allow(dead_code)]
    open: Open,
    method: &'static str,
    code: Option<Code>,
}

impl Call {
    /// Records the code that the call ended with. Only the first one counts.
    pub(crate) fn ended(&mut self, code: Code) {
        if self.code.take().is_some() {
            self.calls
                .get_or_create(&CallLabels {
                    method: self.method,
                    code: code_name(code),
                })
                .inc();
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.ended(Code::Cancelled);
    }
}

/// Returns the name of a code in the gRPC specification.
const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text::encode, registry::Registry};
    use tonic::Code;

    use super::Metrics;

    fn shown(metrics: &Metrics) -> String {
        let mut registry = Registry::with_prefix("annals");
        metrics.register(&mut registry, "memory");
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn a_call_counts_once_under_the_code_it_ended_with() {
        let metrics = Metrics::new();
        let mut call = metrics.call("ReadAll");
        assert!(shown(&metrics).contains("annals_grpc_calls_open 1"));
        call.ended(Code::Ok);
        call.ended(Code::Internal);
        drop(call);
        let text = shown(&metrics);
        assert!(
            text.contains("annals_grpc_calls_total{method=\"ReadAll\",code=\"OK\"} 1"),
            "{text}"
        );
        assert!(
            !text.contains("INTERNAL") && !text.contains("code=\"CANCELLED\""),
            "{text}"
        );
        assert!(text.contains("annals_grpc_calls_open 0"), "{text}");
    }

    #[test]
    fn a_call_that_is_dropped_counts_as_cancelled() {
        let metrics = Metrics::new();
        drop(metrics.call("SubscribeAll"));
        let text = shown(&metrics);
        assert!(
            text.contains("annals_grpc_calls_total{method=\"SubscribeAll\",code=\"CANCELLED\"} 1"),
            "{text}"
        );
    }

    #[test]
    fn connections_count_while_they_are_open() {
        let metrics = Metrics::new();
        let open = metrics.connection();
        assert!(shown(&metrics).contains("annals_grpc_connections 1"));
        drop(open);
        assert!(shown(&metrics).contains("annals_grpc_connections 0"));
    }
}
