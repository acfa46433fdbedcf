//! An attempt to write a group: facts are looked up, the group is evaluated, and its events are committed.

use std::{collections::VecDeque, sync::Arc};

use annals_engine::{self as engine, Commit};
use tokio::time::Instant;
use tracing::warn;

use super::{
    Appender, Change, Job,
    fact::Fact,
    facts::{self, Candidate},
    group::{Group, Judged},
};
use crate::{
    format::{frame::Frame, keys},
    model::{
        append::{Append, Searched},
        error::Result,
        head::Head,
        log,
    },
    read::follow,
    state::evaluation::Evaluation,
    tasks::appender::stream_change::make_again,
};

impl Appender {
    /// Makes one attempt. Returns false if the log has advanced meanwhile.
    pub(super) async fn try_write(&mut self, jobs: &mut VecDeque<Job>) -> Result<bool> {
        let shared = Arc::clone(&self.shared);
        // Held through the commit: a task that follows the log meanwhile would read from the engine what is added
        // here.
        let following = shared.following.lock().await;
        let has_state = jobs.iter().any(|job| job.append.state.is_some());
        let turn = if has_state {
            Some(shared.state_turn.lock().await)
        } else {
            None
        };
        for job in jobs.iter_mut() {
            if let Some(change) = &job.change {
                make_again(&shared, change, &mut job.append).await?;
            }
        }
        let head = shared.tail.head();
        let prefix_changes = shared.tail.lifecycles().prefix_changes();
        let batch = self.batches.next();
        let appends: Vec<&Append> = jobs.iter().map(|job| &*job.append).collect();
        let changes: Vec<Option<&Change>> = jobs.iter().map(|job| job.change.as_deref()).collect();
        let candidates: Vec<Candidate<'_>> = jobs.iter().map(Job::candidate).collect();
        let mut facts = facts::gather(&shared, head.position, &candidates).await?;
        let unmatched: Vec<bool> = facts.iter().map(Fact::has_no_match).collect();
        shared.environment.sabotage.forget_ids(&mut facts);
        shared.environment.sabotage.forget_evidence(&mut facts);
        let checked = appends.iter().any(|append| !append.checks.is_empty());
        let now = shared.environment.clock.now();
        let mut state = Evaluation::default();
        if has_state {
            let writes = appends.iter().filter_map(|append| append.state.as_deref());
            let snapshot = shared.engine.snapshot().await?;
            // State is newer than the head if an earlier commit of unknown outcome was applied late, or if another
            // server has written. Its own changes could then refuse an append.
            if follow::read_ends(&*snapshot).await?.0 != head {
                drop(snapshot);
                follow::refresh_locked(&shared).await?;
                return Ok(false);
            }
            state = Evaluation::read(&*snapshot, writes, now).await?;
            shared.environment.sabotage.forget_receipts(&mut state);
        }
        let group = Group::new(&head, now, batch, appends.len(), checked);
        let judged = group
            .judge(
                &shared,
                appends.into_iter().zip(changes).zip(facts),
                batch,
                &mut state,
            )
            .await?;
        let settled = if judged.frames.is_empty() {
            self.still_at(&head).await?
        } else {
            self.shared
                .environment
                .sabotage
                .reply_early(jobs, &judged.verdicts);
            self.commit(&head, jobs, &judged, &state).await?
        };
        drop((turn, following));
        if settled {
            self.answer_all(jobs, judged);
        } else if checked {
            // The next attempt searches only newer events. Otherwise the searches would get longer, and each would be
            // too late.
            let searched = Searched {
                to: head.position,
                prefix_changes: Some(prefix_changes),
            };
            for (job, _) in jobs.iter_mut().zip(unmatched).filter(|(_, unmatched)| *unmatched) {
                job.append.searched = job.append.searched.max(searched);
            }
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

    /// Writes an evaluated group. Returns false if another writer was first; the tail is up to date then.
    async fn commit(
        &mut self,
        head: &Head,
        jobs: &VecDeque<Job>,
        judged: &Judged,
        state: &Evaluation,
    ) -> Result<bool> {
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
        let sabotage = self.shared.environment.sabotage;
        if state.makes_changes() && !sabotage.drops_state() {
            sabotage.add_state(state, &mut commit, judged.head.batch);
        }
        let started = Instant::now();
        let result = self.shared.engine.commit(commit).await;
        self.shared
            .metrics
            .commit_seconds
            .observe(started.elapsed().as_secs_f64());
        match result {
            Ok(()) => {
                let appends = jobs.iter().map(|job| &*job.append);
                self.shared.scopes.changed(state.changed_scopes());
                self.shared.tail.extend_with(
                    judged.frames.clone(),
                    judged.written(appends),
                    judged.head.clone(),
                )?;
                Ok(true)
            }
            Err(engine::Error::Conflict) => {
                self.shared.metrics.conflicts.inc();
                // If the head is the same, a scope of state has changed.
                if follow::refresh_locked(&self.shared).await? != *head {
                    self.forwarding.lost();
                }
                Ok(false)
            }
            Err(engine::Error::MaybeCommitted(reason)) => {
                warn!(
                    reason,
                    "the outcome of a commit is unknown; checking whether it was applied"
                );
                let is_applied = self.settle(judged).await?;
                if is_applied {
                    self.shared.scopes.changed(state.changed_scopes());
                }
                Ok(is_applied)
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
        // Not read through the tail: it may have been restarted after the position that matters.
        let found = log::holding(&*self.shared.engine, &[first.first]).await?;
        follow::refresh_locked(&self.shared).await?;
        Ok(found.first().is_some_and(|frame| frame.batch == first.batch))
    }
}
