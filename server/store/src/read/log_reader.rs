//! Reads of the whole log.

use std::sync::Arc;

use annals_engine::Direction;

use super::{BATCH_BYTES, Batch, Finder, Selector, Until};
use crate::{
    format::frame::Frame,
    model::{
        error::{Error, Result},
        log,
        query::Query,
    },
    read::follow::fresh_head,
    shared::Shared,
    values::position::Position,
};

/// Request to read the log.
#[derive(Clone, Debug)]
pub struct ReadAll {
    /// Order of the events.
    pub direction: Direction,
    /// The first position to return, at most one after the head (with `until`: after the head at that time). `None`:
    /// the first position in the direction.
    pub from: Option<Position>,
    /// Maximum number of events to return. `None`: no limit.
    pub limit: Option<u64>,
    /// Returns only events that match.
    pub query: Query,
    /// Reads the log as it was at this position or time. `None`: as it is now.
    pub until: Option<Until>,
}

/// A read of the log, page by page.
pub struct LogReader {
    shared: Arc<Shared>,
    query: Query,
    direction: Direction,
    head: Position,
    /// The last position to return.
    end: Position,
    /// The next position to read; `None` at the end.
    next: Option<Position>,
    left: u64,
    /// Set if the query's matches can be found in the indexes.
    finder: Option<Finder>,
}

impl LogReader {
    pub(crate) async fn begin(shared: Arc<Shared>, read: ReadAll) -> Result<Self> {
        let head = fresh_head(&shared).await?;
        let end = match read.until {
            Some(until) => until.end(&shared, head).await?,
            None => head,
        };
        let from = read.from.unwrap_or(match read.direction {
            Direction::Forwards => Position(1),
            Direction::Backwards => end,
        });
        if from > end.next() {
            return Err(Error::PositionBeyondHead {
                position: from,
                head: end,
            });
        }
        let next = match read.direction {
            Direction::Forwards => Some(from.max(Position(1))).filter(|from| *from <= end),
            Direction::Backwards => Some(from.min(end)).filter(|from| *from > Position::START),
        };
        let left = read.limit.unwrap_or(u64::MAX);
        Ok(Self {
            finder: Finder::new(&read.query, read.direction),
            shared,
            query: read.query,
            direction: read.direction,
            head,
            end,
            next,
            left,
        })
    }

    /// Last position of the log when the read began.
    #[must_use]
    pub const fn head(&self) -> Position {
        self.head
    }

    /// Returns the next events; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`], as reported by the engine.
    pub async fn next(&mut self) -> Result<Option<Batch>> {
        while let Some(from) = self.next.filter(|_| self.left > 0) {
            let mut batch = Batch::default();
            self.page(from, &mut batch).await?;
            self.left -= batch.events as u64;
            if !batch.is_empty() {
                self.shared.metrics.read_events.inc_by(batch.events as u64);
                return Ok(Some(batch));
            }
            // A query with few matches must not keep other tasks from the processor.
            tokio::task::yield_now().await;
        }
        Ok(None)
    }

    /// Reads a page of the log, and takes the matching events.
    async fn page(&mut self, from: Position, batch: &mut Batch) -> Result<()> {
        let to = match self.direction {
            Direction::Forwards => self.end,
            Direction::Backwards => Position(1),
        };
        let selector = Selector {
            query: &self.query,
            direction: self.direction,
            from,
            to,
            events_max: self.left,
            page_bytes: BATCH_BYTES,
        };
        let reached = match &mut self.finder {
            Some(finder) => finder.page(&self.shared, &selector, batch).await?,
            None => selector.page(&self.shared, batch).await?,
        };
        self.next = match self.direction {
            _ if reached == to => None,
            Direction::Forwards => Some(reached.next()),
            Direction::Backwards => Some(Position(reached.0 - 1)),
        };
        Ok(())
    }
}

/// Returns frames from the one that contains `from`: from memory if they are there, otherwise from the engine.
pub(crate) async fn frames(
    shared: &Shared,
    from: Position,
    direction: Direction,
    bytes: usize,
) -> Result<Vec<Arc<Frame>>> {
    let recent = match direction {
        Direction::Forwards => shared.tail.frames_forwards(from, bytes),
        Direction::Backwards => shared.tail.frames_backwards(from, bytes),
    };
    match recent {
        Some(frames) => Ok(frames),
        None => Ok(log::share(
            log::page(&*shared.engine, from, direction, bytes).await?,
        )),
    }
}
