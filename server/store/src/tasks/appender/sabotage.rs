//! Applies deliberate faults, which tests must detect.

use std::collections::VecDeque;

use super::{Fact, Job};
use crate::model::{append::Appended, rejection::Rejection, sabotage::Sabotage};

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
        use crate::model::check::Evidence;

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
