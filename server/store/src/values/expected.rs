//! What is expected of streams.

use crate::values::position::Revision;

/// What a stream must be like for an append to be written. What happens otherwise is told in [`crate::tasks::appender::decide`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it is like.
    Any,
    /// It has no events.
    NoStream,
    /// It has events.
    StreamExists,
    /// Its last event has this revision.
    Exactly(Revision),
}

impl Expected {
    /// Whether a stream with this last revision is as expected.
    pub(crate) fn holds(self, last: Option<Revision>) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => last.is_none(),
            Self::StreamExists => last.is_some(),
            Self::Exactly(revision) => last == Some(revision),
        }
    }
}
