//! Whether an event matches a query among what a group adds to the log.

use crate::{
    format::wire::Parsed,
    index::Window,
    model::{append::Append, query::Query},
    read::lookup,
    values::{
        one_or_more::OneOrMore,
        position::{Position, Revision},
    },
};

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
