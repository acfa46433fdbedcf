//! `grpc.health.v1.Health`: a status for the whole server (the empty name) and one for the service, always equal.

use tonic::server::NamedService;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::grpc::{calls::EventStore, generated::v1::event_store_service_server::EventStoreServiceServer};

const NAMES: [&str; 2] = ["", <EventStoreServiceServer<EventStore> as NamedService>::NAME];

/// Sets the status that the health service reports.
#[derive(Debug)]
pub(crate) struct Health(HealthReporter);

impl Health {
    pub(crate) const fn new(reporter: HealthReporter) -> Self {
        Self(reporter)
    }

    pub(crate) async fn serving(&self) {
        self.set(ServingStatus::Serving).await;
    }

    pub(crate) async fn not_serving(&self) {
        self.set(ServingStatus::NotServing).await;
    }

    /// Ends the calls that watch the status, after each has received the last one. They would hold up a drain
    /// indefinitely.
    pub(crate) async fn end_watches(&self) {
        let mut reporter = self.0.clone();
        for name in NAMES {
            reporter.clear_service_status(name).await;
        }
    }

    async fn set(&self, status: ServingStatus) {
        for name in NAMES {
            self.0.set_service_status(name, status).await;
        }
    }
}
