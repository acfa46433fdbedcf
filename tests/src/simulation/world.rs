//! State shared by the parts of a simulation: the stores, the history, and the failures.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_store::{Environment, Error, Forwarder, Store};
use parking_lot::Mutex;
use rand::{Rng, RngCore, rngs::StdRng};
use tokio::{sync::Notify, time::Instant};

use super::{
    clock::{DrawnClock, Jump},
    coverage::{Coverage, Event},
    engine::{FaultyEngine, Hub},
    plan::Plan,
    road::Road,
    state::Known,
};
use crate::checker::History;

/// Simulated time after which a call to a store counts as stuck. Many times the duration of any series of faults.
pub(super) const STUCK: Duration = Duration::from_secs(600);

pub(super) struct World {
    pub plan: Plan,
    pub coverage: Coverage,
    pub hub: Arc<Hub>,
    pub history: Mutex<History>,
    pub failures: Mutex<Vec<String>>,
    pub jump: Arc<Jump>,
    pub state: Known,
    began: Instant,
    nodes: Vec<Node>,
    /// A reference to itself, for its stores.
    me: Weak<World>,
    finished: AtomicBool,
    /// The last position, once nothing more is appended; `u64::MAX` before.
    last: AtomicU64,
}

/// A node, which runs a store most of the time.
#[derive(Default)]
struct Node {
    openings: AtomicU64,
    running: Mutex<Option<Running>>,
}

/// A running store, valid until it is killed.
#[derive(Clone)]
pub(super) struct Running {
    pub node: usize,
    pub store: Store,
    engine: Arc<FaultyEngine>,
    gone: Arc<Gone>,
}

#[derive(Default)]
struct Gone {
    is: AtomicBool,
    told: Notify,
}

impl World {
    pub(super) fn new(plan: Plan) -> Arc<Self> {
        let coverage = Coverage::default();
        if plan.stores > 1 {
            coverage.count(Event::StoresShareAnEngine);
        }
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            hub: Hub::new(plan.faults, coverage.clone()),
            coverage,
            history: Mutex::default(),
            failures: Mutex::default(),
            jump: Arc::default(),
            state: Known::default(),
            began: Instant::now(),
            nodes: (0..plan.stores).map(|_| Node::default()).collect(),
            finished: AtomicBool::new(false),
            last: AtomicU64::new(u64::MAX),
            plan,
        })
    }

    /// Records a failure, once.
    pub(super) fn fail(&self, what: impl Into<String>) {
        let (mut failures, what) = (self.failures.lock(), what.into());
        if !failures.contains(&what) {
            failures.push(what);
        }
    }

    /// Records an error as a failure if a store must never return it.
    pub(super) fn judge(&self, node: usize, error: &Error) {
        match error {
            Error::Corrupt(_) | Error::Failed(_) | Error::Internal(_) => {
                self.fail(format!("store {node} returned: {error}"));
            }
            _ => {}
        }
    }

    /// Records a part of the simulation that panicked.
    pub(super) fn joined(&self, who: &str, joined: Result<(), tokio::task::JoinError>) {
        if let Err(error) = joined {
            self.fail(format!("{who} of the simulation: {error}"));
        }
    }

    /// Marks the clients as finished.
    pub(super) fn finish(&self) {
        self.finished.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Relaxed)
    }

    /// Sets the last position: nothing more is appended. 0: the end is unknown, and waiting is pointless.
    pub(super) fn set_last(&self, last: u64) {
        self.last.store(last, Ordering::Relaxed);
    }

    pub(super) fn last(&self) -> Option<u64> {
        Some(self.last.load(Ordering::Relaxed)).filter(|last| *last < u64::MAX)
    }

    /// Opens the store of a node, with as many attempts as it takes.
    pub(super) async fn open(&self, node: usize) {
        let place = &self.nodes[node];
        let began = Instant::now();
        while began.elapsed() < STUCK {
            let opening = place.openings.fetch_add(1, Ordering::Relaxed);
            let number = (node as u64) << 32 | opening;
            let engine = FaultyEngine::new(Arc::clone(&self.hub), self.plan.rng("engine", number));
            let environment = Environment {
                clock: Arc::new(DrawnClock::new(
                    self.began,
                    Arc::clone(&self.jump),
                    self.plan.rng("clock", number),
                    self.coverage.clone(),
                )),
                seed: self.plan.rng("store", number).next_u64(),
                writer: format!("node-{node}"),
                forwarding: self.plan.forwarding.then(|| -> Arc<dyn Forwarder> {
                    Road::new(Weak::clone(&self.me), self.plan.rng("forwarding", number))
                }),
                sabotage: self.plan.sabotage,
            };
            let open = Store::open(engine.clone(), self.plan.settings.clone(), environment);
            match tokio::time::timeout(STUCK, open).await {
                Ok(Ok(store)) => {
                    self.coverage.count(Event::StoreOpened);
                    let running = Running {
                        node,
                        store,
                        engine,
                        gone: Arc::default(),
                    };
                    *place.running.lock() = Some(running);
                    return;
                }
                Ok(Err(error)) => {
                    self.coverage.count(Event::OpeningFailed);
                    self.judge(node, &error);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(_) => break,
            }
        }
        self.fail(format!("store {node} cannot be opened"));
    }

    /// The store of a node, if it is running.
    pub(super) fn running(&self, node: usize) -> Option<Running> {
        self.nodes[node].running.lock().clone()
    }

    /// Any running store; waits a while for one.
    pub(super) async fn any(&self, rng: &mut StdRng) -> Option<Running> {
        for _ in 0..1_000 {
            let node = rng.random_range(0..self.nodes.len());
            if let Some(running) = self.running(node) {
                return Some(running);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    /// Closes the store of a node, like a server that is asked to stop.
    pub(super) async fn close(&self, node: usize) {
        let Some(running) = self.running(node) else { return };
        self.coverage.count(Event::StoreClosed);
        if tokio::time::timeout(STUCK, running.store.close()).await.is_err() {
            self.fail(format!("store {node} does not close"));
        }
        self.end(node, &running);
    }

    /// Kills the store of a node: it ends immediately, whatever it was doing.
    pub(super) fn kill(&self, node: usize) {
        let Some(running) = self.running(node) else { return };
        self.coverage.count(Event::StoreKilled);
        running.engine.cut();
        self.end(node, &running);
    }

    fn end(&self, node: usize, running: &Running) {
        let metrics = running.store.info();
        let windows = metrics.indexed.0 / self.plan.settings.window_events;
        self.coverage.add(Event::WindowIndexed, windows);
        *self.nodes[node].running.lock() = None;
        running.gone.is.store(true, Ordering::Relaxed);
        running.gone.told.notify_waiters();
    }
}

impl Running {
    /// Waits for a call to a store; `None` if the store is killed meanwhile.
    pub(super) async fn call<T>(
        &self,
        world: &World,
        what: &str,
        asked: impl Future<Output = T>,
    ) -> Option<T> {
        let told = self.gone.told.notified();
        if self.gone.is.load(Ordering::Relaxed) {
            return None;
        }
        tokio::select! {
            biased;
            () = told => None,
            answer = tokio::time::timeout(STUCK, asked) => {
                if answer.is_err() {
                    world.fail(format!("store {} does not respond: {what}", self.node));
                }
                answer.ok()
            }
        }
    }
}
