//! Deliberate faults of the appender, so that a test can show that the checkers would find them. Without the feature
//! `sabotage` there are none.

use std::collections::VecDeque;

use crate::{
    append::Appended,
    appender::{Fact, Job},
    rejection::Rejection,
};

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

impl Sabotage {
    #[cfg(feature = "sabotage")]
    pub(crate) fn skips_head_check(self) -> bool {
        self == Self::SkipHeadCheck
    }

    #[cfg(not(feature = "sabotage"))]
    pub(crate) const fn skips_head_check(self) -> bool {
        false
    }

    #[cfg(feature = "sabotage")]
    pub(crate) fn forget_ids(self, facts: &mut [Fact]) {
        if self == Self::ForgetIds {
            facts.iter_mut().for_each(|fact| fact.request = None);
        }
    }

    #[cfg(not(feature = "sabotage"))]
    pub(crate) const fn forget_ids(self, _facts: &mut [Fact]) {}

    #[cfg(feature = "sabotage")]
    pub(crate) fn forget_evidence(self, facts: &mut [Fact]) {
        use crate::check::Evidence;

        if self != Self::ForgetEvidence {
            return;
        }
        for evidence in facts.iter_mut().flat_map(|fact| &mut fact.evidence) {
            if matches!(evidence, Evidence::First(_)) {
                *evidence = Evidence::First(None);
            }
        }
    }

    #[cfg(not(feature = "sabotage"))]
    pub(crate) const fn forget_evidence(self, _facts: &mut [Fact]) {}

    #[cfg(feature = "sabotage")]
    pub(crate) fn skips_since_search(self) -> bool {
        self == Self::SkipSinceSearch
    }

    #[cfg(not(feature = "sabotage"))]
    pub(crate) const fn skips_since_search(self) -> bool {
        false
    }

    #[cfg(feature = "sabotage")]
    pub(crate) fn reply_early(self, jobs: &mut VecDeque<Job>, verdicts: &[Result<Appended, Rejection>]) {
        if self != Self::ReplyEarly {
            return;
        }
        for (job, verdict) in jobs.iter_mut().zip(verdicts) {
            let (deaf, _) = tokio::sync::oneshot::channel();
            let reply = std::mem::replace(&mut job.reply, deaf);
            let _ = reply.send(verdict.clone().map_err(crate::Error::Rejected));
        }
    }

    #[cfg(not(feature = "sabotage"))]
    pub(crate) const fn reply_early(
        self,
        _jobs: &mut VecDeque<Job>,
        _verdicts: &[Result<Appended, Rejection>],
    ) {
    }
}
