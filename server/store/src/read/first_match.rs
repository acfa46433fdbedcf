//! Finds the first event that matches a query after a position, for the conditions of appends.

use annals_engine::Direction;

use super::{Batch, Finder, Selector};
use crate::{
    format::record::Entries,
    model::{
        error::{Error, Result},
        query::Query,
    },
    shared::Shared,
    values::{
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

/// Bytes of the log in a page of a search. Small, because other work waits for the end of a page.
const PAGE_BYTES: usize = 32 << 10;

/// A matching event, with the data needed to check later whether it has been removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub stream: StreamName,
    pub revision: Revision,
    pub position: Position,
    pub recorded_at: Timestamp,
}

/// A search for the first match, page by page.
#[derive(Debug)]
pub(crate) struct Search {
    query: Query,
    finder: Option<Finder>,
    from: Position,
    head: Position,
}

impl Search {
    /// Creates a search from after `after` up to `head`, which must not be after the tail's head.
    pub(crate) fn new(query: &Query, after: Position, head: Position) -> Result<Self> {
        let finder = Finder::new(query, Direction::Forwards);
        if finder.is_none() && !query.matches_all() {
            return Err(Error::Internal(
                "the query of a check has no index lists".to_owned(),
            ));
        }
        Ok(Self {
            query: query.clone(),
            finder,
            from: after.next(),
            head,
        })
    }

    /// Whether the whole range was searched.
    pub(crate) fn is_done(&self) -> bool {
        self.from > self.head
    }

    /// Searches one page.
    pub(crate) async fn page(&mut self, shared: &Shared) -> Result<Option<Match>> {
        let selector = Selector {
            query: &self.query,
            direction: Direction::Forwards,
            from: self.from,
            to: self.head,
            events_max: 1,
            page_bytes: PAGE_BYTES,
        };
        let mut batch = Batch::default();
        let reached = match &mut self.finder {
            Some(finder) => finder.page(shared, &selector, &mut batch).await?,
            None => selector.page(shared, &mut batch).await?,
        };
        self.from = reached.next();
        first_of(&batch)
    }
}

/// Returns the first match after `after`, up to `head`, which must not be after the tail's head.
pub(crate) async fn first_match(
    shared: &Shared,
    query: &Query,
    after: Position,
    head: Position,
) -> Result<Option<Match>> {
    if after >= head {
        return Ok(None);
    }
    let mut search = Search::new(query, after, head)?;
    loop {
        let found = search.page(shared).await?;
        if found.is_some() || search.is_done() {
            return Ok(found);
        }
        // A long search must not keep other tasks from the processor. A short search must not yield to them: another
        // server that appends without a pause would always be first.
        tokio::task::yield_now().await;
    }
}

fn first_of(batch: &Batch) -> Result<Option<Match>> {
    // The frame of a gap is a chunk without events.
    for chunk in &batch.chunks {
        if let Some(entry) = Entries::new(chunk).next_entry()? {
            let at = entry.placement()?;
            return Ok(Some(Match {
                stream: StreamName::trusted(at.stream),
                revision: at.revision,
                position: at.position,
                recorded_at: at.recorded_at,
            }));
        }
    }
    Ok(None)
}
