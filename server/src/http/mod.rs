//! Metrics and health over HTTP, for programs that do not use gRPC. Served from before the store is opened until
//! after it is closed, so that a probe can distinguish a server that starts or drains from one that is down.
//!
//! | path | response |
//! |---|---|
//! | `/health/live` | 200 while the process needs no restart; 503 once the storage failed and the process stops |
//! | `/health/ready` | 200 while calls are served, with a line per thing that needs attention; else 503 and why |
//! | `/metrics` | the metrics in OpenMetrics text format, for Prometheus |

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use annals_store::Store;
use axum::{Router, extract::State, response::IntoResponse, routing::get};
use http::{StatusCode, header::CONTENT_TYPE};
use prometheus_client::registry::Registry;
use tokio::{net::TcpListener, sync::watch};

use crate::phase::Phase;

const INDEX: &str = "annals-server\n\n/health/live\n/health/ready\n/metrics\n";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// State that the responses are made from.
#[derive(Clone)]
pub(crate) struct Shown {
    /// The current phase of the server.
    pub phase: watch::Receiver<Phase>,
    /// Set once the store is open and has added its metrics.
    pub registry: Arc<OnceLock<Registry>>,
    /// The source of warnings while calls are served. Set once the store is open.
    pub store: Arc<OnceLock<Store>>,
}

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, shown: Shown) {
    // Ends only with an error that accepting can't recover from. Probes then fail to connect.
    if let Err(error) = axum::serve(listener, router(shown)).await {
        tracing::error!(%error, "serving metrics and health ended");
    }
}

fn router(shown: Shown) -> Router {
    Router::new()
        .route("/", get(|| async { INDEX }))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .fallback(|| async { (StatusCode::NOT_FOUND, INDEX) })
        .with_state(shown)
}

async fn live(State(shown): State<Shown>) -> impl IntoResponse {
    match &*shown.phase.borrow() {
        Phase::Starting | Phase::Unreachable | Phase::Serving | Phase::Draining => (StatusCode::OK, "live\n"),
        Phase::Failed => (StatusCode::SERVICE_UNAVAILABLE, "the storage failed\n"),
    }
}

async fn ready(State(shown): State<Shown>) -> impl IntoResponse {
    let unavailable = |reason: &str| (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n"));
    match &*shown.phase.borrow() {
        Phase::Serving => (StatusCode::OK, format!("ready\n{}", attention(&shown))),
        Phase::Starting => unavailable("starting"),
        Phase::Unreachable => unavailable("the storage does not answer"),
        Phase::Draining => unavailable("stopping"),
        Phase::Failed => unavailable("the storage failed"),
    }
}

/// Returns a line for each thing that needs attention although calls are served.
fn attention(shown: &Shown) -> String {
    let clock = shown.store.get().map(Store::clock).unwrap_or_default();
    if !clock.expiry_suspended() {
        return String::new();
    }
    format!(
        "the log's last recorded time is {} s ahead of this server's clock; no event is removed by age until the \
         clock has caught up\n",
        clock.log_ahead.as_secs()
    )
}

async fn metrics(State(shown): State<Shown>) -> axum::response::Response {
    let Some(registry) = shown.registry.get() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response();
    };
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, registry) {
        Ok(()) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the metrics can't be written\n",
        )
            .into_response(),
    }
}
