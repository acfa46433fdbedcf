//! Deliberate faults, with which a test shows that the checkers would find them. They exist only with the feature
//! `sabotage`, and are applied in the appender and where state is written and forgotten.

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
    /// Commits do not check the scopes of state that they change or check.
    #[cfg(feature = "sabotage")]
    SkipScopeCheck,
    /// Receipts of earlier writes of state are not found.
    #[cfg(feature = "sabotage")]
    ForgetReceipts,
    /// The changes of state of an append are made without its checks of state.
    #[cfg(feature = "sabotage")]
    SkipStateChecks,
    /// The events of an append are written without its changes of state.
    #[cfg(feature = "sabotage")]
    DropState,
    /// Subscribers of state continue although deletions that they do not know are forgotten.
    #[cfg(feature = "sabotage")]
    HideExpiry,
}
