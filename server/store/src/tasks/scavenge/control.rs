//! Starts and stops scavenges and reports their progress, by reading and changing the stored progress.

use std::time::Duration;

use annals_engine::{Commit, Error as EngineError};
use bytes::Bytes;
use tracing::{debug, info};

use super::progress::{Progress, Scavenge, ScavengeState};
use crate::{
    format::keys,
    model::error::{Error, Result},
    read::clock::CLOCK_SKEW_MAX,
    shared::Shared,
    values::position::Timestamp,
};

/// Returns the scavenge that is running, stopped or ran last.
pub(crate) async fn progress(shared: &Shared) -> Result<Option<Scavenge>> {
    Ok(read(shared).await?.1.and_then(told))
}

fn told(progress: Progress) -> Option<Scavenge> {
    progress.began.then_some(progress.scavenge)
}

/// Starts a scavenge, or continues a stopped one.
pub(crate) async fn start(shared: &Shared) -> Result<Scavenge> {
    let started = change(shared, |progress| {
        let now = shared.environment.clock.now();
        match progress {
            Some(running) if running.is_running() => None,
            Some(stopped) if stopped.scavenge.state == ScavengeState::Stopped => {
                let mut progress = stopped.clone();
                progress.scavenge.state = ScavengeState::Running;
                progress.scavenge.ended_at = None;
                progress.worker = shared.environment.writer.clone();
                progress.steps += 1;
                Some(progress)
            }
            _ => Some(begin(shared, now)),
        }
    });
    let started = started
        .await?
        .ok_or_else(|| Error::Internal("a scavenge was started and has no progress".to_owned()))?;
    shared.scavenge.set_if(|count| Some(count + 1));
    Ok(started)
}

fn begin(shared: &Shared, now: Timestamp) -> Progress {
    let mut progress = Progress::begin(now, shared.tail.lifecycles().len());
    progress.worker = shared.environment.writer.clone();
    progress
}

/// Stops the running scavenge, if any, and returns the scavenge that is stopped or ran last.
pub(crate) async fn stop(shared: &Shared) -> Result<Option<Scavenge>> {
    let now = shared.environment.clock.now();
    change(shared, |progress| {
        let running = progress.filter(|progress| progress.is_running())?;
        Some(running.clone().ended(ScavengeState::Stopped, now))
    })
    .await
}

/// Writes the progress that `change` returns, if any. Retries while others write.
async fn change(
    shared: &Shared,
    change: impl Fn(Option<&Progress>) -> Option<Progress>,
) -> Result<Option<Scavenge>> {
    loop {
        let (value, progress) = read(shared).await?;
        let Some(changed) = change(progress.as_ref()) else {
            return Ok(progress.and_then(told));
        };
        let commit = Commit::durable()
            .check(keys::scavenge(), value)
            .set(keys::scavenge(), changed.to_value());
        match shared.engine.commit(commit).await {
            Ok(()) => return Ok(told(changed)),
            // The stored progress decides: read it again.
            Err(EngineError::Conflict | EngineError::MaybeCommitted(_) | EngineError::TooOld) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

pub(super) async fn read(shared: &Shared) -> Result<(Option<Bytes>, Option<Progress>)> {
    let value = shared.engine.snapshot().await?.get(keys::scavenge()).await?;
    let progress = value.as_deref().map(Progress::from_value).transpose()?;
    Ok((value, progress))
}

/// Starts a scavenge if a stream has settings and the last scavenge ended long enough ago or, if there was none, the
/// schedule has counted long enough.
pub(super) async fn start_if_due(shared: &Shared) -> Result<()> {
    let Some(every) = shared.settings.scavenge_every else {
        return Ok(());
    };
    if shared.tail.lifecycles().is_empty() {
        return Ok(());
    }
    let now = shared.environment.clock.now();
    let is_due = |progress: &Progress| {
        let ended = progress.scavenge.ended_at.unwrap_or_default();
        let since =
            |from: Timestamp, to: Timestamp| Duration::from_micros(to.micros.saturating_sub(from.micros));
        // A scavenge that ended while a clock was ahead must not delay the next one until the clock has reached that
        // time.
        let is_over = since(ended, now) >= every || since(now, ended) > CLOCK_SKEW_MAX;
        progress.scavenge.state == ScavengeState::Finished && is_over
    };
    change(shared, |progress| match progress {
        None => Some(Progress::none(now)),
        Some(progress) => is_due(progress).then(|| begin(shared, now)),
    })
    .await?;
    let (_, progress) = read(shared).await?;
    if progress.is_some_and(|progress| progress.is_running()) {
        info!("a scavenge was started by the schedule");
        shared.scavenge.set_if(|count| Some(count + 1));
    }
    Ok(())
}

/// Records a problem in the progress, where clients can read it. If that fails too, the next turn records it.
pub(super) async fn note(shared: &Shared, error: &Error) {
    let noted = change(shared, |progress| {
        let mut progress = progress?.clone();
        progress.steps += 1;
        progress.scavenge.problem = error.to_string();
        progress.is_running().then_some(progress)
    });
    if let Err(error) = noted.await {
        debug!(%error, "cannot record the problem of a scavenge");
    }
}
