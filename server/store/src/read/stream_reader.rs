//! Reads of one stream.

use std::sync::Arc;

use annals_engine::Direction;

use super::{BATCH_BYTES, Batch, StreamUntil, all_records_at, ends, places, records_at};
use crate::{
    format::{record::Entry, wire::Malformed},
    model::{
        error::{Error, Result},
        query::Query,
    },
    read::gone::{self, Gone},
    shared::Shared,
    values::{
        name::StreamName,
        position::{Position, Revision},
    },
};

/// Maximum number of events that are looked up at a time.
const PAGE_EVENTS: u64 = 256;
/// Number of events that are read at a time when reading backwards.
const BACKWARDS_EVENTS: usize = 16;

/// Request to read a stream.
#[derive(Clone, Debug)]
pub struct ReadStream {
    /// Stream to read.
    pub stream: StreamName,
    /// Order of the events.
    pub direction: Direction,
    /// The first revision to return, at most one after the last (with `until`: after the last at that time). `None`:
    /// the first revision in the direction.
    pub from: Option<Revision>,
    /// Maximum number of events to return. `None`: no limit.
    pub limit: Option<u64>,
    /// Returns only events that match.
    pub query: Query,
    /// Reads the stream as it was at this point. `None`: as it is now.
    pub until: Option<StreamUntil>,
}

/// A read of a stream, page by page.
pub struct StreamReader {
    shared: Arc<Shared>,
    read: ReadStream,
    head: Position,
    /// The first revision that was not removed when the read began.
    floor: Revision,
    last: Revision,
    /// The next revision to read; `None` at the end.
    next: Option<Revision>,
    left: u64,
}

impl StreamReader {
    pub(crate) async fn begin(shared: Arc<Shared>, read: ReadStream) -> Result<Self> {
        let (head, end) = ends(&shared, &read.stream).await?;
        let lifecycle = shared.tail.lifecycles().of(read.stream.as_str());
        if lifecycle.tombstoned {
            return Err(Error::StreamTombstoned(read.stream));
        }
        let Some(end) = lifecycle.present(end) else {
            return Err(Error::StreamNotFound(read.stream));
        };
        let floor = gone::first_kept(&shared, &read.stream, Some(end)).await?;
        let last = match read.until {
            None => Some(end),
            Some(until) => until.last(&shared, &read.stream, head, end).await?,
        };
        let Some(last) = last else {
            return Err(Error::StreamNotFound(read.stream));
        };
        let from = read.from.unwrap_or(match read.direction {
            Direction::Forwards => Revision::FIRST,
            Direction::Backwards => last,
        });
        if from > last.next() {
            return Err(Error::RevisionBeyondEnd {
                stream: read.stream,
                revision: from,
                last: Some(last),
            });
        }
        let next = match read.direction {
            Direction::Forwards => Some(from.max(floor)).filter(|from| *from <= last),
            Direction::Backwards => Some(from.min(last)).filter(|from| *from >= floor),
        };
        let left = read.limit.unwrap_or(u64::MAX);
        Ok(Self {
            shared,
            read,
            head,
            floor,
            last,
            next,
            left,
        })
    }

    /// Last position of the log when the read began.
    #[must_use]
    pub const fn head(&self) -> Position {
        self.head
    }

    /// The stream's last revision when the read began or, with `until`, at that point.
    #[must_use]
    pub const fn last_revision(&self) -> Revision {
        self.last
    }

    /// Returns the next events; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`], as reported by the engine.
    pub async fn next(&mut self) -> Result<Option<Batch>> {
        while let Some(next) = self.next.filter(|_| self.left > 0) {
            // With a query, the number of events that must be read is unknown.
            let wanted = if self.read.query.matches_all() {
                self.left.min(PAGE_EVENTS)
            } else {
                PAGE_EVENTS
            };
            let (from, to) = match self.read.direction {
                Direction::Forwards => (next, Revision(self.last.0.min(next.0.saturating_add(wanted - 1)))),
                Direction::Backwards => (Revision(next.0.saturating_sub(wanted - 1)).max(self.floor), next),
            };
            let mut batch = Batch::default();
            self.read_page(from, to, &mut batch).await?;
            if !batch.is_empty() {
                self.shared.metrics.read_events.inc_by(batch.events as u64);
                return Ok(Some(batch));
            }
            tokio::task::yield_now().await;
        }
        Ok(None)
    }

    async fn read_page(&mut self, from: Revision, to: Revision, batch: &mut Batch) -> Result<()> {
        let places = places(&self.shared, &self.read.stream, from, to).await?;
        let positions: Vec<Position> = places.iter().map(|(_, position)| *position).collect();
        match self.read.direction {
            Direction::Forwards => {
                let (entries, looked_at) = match positions.as_slice() {
                    [] => (Vec::new(), 0),
                    positions => records_at(&self.shared, positions).await?,
                };
                let gone = gone::in_entries(&self.shared, &entries).await?;
                if self.take(&gone, entries.into_iter(), batch)? {
                    // Some of these revisions may be removed.
                    let looked_at = looked_at.checked_sub(1).map_or(to, |last| places[last].0);
                    self.pass(looked_at);
                }
                Ok(())
            }
            Direction::Backwards => self.read_backwards(&positions, from, batch).await,
        }
    }

    /// Reads from the end in small groups, because a group must be read completely before its last event can be
    /// returned.
    async fn read_backwards(
        &mut self,
        positions: &[Position],
        from: Revision,
        batch: &mut Batch,
    ) -> Result<()> {
        for group in positions.rchunks(BACKWARDS_EVENTS) {
            let entries = all_records_at(&self.shared, group).await?;
            let gone = gone::in_entries(&self.shared, &entries).await?;
            let taken = self.take(&gone, entries.into_iter().rev(), batch)?;
            if !taken || self.left == 0 || batch.bytes >= BATCH_BYTES {
                return Ok(());
            }
        }
        self.pass(from);
        Ok(())
    }

    /// Continues after a revision that was read.
    fn pass(&mut self, revision: Revision) {
        self.next = match self.read.direction {
            Direction::Forwards => Some(revision.next()).filter(|next| *next <= self.last),
            Direction::Backwards => {
                let before = revision.0.checked_sub(1).map(Revision);
                before.filter(|before| *before >= self.floor)
            }
        };
    }

    /// Takes events that match and are not removed. Returns false if some entries were not read because the batch is
    /// full.
    fn take(&mut self, gone: &Gone, entries: impl Iterator<Item = Entry>, batch: &mut Batch) -> Result<bool> {
        for entry in entries {
            if self.left == 0 || batch.bytes >= BATCH_BYTES {
                return Ok(false);
            }
            let view = entry.view()?;
            if view.stream != self.read.stream.as_str() {
                return Err(Malformed("index: a position of another stream").into());
            }
            self.pass(view.revision);
            if self.read.query.matches(&view) && !gone.contains(view.position) {
                self.left -= 1;
                batch.push(entry.into_bytes(), 1);
            }
        }
        Ok(true)
    }
}
