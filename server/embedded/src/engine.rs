//! The engine: commits run on their callers' threads, one at a time, and readers get snapshots.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use annals_engine::{BoxFuture, Commit, Engine, Error, Result, Snapshot};
use bytes::Bytes;
use parking_lot::Mutex;

use crate::blocking::run_blocking;
use crate::fault::OpenError;
use crate::loss::Loss;
use crate::settings::Settings;
use crate::store::Store;
use crate::syncing::Syncing;
use crate::view::View;
use crate::writer::Writer;
use crate::{open, reclaim, recovery};

/// How often fjall's health is polled. fjall blocks writers while its flushes lag, and does not notice if the threads
/// that flush have died.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);

/// The engine for one machine. Dropping it releases the directory once no snapshot is left, which may take a few
/// milliseconds.
pub struct EmbeddedEngine {
    pub(crate) store: Arc<Store>,
    pub(crate) writer: Arc<Mutex<Writer>>,
    pub(crate) syncing: Arc<Syncing>,
    /// The thread that syncs the tree.
    syncer: Option<JoinHandle<()>>,
    loss: Option<Loss>,
    /// Dropped with the engine, which ends the thread that reclaims space.
    _open: mpsc::Sender<()>,
}

impl EmbeddedEngine {
    /// Opens the store in the directory `path`, or creates one. Replays the end of the log, which may take a second
    /// after a crash, so call it where blocking is allowed.
    ///
    /// # Errors
    /// [`OpenError`], whose variants state what to do about it.
    pub fn open(path: impl AsRef<Path>, settings: Settings) -> std::result::Result<Self, OpenError> {
        let path = path.as_ref();
        let no_thread = |error| OpenError::unusable(path, "no thread can be started", &error);
        let (writer, marked) = open::open(path, &settings)?;
        let syncing = Arc::clone(&writer.syncing);
        let (open, closed) = mpsc::channel();
        let mut engine = Self {
            store: Arc::clone(&writer.store),
            writer: Arc::new(Mutex::new(writer)),
            syncing: Arc::clone(&syncing),
            syncer: None,
            loss: None,
            _open: open,
        };
        let store = Arc::downgrade(&engine.store);
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        // The store is not held while the thread waits, so that the directory is released when the engine is dropped.
        let sync = move || Some(store.upgrade()?.sync_tree());
        let syncer = thread("annals:sync").spawn(move || syncing.run(sync));
        engine.syncer = Some(syncer.map_err(no_thread)?);
        engine.loss = recovery::replay(
            path,
            &mut engine.writer.lock(),
            marked,
            settings.accept_loss.as_ref(),
        )?;
        let watched = Arc::downgrade(&engine.writer);
        let (bytes_min, told) = (settings.reclaim_bytes_min, settings.on_reclaim);
        thread("annals:reclaim")
            .spawn(move || reclaim::run(&watched, &closed, bytes_min, told.as_ref()))
            .map_err(no_thread)?;
        Ok(engine)
    }

    /// The loss that was accepted when the store was opened ([`Settings::accept_loss`]).
    #[must_use]
    pub fn loss(&self) -> Option<&Loss> {
        self.loss.as_ref()
    }

    /// Records that the caller has done what an accepted loss requires. Until then each start reports the loss again.
    ///
    /// # Errors
    /// [`Error::Failed`] if the durable mark cannot be written.
    pub fn settle_loss(&self) -> Result<()> {
        let writer = self.writer.lock();
        self.store.check_health()?;
        let durable = self.store.durable.get();
        let settled = durable.map_or(Ok(()), |durable| durable.settle(&writer.mark()));
        settled.map_err(|error| self.store.fail_write(&error.to_string()))
    }
}

impl Drop for EmbeddedEngine {
    fn drop(&mut self) {
        self.syncing.stop();
        if let Some(syncer) = self.syncer.take() {
            // It holds the store for as long as a sync takes. If it panicked, there is nothing left to do.
            let _ = syncer.join();
        }
        if self.store.check_health().is_ok() {
            // If this fails, the mark is as recent as what the operating system writes back on its own.
            let _ = self.store.sync_mark();
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
                moment: self.store.current(),
            });
            Ok(view)
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            commit.validate()?;
            run_blocking(|| {
                if !commit.durable {
                    // A fold waits for room anyway. Waiting here, before taking the writer's lock, does not hold up
                    // durable commits.
                    self.syncing.wait_for_room()?;
                }
                self.writer.lock().apply(commit)
            })
        })
    }

    fn failed(&self) -> BoxFuture<'_, Error> {
        Box::pin(async {
            loop {
                tokio::time::sleep(HEALTH_INTERVAL).await;
                let store = Arc::clone(&self.store);
                if let Ok(Err(error)) = tokio::task::spawn_blocking(move || store.ask_health()).await {
                    return error;
                }
            }
        })
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            annals_engine::limits::check_key(&key)?;
            // Subscribe before the first read, so that a change between the two is not missed.
            let mut published = self.store.subscribe();
            loop {
                self.store.check_health()?;
                if self.store.current().get(&self.store.tree, &key)? != last_seen {
                    return Ok(());
                }
                // This cannot fail: the sender lives as long as the engine, which is borrowed here.
                let _ = published.changed().await;
            }
        })
    }
}
