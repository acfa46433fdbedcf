//! Expected states of streams.

use crate::values::position::Revision;

/// The state in which a stream must be for an append to be written. [`crate::tasks::appender::decide`] describes the
/// outcome if it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Any state.
    Any,
    /// The stream has no events.
    NoStream,
    /// The stream has events.
    StreamExists,
    /// The stream's last event has this revision.
    Exactly(Revision),
}

impl Expected {
    /// Whether a stream with this last revision is in the expected state.
    pub(crate) fn holds(self, last: Option<Revision>) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => last.is_none(),
            Self::StreamExists => last.is_some(),
            Self::Exactly(revision) => last == Some(revision),
        }
    }
}
