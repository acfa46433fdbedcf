//! Whether an event matches a query behind a position: in the log, and among what a group adds to it.

use annals_engine::Direction;

use crate::{
    append::Append,
    error::{Error, Result},
    lookup,
    one_or_more::OneOrMore,
    position::{Position, Revision},
    query::Query,
    read::{Batch, Finder, Selector},
    shared::Shared,
    tail::Window,
    wire::Parsed,
};

/// The first match behind `after`, up to `head`, which is the tail's. Touches memory only if `after` is where the tail's
/// windows are and nothing matches.
pub(super) async fn first_match(
    shared: &Shared,
    query: &Query,
    after: Position,
    head: Position,
) -> Result<Option<Position>> {
    if after >= head {
        return Ok(None);
    }
    let every = query.matches_all();
    if every && shared.tail.lifecycles().is_empty() {
        return Ok(Some(after.next()));
    }
    let mut finder = Finder::new(query, Direction::Forwards);
    if finder.is_none() && !every {
        return Err(Error::Internal("a check whose query names no list".to_owned()));
    }
    let mut from = after.next();
    while from <= head {
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
        if let Some(position) = batch.last_position()? {
            return Ok(Some(position));
        }
        from = reached.next();
        tokio::task::yield_now().await;
    }
    Ok(None)
}

/// The index of what a group adds to the log.
#[derive(Debug)]
pub(super) struct Added(Window);

impl Added {
    pub(super) fn new(head: Position) -> Self {
        Self(Window::new(head))
    }

    /// Takes an append that the group writes, whose streams go on with the revisions `firsts`.
    pub(super) fn add(&mut self, append: &Append, firsts: &OneOrMore<Revision>) -> Parsed<()> {
        append.runs(firsts).try_for_each(|run| self.0.add_run(run))
    }

    /// The first match among what was added behind a position.
    pub(super) fn first_match(&self, query: &Query, after: Position) -> Option<Position> {
        lookup::first_in(&self.0, query, after)
    }
}
