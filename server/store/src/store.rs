//! The store: opens and closes it, and offers its operations.

mod ends;
mod prefix_retention;
mod recent_streams;
mod retention;
pub(crate) mod state;
mod submit;
pub(crate) mod subscribe;
pub(crate) mod transfer;

use std::sync::{Arc, atomic::AtomicBool};

use annals_engine::Engine;
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};
use uuid::Uuid;

use crate::{
    format::keys,
    lifecycle::Retention,
    model::{
        error::{Error, Result},
        meta,
        metrics::Metrics,
        registry::Registry,
        settings::{Environment, Settings},
    },
    read::{
        self, LogReader, ReadAll, ReadStream, StreamInfo, StreamReader,
        clock::{self, ClockState},
        follow::{self, fresh_head},
    },
    shared::Shared,
    store::{
        subscribe::{SubscribeAll, SubscribeStream, Subscription},
        transfer::{Export, Import},
    },
    tail::Tail,
    tasks::{
        appender::{Appender, Job},
        indexer,
        scavenge::{self, Scavenge},
        snapshot::{self, LoadSnapshot, SaveSnapshot, Snapshot},
        state::{expiry, writer},
    },
    values::{
        expected::Expected,
        ids::ChangeIds,
        limits::Limits,
        name::{StreamName, StreamPrefix},
        position::{Position, Timestamp},
        signal::Signal,
    },
};

pub use prefix_retention::PrefixRetention;
pub use recent_streams::RecentStreams;
pub use retention::{Deleted, RetentionInfo, Tombstoned};
use submit::PERMIT_BYTES;
pub use submit::{Pending, Submission};

/// An event store on an engine. Cheap to clone; all clones are the same store.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    id: Uuid,
    queue: mpsc::Sender<Job>,
    state_queue: mpsc::Sender<writer::Job>,
    room: Arc<Semaphore>,
    tasks: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// General information about the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Identity of the store.
    pub id: Uuid,
    /// Last position of the log.
    pub head: Position,
    /// Position up to which the indexes are on disk.
    pub indexed: Position,
}

impl Store {
    /// Opens the store that an engine holds, or creates it, and starts its tasks on the current tokio runtime.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`], as reported by the engine.
    pub async fn open(engine: Arc<dyn Engine>, settings: Settings, environment: Environment) -> Result<Self> {
        let new_id = uuid::Builder::from_random_bytes(
            [
                environment.seed.to_be_bytes(),
                environment.clock.now().micros.to_be_bytes(),
            ]
            .concat()
            .try_into()
            .unwrap_or_default(),
        );
        let id = if settings.new_identity {
            meta::renew(&*engine, new_id.into_uuid()).await?
        } else {
            meta::open(&*engine, new_id.into_uuid()).await?
        };
        let waiting_max = settings.limits.waiting_appends_max.max(1);
        let (queue, jobs) = mpsc::channel(waiting_max);
        let (state_queue, state_jobs) = mpsc::channel(waiting_max);
        let room = Arc::new(Semaphore::new(
            settings.limits.waiting_bytes_max.div_ceil(PERMIT_BYTES).max(1),
        ));
        let follows = settings.shared_engine;
        let shared = Arc::new(Shared {
            change_ids: ChangeIds::new(environment.seed),
            moving: AtomicBool::new(transfer::is_unfinished(&*engine).await?),
            importing: Arc::default(),
            tail: Tail::new(&settings),
            condition_turns: Semaphore::new(settings.condition_pages_max.max(1)),
            long_condition_turns: Semaphore::new(1),
            engine,
            settings,
            environment,
            following: tokio::sync::Mutex::new(()),
            closing: Signal::new(false),
            draining: Signal::new(false),
            scavenge: Signal::new(0),
            failed: Signal::new(None),
            metrics: Metrics::default(),
            subscriptions: Registry::default(),
            state_turn: tokio::sync::Mutex::new(()),
            scopes: Arc::default(),
        });
        follow::refresh(&shared).await?;
        let mut tasks = vec![
            tokio::spawn(Appender::new(Arc::clone(&shared), jobs).run()),
            tokio::spawn(indexer::run(Arc::clone(&shared))),
            tokio::spawn(watch_engine(Arc::clone(&shared))),
            tokio::spawn(scavenge::run(Arc::clone(&shared))),
            tokio::spawn(clock::run(Arc::clone(&shared))),
            tokio::spawn(writer::run(Arc::clone(&shared), state_jobs)),
            tokio::spawn(expiry::run(Arc::clone(&shared))),
        ];
        if follows {
            tasks.push(tokio::spawn(follow::run(Arc::clone(&shared))));
        }
        Ok(Self {
            shared,
            id,
            queue,
            state_queue,
            room,
            tasks: Arc::new(Mutex::new(tasks)),
        })
    }

    /// State that the store's tasks and readers share. For their tests.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Begins to read the log.
    ///
    /// # Errors
    /// [`Error::PositionBeyondHead`]; [`Error::Unavailable`].
    pub async fn read_all(&self, read: ReadAll) -> Result<LogReader> {
        LogReader::begin(Arc::clone(&self.shared), read).await
    }

    /// Begins to read a stream.
    ///
    /// # Errors
    /// [`Error::StreamNotFound`]; [`Error::RevisionBeyondEnd`]; [`Error::Unavailable`].
    pub async fn read_stream(&self, read: ReadStream) -> Result<StreamReader> {
        StreamReader::begin(Arc::clone(&self.shared), read).await
    }

    /// Returns the position that the log had reached at a time: that of the last event recorded at or before it, or
    /// [`Position::START`]. For a time in the future it is the head.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn position_at(&self, time: Timestamp) -> Result<Position> {
        let head = fresh_head(&self.shared).await?;
        read::time::position_at(&self.shared, time, head).await
    }

    /// Subscribes to the log.
    ///
    /// # Errors
    /// [`Error::PositionBeyondHead`]; [`Error::Overloaded`]; [`Error::Unavailable`].
    pub async fn subscribe_all(&self, subscribe: SubscribeAll) -> Result<Subscription> {
        Subscription::to_all(Arc::clone(&self.shared), subscribe).await
    }

    /// Subscribes to a stream.
    ///
    /// # Errors
    /// [`Error::StreamTombstoned`]; [`Error::RevisionBeyondEnd`]; [`Error::Overloaded`]; [`Error::Unavailable`].
    pub async fn subscribe_stream(&self, subscribe: SubscribeStream) -> Result<Subscription> {
        Subscription::to_stream(Arc::clone(&self.shared), subscribe).await
    }

    /// Returns information about a stream.
    ///
    /// # Errors
    /// [`Error::StreamNotFound`]; [`Error::Unavailable`].
    pub async fn stream(&self, name: &StreamName) -> Result<StreamInfo> {
        read::stream(&self.shared, name).await
    }

    /// Lists the first `limit` streams whose names begin with `prefix` and come after `after`, ordered by name.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn streams(
        &self,
        prefix: &str,
        after: Option<&StreamName>,
        limit: usize,
    ) -> Result<Vec<StreamInfo>> {
        read::streams(&self.shared, prefix, after.map(StreamName::as_str), limit).await
    }

    /// Returns how much of a stream is kept. The stream need not exist.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn retention(&self, stream: &StreamName) -> Result<RetentionInfo> {
        retention::retention(&self.shared, stream).await
    }

    /// Sets how much of a stream is kept. The stream need not exist. `expected_version` is the version that the
    /// change is based on; `None` accepts any. Events that are already removed stay removed.
    ///
    /// # Errors
    /// [`Error::VersionConflict`]; [`Error::StreamTombstoned`]; [`Error::RevisionBeyondEnd`] if it truncates beyond
    /// the end of the stream; [`Error::Overloaded`] if other clients keep changing the stream; those of
    /// [`Self::append`].
    pub async fn set_retention(
        &self,
        stream: &StreamName,
        retention: Retention,
        expected_version: Option<u64>,
    ) -> Result<RetentionInfo> {
        retention::set_retention(self, stream, retention, expected_version).await
    }

    /// Returns how much is kept of streams whose names begin with a prefix and that have no count and no age of their
    /// own.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn prefix_retention(&self, prefix: &StreamPrefix) -> Result<PrefixRetention> {
        prefix_retention::get(&self.shared, prefix).await
    }

    /// Lists the prefixes for which a retention is set, in byte order: the first `limit` after `after`.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn prefix_retentions(
        &self,
        after: Option<&StreamPrefix>,
        limit: usize,
    ) -> Result<Vec<PrefixRetention>> {
        prefix_retention::list(&self.shared, after, limit).await
    }

    /// Sets how much is kept of streams whose names begin with a prefix and that have no count and no age of their
    /// own. If several prefixes match a name, the longest applies. A retention without a count and an age removes the
    /// prefix's retention. `expected_version`: as in [`Self::set_retention`]. Events that are already removed by age
    /// stay removed.
    ///
    /// # Errors
    /// [`Error::PrefixVersionConflict`]; [`Error::TooManyPrefixes`]; [`Error::Overloaded`] if other clients keep
    /// changing prefixes; those of [`Self::append`].
    pub async fn set_prefix_retention(
        &self,
        prefix: &StreamPrefix,
        retention: Retention,
        expected_version: Option<u64>,
    ) -> Result<PrefixRetention> {
        prefix_retention::set(self, prefix, retention, expected_version).await
    }

    /// Deletes a stream: its events are removed, and the next append starts it again with the revision after its
    /// last.
    ///
    /// # Errors
    /// [`Error::Rejected`] with a conflict if the stream is not as expected; [`Error::StreamNotFound`];
    /// [`Error::StreamTombstoned`]; [`Error::Overloaded`] if other clients keep changing the stream (appends to it
    /// delay a deletion by at most one commit); those of [`Self::append`].
    pub async fn delete_stream(&self, stream: &StreamName, expected: Expected) -> Result<Deleted> {
        retention::delete(self, stream, expected).await
    }

    /// Deletes a stream permanently: its events are removed, and later appends to it are rejected. The stream need
    /// not exist.
    ///
    /// # Errors
    /// [`Error::Rejected`] with a conflict if the stream is not as expected; [`Error::Overloaded`]; those of
    /// [`Self::append`].
    pub async fn tombstone_stream(&self, stream: &StreamName, expected: Expected) -> Result<Tombstoned> {
        retention::tombstone(self, stream, expected).await
    }

    /// Saves a snapshot of a stream and returns when it was saved.
    ///
    /// # Errors
    /// [`Error::StreamNotFound`]; [`Error::StreamTombstoned`]; [`Error::RevisionBeyondEnd`];
    /// [`Error::SnapshotOfDeleted`]; [`Error::Overloaded`] if too many clients save snapshots of the stream at the
    /// same time; [`Error::Unavailable`] if it is unknown whether the snapshot was saved (save it again).
    pub async fn save_snapshot(&self, save: SaveSnapshot) -> Result<Timestamp> {
        snapshot::save(&self.shared, save).await
    }

    /// Returns the latest snapshot of a stream that matches the request.
    ///
    /// # Errors
    /// [`Error::SnapshotNotFound`]; [`Error::StreamTombstoned`]; [`Error::Unavailable`].
    pub async fn load_snapshot(&self, load: LoadSnapshot) -> Result<Snapshot> {
        snapshot::load(&self.shared, load).await
    }

    /// Starts to reclaim the space of removed events, or continues a stopped scavenge. Returns the running scavenge,
    /// if any.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn start_scavenge(&self) -> Result<Scavenge> {
        scavenge::start(&self.shared).await
    }

    /// Stops the running scavenge, if any, and returns the scavenge that is running, stopped or ran last.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn stop_scavenge(&self) -> Result<Option<Scavenge>> {
        scavenge::stop(&self.shared).await
    }

    /// Returns the scavenge that is running, stopped or ran last.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn scavenge(&self) -> Result<Option<Scavenge>> {
        scavenge::progress(&self.shared).await
    }

    /// Begins to export the whole store, so that another store can be made from it. Of the log, only the part after a
    /// position is included.
    ///
    /// # Errors
    /// [`Error::PositionBeyondHead`]; [`Error::MoveUnfinished`]; [`Error::Unavailable`].
    pub async fn export(&self, after: Position) -> Result<Export> {
        Export::begin(Arc::clone(&self.shared), after).await
    }

    /// Begins, or continues, to import the log of the store `source`. The import continues after
    /// [`Import::position`].
    ///
    /// # Errors
    /// [`Error::MoveRefused`] if this store is neither empty nor one into which this log was imported before;
    /// [`Error::Rejected`] if it does not accept recorded times; [`Error::Overloaded`] if another import is running.
    pub async fn import(&self, source: Uuid) -> Result<Import> {
        if source == self.id {
            return Err(Error::MoveRefused(
                "the export is of this same store; import it into another one".to_owned(),
            ));
        }
        Import::begin(Arc::clone(&self.shared), source).await
    }

    /// Returns general information about the store.
    #[must_use]
    pub fn info(&self) -> Info {
        Info {
            id: self.id,
            head: self.shared.tail.head_position(),
            indexed: self.shared.tail.indexed(),
        }
    }

    /// Compares the server's clock, on which expiry by age depends, with the log's last recorded time.
    #[must_use]
    pub fn clock(&self) -> ClockState {
        clock::state(&self.shared)
    }

    /// Name of the engine, as shown to operators.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        self.shared.engine.name()
    }

    /// Checks, by one small read, that the engine responds. For health checks.
    ///
    /// # Errors
    /// [`Error::Unavailable`] as soon as the engine gives up on the read.
    pub async fn answers(&self) -> Result<()> {
        let snapshot = self.shared.engine.snapshot().await?;
        snapshot.get(keys::head()).await?;
        Ok(())
    }

    /// Limits in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.shared.settings.limits
    }

    /// Metrics of the store.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Open subscriptions.
    #[must_use]
    pub fn subscriptions(&self) -> &Registry {
        &self.shared.subscriptions
    }

    /// Waits until the store has stopped because the storage failed, and returns the reason. Otherwise never returns.
    pub async fn failed(&self) -> Error {
        let mut failed = self.shared.failed.watch();
        loop {
            if let Some(error) = failed.see() {
                return error;
            }
            failed.changed().await;
        }
    }

    /// Ends all current and future subscriptions with [`Error::Closed`].
    pub fn end_subscriptions(&self) {
        self.shared.draining.set(true);
    }

    /// Accepts no more appends, replies to those that wait, ends subscriptions, and stops the store's tasks.
    pub async fn close(&self) {
        self.end_subscriptions();
        self.shared.closing.set(true);
        let tasks = std::mem::take(&mut *self.tasks.lock());
        for task in tasks {
            tokio::select! {
                biased;
                // The panic of a task is already logged; there is nothing more to stop.
                _ = task => {}
                // A task that commits to a failed engine may never end.
                _ = self.failed() => {}
            }
        }
    }
}

/// Stops the store if the engine fails. Runs until the store closes.
async fn watch_engine(shared: Arc<Shared>) {
    let mut closing = shared.closing.watch();
    tokio::select! {
        biased;
        _ = closing.until(|closing| *closing) => {}
        error = shared.engine.failed() => shared.fail(error.into()),
    }
}
