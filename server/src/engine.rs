//! The engines by name: the only place that knows them.

use std::sync::Arc;

use annals_engine::Engine;

use crate::{Error, Result, config::EngineConfig, metrics::Metrics};

/// Opens the engine that is configured.
pub(crate) async fn open(config: &EngineConfig, metrics: &Metrics) -> Result<Arc<dyn Engine>> {
    match config {
        EngineConfig::Memory => Ok(Arc::new(annals_engine::memory::MemoryEngine::new())),
        EngineConfig::Embedded { data, cache_bytes } => {
            let metrics = metrics.clone();
            let settings = annals_embedded::Settings {
                cache_bytes: *cache_bytes,
                bulk_prefixes: vec![annals_store::keys::FRAMES.into()],
                on_sync: Some(Arc::new(move |took| metrics.synced(took))),
                on_reclaim: Some(Arc::new(reclaimed)),
                ..annals_embedded::Settings::default()
            };
            let path = data.clone();
            // Recovery reads files, for seconds on a large store.
            let engine =
                tokio::task::spawn_blocking(move || annals_embedded::EmbeddedEngine::open(path, settings))
                    .await
                    .map_err(|error| Error::Open(error.to_string()))?
                    .map_err(|error| refused(&error))?;
            Ok(Arc::new(engine))
        }
        #[cfg(feature = "foundationdb")]
        EngineConfig::FoundationDb(settings) => open_foundationdb(settings).await,
    }
}

#[cfg(feature = "foundationdb")]
async fn open_foundationdb(settings: &annals_foundationdb::Settings) -> Result<Arc<dyn Engine>> {
    use annals_foundationdb::{FoundationDbEngine, OpenError};

    match FoundationDbEngine::open(settings.clone()).await {
        Ok(engine) => Ok(Arc::new(engine)),
        Err(error @ OpenError::Unreachable { .. }) => Err(Error::Unreachable(error.to_string())),
        Err(error @ OpenError::ClusterFile { .. }) => Err(Error::Config(format!("--cluster-file: {error}"))),
        Err(error @ OpenError::Refused(_)) => Err(Error::Open(error.to_string())),
    }
}

/// Logs that space was given back, or why not.
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
            "space was given back"
        ),
        Err(error) => tracing::warn!(%error, "trying again in a minute"),
    }
}

/// Damage is told apart, so that whatever restarts servers does not go on for ever.
fn refused(error: &annals_embedded::OpenError) -> Error {
    match error {
        annals_embedded::OpenError::Corrupt { .. } => Error::Storage(error.to_string()),
        _ => Error::Open(error.to_string()),
    }
}
