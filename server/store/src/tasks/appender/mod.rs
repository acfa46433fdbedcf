//! The appender: one task that writes all appends of this server to the log.
//!
//! 1. Appends that wait together are evaluated together and written in one commit with one sync.
//! 2. Every commit checks that the head is the one at which the group was evaluated. Data read at that head is still
//!    valid then, so no other check is needed, on any engine.
//! 3. No reply is sent until the commit it depends on succeeds or, if a group writes nothing, until the head has been
//!    read again.
//! 4. A commit of unknown outcome is settled by a read: the frame at the first position has the batch's id or it does
//!    not. If the commit is applied later after all, its check fails, or retries are recognised by their ids.
//! 5. Order is kept: a deferred append is evaluated before later ones.
//! 6. Storage is not read while a group is evaluated: data that an append needs from storage is read before
//!    (`prefetch`), and later events of the log are in memory.

mod builder;
mod changes;
mod commit;
mod condition;
pub(crate) mod decide;
mod earlier;
mod fact;
mod facts;
mod forwarding;
mod group;
mod overlay;
mod prefetch;
mod queue;
mod sabotage;
pub(crate) mod stream_change;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::Instant,
};
use tracing::{error, warn};

use crate::{
    format::frame::Frame,
    model::{
        append::{Append, Appended},
        error::{Error, Result},
        forwarding::Forwarding,
    },
    shared::Shared,
    tasks::{batches::Batches, on_own_thread},
    values::signal::Watcher,
};
pub(crate) use fact::{Fact, Prefetched};
use facts::Candidate;
use group::Judged;
pub(crate) use prefetch::{is_needed, needs_search, prefetch, prefetch_keys};
use stream_change::Change;

/// A waiting append, and the channel for its result.
#[derive(Debug)]
pub(crate) struct Job {
    /// Boxed, because a job is moved from queue to queue.
    pub append: Box<Append>,
    pub reply: oneshot::Sender<Result<Appended>>,
    /// The append's share of the bytes that may wait.
    pub room: OwnedSemaphorePermit,
    pub origin: Origin,
    /// Data that was read for the append beforehand, if any was needed.
    pub prefetched: Option<Box<Prefetched>>,
    /// The stream change that the append makes, if any. It is derived again from the stream's state at evaluation.
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

/// Origin of an append, and whether it may still be written elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A client of this server.
    Client,
    /// A client of another server, which forwarded the append.
    Server,
    /// A client of this server. The append was forwarded, and its outcome is unknown.
    InDoubt,
}

/// How long a group is retried while the engine does not respond, before its appends are refused.
const PATIENCE: Duration = Duration::from_secs(5);
/// Minimum number of replies that are sent by a task of their own.
const ANSWERED_APART_MIN: usize = 4;
const BACKOFF_FIRST: Duration = Duration::from_millis(5);
const BACKOFF_MAX: Duration = Duration::from_millis(500);

pub(crate) struct Appender {
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Job>,
    waiting: VecDeque<Job>,
    batches: Batches,
    /// Recent number of appends in flight at a time.
    in_flight: usize,
    closing: Watcher<bool>,
    forwarding: Forwarding,
}

impl Appender {
    pub(crate) fn new(shared: Arc<Shared>, queue: mpsc::Receiver<Job>) -> Self {
        let batches = Batches::seeded(shared.environment.seed);
        let closing = shared.closing.watch();
        Self {
            shared,
            queue,
            waiting: VecDeque::new(),
            batches,
            in_flight: 0,
            closing,
            forwarding: Forwarding::default(),
        }
    }

    /// Writes appends, until the queue is closed and empty, or the storage fails.
    ///
    /// On a thread of its own, it may wait for a batch to form, and continues while workers send the replies.
    pub(crate) async fn run(self) {
        let own_thread = self.shared.settings.multi_threaded;
        on_own_thread(own_thread, self.write_groups()).await;
    }

    async fn write_groups(mut self) {
        while self.receive().await {
            self.wait_for_more();
            self.wait_for_indexer().await;
            let mut jobs = self.take_group();
            let group = jobs.len();
            match self.write(&mut jobs).await {
                Ok(()) => self.note_in_flight(group),
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
                return;
            }
        }
    }

    /// Evaluates and writes a group, repeatedly until it is settled, and replies to it. On an error, the appends
    /// without a reply are left in `jobs`.
    async fn write(&mut self, jobs: &mut VecDeque<Job>) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut backoff = BACKOFF_FIRST;
        loop {
            self.forward(jobs).await;
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
            let result = verdict.map_err(|rejection| forwarding::rejected(job.origin, rejection));
            (job, result)
        });
        self.answer(answers.collect());
        // Deferred appends go first in the next group.
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

    /// Sends replies. On a thread of its own, the appender leaves that to a worker of the runtime, which wakes the
    /// waiting tasks at less cost than a thread outside of it, and continues with the next group.
    fn answer(&self, answers: Vec<(Job, Result<Appended>)>) {
        let count = i64::try_from(answers.len()).unwrap_or(i64::MAX);
        self.shared.metrics.waiting_appends.dec_by(count);
        if self.shared.settings.multi_threaded && answers.len() >= ANSWERED_APART_MIN {
            tokio::spawn(async move { send(answers) });
        } else {
            send(answers);
        }
    }
}

fn send(answers: Vec<(Job, Result<Appended>)>) {
    for (job, result) in answers {
        drop(job.room);
        // The caller may have disconnected; its append stays written.
        let _ = job.reply.send(result);
    }
}
