//! The streams to which a session appended lately.
//!
//! Memory has what the next append to such a stream needs, so it need not be asked. That matters for a session, which submits
//! hundreds of thousands of appends a second, one after the other: asking takes longest of all that it does for one, because
//! the appender changes those places at the same time. If memory has lost it after all, the append's group reads it.

use super::{Store, Submission};
use crate::{
    model::append::Append,
    values::{expected::Expected, maps::HashSet, name::StreamName, position::Position},
};

/// So many are remembered. About 40 bytes each, beside the names.
const STREAMS_MAX: usize = 4_096;

/// The streams to which a session appended after a position.
#[derive(Debug, Default)]
pub struct RecentStreams {
    after: Position,
    streams: HashSet<StreamName>,
}

impl RecentStreams {
    /// Forgets them, if memory does not reach back to where the first of them was written, or if they are too many.
    fn refresh(&mut self, store: &Store) {
        let tail = &store.shared.tail;
        if self.streams.len() >= STREAMS_MAX || self.after < tail.oldest() {
            self.after = tail.head_position();
            self.streams.clear();
        }
    }

    /// Takes an append's streams, and tells whether nothing need be looked up for it: it is to one stream that was among them,
    /// and it neither has checks nor can be a retry that is known by its first event's id.
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
    /// Prepares appends of one session to be submitted, in their order. Whether they must be looked up is for
    /// [`Submission::is_looked_up`] to tell.
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
