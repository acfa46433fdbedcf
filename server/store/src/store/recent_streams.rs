//! The streams to which a pipeline appended recently.
//!
//! State needed for the next append to such a stream is in memory, so a look-up is unnecessary. This matters for a
//! pipeline, which submits hundreds of thousands of appends a second, one after the other: the look-up is the most
//! expensive part of submitting one, because the appender changes the same memory at the same time. If the state is
//! no longer in memory after all, the append's group reads it from storage.

use super::{Store, Submission};
use crate::{
    model::append::Append,
    values::{expected::Expected, maps::HashSet, name::StreamName, position::Position},
};

/// Maximum number of streams that are remembered. Each takes about 40 bytes, plus its name.
const STREAMS_MAX: usize = 4_096;

/// The streams to which a pipeline appended after a position.
#[derive(Debug, Default)]
pub struct RecentStreams {
    after: Position,
    streams: HashSet<StreamName>,
}

impl RecentStreams {
    /// Clears the streams if memory no longer reaches back to where the first of them was written, or if there are
    /// too many.
    fn refresh(&mut self, store: &Store) {
        let tail = &store.shared.tail;
        if self.streams.len() >= STREAMS_MAX || self.after < tail.oldest() {
            self.after = tail.head_position();
            self.streams.clear();
        }
    }

    /// Adds an append's streams. Returns true if the append needs no look-up: it is to one stream that was known
    /// already, it has no checks, and it can't be a retry that is recognised by its first event's id.
    fn take(&mut self, append: &Append) -> bool {
        let mut is_known = matches!(append.expected, Expected::Exactly(_)) && append.checks.is_empty();
        for stream in append.streams() {
            if !self.streams.contains(stream) {
                self.streams.insert(stream.clone());
                is_known = false;
            }
        }
        is_known
    }
}

impl Store {
    /// Prepares appends of one pipeline to be submitted, in their order. [`Submission::is_looked_up`] returns whether
    /// the look-up of an append is done or unnecessary.
    pub fn submissions<E>(
        &self,
        appends: impl IntoIterator<Item = Result<Append, E>>,
        recent: &mut RecentStreams,
    ) -> Vec<Result<Submission, E>> {
        recent.refresh(self);
        let appends = appends.into_iter();
        appends
            .map(|append| {
                let append = append?;
                let is_looked_up = recent.take(&append);
                Ok(Submission::new(append, is_looked_up))
            })
            .collect()
    }
}
