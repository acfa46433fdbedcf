//! Deliberate faults of the appender, with which a test shows that the checkers would find them. They exist only with
//! the feature `sabotage`, and are applied in the appender.

/// A deliberate fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sabotage {
    /// No fault.
    #[default]
    None,
    /// Commits do not check the head.
    #[cfg(feature = "sabotage")]
    SkipHeadCheck,
    /// Ids of earlier appends are forgotten.
    #[cfg(feature = "sabotage")]
    ForgetIds,
    /// Results are sent before the commit.
    #[cfg(feature = "sabotage")]
    ReplyEarly,
    /// Checks do not see matches in the log, only those within their group.
    #[cfg(feature = "sabotage")]
    ForgetEvidence,
    /// Checks do not see matches that were appended after the log was searched for their append.
    #[cfg(feature = "sabotage")]
    SkipSinceSearch,
}
