//! Searches the events that a group adds to the log for matches of a query.

use crate::{
    format::wire::Parsed,
    index::Window,
    model::{append::Append, query::Query},
    read::lookup,
    values::position::{Position, Revision},
};

/// The index of the events that a group adds to the log.
#[derive(Debug)]
pub(super) struct Added(Window);

impl Added {
    pub(super) fn new(head: Position) -> Self {
        Self(Window::new(head))
    }

    /// Adds an append that the group writes, whose first revisions in its streams are `firsts`.
    pub(super) fn add(&mut self, append: &Append, firsts: &[Revision]) -> Parsed<()> {
        append.runs(firsts).try_for_each(|run| self.0.add_run(run))
    }

    /// Returns the first match among the added events after a position.
    pub(super) fn first_match(&self, query: &Query, after: Position) -> Option<Position> {
        lookup::first_in(&self.0, query, after)
    }
}
