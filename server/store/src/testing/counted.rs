//! A memory engine that counts its reads.

use std::sync::Arc;

use annals_engine::{BoxFuture, Commit, Engine, Page, Read, Result, Snapshot, memory::MemoryEngine};
use bytes::Bytes;
use parking_lot::Mutex;

/// Reads counted by a [`Counted`] engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Round trips to the engine, each with one or more reads.
    pub trips: usize,
    pub reads: usize,
    /// Bytes of the returned keys and values.
    pub bytes: usize,
}

#[derive(Default)]
pub(crate) struct Counted {
    engine: MemoryEngine,
    cost: Arc<Mutex<Cost>>,
}

impl Counted {
    /// Returns the reads since the last call.
    pub(crate) fn take(&self) -> Cost {
        std::mem::take(&mut *self.cost.lock())
    }
}

impl Engine for Counted {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>> {
        Box::pin(async {
            let counted: Box<dyn Snapshot> = Box::new(CountedSnapshot {
                snapshot: self.engine.snapshot().await?,
                cost: self.cost.clone(),
            });
            Ok(counted)
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<()>> {
        self.engine.commit(commit)
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, Result<()>> {
        self.engine.watch(key, last_seen)
    }
}

struct CountedSnapshot {
    snapshot: Box<dyn Snapshot>,
    cost: Arc<Mutex<Cost>>,
}

impl Snapshot for CountedSnapshot {
    fn read(&self, reads: Vec<Read>) -> BoxFuture<'_, Result<Vec<Page>>> {
        let count = reads.len();
        Box::pin(async move {
            let pages = self.snapshot.read(reads).await?;
            let entries = pages.iter().flat_map(|page| &page.entries);
            let mut cost = self.cost.lock();
            cost.trips += 1;
            cost.reads += count;
            cost.bytes += entries
                .map(|entry| entry.key.len() + entry.value.len())
                .sum::<usize>();
            drop(cost);
            Ok(pages)
        })
    }
}
