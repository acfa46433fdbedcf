//! The memory engine with faults drawn from a seed, injected at the contract: any engine may behave like this.
//!
//! 1. Every store gets its own [`FaultyEngine`] each time it is opened; their shared state is in a [`Hub`].
//! 2. A commit of unknown outcome was applied, was not applied, or is applied later, when its checks may no longer
//!    hold. The contract forbids the last of these; the store is written to survive it, and here it must.
//! 3. Once an engine is cut off, nothing that its store still tries reaches the data: the store was killed.
//! 4. A power failure loses commits that were not durable and commits that were still to be applied: no engine writes
//!    the end of something whose beginning it lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use annals_engine::{BoxFuture, Commit, Engine, Error, Page, Read, Result, Snapshot, memory::MemoryEngine};
use bytes::Bytes;
use parking_lot::Mutex;
use rand::{Rng, rngs::StdRng};
use tokio::{sync::Notify, time::Instant};

use super::{
    coverage::{Coverage, Event},
    plan::Faults,
};

/// The data, and the faults that affect all of its users.
pub(super) struct Hub {
    engine: MemoryEngine,
    faults: Faults,
    coverage: Coverage,
    /// True once all faults have ended.
    quiet: AtomicBool,
    /// Commits that are still to be applied, and appends that are still to arrive.
    late: AtomicUsize,
    /// Number of power failures.
    power_losses: AtomicUsize,
    outage_until: Mutex<Instant>,
    /// Wakes watchers in order; the memory engine would wake them in random order.
    committed: Notify,
}

impl Hub {
    pub(super) fn new(faults: Faults, coverage: Coverage) -> Arc<Self> {
        Arc::new(Self {
            engine: MemoryEngine::new(),
            faults,
            coverage,
            quiet: AtomicBool::new(false),
            late: AtomicUsize::new(0),
            power_losses: AtomicUsize::new(0),
            outage_until: Mutex::new(Instant::now()),
            committed: Notify::new(),
        })
    }

    /// Ends all faults.
    pub(super) fn calm(&self) {
        self.quiet.store(true, Ordering::Relaxed);
    }

    /// Registers a write that is on its way and may still be applied.
    pub(super) fn late_begun(&self) {
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    /// The write has arrived, or never will.
    pub(super) fn late_ended(&self) {
        self.late.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.quiet.load(Ordering::Relaxed)
    }

    /// True if a write may still be applied without a new request.
    pub(super) fn has_late_commits(&self) -> bool {
        self.late.load(Ordering::Relaxed) > 0
    }

    /// Loses commits that were not durable, and writes that were on their way.
    pub(super) fn lose_power(&self) {
        self.power_losses.fetch_add(1, Ordering::Relaxed);
        self.engine.lose_relaxed();
    }

    async fn apply(&self, commit: Commit) -> Result<()> {
        let result = self.engine.commit(commit).await;
        self.committed.notify_waiters();
        result
    }
}

/// The engine as seen by one opening of a store.
pub(super) struct FaultyEngine {
    link: Arc<Link>,
}

/// The connection of a store and its snapshots to the data.
struct Link {
    hub: Arc<Hub>,
    rng: Mutex<StdRng>,
    cut: AtomicBool,
    /// Until when only this store cannot reach the data.
    outage_until: Mutex<Instant>,
}

impl FaultyEngine {
    pub(super) fn new(hub: Arc<Hub>, rng: StdRng) -> Arc<Self> {
        let outage_until = Mutex::new(Instant::now());
        Arc::new(Self {
            link: Arc::new(Link {
                hub,
                rng: Mutex::new(rng),
                cut: AtomicBool::new(false),
                outage_until,
            }),
        })
    }

    /// From now on no operation reaches the data, and no call returns.
    pub(super) fn cut(&self) {
        self.link.cut.store(true, Ordering::Relaxed);
    }
}

impl Link {
    /// Draws whether an event with this probability (per 1,000) happens.
    fn happens(&self, chance: u32) -> bool {
        !self.hub.quiet.load(Ordering::Relaxed) && chance > 0 && self.rng.lock().random_ratio(chance, 1_000)
    }

    async fn live(&self) {
        if self.cut.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    async fn dawdle(&self) {
        if self.happens(self.hub.faults.slow) {
            self.hub.coverage.count(Event::EngineSlow);
            let ms = self.rng.lock().random_range(0..=self.hub.faults.slow_ms_max);
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        self.live().await;
    }

    fn is_out(&self) -> bool {
        let now = Instant::now();
        *self.hub.outage_until.lock() > now || *self.outage_until.lock() > now
    }

    /// Ends a page earlier than necessary, as engines may do.
    fn shorten(&self, page: &mut Page) {
        if page.entries.len() > 1 && self.happens(self.hub.faults.short_page) {
            self.hub.coverage.count(Event::EngineShortPage);
            page.entries
                .truncate(self.rng.lock().random_range(1..page.entries.len()));
            page.more = true;
        }
    }

    /// Faults that may happen before any call.
    async fn enter(&self) -> Result<()> {
        self.dawdle().await;
        let hub = &self.hub;
        if self.happens(hub.faults.outage) {
            hub.coverage.count(Event::EngineOutage);
            let ms = self.rng.lock().random_range(100..9_000);
            let everybody = self.rng.lock().random_bool(0.5);
            let outage_until = if everybody {
                &hub.outage_until
            } else {
                &self.outage_until
            };
            *outage_until.lock() = Instant::now() + Duration::from_millis(ms);
        }
        let out = self.is_out() && !hub.quiet.load(Ordering::Relaxed);
        if out || self.happens(hub.faults.unavailable) {
            hub.coverage.count(Event::EngineUnavailable);
            // If an engine refused at once, a caller that retries at once would never let simulated time pass.
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.live().await;
            return Err(Error::Unavailable("simulated".to_owned()));
        }
        Ok(())
    }

    /// A commit whose outcome is not reported to the store.
    async fn commit_unknown(&self, commit: Commit) -> Error {
        let fate = self.rng.lock().random_range(0..3);
        let hub = &self.hub;
        match fate {
            0 => hub.coverage.count(Event::MaybeCommittedDidNot),
            1 => {
                if hub.apply(commit).await.is_ok() {
                    hub.coverage.count(Event::MaybeCommittedDid);
                }
            }
            _ => {
                let ms = self.rng.lock().random_range(1..400);
                let hub = Arc::clone(hub);
                hub.late_begun();
                let power_losses = hub.power_losses.load(Ordering::Relaxed);
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    let lost = hub.power_losses.load(Ordering::Relaxed) > power_losses;
                    let applied = !lost && hub.apply(commit).await.is_ok();
                    hub.coverage.count(if applied {
                        Event::MaybeCommittedLateApplied
                    } else {
                        Event::MaybeCommittedLateRefused
                    });
                    hub.late_ended();
                });
            }
        }
        self.dawdle().await;
        Error::MaybeCommitted("simulated".to_owned())
    }

    async fn wait_for_change(&self, key: Bytes, last_seen: Option<Bytes>) -> Result<()> {
        loop {
            let committed = self.hub.committed.notified();
            let snapshot = self.hub.engine.snapshot().await?;
            if snapshot.get(key.clone()).await? != last_seen {
                return Ok(());
            }
            drop(snapshot);
            committed.await;
        }
    }
}

impl Engine for FaultyEngine {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>> {
        Box::pin(async {
            self.link.enter().await?;
            let snapshot = self.link.hub.engine.snapshot().await?;
            let snapshot = FaultySnapshot {
                snapshot,
                link: Arc::clone(&self.link),
            };
            // The view is of the moment of the call; the delay makes it older.
            self.link.dawdle().await;
            let snapshot: Box<dyn Snapshot> = Box::new(snapshot);
            Ok(snapshot)
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            commit.validate()?;
            self.link.enter().await?;
            let faults = &self.link.hub.faults;
            if self.link.happens(faults.conflict) {
                self.link.hub.coverage.count(Event::EngineConflictInjected);
                tokio::time::sleep(Duration::from_millis(1)).await;
                self.link.live().await;
                return Err(Error::Conflict);
            }
            if self.link.happens(faults.maybe_committed) {
                return Err(self.link.commit_unknown(commit).await);
            }
            let durable = commit.durable;
            let result = self.link.hub.apply(commit).await;
            // Only appends and writes of state are durable, besides the first opening of the store.
            if durable && result == Err(Error::Conflict) {
                self.link.hub.coverage.count(Event::CommitLostTheRace);
            }
            self.link.dawdle().await;
            result
        })
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.link.dawdle().await;
            let coverage = &self.link.hub.coverage;
            if self.link.happens(self.link.hub.faults.watch) {
                let ms = self.link.rng.lock().random_range(1..200);
                let fate = self.link.rng.lock().random_range(0..3);
                tokio::time::sleep(Duration::from_millis(ms)).await;
                self.link.live().await;
                match fate {
                    0 => {
                        coverage.count(Event::WatchSpurious);
                        return Ok(());
                    }
                    1 => {
                        coverage.count(Event::WatchSilent);
                        std::future::pending::<()>().await;
                    }
                    _ => {
                        coverage.count(Event::WatchFailed);
                        return Err(Error::Unavailable("simulated".to_owned()));
                    }
                }
            }
            self.link.wait_for_change(key, last_seen).await?;
            self.link.dawdle().await;
            Ok(())
        })
    }
}

struct FaultySnapshot {
    snapshot: Box<dyn Snapshot>,
    link: Arc<Link>,
}

impl Snapshot for FaultySnapshot {
    fn read(&self, reads: Vec<Read>) -> BoxFuture<'_, Result<Vec<Page>>> {
        Box::pin(async move {
            self.link.enter().await?;
            if self.link.happens(self.link.hub.faults.too_old) {
                self.link.hub.coverage.count(Event::EngineTooOld);
                tokio::time::sleep(Duration::from_millis(1)).await;
                self.link.live().await;
                return Err(Error::TooOld);
            }
            let mut pages = self.snapshot.read(reads).await?;
            pages.iter_mut().for_each(|page| self.link.shorten(page));
            self.link.dawdle().await;
            Ok(pages)
        })
    }
}
