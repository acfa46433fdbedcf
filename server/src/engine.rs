//! Opens the configured engine. No other module names an engine.

use std::sync::Arc;

use annals_engine::Engine;

use crate::{
    Error, Result,
    config::EngineConfig,
    loss::{self, AcceptedLoss},
    metrics::Metrics,
};

/// An open engine, and the loss of events that the operator accepted when it was opened.
pub(crate) struct Opened {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) loss: Option<AcceptedLoss>,
}

impl Opened {
    /// An engine that was opened without a loss.
    fn whole(engine: impl Engine) -> Self {
        Self {
            engine: Arc::new(engine),
            loss: None,
        }
    }
}

/// Opens the configured engine.
pub(crate) async fn open(config: &EngineConfig, metrics: &Metrics) -> Result<Opened> {
    match config {
        EngineConfig::Memory => Ok(Opened::whole(annals_engine::memory::MemoryEngine::new())),
        EngineConfig::Embedded {
            data,
            cache_bytes,
            accept_lost_events_after: after,
        } => {
            let after = *after;
            let metrics = metrics.clone();
            let settings = annals_embedded::Settings {
                cache_bytes: *cache_bytes,
                bulk_prefixes: vec![annals_store::keys::FRAMES.into()],
                on_sync: Some(Arc::new(move |took| metrics.synced(took))),
                on_reclaim: Some(Arc::new(reclaimed)),
                head_key: Some(annals_store::keys::HEAD.into()),
                accept_loss: Some(Arc::new(move |lost| loss::is_accepted(lost, after))),
                ..annals_embedded::Settings::default()
            };
            let path = data.clone();
            // Recovery reads files, which takes seconds on a large store.
            let engine =
                tokio::task::spawn_blocking(move || annals_embedded::EmbeddedEngine::open(path, settings))
                    .await
                    .map_err(|error| Error::Open(error.to_string()))?
                    .map_err(|error| refused(&error, after))?;
            let engine = Arc::new(engine);
            let loss = AcceptedLoss::of(&engine);
            match &loss {
                Some(loss) => tracing::warn!("continuing without lost events: {}", loss.what),
                None if after.is_some() => {
                    tracing::warn!("--accept-lost-events-after has no effect: nothing is lost; remove it");
                }
                None => {}
            }
            Ok(Opened { engine, loss })
        }
        #[cfg(feature = "foundationdb")]
        EngineConfig::FoundationDb(settings) => open_foundationdb(settings).await,
    }
}

#[cfg(feature = "foundationdb")]
async fn open_foundationdb(settings: &annals_foundationdb::Settings) -> Result<Opened> {
    use annals_foundationdb::{FoundationDbEngine, OpenError};

    match FoundationDbEngine::open(settings.clone()).await {
        Ok(engine) => Ok(Opened::whole(engine)),
        Err(error @ OpenError::Unreachable { .. }) => Err(Error::Unreachable(error.to_string())),
        Err(error @ OpenError::ClusterFile { .. }) => Err(Error::Config(format!("--cluster-file: {error}"))),
        Err(error @ OpenError::Refused(_)) => Err(Error::Open(error.to_string())),
    }
}

/// Logs that space was reclaimed, or why it was not.
fn reclaimed(result: annals_engine::Result<annals_embedded::Reclaimed>) {
    match result {
        Ok(annals_embedded::Reclaimed {
            bytes_before,
            bytes_after,
            took,
        }) => tracing::info!(
            bytes_before,
            bytes_after,
            seconds = took.as_secs_f64(),
            "space was reclaimed"
        ),
        Err(error) => tracing::warn!(%error, "could not reclaim space; trying again in a minute"),
    }
}

/// Damage is a separate error with its own exit code, so that a process supervisor does not restart the server
/// endlessly.
fn refused(error: &annals_embedded::OpenError, accepted_after: Option<u64>) -> Error {
    match error {
        annals_embedded::OpenError::Lost { path, loss } => {
            Error::Storage(loss::explain(path, loss, accepted_after))
        }
        annals_embedded::OpenError::Corrupt { .. } => Error::Storage(error.to_string()),
        _ => Error::Open(error.to_string()),
    }
}
