//! The engine itself: hands commits to the writer and snapshots to readers.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use annals_engine::{BoxFuture, Commit, Engine, Error, Result, Snapshot};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::store::Store;
use crate::view::View;
use crate::writer::{Request, Writer};
use crate::{OpenError, Settings};

/// How many commits wait for the writer before callers wait to hand theirs over. A commit may have 9 MB.
const QUEUE_COMMITS_MAX: usize = 16;

/// How long a commit waits before it asks whether fjall still works. fjall holds writers back while its flushes lag, and
/// does not notice that they have died.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);

/// The engine for one machine. Dropping it finishes the commits handed over, and releases the directory when no snapshot is
/// left; that may take some milliseconds.
pub struct EmbeddedEngine {
    pub(crate) store: Arc<Store>,
    /// `None` only while it is dropped.
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

impl EmbeddedEngine {
    /// Opens the store in the directory `path`, or creates one. Replays the journal, which may take seconds after a crash,
    /// so call it where blocking is allowed.
    ///
    /// # Errors
    /// [`OpenError`], by what to do about it.
    pub fn open(path: impl AsRef<Path>, settings: Settings) -> std::result::Result<Self, OpenError> {
        let path = path.as_ref();
        let store = Arc::new(Store::open(path, &settings)?);
        let (requests, receiver) = mpsc::channel(QUEUE_COMMITS_MAX);
        let writer = Writer {
            store: Arc::clone(&store),
            on_sync: settings.on_sync,
        };
        let writer = std::thread::Builder::new()
            .name("annals-writer".to_owned())
            .spawn(move || writer.run(receiver))
            .map_err(|error| OpenError::unusable(path, "the writer's thread cannot be started", &error))?;
        Ok(Self {
            store,
            requests: Some(requests),
            writer: Some(writer),
        })
    }

    async fn hand_over(&self, commit: Commit) -> Result<()> {
        let stopped = || self.store.fail("the writer's thread has stopped".to_owned());
        let requests = self.requests.as_ref().ok_or_else(stopped)?;
        let (reply, answer) = oneshot::channel();
        requests
            .send(Request { commit, reply })
            .await
            .map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Ends if the store has failed, and only then.
    pub(crate) async fn failure(&self) -> Error {
        loop {
            tokio::time::sleep(HEALTH_INTERVAL).await;
            let store = Arc::clone(&self.store);
            if let Ok(Err(error)) = tokio::task::spawn_blocking(move || store.ask_health()).await {
                return error;
            }
        }
    }
}

impl Engine for EmbeddedEngine {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>> {
        Box::pin(async {
            let view: Box<dyn Snapshot> = Box::new(View {
                store: Arc::clone(&self.store),
                snapshot: self.store.current(),
            });
            Ok(view)
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            commit.validate()?;
            tokio::select! {
                biased;
                answer = self.hand_over(commit) => answer,
                error = self.failure() => Err(error),
            }
        })
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            annals_engine::limits::check_key(&key)?;
            // Subscribed before the first look, so that no change slips between the two.
            let mut published = self.store.subscribe();
            loop {
                self.store.check_health()?;
                if self.store.get(&self.store.current(), &key)? != last_seen {
                    return Ok(());
                }
                // The sender lives as long as the engine that is borrowed here, so this cannot fail.
                let _ = published.changed().await;
            }
        })
    }
}

impl Drop for EmbeddedEngine {
    fn drop(&mut self) {
        drop(self.requests.take());
        let Some(writer) = self.writer.take() else { return };
        while !writer.is_finished() {
            // fjall would hold a writer back for ever if its own threads have died. Then the process must end anyway.
            if self.store.ask_health().is_err() {
                return;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        // A writer that panicked has said so already.
        let _ = writer.join();
    }
}
