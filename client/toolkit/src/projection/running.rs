//! Running projections: several in one process, and several processes on the same read models.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use annals_client::{Client, Position};
use futures::future::{join_all, try_join_all};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::definition::Handling;
use super::follower::Parts;
use super::one::RunningProjection;
use super::process::Reacting;
use super::reports::{LAST_REPORT, Reached, Reporter};
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
    reporter: Reporter,
    report_checkpoints: bool,
    prepared: BTreeMap<String, Prepared>,
}

/// A projection that has not been started.
struct Prepared {
    projection: RunningProjection,
    run: Box<dyn FnOnce(ProjectionPolicy, Option<Reporter>) -> Tasks + Send>,
}

/// The tasks of a running projection.
#[derive(Debug)]
struct Tasks {
    run: JoinHandle<()>,
    reports: Option<JoinHandle<()>>,
}

impl Tasks {
    fn abort(&self) {
        self.run.abort();
        if let Some(reports) = &self.reports {
            reports.abort();
        }
    }

    /// Stops the projection, and waits a short time for its last report.
    async fn stop(&mut self) {
        self.run.abort();
        // It was cancelled, or had already ended.
        drop((&mut self.run).await);
        if let Some(reports) = &mut self.reports
            && tokio::time::timeout(LAST_REPORT, &mut *reports).await.is_err()
        {
            reports.abort();
        }
    }
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
            reporter: Reporter::default(),
            report_checkpoints: true,
            prepared: BTreeMap::new(),
        }
    }

    /// Sets their batch size and retries.
    #[must_use]
    pub fn policy(mut self, policy: ProjectionPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the consumer with which they report their checkpoints, such as the name of the application. Empty unless
    /// set.
    #[must_use]
    pub fn consumer(mut self, consumer: impl Into<String>) -> Self {
        self.reporter.consumer = consumer.into();
        self
    }

    /// Sets the instance with which they report their checkpoints: the process. The host's name and the process id,
    /// such as `web-1:4242`, unless set.
    #[must_use]
    pub fn instance(mut self, instance: impl Into<String>) -> Self {
        self.reporter.instance = Some(instance.into());
        self
    }

    /// Sets whether they report their checkpoints to the event store. They do unless this is set to false.
    #[must_use]
    pub fn report_checkpoints(mut self, report: bool) -> Self {
        self.report_checkpoints = report;
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
        let run = move |policy, reporter: Option<Reporter>| {
            let (reached, seen) = watch::channel(Reached::default());
            let reports = reporter.map(|reporter| {
                let name = definition.checkpoint.clone();
                let name = name.unwrap_or_else(|| definition.name.clone());
                tokio::spawn(reporter.run(client.clone(), name, seen))
            });
            let parts = Parts {
                client,
                store,
                definition,
                work,
                policy,
                progress,
                reached,
            };
            let run = tokio::spawn(Runner::new(Arc::new(parts), asked).run());
            Tasks { run, reports }
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
        let reporter = self.report_checkpoints.then_some(self.reporter);
        let start = |(name, prepared): (String, Prepared)| {
            let tasks = (prepared.run)(policy, reporter.clone());
            (name, (prepared.projection, tasks))
        };
        RunningProjections {
            running: self.prepared.into_iter().map(start).collect(),
        }
    }
}

/// Running projections. They stop when this is dropped, and their open transactions are rolled back.
#[derive(Debug)]
pub struct RunningProjections {
    running: BTreeMap<String, (RunningProjection, Tasks)>,
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

    /// Stops them, and waits until they have stopped. Their last checkpoints are reported, unless that takes longer
    /// than 2 s.
    pub async fn stop(mut self) {
        join_all(self.running.values_mut().map(|(_, tasks)| tasks.stop())).await;
    }
}

impl Drop for RunningProjections {
    fn drop(&mut self) {
        for (_, tasks) in self.running.values() {
            tasks.abort();
        }
    }
}
