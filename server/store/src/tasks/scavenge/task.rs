//! Runs scavenges.

use std::{sync::Arc, time::Duration};

use annals_engine::{BoxFuture, Commit, Error as EngineError, Mutation};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{
    control::{note, read, start_if_due},
    progress::{Progress, ScavengeState},
    receipts,
    step::{self, Step},
    work::{self, Work},
};
use crate::{
    format::keys,
    model::error::Result,
    read::{clock, follow::fresh_head},
    shared::Shared,
    tasks::snapshot::remove_dead,
    values::position::{Position, Revision},
};

/// Pause between two steps: appends come first.
const PAUSE: Duration = Duration::from_millis(10);
/// Pause after an error.
const RETRY: Duration = Duration::from_secs(5);
/// How often it checks whether a scavenge is due, or whether the server that works on one has failed.
const LOOK: Duration = Duration::from_secs(5);
/// Time without progress after which another server is assumed to have failed.
const PATIENCE: Duration = Duration::from_secs(15);
/// Maximum number of streams whose snapshots are processed concurrently.
const REMOVALS_MAX: usize = 64;
/// Bytes in a commit that cuts the lists of streams.
const CUT_BYTES_MAX: usize = 512 << 10;

/// Works on the running scavenge whenever it is this server's turn, and starts one when it is due, until the store
/// closes.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut closing = shared.closing.watch();
    let mut started = shared.scavenge.watch();
    let mut others = Others::default();
    loop {
        let wait = match turn(&shared, &mut others).await {
            Ok(()) => LOOK,
            Err(error) => {
                warn!(%error, "cannot scavenge; trying again");
                note(&shared, &error).await;
                RETRY
            }
        };
        tokio::select! {
            biased;
            _ = closing.until(|closing| *closing) => return,
            () = started.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Observations of another server that works on the scavenge.
#[derive(Default)]
struct Others {
    seen: Option<(Bytes, Instant)>,
}

impl Others {
    /// Whether the progress has not changed for long.
    fn are_gone(&mut self, value: &Bytes) -> bool {
        match &self.seen {
            Some((seen, since)) if seen == value => since.elapsed() >= PATIENCE,
            _ => {
                self.seen = Some((value.clone(), Instant::now()));
                false
            }
        }
    }
}

/// Checks the progress once, and works for as long as it is this server's turn.
async fn turn(shared: &Shared, others: &mut Others) -> Result<()> {
    if shared.is_moving() {
        // The settings of streams may arrive later than their events.
        return Ok(());
    }
    let (value, progress) = read(shared).await?;
    let Some(progress) = progress.filter(Progress::is_running) else {
        return start_if_due(shared).await;
    };
    let value = value.unwrap_or_default();
    let is_own = !shared.settings.shared_engine || progress.worker == shared.environment.writer;
    if !is_own && !others.are_gone(&value) {
        return Ok(());
    }
    Worker {
        shared,
        value,
        progress,
    }
    .work()
    .await
}

/// Waits until the current events are indexed on disk, because only those are scavenged. Returns the position up to
/// which they are; `None` if the store closes.
async fn index_recent(shared: &Shared) -> Result<Option<Position>> {
    if shared.tail.lifecycles().is_empty() {
        return Ok(Some(shared.tail.indexed()));
    }
    fresh_head(shared).await?;
    let last = shared.tail.seal();
    let mut indexed = shared.tail.watch_indexed();
    let mut closing = shared.closing.watch();
    tokio::select! {
        biased;
        _ = closing.until(|closing| *closing) => Ok(None),
        indexed = indexed.until(|indexed| *indexed >= last) => Ok(Some(indexed)),
    }
}

/// This server at work, with the progress that it last read or wrote.
struct Worker<'a> {
    shared: &'a Shared,
    value: Bytes,
    progress: Progress,
}

impl Worker<'_> {
    /// Works to the end, or until another server or a client writes the progress, or the store closes.
    async fn work(mut self) -> Result<()> {
        self.progress.worker.clone_from(&self.shared.environment.writer);
        self.progress.scavenge.problem.clear();
        let Some(indexed) = index_recent(self.shared).await? else {
            return Ok(());
        };
        if self.progress.done.is_none() {
            self.progress.scavenge.through = indexed;
        }
        while let Some(work) = work::gather(self.shared, self.progress.done.as_deref()).await? {
            if !self.round(&work).await? {
                return Ok(());
            }
        }
        loop {
            let expired = receipts::expired(self.shared).await?;
            if expired.is_empty() {
                break;
            }
            if !self.commit(self.progress.clone(), expired).await? {
                return Ok(());
            }
        }
        let now = self.shared.environment.clock.now();
        let ended = self.progress.clone().ended(ScavengeState::Finished, now);
        if self.commit(ended, Vec::new()).await? {
            let scavenge = &self.progress.scavenge;
            info!(
                streams = scavenge.streams_done,
                events = scavenge.events_removed,
                bytes = scavenge.bytes_removed,
                "scavenged"
            );
        }
        Ok(())
    }

    /// Does the work of a round. Returns false if it is no longer this server's turn.
    async fn round(&mut self, work: &Work) -> Result<bool> {
        let mut behind = Position::START;
        while let Some(step) = step::next(self.shared, work, behind).await? {
            if !self.is_still_right(work).await? {
                // The rest of the round is looked up again.
                return Ok(true);
            }
            behind = step.through;
            if !self.remove(step).await? {
                return Ok(false);
            }
        }
        self.remove_snapshots(work).await?;
        let mut mutations = Vec::new();
        let mut progress = self.progress.clone();
        let mut bytes = 0;
        for cut in &work.streams {
            for list in &cut.lists {
                mutations.extend(list.cut()?);
                bytes += list
                    .entries
                    .iter()
                    .map(|entry| entry.key.len() + entry.value.len())
                    .sum::<usize>();
            }
            if cut.forgotten {
                mutations.push(Mutation::Clear(keys::name(cut.stream.as_str())));
            }
            if !cut.partial {
                progress.scavenge.streams_done += 1;
                // Streams of prefixes are counted as they are found.
                progress.scavenge.streams_total = progress
                    .scavenge
                    .streams_total
                    .max(progress.scavenge.streams_done);
                progress.done = Some(cut.stream.as_str().to_owned());
            }
            if bytes >= CUT_BYTES_MAX {
                bytes = 0;
                if !self
                    .commit(progress.clone(), std::mem::take(&mut mutations))
                    .await?
                {
                    return Ok(false);
                }
                progress = self.progress.clone();
            }
        }
        self.commit(progress, mutations).await
    }

    /// Whether the events that were found removed still are, apart from those that stay removed in any case: the
    /// clock was not set back, and no prefix's retention was changed. The count of a prefix can be raised, which
    /// makes events visible again.
    async fn is_still_right(&self, work: &Work) -> Result<bool> {
        if clock::contradicts(self.shared, work.judged_at) {
            return Ok(false);
        }
        let lifecycles = self.shared.tail.lifecycles();
        if lifecycles.has_prefixes() {
            fresh_head(self.shared).await?;
        }
        Ok(lifecycles.prefix_changes() == work.prefix_changes)
    }

    /// Removes the snapshots of deleted streams, in commits of their own, because nothing else depends on them.
    async fn remove_snapshots(&self, work: &Work) -> Result<()> {
        let lifecycles = self.shared.tail.lifecycles();
        let ended = work.streams.iter().filter(|cut| {
            let lifecycle = lifecycles.of(cut.stream.as_str());
            lifecycle.tombstoned || lifecycle.deleted_before > Revision::FIRST
        });
        let removals: Vec<BoxFuture<'_, Result<usize>>> = ended
            .map(|cut| remove_dead(self.shared, &cut.stream).boxed())
            .collect();
        let mut removals = stream::iter(removals).buffer_unordered(REMOVALS_MAX);
        while removals.try_next().await?.is_some() {}
        Ok(())
    }

    async fn remove(&mut self, step: Step) -> Result<bool> {
        if step.mutations.is_empty() {
            return Ok(!self.shared.closing.get());
        }
        let mut progress = self.progress.clone();
        progress.scavenge.events_removed += step.events;
        progress.scavenge.bytes_removed += step.bytes;
        progress.scavenge.ids_kept += step.ids_kept;
        let metrics = &self.shared.metrics;
        if !self.commit(progress, step.mutations).await? {
            return Ok(false);
        }
        metrics.scavenged_events.inc_by(step.events);
        metrics.scavenged_bytes.inc_by(step.bytes);
        Ok(true)
    }

    /// Commits a part of the work with the resulting progress, and pauses. Returns false if it is no longer this
    /// server's turn.
    async fn commit(&mut self, mut progress: Progress, mutations: Vec<Mutation>) -> Result<bool> {
        progress.steps = self.progress.steps + 1;
        let value = progress.to_value();
        let mut commit = Commit::relaxed().check(keys::scavenge(), Some(self.value.clone()));
        commit.mutations = mutations;
        let commit = commit.set(keys::scavenge(), value.clone());
        match self.shared.engine.commit(commit).await {
            Ok(()) => {}
            Err(EngineError::Conflict) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        (self.value, self.progress) = (value, progress);
        let mut closing = self.shared.closing.watch();
        tokio::select! {
            biased;
            _ = closing.until(|closing| *closing) => Ok(false),
            () = tokio::time::sleep(PAUSE) => Ok(true),
        }
    }
}
