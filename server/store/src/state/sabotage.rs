//! Applies deliberate faults, which tests must detect.

use annals_engine::Commit;

use crate::{model::sabotage::Sabotage, state::evaluation::Evaluation};

#[cfg(feature = "sabotage")]
impl Sabotage {
    pub(crate) fn forget_receipts(self, evaluation: &mut Evaluation) {
        if self == Self::ForgetReceipts {
            evaluation.forget_receipts();
        }
    }

    /// Adds what was evaluated to a commit.
    pub(crate) fn add_state(self, evaluation: &Evaluation, commit: &mut Commit, number: u64) {
        let checks = commit.checks.len();
        evaluation.add_to(commit, number);
        if self == Self::SkipScopeCheck {
            commit.checks.truncate(checks);
        }
    }

    pub(crate) fn skips_state_checks(self) -> bool {
        self == Self::SkipStateChecks
    }

    pub(crate) fn drops_state(self) -> bool {
        self == Self::DropState
    }

    pub(crate) fn hides_expiry(self) -> bool {
        self == Self::HideExpiry
    }
}

#[cfg(not(feature = "sabotage"))]
impl Sabotage {
    pub(crate) const fn forget_receipts(self, _evaluation: &mut Evaluation) {}

    /// Adds what was evaluated to a commit.
    pub(crate) fn add_state(self, evaluation: &Evaluation, commit: &mut Commit, number: u64) {
        evaluation.add_to(commit, number);
    }

    pub(crate) const fn skips_state_checks(self) -> bool {
        false
    }

    pub(crate) const fn drops_state(self) -> bool {
        false
    }

    pub(crate) const fn hides_expiry(self) -> bool {
        false
    }
}
