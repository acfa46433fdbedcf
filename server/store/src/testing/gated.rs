//! A memory engine whose reads wait while its gate is shut, or fail on request.

use std::sync::atomic::{AtomicBool, Ordering};

use annals_engine::{BoxFuture, Commit, Engine, Error, Result, Snapshot, memory::MemoryEngine};
use bytes::Bytes;
use tokio::sync::watch;

pub(crate) struct Gated {
    engine: MemoryEngine,
    is_open: watch::Sender<bool>,
    fails: AtomicBool,
}

impl Default for Gated {
    fn default() -> Self {
        Self {
            engine: MemoryEngine::new(),
            is_open: watch::Sender::new(true),
            fails: AtomicBool::new(false),
        }
    }
}

impl Gated {
    pub(crate) fn shut(&self) {
        self.is_open.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.is_open.send_replace(true);
    }

    /// Sets whether reads fail as if the storage did not respond.
    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }
}

impl Engine for Gated {
    fn name(&self) -> &'static str {
        "gated"
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>> {
        Box::pin(async {
            let _ = self.is_open.subscribe().wait_for(|is_open| *is_open).await;
            if self.fails.load(Ordering::Relaxed) {
                return Err(Error::Unavailable("on purpose".to_owned()));
            }
            self.engine.snapshot().await
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<()>> {
        self.engine.commit(commit)
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, Result<()>> {
        self.engine.watch(key, last_seen)
    }
}
