//! The state writer: one task that makes the writes of state of this server that append no events.
//!
//! Writes that wait together are evaluated together and made in one commit with one sync. No reply is sent before that
//! commit succeeds. An append that changes state is made by the appender, in turn with this task
//! ([`Shared::state_turn`]). If another server was first, the commit fails, and the group is evaluated again.

use std::{sync::Arc, time::Duration};

use annals_engine::{Commit, Error as EngineError};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::Instant,
};
use tracing::{debug, error, warn};

use crate::{
    model::{
        error::{Error, Result},
        rejection::Rejection,
        state::{StateWrite, StateWritten},
    },
    shared::Shared,
    state::evaluation::Evaluation,
    tasks::{batches::Batches, on_own_thread},
};

/// How long a group is retried while the engine does not respond, or others are always first.
const PATIENCE: Duration = Duration::from_secs(5);
const BACKOFF_FIRST: Duration = Duration::from_millis(1);
const BACKOFF_MAX: Duration = Duration::from_millis(100);

/// A waiting write, and the channel for its result.
#[derive(Debug)]
pub(crate) struct Job {
    pub write: StateWrite,
    pub reply: oneshot::Sender<Result<StateWritten>>,
    /// The write's share of the bytes that may wait.
    pub room: OwnedSemaphorePermit,
}

type Verdicts = Vec<std::result::Result<StateWritten, Rejection>>;

struct Writer {
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Job>,
    batches: Batches,
}

/// Makes writes until the queue is closed and empty, or the storage fails.
pub(crate) async fn run(shared: Arc<Shared>, queue: mpsc::Receiver<Job>) {
    let batches = Batches::seeded(!shared.environment.seed);
    let own_thread = shared.settings.multi_threaded;
    let mut writer = Writer {
        shared,
        queue,
        batches,
    };
    on_own_thread(own_thread, async move { writer.write_groups().await }).await;
}

impl Writer {
    async fn write_groups(&mut self) {
        let mut closing = self.shared.closing.watch();
        let mut group = Vec::new();
        loop {
            let room = self.shared.settings.group_appends_max;
            tokio::select! {
                biased;
                // Writes in the queue still get a reply; no more are added.
                _ = closing.until(|closing| *closing), if !self.queue.is_closed() => self.queue.close(),
                _ = self.queue.recv_many(&mut group, room) => {}
            }
            if group.is_empty() && self.queue.recv_many(&mut group, room).await == 0 {
                return;
            }
            self.write_all(&mut group).await;
        }
    }

    /// Makes the writes in groups of limited size.
    async fn write_all(&mut self, jobs: &mut Vec<Job>) {
        while !jobs.is_empty() {
            let mut bytes = 0;
            let fitting = jobs.iter().take_while(|job| {
                bytes += job.write.bytes;
                bytes <= self.shared.settings.group_bytes_max
            });
            let count = fitting.count().max(1);
            let rest = jobs.split_off(count);
            let group = std::mem::replace(jobs, rest);
            let result = match self.shared.failure() {
                Some(error) => Err(error),
                None => self.write(&group).await,
            };
            match result {
                Ok(verdicts) => {
                    for (job, verdict) in group.into_iter().zip(verdicts) {
                        self.shared.metrics.state.count(&verdict);
                        self.answer(job, verdict.map_err(Error::Rejected));
                    }
                }
                Err(error) => {
                    if error.is_fatal() {
                        error!(%error, "the state writer stops");
                        self.shared.fail(error.clone());
                    }
                    for job in group {
                        self.answer(job, Err(error.clone()));
                    }
                }
            }
        }
    }

    /// Evaluates and writes a group, repeatedly until no other server is first.
    async fn write(&mut self, group: &[Job]) -> Result<Verdicts> {
        let deadline = Instant::now() + PATIENCE;
        let mut backoff = BACKOFF_FIRST;
        // An attempt of unknown outcome may have been the one that made the writes.
        let mut doubt = None;
        loop {
            let error = match self.try_write(group).await {
                Ok(Ok(verdicts)) => return Ok(verdicts),
                Ok(Err(conflict @ (EngineError::Conflict | EngineError::TooOld))) => {
                    debug!("another server was first to change a scope");
                    if conflict == EngineError::Conflict {
                        self.shared.metrics.state.conflicts.inc();
                    }
                    Error::Overloaded("concurrent writes of the same scopes")
                }
                Ok(Err(error)) => {
                    if matches!(error, EngineError::MaybeCommitted(_)) {
                        doubt = Some(Error::from(error.clone()));
                    }
                    Error::from(error)
                }
                Err(error) => error,
            };
            if error.is_fatal() {
                return Err(error);
            }
            if !matches!(error, Error::Overloaded(_)) {
                warn!(%error, "cannot write state; trying again");
            }
            if Instant::now() >= deadline {
                return Err(doubt.unwrap_or(error));
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    /// Makes one attempt. It fails with a conflict if another server has changed one of the scopes meanwhile. After an
    /// unknown outcome, the next attempt finds the receipts of what was written.
    async fn try_write(&mut self, group: &[Job]) -> Result<std::result::Result<Verdicts, EngineError>> {
        let shared = &self.shared;
        let _turn = shared.state_turn.lock().await;
        let now = shared.environment.clock.now();
        let snapshot = shared.engine.snapshot().await?;
        let mut evaluation = Evaluation::read(&*snapshot, group.iter().map(|job| &job.write), now).await?;
        drop(snapshot);
        let sabotage = shared.environment.sabotage;
        sabotage.forget_receipts(&mut evaluation);
        let verdicts = group.iter().map(|job| evaluation.judge(&job.write)).collect();
        if !evaluation.makes_changes() {
            return Ok(Ok(verdicts));
        }
        let mut commit = Commit::durable();
        sabotage.add_state(&evaluation, &mut commit, self.batches.next());
        let committed = shared.engine.commit(commit).await;
        if committed.is_ok() {
            shared.scopes.changed(evaluation.changed_scopes());
        }
        Ok(committed.map(|()| verdicts))
    }

    fn answer(&self, job: Job, result: Result<StateWritten>) {
        drop(job.room);
        self.shared.metrics.state.waiting_writes.dec();
        // The caller may have disconnected; its write stays made.
        let _ = job.reply.send(result);
    }
}
