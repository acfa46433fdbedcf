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

mod builder;
mod condition;
mod facts;
mod group;
mod handing;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use annals_engine::{self as engine, Commit};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::Instant,
};
use tracing::{error, warn};

use crate::{
    append::{Append, Appended},
    error::{Error, Result},
    follow,
    frame::Frame,
    handover::Handing,
    head::Head,
    keys, log,
    shared::Shared,
    signal::Watcher,
};
pub(crate) use facts::Fact;
use group::{Group, Judged};

/// An append that waits, and who waits for it.
#[derive(Debug)]
pub(crate) struct Job {
    pub append: Append,
    pub reply: oneshot::Sender<Result<Appended>>,
    /// Its share of the bytes that may wait.
    pub room: OwnedSemaphorePermit,
    pub origin: Origin,
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
/// How long a group waits for company at the most: about as long as a sync takes.
const COMPANY_WAIT: Duration = Duration::from_micros(200);
/// How long a group that is handed over waits for nearly all of them: the next one can't go before it is answered.
const HANDOVER_WAIT: Duration = Duration::from_millis(2);
/// So many appends on their way at a time are worth waiting for half of them.
const COMPANY_MIN: usize = 4;
/// So many in a group are enough.
const COMPANY_MAX: usize = 64;
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
            closing,
            handing: Handing::default(),
        }
    }

    pub(crate) fn has_thread(&self) -> bool {
        self.shared.settings.appender_thread
    }

    /// Writes what comes, until the queue is closed and empty, or the storage fails.
    pub(crate) async fn run(mut self) {
        while self.receive().await {
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
                return;
            }
        }
    }

    /// Waits until there is something to do; false when there never will be.
    async fn receive(&mut self) -> bool {
        let room = self.shared.settings.group_appends_max;
        let mut received = Vec::new();
        if self.waiting.is_empty() {
            tokio::select! {
                biased;
                // What is in the queue is still answered; nothing more gets in.
                _ = self.closing.until(|closing| *closing), if !self.queue.is_closed() => self.queue.close(),
                _ = self.queue.recv_many(&mut received, room) => {}
            }
            if received.is_empty() {
                self.queue.recv_many(&mut received, room).await;
            }
        }
        self.waiting.extend(received);
        self.take_queued();
        !self.waiting.is_empty()
    }

    fn take_queued(&mut self) {
        let room = self.shared.settings.group_appends_max;
        while self.waiting.len() < room
            && let Ok(job) = self.queue.try_recv()
        {
            self.waiting.push_back(job);
        }
    }

    /// Gives those a moment who were just answered and are about to ask again: a commit costs much the same for one
    /// append as for many. Only with a thread of its own, which may sleep, and never when nobody else is about.
    fn wait_for_company(&mut self) {
        if !self.has_thread() || self.company < COMPANY_MIN {
            return;
        }
        let own = &self.shared.environment.writer;
        let (wanted, wait, step) = if self.handing.target(own).is_some() {
            (self.company * 15 / 16, HANDOVER_WAIT, HANDOVER_WAIT / 8)
        } else {
            (
                (self.company / 2).min(COMPANY_MAX),
                COMPANY_WAIT,
                COMPANY_WAIT / 4,
            )
        };
        let started = Instant::now();
        while self.waiting.len() < wanted && started.elapsed() < wait {
            std::thread::sleep(step);
            self.take_queued();
        }
    }

    /// Notes how many appends are on their way at a time: those that were just answered and those that wait. Forgets
    /// slowly.
    fn note_company(&mut self, answered: usize) {
        let now = answered + self.waiting.len() + self.queue.len();
        self.company = now.max(self.company - self.company.div_ceil(8));
    }

    /// The tail is bounded: if the indexer lags, appends wait. Not while the store closes, because the indexer has stopped
    /// then; what is left in the queue is bounded too.
    async fn wait_for_indexer(&mut self) {
        let mut indexed = self.shared.tail.watch_indexed();
        let mut failed = self.shared.failed.watch();
        while self.shared.tail.waiting_windows() > self.shared.settings.waiting_windows_max
            && failed.get().is_none()
        {
            tokio::select! {
                biased;
                _ = self.closing.until(|closing| *closing) => return,
                () = failed.changed() => {}
                () = indexed.changed() => {}
            }
        }
    }

    fn take_group(&mut self) -> VecDeque<Job> {
        let settings = &self.shared.settings;
        let mut bytes = 0;
        let mut count = 0;
        for job in self.waiting.iter().take(settings.group_appends_max) {
            bytes += job.append.bytes;
            if count > 0 && bytes > settings.group_bytes_max {
                break;
            }
            count += 1;
        }
        let rest = self.waiting.split_off(count);
        std::mem::replace(&mut self.waiting, rest)
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

    /// One try; false if the log went on meanwhile.
    async fn try_write(&mut self, jobs: &mut VecDeque<Job>) -> Result<bool> {
        let shared = Arc::clone(&self.shared);
        // Held through the commit: whoever follows the log meanwhile would read from the engine what is added here.
        let following = shared.following.lock().await;
        let head = shared.tail.head();
        let batch = self.batches.next();
        let appends: Vec<&Append> = jobs.iter().map(|job| &job.append).collect();
        let mut facts = facts::gather(&shared, head.position, &appends).await?;
        shared.environment.sabotage.forget_ids(&mut facts);
        let checked = appends.iter().any(|append| !append.checks.is_empty());
        let group = Group::new(&head, shared.environment.clock.now(), batch, checked);
        let judged = group
            .judge(&shared, appends.into_iter().zip(facts), batch)
            .await?;
        let settled = if judged.frames.is_empty() {
            self.still_at(&head).await?
        } else {
            self.shared
                .environment
                .sabotage
                .reply_early(jobs, &judged.verdicts);
            self.commit(&head, &judged).await?
        };
        drop(following);
        if settled {
            self.answer_all(jobs, judged);
        }
        Ok(settled)
    }

    /// Whether the log is still at `head`; otherwise the tail is brought up to date.
    async fn still_at(&self, head: &Head) -> Result<bool> {
        if !self.shared.settings.shared_engine {
            return Ok(true);
        }
        Ok(follow::refresh_locked(&self.shared).await? == *head)
    }

    /// Writes what was judged. False if another writer was first; the tail is up to date then.
    async fn commit(&mut self, head: &Head, judged: &Judged) -> Result<bool> {
        let mut commit = Commit::durable();
        if !self.shared.environment.sabotage.skips_head_check() {
            commit = commit.check(keys::head(), head.to_value());
        }
        for (key, value) in judged.frames.iter().flat_map(Frame::to_values) {
            commit = commit.set(key, value);
        }
        if let Some(value) = judged.head.to_value() {
            commit = commit.set(keys::head(), value);
        }
        let started = Instant::now();
        let result = self.shared.engine.commit(commit).await;
        self.shared
            .metrics
            .commit_seconds
            .observe(started.elapsed().as_secs_f64());
        match result {
            Ok(()) => {
                self.shared
                    .tail
                    .extend(judged.frames.clone(), judged.head.clone())?;
                Ok(true)
            }
            Err(engine::Error::Conflict) => {
                self.shared.metrics.conflicts.inc();
                self.handing.lost();
                follow::refresh_locked(&self.shared).await?;
                Ok(false)
            }
            Err(engine::Error::MaybeCommitted(reason)) => {
                warn!(reason, "the outcome of a commit is unknown; looking");
                self.settle(judged).await
            }
            Err(engine::Error::TooOld) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a commit of unknown outcome was applied.
    async fn settle(&self, judged: &Judged) -> Result<bool> {
        let Some(first) = judged.frames.first() else {
            return Ok(false);
        };
        // Not through the tail: it may have begun anew behind the position that matters.
        let found = log::holding(&*self.shared.engine, &[first.first]).await?;
        follow::refresh_locked(&self.shared).await?;
        Ok(found.first().is_some_and(|frame| frame.batch == first.batch))
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
        if self.has_thread() && answers.len() >= ANSWERED_APART_MIN {
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

/// Numbers for commits that no other commit has, by SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
/// Generators, 2014), which visits every 64-bit number once.
#[derive(Debug)]
struct Batches {
    state: u64,
}

impl Batches {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
