//! The appender: one task that writes all appends of this server to the log.
//!
//! 1. Appends that wait together are judged together and written in one commit with one sync.
//! 2. Every commit checks that the head is what the group was judged against. What was read at that head is still true
//!    then, so no other check is needed, on any engine.
//! 3. Nobody is answered before the commit that its judgement rests on; if a group writes nothing, before another look
//!    at the head.
//! 4. A commit whose result is unknown is settled by looking: the frame at the first position bears the batch's id or
//!    it does not. If it should still be committed later, its check fails or the ids tell.
//! 5. Order is kept: what is put off is judged before what came after it.
//! 6. While a group is judged, storage is not read: what an append needs from it is read before (`prefetch`), and what came to
//!    the log since is in memory.

mod builder;
mod changes;
mod commit;
mod condition;
pub(crate) mod decide;
mod earlier;
mod fact;
mod facts;
mod group;
mod handing;
mod overlay;
mod prefetch;
mod queue;
mod sabotage;
pub(crate) mod stream_change;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use annals_engine::on_own_thread;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    task::JoinError,
    time::Instant,
};
use tracing::{error, warn};

use crate::{
    format::frame::Frame,
    model::{
        append::{Append, Appended},
        error::{Error, Result},
        handover::Handing,
    },
    shared::Shared,
    values::signal::Watcher,
};
use commit::Batches;
pub(crate) use fact::{Fact, Prefetched};
use facts::Candidate;
use group::Judged;
pub(crate) use prefetch::{is_needed, needs_search, prefetch, prefetch_keys};
use stream_change::Change;

/// An append that waits, and who waits for it.
#[derive(Debug)]
pub(crate) struct Job {
    /// Apart, because a job is moved from queue to queue.
    pub append: Box<Append>,
    pub reply: oneshot::Sender<Result<Appended>>,
    /// Its share of the bytes that may wait.
    pub room: OwnedSemaphorePermit,
    pub origin: Origin,
    /// What was read for it beforehand, if anything had to be.
    pub prefetched: Option<Box<Prefetched>>,
    /// The change of a stream that it makes, for the stream as it is when it is judged.
    pub change: Option<Box<Change>>,
}

impl Job {
    fn candidate(&self) -> Candidate<'_> {
        Candidate {
            append: &self.append,
            prefetched: self.prefetched.as_deref(),
        }
    }
}

/// Where an append comes from, and where it may still be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A client of this server.
    Client,
    /// A client of another server, which handed it over.
    Server,
    /// A client; it was handed over, and nobody knows what became of it.
    InDoubt,
}

/// For how long a group is tried again while the engine does not answer, before its appends are refused.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many answers are worth a task of their own.
const ANSWERED_APART_MIN: usize = 4;
const BACKOFF_FIRST: Duration = Duration::from_millis(5);
const BACKOFF_MAX: Duration = Duration::from_millis(500);

pub(crate) struct Appender {
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Job>,
    waiting: VecDeque<Job>,
    batches: Batches,
    /// Appends that were lately on their way at a time.
    company: usize,
    /// Whether it has a thread of its own now.
    on_thread: bool,
    closing: Watcher<bool>,
    handing: Handing,
}

impl Appender {
    pub(crate) fn new(shared: Arc<Shared>, queue: mpsc::Receiver<Job>) -> Self {
        let batches = Batches {
            state: shared.environment.seed,
        };
        let closing = shared.closing.watch();
        Self {
            shared,
            queue,
            waiting: VecDeque::new(),
            batches,
            company: 0,
            on_thread: false,
            closing,
            handing: Handing::default(),
        }
    }

    /// Writes what comes, until the queue is closed and empty, or the storage fails.
    ///
    /// Few appends are written by a task like others: what asks, writes and answers is then one thread, and changing
    /// threads would take as long as half a sync. Many come from all threads and wait for each other anyway; for them it
    /// has a thread of its own, which may wait for company, and goes on while workers answer.
    pub(crate) async fn run(self) {
        let mut appender = Some(self);
        while let Some(mut next) = appender {
            next.on_thread = next.wants_thread();
            appender = if next.on_thread {
                let runtime = tokio::runtime::Handle::current();
                let thread =
                    tokio::task::spawn_blocking(move || on_own_thread(|| runtime.block_on(next.run_here())));
                match thread.await.map_err(JoinError::try_into_panic) {
                    Ok(next) => next,
                    Err(Ok(panic)) => std::panic::resume_unwind(panic),
                    // The runtime has ended.
                    Err(Err(_)) => None,
                }
            } else {
                next.run_here().await
            };
        }
    }

    /// Until it is over, or it belongs elsewhere.
    async fn run_here(mut self) -> Option<Self> {
        while self.receive().await {
            if self.wants_thread() != self.on_thread {
                return Some(self);
            }
            self.let_others_ask().await;
            self.wait_for_company();
            self.wait_for_indexer().await;
            let mut jobs = self.take_group();
            let group = jobs.len();
            match self.write(&mut jobs).await {
                Ok(()) => self.note_company(group),
                Err(error) => {
                    if error.is_fatal() {
                        error!(%error, "the appender stops");
                        self.shared.fail(error.clone());
                    }
                    let refused = jobs.into_iter().map(|job| (job, Err(error.clone())));
                    self.answer(refused.collect());
                }
            }
            if let Some(error) = self.shared.failure() {
                self.refuse_all(&error).await;
                return None;
            }
        }
        None
    }

    /// Judges and writes a group, again and again until it is settled, and answers it. On an error, those that were not
    /// answered are left in `jobs`.
    async fn write(&mut self, jobs: &mut VecDeque<Job>) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut backoff = BACKOFF_FIRST;
        loop {
            self.hand_over(jobs).await;
            if jobs.is_empty() {
                return Ok(());
            }
            match self.try_write(jobs).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error @ Error::Unavailable(_)) if Instant::now() < deadline => {
                    warn!(%error, "cannot append; trying again");
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn answer_all(&mut self, jobs: &mut VecDeque<Job>, judged: Judged) {
        let metrics = &self.shared.metrics;
        if !judged.frames.is_empty() {
            metrics.group_appends.observe(judged.verdicts.len() as f64);
            metrics.events.inc_by(judged.frames.iter().map(Frame::len).sum());
            metrics
                .event_bytes
                .inc_by(judged.frames.iter().map(|frame| frame.body.len() as u64).sum());
        }
        let put_off = jobs.split_off(judged.verdicts.len());
        judged.verdicts.iter().for_each(|verdict| metrics.count(verdict));
        let answers = std::mem::replace(jobs, put_off).into_iter().zip(judged.verdicts);
        let answers = answers.map(|(job, verdict)| {
            let result = verdict.map_err(|rejection| handing::rejected(job.origin, rejection));
            (job, result)
        });
        self.answer(answers.collect());
        // Put off, not forgotten: they go first next time.
        for job in std::mem::take(jobs).into_iter().rev() {
            self.waiting.push_front(job);
        }
    }

    async fn refuse_all(&mut self, error: &Error) {
        self.queue.close();
        while let Some(job) = self.queue.recv().await {
            self.waiting.push_back(job);
        }
        let refused = self.waiting.drain(..).map(|job| (job, Err(error.clone())));
        let refused = refused.collect();
        self.answer(refused);
    }

    /// Tells those who wait. From a thread of its own it leaves that to a worker of the runtime, which wakes them at less
    /// cost than a thread outside of it, and goes on with the next group.
    fn answer(&self, answers: Vec<(Job, Result<Appended>)>) {
        let count = i64::try_from(answers.len()).unwrap_or(i64::MAX);
        self.shared.metrics.waiting_appends.dec_by(count);
        if self.on_thread && answers.len() >= ANSWERED_APART_MIN {
            tokio::spawn(async move { send(answers) });
        } else {
            send(answers);
        }
    }
}

fn send(answers: Vec<(Job, Result<Appended>)>) {
    for (job, result) in answers {
        drop(job.room);
        // Whoever asked may be gone; what was written stays written.
        let _ = job.reply.send(result);
    }
}
