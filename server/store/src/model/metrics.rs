//! Metrics of the store, for Prometheus (<https://prometheus.io/docs/practices/naming/>).

use prometheus_client::{
    metrics::{
        counter::Counter,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::model::{append::Appended, rejection::Rejection, state::StateWritten};

/// Metrics of one store.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub(crate) appends: Counter,
    pub(crate) repeated_appends: Counter,
    pub(crate) rejected_appends: Counter,
    pub(crate) events: Counter,
    pub(crate) event_bytes: Counter,
    pub(crate) conflicts: Counter,
    pub(crate) forwarded: Counter,
    pub(crate) group_appends: Histogram,
    pub(crate) commit_seconds: Histogram,
    pub(crate) prefetch_seconds: Histogram,
    pub(crate) waiting_appends: Gauge,
    pub(crate) read_events: Counter,
    pub(crate) fell_behind: Counter,
    pub(crate) scavenged_events: Counter,
    pub(crate) scavenged_bytes: Counter,
    pub(crate) state: StateMetrics,
}

/// Metrics of state. Appends that write state count as appends.
#[derive(Clone, Debug, Default)]
pub(crate) struct StateMetrics {
    pub writes: Counter,
    pub repeated_writes: Counter,
    pub rejected_writes: Counter,
    pub conflicts: Counter,
    pub waiting_writes: Gauge,
    pub read_entries: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            appends: Counter::default(),
            repeated_appends: Counter::default(),
            rejected_appends: Counter::default(),
            events: Counter::default(),
            event_bytes: Counter::default(),
            conflicts: Counter::default(),
            forwarded: Counter::default(),
            group_appends: Histogram::new(exponential_buckets(1.0, 2.0, 14)),
            commit_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 18)),
            prefetch_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 18)),
            waiting_appends: Gauge::default(),
            read_events: Counter::default(),
            fell_behind: Counter::default(),
            scavenged_events: Counter::default(),
            scavenged_bytes: Counter::default(),
            state: StateMetrics::default(),
        }
    }
}

impl Metrics {
    /// Adds the store's metrics to a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("appends", "Appends that were written", self.appends.clone());
        registry.register(
            "repeated_appends",
            "Appends that returned the result of an earlier append",
            self.repeated_appends.clone(),
        );
        registry.register(
            "rejected_appends",
            "Appends that were rejected because a stream or the log was not as expected",
            self.rejected_appends.clone(),
        );
        registry.register("events", "Events that were written", self.events.clone());
        registry.register_with_unit(
            "event",
            "Bytes of the events that were written, as stored",
            Unit::Bytes,
            self.event_bytes.clone(),
        );
        registry.register(
            "commit_conflicts",
            "Commits that lost the race against another server",
            self.conflicts.clone(),
        );
        registry.register(
            "forwarded_appends",
            "Appends that another server of the log wrote for this one",
            self.forwarded.clone(),
        );
        registry.register(
            "group_appends",
            "Appends that were evaluated together and written in one commit",
            self.group_appends.clone(),
        );
        registry.register_with_unit(
            "commit",
            "Time that a commit of appends took in the engine",
            Unit::Seconds,
            self.commit_seconds.clone(),
        );
        registry.register_with_unit(
            "append_prefetch",
            "Time spent reading storage before an append entered a group; appends without reads are not counted",
            Unit::Seconds,
            self.prefetch_seconds.clone(),
        );
        registry.register(
            "waiting_appends",
            "Appends that the appender has taken and that have no result yet",
            self.waiting_appends.clone(),
        );
        registry.register(
            "read_events",
            "Events that were returned to reads and subscriptions",
            self.read_events.clone(),
        );
        registry.register(
            "subscribers_fell_behind",
            "Times that a subscriber was too slow for memory and continued from storage",
            self.fell_behind.clone(),
        );
        registry.register(
            "scavenged_events",
            "Deleted or expired events that were removed from storage",
            self.scavenged_events.clone(),
        );
        registry.register_with_unit(
            "scavenged",
            "Bytes of frames that were removed from storage, before compression",
            Unit::Bytes,
            self.scavenged_bytes.clone(),
        );
        self.state.register(registry);
    }

    pub(crate) fn count(&self, verdict: &Result<Appended, Rejection>) {
        match verdict {
            Ok(appended) if appended.already_appended => self.repeated_appends.inc(),
            Ok(_) => self.appends.inc(),
            Err(_) => self.rejected_appends.inc(),
        };
    }
}

impl StateMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "state_writes",
            "Writes of state that were made",
            self.writes.clone(),
        );
        registry.register(
            "repeated_state_writes",
            "Writes of state that returned the result of an earlier write",
            self.repeated_writes.clone(),
        );
        registry.register(
            "rejected_state_writes",
            "Writes of state that were rejected because an entry was not as expected, or because of their id",
            self.rejected_writes.clone(),
        );
        registry.register(
            "state_conflicts",
            "Commits of state that lost the race against another server",
            self.conflicts.clone(),
        );
        registry.register(
            "waiting_state_writes",
            "Writes of state that were accepted and that have no result yet",
            self.waiting_writes.clone(),
        );
        registry.register(
            "read_state_entries",
            "Entries and deletions of state that were returned to reads and subscriptions",
            self.read_entries.clone(),
        );
    }

    pub(crate) fn count(&self, verdict: &Result<StateWritten, Rejection>) {
        match verdict {
            Ok(written) if written.already_written => self.repeated_writes.inc(),
            Ok(_) => self.writes.inc(),
            Err(_) => self.rejected_writes.inc(),
        };
    }
}
