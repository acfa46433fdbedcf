//! The phases of a server's life, as health checks see them.

/// The phase that a server is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The store is being opened.
    Starting,
    /// The storage does not answer at present: the server waits for it.
    Unreachable,
    /// Calls are served.
    Serving,
    /// Calls in flight are finished; new ones are refused.
    Draining,
    /// The storage failed.
    Failed,
}
