//! Writes the parts of an import, and brings the indexes up to date.

use std::sync::Arc;

use annals_engine::{Commit, Error as EngineError};

use super::{Import, Origin, batch};
use crate::{
    format::{frame::Frame, keys},
    model::{
        error::{Error, Result},
        head::Head,
    },
    read::follow,
    tasks::indexer,
    values::position::Position,
};

/// Approximate bytes of frames in a commit.
const COMMIT_BYTES: usize = 1 << 20;
/// Maximum number of frames in a commit. The frames of a long gap are empty.
const COMMIT_FRAMES_MAX: usize = 512;

impl Import {
    pub(super) async fn write_if_full(&mut self) -> Result<()> {
        if self.framer.bytes() >= COMMIT_BYTES || self.framer.len() >= COMMIT_FRAMES_MAX {
            self.write().await?;
        }
        Ok(())
    }

    /// Writes the waiting frames, with the head and the origin.
    pub(super) async fn write(&mut self) -> Result<()> {
        let (batch, frames) = self.framer.take(batch(&self.shared));
        let Some(last) = frames.last().map(|frame| frame.last) else {
            return Ok(());
        };
        self.wait_for_indexer().await?;
        let origin = Origin {
            source: self.source,
            position: last,
            finished: false,
            state_sum: 0,
        };
        let new_head = Head {
            position: last,
            batch,
            recorded_at: self.recorded_at,
            writer: self.shared.environment.writer.clone(),
        };
        let shared = Arc::clone(&self.shared);
        // Held through the commit: a task that follows the log meanwhile would read from the engine what is added
        // here.
        let following = shared.following.lock().await;
        let head = shared.tail.head();
        if head.position != self.written {
            return Err(foreign(self.written));
        }
        self.shared
            .moving
            .store(true, std::sync::atomic::Ordering::Release);
        loop {
            let mut commit = Commit::durable()
                .check(keys::head(), head.to_value())
                .check(keys::origin(), self.origin.map(Origin::to_value));
            for (key, value) in frames.iter().flat_map(Frame::to_values) {
                commit = commit.set(key, value);
            }
            if let Some(value) = new_head.to_value() {
                commit = commit.set(keys::head(), value);
            }
            match shared
                .engine
                .commit(commit.set(keys::origin(), origin.to_value()))
                .await
            {
                Ok(()) => {
                    shared.tail.extend(frames, new_head)?;
                    break;
                }
                Err(EngineError::Conflict) => return Err(foreign(self.written)),
                Err(EngineError::MaybeCommitted(_) | EngineError::TooOld) => {
                    let now = follow::refresh_locked(&shared).await?;
                    if now == new_head {
                        break;
                    }
                    if now != head {
                        return Err(foreign(self.written));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        drop(following);
        self.origin = Some(origin);
        self.written = last;
        // The tail has them now.
        self.lasts.clear();
        Ok(())
    }

    /// Records that a part of the log is here, but not all that belongs to it, unless that is recorded.
    pub(super) async fn unfinish(&mut self) -> Result<()> {
        if self.origin.is_some_and(|origin| !origin.finished) {
            return Ok(());
        }
        let origin = Origin {
            source: self.source,
            position: self.written,
            finished: false,
            state_sum: 0,
        };
        let head = self.shared.tail.head();
        if head.position != self.written {
            return Err(foreign(self.written));
        }
        self.shared
            .moving
            .store(true, std::sync::atomic::Ordering::Release);
        let commit = Commit::durable()
            .check(keys::head(), head.to_value())
            .check(keys::origin(), self.origin.map(Origin::to_value))
            .set(keys::origin(), origin.to_value());
        match self.shared.engine.commit(commit).await {
            Err(EngineError::Conflict) => Err(foreign(self.written)),
            result => {
                result?;
                self.origin = Some(origin);
                Ok(())
            }
        }
    }

    /// The tail is bounded: if the indexer lags, the import waits.
    async fn wait_for_indexer(&self) -> Result<()> {
        let waiting_max = self.shared.settings.waiting_windows_max;
        self.wait_until(|| self.shared.tail.waiting_windows() <= waiting_max)
            .await
    }

    async fn wait_until(&self, done: impl Fn() -> bool + Send) -> Result<()> {
        let mut indexed = self.shared.tail.watch_indexed();
        let mut failed = self.shared.failed.watch();
        let mut closing = self.shared.closing.watch();
        while !done() {
            if let Some(error) = failed.get() {
                return Err(error);
            }
            tokio::select! {
                biased;
                _ = closing.until(|closing| *closing) => return Err(Error::Closed),
                () = failed.changed() => {}
                () = indexed.changed() => {}
            }
        }
        Ok(())
    }

    /// Ends the log, before other parts are added.
    pub(super) async fn end_log(&mut self) -> Result<()> {
        if !self.is_settled {
            self.write().await?;
            self.settle().await?;
            self.is_settled = true;
        }
        Ok(())
    }

    /// Brings the indexes on disk up to the head, and restarts the tail there.
    pub(super) async fn settle(&mut self) -> Result<()> {
        loop {
            let tail = &self.shared.tail;
            self.wait_until(|| tail.next_to_index().is_none()).await?;
            let Some(window) = tail.incomplete() else {
                break;
            };
            indexer::write(&self.shared, &window, true).await?;
            if tail.indexed() >= window.last {
                break;
            }
        }
        self.restart().await?;
        self.lasts.clear();
        Ok(())
    }

    pub(super) async fn restart(&self) -> Result<()> {
        let shared = &self.shared;
        let _following = shared.following.lock().await;
        let head = shared.tail.head();
        if shared.tail.indexed() != head.position {
            return Err(foreign(self.written));
        }
        let snapshot = shared.engine.snapshot().await?;
        follow::restart(shared, &*snapshot, &head, head.position).await
    }
}

fn foreign(written: Position) -> Error {
    Error::MoveRefused(format!(
        "other events were appended here after position {written}; move the log to an empty store that no other \
         client uses"
    ))
}
