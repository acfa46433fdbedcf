//! An in-memory engine for tests, simulation and experiments.
//!
//! 1. **Deterministic.** No threads, no clock, no randomness: the same calls in the same order return the same
//!    results, so a simulation on one thread can be replayed from its seed.
//! 2. **Every snapshot stays readable** for as long as it is held; [`Error::TooOld`](crate::Error::TooOld) never
//!    occurs.
//! 3. **Bounded by what can be read.** A version that no open snapshot can see is dropped at the next commit, or when
//!    the snapshot that held it closes.
//!
//! A key holds a short list of its versions; a snapshot is the number of the commit before it. So opening one costs
//! nothing, and a commit costs in proportion to its changes, however much is stored.
//!
//! Limits: a clone is a handle to the same data, which lives as long as any clone does; so several stores can share
//! it, and a restarted store finds it again. Nothing survives the process.

mod versions;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;

use self::versions::Versions;
use crate::{BoxFuture, Commit, Engine, Page, Read, Result, Snapshot};

/// A handle to an engine in memory. Clones share its data.
#[derive(Clone)]
pub struct MemoryEngine {
    shared: Arc<Shared>,
}

struct Shared {
    /// Held for one commit or one read, and never across an await.
    versions: Mutex<Versions>,
    /// Counts commits, to wake watchers.
    changed: watch::Sender<u64>,
}

impl MemoryEngine {
    /// An empty engine.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                versions: Mutex::default(),
                changed: watch::Sender::new(0),
            }),
        }
    }

    /// Undoes every commit after the last durable one, as a power failure may. Snapshots opened before belong to the
    /// process that died: drop them first.
    pub fn lose_relaxed(&self) {
        self.shared.versions.lock().lose_relaxed();
        self.shared.changed.send_modify(|count| *count += 1);
    }
}

impl Default for MemoryEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine for MemoryEngine {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>> {
        Box::pin(async {
            let version = self.shared.versions.lock().open();
            let view: Box<dyn Snapshot> = Box::new(View {
                shared: Arc::clone(&self.shared),
                version,
            });
            Ok(view)
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            commit.validate()?;
            self.shared.versions.lock().commit(commit)?;
            self.shared.changed.send_modify(|count| *count += 1);
            Ok(())
        })
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            crate::limits::check_key(&key)?;
            // Subscribe before the first read, so that a change between the two is not missed.
            let mut changed = self.shared.changed.subscribe();
            while self.shared.versions.lock().latest(&key) == last_seen {
                // This cannot fail: the sender lives as long as the engine, which is borrowed here.
                let _ = changed.changed().await;
            }
            Ok(())
        })
    }
}

/// A snapshot: everything that was committed up to a version.
struct View {
    shared: Arc<Shared>,
    version: u64,
}

impl Snapshot for View {
    fn read(&self, reads: Vec<Read>) -> BoxFuture<'_, Result<Vec<Page>>> {
        Box::pin(async move {
            let versions = self.shared.versions.lock();
            reads
                .iter()
                .map(|read| {
                    read.validate()?;
                    Ok(versions.read(read, self.version))
                })
                .collect()
        })
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.shared.versions.lock().close(self.version);
    }
}
