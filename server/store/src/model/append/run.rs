//! Runs: consecutive events of an append in one stream, with their indexed parts.

use super::{Append, PreparedEvent};
use crate::{
    format::wire::Parsed,
    values::{name::StreamName, position::Revision},
};

/// Events that are consecutive both in their append and in their stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    bodies: &'a [u8],
    pub stream: &'a StreamName,
    /// Revision of the first event.
    pub first: Revision,
    events: &'a [PreparedEvent],
}

impl<'a> Run<'a> {
    /// Returns the number of events.
    pub(crate) const fn len(&self) -> usize {
        self.events.len()
    }

    /// Splits the run into the first `count` events and the others.
    pub(crate) fn split_at(self, count: usize) -> (Self, Self) {
        let (events, others) = self.events.split_at(count);
        let first = Revision(self.first.0 + count as u64);
        let others = Self {
            first,
            events: others,
            ..self
        };
        (Self { events, ..self }, others)
    }

    /// Returns the type of each event, with its tags.
    pub(crate) fn labels(
        self,
    ) -> impl Iterator<Item = Parsed<(&'a str, impl Iterator<Item = &'a str> + use<'a>)>> {
        self.events.iter().map(move |event| {
            let body = &self.bodies[event.body.clone()];
            Ok((event.parts.kind(body)?, event.parts.tags(body)))
        })
    }
}

impl Append {
    /// Returns the append's events as runs, given the first revision in each of its streams.
    pub(crate) fn runs<'a>(&'a self, firsts: &'a [Revision]) -> impl Iterator<Item = Run<'a>> {
        self.by_write().map(|events| {
            let stream = events[0].stream as usize;
            Run {
                bodies: &self.bodies,
                stream: &self.targets[stream].stream,
                first: Revision(firsts[stream].0 + u64::from(events[0].nth)),
                events,
            }
        })
    }
}
