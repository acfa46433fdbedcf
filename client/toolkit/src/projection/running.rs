//! Running projections: several in one process, and several processes on the same read models.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use annals_client::{Client, Position};
use futures::future::try_join_all;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::definition::Handling;
use super::follower::Parts;
use super::one::RunningProjection;
use super::process::Reacting;
use super::runner::Runner;
use super::{Definition, ProcessManager, Progress, Projection, ProjectionPolicy, WaitError, Work};
use crate::store::ReadModelStore;

/// Several projections that run independently, in one store or in several.
///
/// ```no_run
/// use annals_toolkit::{Projection, Projections, projection::Definition, store::{BoxError, memory::MemoryStore}};
/// use annals_client::{Client, Position, RecordedEvent};
///
/// struct Count;
///
/// impl Projection<u64> for Count {
///     fn definition(&self) -> Definition {
///         Definition::new("count")
///     }
///
///     async fn handle(&self, _: &RecordedEvent, count: &mut u64) -> Result<(), BoxError> {
///         *count += 1;
///         Ok(())
///     }
/// }
///
/// # async fn example(client: Client, position: Position) -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let projections = Projections::new(client).add(&store, Count).start();
/// projections.wait_for(position).await?;
/// println!("{:?} events", store.model("count"));
/// # Ok(()) }
/// ```
pub struct Projections {
    client: Client,
    policy: ProjectionPolicy,
    prepared: BTreeMap<String, Prepared>,
}

/// A projection that has not been started.
struct Prepared {
    projection: RunningProjection,
    run: Box<dyn FnOnce(ProjectionPolicy) -> JoinHandle<()> + Send>,
}

impl fmt::Debug for Projections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.prepared.keys()).finish()
    }
}

impl Projections {
    /// Creates an empty set of projections.
    pub fn new(client: Client) -> Self {
        Projections {
            client,
            policy: ProjectionPolicy::default(),
            prepared: BTreeMap::new(),
        }
    }

    /// Sets their batch size and retries.
    #[must_use]
    pub fn policy(mut self, policy: ProjectionPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Adds a projection that keeps its read model in `store`.
    ///
    /// # Panics
    /// If a projection with the same name was added before.
    #[must_use]
    pub fn add<S: ReadModelStore>(self, store: &S, projection: impl Projection<S::Model>) -> Self {
        let definition = projection.definition();
        let work = Work::InTransaction(Box::new(Handling(projection)));
        self.with(store, definition, work)
    }

    /// Adds a process manager that keeps its checkpoint in `store`.
    ///
    /// # Panics
    /// If a projection with the same name was added before.
    #[must_use]
    pub fn add_process<S: ReadModelStore>(self, store: &S, process: impl ProcessManager) -> Self {
        let definition = process.definition();
        let name = definition.name.clone();
        let work = Work::Before(Box::new(Reacting { process, name }));
        self.with(store, definition, work)
    }

    fn with<S: ReadModelStore>(mut self, store: &S, definition: Definition, work: Work<S::Model>) -> Self {
        let name = definition.name.clone();
        let (progress, seen) = watch::channel(Progress::default());
        let (requests, asked) = mpsc::channel(16);
        let projection = RunningProjection {
            name: name.clone(),
            client: self.client.clone(),
            query: definition.query.clone(),
            books: Arc::new(store.clone()),
            progress: seen,
            requests,
        };
        let (client, store) = (self.client.clone(), store.clone());
        let run = move |policy| {
            let parts = Parts {
                client,
                store,
                definition,
                work,
                policy,
                progress,
            };
            tokio::spawn(Runner::new(Arc::new(parts), asked).run())
        };
        let prepared = Prepared {
            projection,
            run: Box::new(run),
        };
        let before = self.prepared.insert(name.clone(), prepared);
        assert!(before.is_none(), "two projections have the name {name:?}");
        self
    }

    /// Starts them, within a tokio runtime. They run until the returned value is dropped or stopped.
    #[must_use = "they stop when this is dropped"]
    pub fn start(self) -> RunningProjections {
        let policy = self.policy;
        let start = |(name, prepared): (String, Prepared)| {
            let task = (prepared.run)(policy);
            (name, (prepared.projection, task))
        };
        RunningProjections {
            running: self.prepared.into_iter().map(start).collect(),
        }
    }
}

/// Running projections. They stop when this is dropped, and their open transactions are rolled back.
#[derive(Debug)]
pub struct RunningProjections {
    running: BTreeMap<String, (RunningProjection, JoinHandle<()>)>,
}

impl RunningProjections {
    /// Returns one by its name; `None` if there is none.
    pub fn get(&self, name: &str) -> Option<&RunningProjection> {
        self.running.get(name).map(|(projection, _)| projection)
    }

    /// Returns all of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &RunningProjection> {
        self.running.values().map(|(projection, _)| projection)
    }

    /// Waits until everything up to a position is in all of them, for at most 10 s.
    ///
    /// Returns at once for `None`, which a command that changed nothing returns.
    pub async fn wait_for(&self, position: impl Into<Option<Position>>) -> Result<(), WaitError> {
        let position = position.into();
        let waits = self.iter().map(|projection| projection.wait_for(position));
        try_join_all(waits).await.map(drop)
    }

    /// Stops them, and waits until they have stopped.
    pub async fn stop(mut self) {
        for (_, task) in self.running.values_mut() {
            task.abort();
            // It was cancelled, or had already ended.
            drop(task.await);
        }
    }
}

impl Drop for RunningProjections {
    fn drop(&mut self) {
        for (_, task) in self.running.values() {
            task.abort();
        }
    }
}
