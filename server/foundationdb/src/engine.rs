//! The engine: opening, commits and watches.

use std::sync::Arc;
use std::time::Duration;

use annals_engine::{BoxFuture, Commit, Engine, Result, Snapshot};
use bytes::Bytes;
use foundationdb::options::DatabaseOption;
use foundationdb::{Database, FdbError};
use parking_lot::Mutex;

use crate::backoff::Backoff;
use crate::fence::Fences;
use crate::keyspace::Keyspace;
use crate::shared::Shared;
use crate::view::View;
use crate::{OpenError, Settings, attempt, cluster_file, fault, network};

/// FoundationDB's own limit for a transaction, in bytes.
const TRANSACTION_BYTES_MAX: i32 = 10_000_000;

/// The engine for a cluster. Any number of these engines, in any number of processes, may have the same store open.
pub struct FoundationDbEngine {
    shared: Arc<Shared>,
}

impl FoundationDbEngine {
    /// Opens a store in a cluster, once the cluster responds. Nothing is written: a store without any write is empty.
    /// Needs a tokio runtime with time enabled.
    ///
    /// # Errors
    /// [`OpenError`], whose variants state what to do about it. After [`OpenError::Unreachable`], opening may be
    /// retried until the cluster is available.
    pub async fn open(settings: Settings) -> std::result::Result<Self, OpenError> {
        let coordinators = cluster_file::coordinators(&settings.cluster_file)?;
        network::start().map_err(OpenError::Refused)?;
        let engine = Self {
            shared: Arc::new(connect(&settings)?),
        };
        let version = async { engine.shared.database.create_trx()?.get_read_version().await };
        let answer = tokio::time::timeout(Duration::from_millis(settings.open_timeout_ms), version).await;
        network::stop_at_exit();
        match answer {
            Ok(Ok(_)) => Ok(engine),
            Ok(Err(error)) => Err(refused(error)),
            Err(_) => Err(OpenError::Unreachable {
                path: settings.cluster_file,
                coordinators,
                timeout_ms: settings.open_timeout_ms,
            }),
        }
    }

    #[cfg(test)]
    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

fn connect(settings: &Settings) -> std::result::Result<Shared, OpenError> {
    let path = settings
        .cluster_file
        .to_str()
        .ok_or_else(|| OpenError::ClusterFile {
            path: settings.cluster_file.clone(),
            message: "its path is not valid UTF-8".to_owned(),
        })?;
    let database = Database::from_path(path).map_err(refused)?;
    let options = [
        // No hidden retries: the engine decides which errors may be followed by another attempt.
        DatabaseOption::TransactionRetryLimit(0),
        DatabaseOption::TransactionSizeLimit(TRANSACTION_BYTES_MAX),
    ];
    for option in options {
        database.set_option(option).map_err(refused)?;
    }
    Ok(Shared {
        keyspace: Keyspace::new(&settings.key_prefix),
        fences: Fences::default(),
        timeout_ms: settings.transaction_timeout_ms,
        retry_limit: settings.retry_limit,
        database,
        known: Mutex::new(None),
    })
}

fn refused(error: FdbError) -> OpenError {
    OpenError::Refused(fault::text("opening the database", error))
}

impl Engine for FoundationDbEngine {
    fn name(&self) -> &'static str {
        "foundationdb"
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>> {
        Box::pin(async {
            self.shared.fences.close(&self.shared).await?;
            let view: Box<dyn Snapshot> = Box::new(View::open(&self.shared).await?);
            Ok(view)
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            commit.validate()?;
            let mut backoff = Backoff::new(self.shared.retry_limit);
            loop {
                self.shared.fences.close(&self.shared).await?;
                match attempt::run(&self.shared, &commit).await {
                    Ok(()) => return Ok(()),
                    Err(refusal) => backoff.after(refusal).await?,
                }
            }
        })
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            annals_engine::limits::check_key(&key)?;
            let failed = |error| fault::of_read("watching a key", error).error;
            let key = self.shared.keyspace.key(&key);
            let set_up = async {
                let transaction = self.shared.transaction().map_err(|refusal| refusal.error)?;
                let value = transaction.get(&key, true).await.map_err(failed)?;
                if value.as_deref() != last_seen.as_deref() {
                    return Ok(None);
                }
                // Compares with the value at this transaction's read version, so no change between the two is missed.
                let changed = transaction.watch(&key);
                transaction.commit().await.map_err(|error| failed(*error))?;
                Ok(Some(changed))
            };
            match self.shared.within("watching a key", set_up).await? {
                Some(changed) => changed.await.map_err(failed),
                None => Ok(()),
            }
        })
    }
}
