//! Follows the log: brings the tail up to the head that the engine holds.
//!
//! Used when the store opens, when a commit has lost a race, before reads if other servers write to the same engine,
//! and in that case also by a task that watches the head. Only one runs at a time, and never while the appender
//! commits, so that frames which the appender is about to add itself are not read from the engine.

#[cfg(test)]
mod tests;

use std::time::Duration;

use annals_engine::{Direction, Read, Snapshot};
use tracing::{debug, warn};

use crate::{
    format::keys,
    index, lifecycle,
    model::{
        error::{Error, Result},
        head::Head,
        log,
    },
    shared::Shared,
    values::position::Position,
};

/// Bytes of frames that are read at a time.
const PAGE_BYTES: usize = 4 << 20;
/// Maximum time that the follower waits for a hint before it checks the head without one.
const POLL: Duration = Duration::from_secs(1);
/// Pause of the follower between two checks of the head while there are subscriptions on this server. Each check
/// costs the cluster about six small requests.
const REST: Duration = Duration::from_millis(4);
/// Pause without subscriptions. Reads check the head themselves, and an append learns of a new head at its commit.
const REST_UNSEEN: Duration = Duration::from_millis(50);
/// Pause after an error.
const RETRY: Duration = Duration::from_millis(200);

/// Returns the head that a read which begins now must see.
pub(crate) async fn fresh_head(shared: &Shared) -> Result<Position> {
    if let Some(error) = shared.failure() {
        return Err(error);
    }
    if shared.settings.shared_engine {
        return Ok(refresh(shared).await?.position);
    }
    Ok(shared.tail.head_position())
}

/// Brings the tail up to the head that the engine holds now, and returns that head.
pub(crate) async fn refresh(shared: &Shared) -> Result<Head> {
    let _only = shared.following.lock().await;
    refresh_locked(shared).await
}

/// Like [`refresh`], for a caller that holds `following`.
pub(crate) async fn refresh_locked(shared: &Shared) -> Result<Head> {
    loop {
        if let Some(head) = try_refresh(shared).await? {
            return Ok(head);
        }
    }
}

/// Tries once; `None` if frames were scavenged while they were read.
async fn try_refresh(shared: &Shared) -> Result<Option<Head>> {
    let snapshot = shared.engine.snapshot().await?;
    let (head, indexed) = read_ends(&*snapshot).await?;
    check_head(&shared.tail.head(), &head)?;
    if indexed > shared.tail.head_position() || shared.tail.is_cut_by(indexed) {
        // Other servers wrote more than the windows hold, or moved a log here: restart after the position they
        // indexed.
        debug!(from = %shared.tail.head_position(), to = %indexed, "skipping to the indexed position");
        restart(shared, &*snapshot, &head, indexed).await?;
    }
    shared.tail.set_indexed(indexed);
    drop(snapshot);
    while shared.tail.head_position() < head.position {
        let from = shared.tail.head_position().next();
        let mut frames = log::page(&*shared.engine, from, Direction::Forwards, PAGE_BYTES).await?;
        if let Some(frame) = frames.iter().find(|frame| frame.is_scavenged()) {
            // Only indexed frames are scavenged: restart after the indexed position.
            return scavenged_behind(shared, frame.last).await;
        }
        frames.retain(|frame| frame.last <= head.position);
        let Some(reached) = frames.last().map(|frame| frame.last) else {
            return Err(Error::Corrupt(format!(
                "the log ends before position {from}, but its head is {}",
                head.position
            )));
        };
        shared.tail.extend(frames, head_at(reached, &head))?;
    }
    Ok(Some(head))
}

/// Returns an error unless the indexes on disk are complete up to a position.
async fn scavenged_behind(shared: &Shared, position: Position) -> Result<Option<Head>> {
    let snapshot = shared.engine.snapshot().await?;
    let (_, indexed) = read_ends(&*snapshot).await?;
    if indexed < position {
        return Err(Error::Corrupt(format!(
            "events before position {position} are removed, but the indexes are complete only up to {indexed}"
        )));
    }
    Ok(None)
}

/// Checks that a head can follow the last known one.
fn check_head(known: &Head, now: &Head) -> Result<()> {
    if now.position > known.position || now == known {
        return Ok(());
    }
    Err(Error::Corrupt(format!(
        "the head of the log was at position {} and is now a different one, at {}; was the storage replaced by an \
         older copy?",
        known.position, now.position
    )))
}

/// Restarts the tail after the indexed position.
pub(crate) async fn restart(
    shared: &Shared,
    snapshot: &dyn Snapshot,
    head: &Head,
    indexed: Position,
) -> Result<()> {
    let minute = index::last_minute(snapshot, indexed).await?;
    let marked = lifecycle::load(snapshot).await?;
    shared.tail.restart(head_at(indexed, head), minute, marked);
    Ok(())
}

/// Returns the head as known at a position: complete if it is at that position, otherwise only the position. The time
/// is always that of the log's last event, so that expiry takes it into account while the tail is brought up to
/// date.
fn head_at(position: Position, head: &Head) -> Head {
    if position == head.position {
        head.clone()
    } else {
        Head {
            position,
            recorded_at: head.recorded_at,
            ..Head::default()
        }
    }
}

pub(crate) async fn read_ends(snapshot: &dyn Snapshot) -> Result<(Head, Position)> {
    let mut pages = snapshot
        .read(vec![Read::Get(keys::head()), Read::Get(keys::indexed())])
        .await?
        .into_iter();
    let head = pages.next().and_then(annals_engine::Page::into_value);
    let indexed = pages.next().and_then(annals_engine::Page::into_value);
    Ok((
        Head::from_value(head.as_deref())?,
        index::parse_indexed(indexed.as_deref())?,
    ))
}

/// Follows the commits of other servers, until the store closes.
pub(crate) async fn run(shared: std::sync::Arc<Shared>) {
    let mut closing = shared.closing.watch();
    loop {
        let rest = if shared.subscriptions.is_empty() {
            REST_UNSEEN
        } else {
            REST
        };
        tokio::select! {
            biased;
            _ = closing.until(|closing| *closing) => return,
            () = tokio::time::sleep(rest) => {}
        }
        let known = shared.tail.head();
        let hint = shared.engine.watch(keys::head(), known.to_value());
        tokio::select! {
            biased;
            _ = closing.until(|closing| *closing) => return,
            _ = tokio::time::timeout(POLL, hint) => {}
        }
        if shared.tail.head() != known {
            // This server has advanced the head itself. A check would make the appender wait after each of its
            // commits.
            continue;
        }
        if let Err(error) = refresh(&shared).await {
            if error.is_fatal() {
                shared.fail(error);
                return;
            }
            warn!(%error, "cannot follow the log; trying again");
            tokio::time::sleep(RETRY).await;
        }
    }
}
