//! Why a server can't serve.

use std::fmt;

/// Why a reachable server can't serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unavailability {
    /// It is shutting down.
    ShuttingDown,
    /// Its storage engine does not answer.
    Engine,
    /// Its storage rejected a write, so it is stopping.
    StorageFailed,
    /// The server that leads the consumer group does not answer, or has lost the lead.
    Group,
    /// No reason was given, by it or by a proxy in front of it.
    Unknown,
}

impl fmt::Display for Unavailability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unavailability::ShuttingDown => "shutting down",
            Unavailability::Engine => "its engine does not answer",
            Unavailability::StorageFailed => "its storage failed",
            Unavailability::Group => "the group has no leader",
            Unavailability::Unknown => "no reason given",
        })
    }
}
