//! Reading the whole log.

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

/// Which events of the log to read.
#[derive(Clone, Debug)]
pub struct ReadAll {
    /// The order.
    pub direction: Direction,
    /// The first position to return, at most one after the head (as it was, with `until`). `None`: the first in the
    /// direction.
    pub from: Option<Position>,
    /// The most events to return. `None`: all.
    pub limit: Option<u64>,
    /// Returns only events that match.
    pub query: Query,
    /// Reads the log as it was. `None`: as it is.
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
    /// The next position to look at; `None` at the end.
    next: Option<Position>,
    left: u64,
    /// Set if the indexes tell where the query's matches are.
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

    /// The log's last position when the read began.
    #[must_use]
    pub const fn head(&self) -> Position {
        self.head
    }

    /// The next events; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`], as the engine has them.
    pub async fn next(&mut self) -> Result<Option<Batch>> {
        while let Some(from) = self.next.filter(|_| self.left > 0) {
            let mut batch = Batch::default();
            self.page(from, &mut batch).await?;
            self.left -= batch.events as u64;
            if !batch.is_empty() {
                self.shared.metrics.read_events.inc_by(batch.events as u64);
                return Ok(Some(batch));
            }
            // A query that matches little must not keep others from the processor.
            tokio::task::yield_now().await;
        }
        Ok(None)
    }

    /// Looks at a page of the log, and takes what matches.
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

/// Frames from the one that holds `from`: from memory if they are there, otherwise from the engine.
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
