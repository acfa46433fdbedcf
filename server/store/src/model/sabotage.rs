//! Deliberate faults of the appender, so that a test can show that the checkers would find them. Without the feature
//! `sabotage` there are none. They are applied in the appender.

/// A fault to build in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sabotage {
    /// None.
    #[default]
    None,
    /// Commits do not check the head.
    #[cfg(feature = "sabotage")]
    SkipHeadCheck,
    /// Ids of earlier appends are forgotten.
    #[cfg(feature = "sabotage")]
    ForgetIds,
    /// Appends are answered before they are committed.
    #[cfg(feature = "sabotage")]
    ReplyEarly,
    /// Matches in the log are not seen by checks, only those within their group.
    #[cfg(feature = "sabotage")]
    ForgetEvidence,
    /// Matches that came to the log after it was searched for an append are not seen.
    #[cfg(feature = "sabotage")]
    SkipSinceSearch,
}
