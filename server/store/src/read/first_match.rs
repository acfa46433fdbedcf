//! The first event that matches a query after a position, for the conditions of appends.

use annals_engine::Direction;
use tokio::sync::Semaphore;

use super::{Batch, Finder, Selector};
use crate::{
    error::{Error, Result},
    name::StreamName,
    position::{Position, Revision, Timestamp},
    query::Query,
    record::Entries,
    shared::Shared,
};

/// An event that matches, as far as it must be known to tell later whether it is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub stream: StreamName,
    pub revision: Revision,
    pub position: Position,
    pub recorded_at: Timestamp,
}

/// The first match after `after`, up to `head`, which is the tail's or before it. With `turns`, each page of the search
/// waits for its turn there.
pub(crate) async fn first_match(
    shared: &Shared,
    query: &Query,
    after: Position,
    head: Position,
    turns: Option<&Semaphore>,
) -> Result<Option<Match>> {
    if after >= head {
        return Ok(None);
    }
    let mut finder = Finder::new(query, Direction::Forwards);
    if finder.is_none() && !query.matches_all() {
        return Err(Error::Internal("a check whose query names no list".to_owned()));
    }
    let mut from = after.next();
    while from <= head {
        let turn = match turns {
            Some(turns) => Some(turns.acquire().await.map_err(|_| Error::Closed)?),
            None => None,
        };
        let selector = Selector {
            query,
            direction: Direction::Forwards,
            from,
            to: head,
            events_max: 1,
        };
        let mut batch = Batch::default();
        let reached = match &mut finder {
            Some(finder) => finder.page(shared, &selector, &mut batch).await?,
            None => selector.page(shared, &mut batch).await?,
        };
        drop(turn);
        if let Some(found) = first_of(&batch)? {
            return Ok(Some(found));
        }
        from = reached.next();
        if from <= head {
            // A long search must not keep others from the processor. A short one must not wait for them: another server that
            // appends without a pause would always be first.
            tokio::task::yield_now().await;
        }
    }
    Ok(None)
}

fn first_of(batch: &Batch) -> Result<Option<Match>> {
    // A frame of a gap is a chunk without events.
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
