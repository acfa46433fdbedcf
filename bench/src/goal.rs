//! Goals for figures.

/// The minimum or maximum that is good enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// No goal.
    None,
    /// This much or more.
    AtLeast(f64),
    /// This much or more, with the 99th percentile of latencies below this many milliseconds.
    AtLeastWithin(f64, f64),
    /// Less than this.
    Below(f64),
    /// This share of the baseline's figure, or more.
    Share(f64),
}

impl Goal {
    /// Whether the goal is met; `None` if there is no goal or no baseline.
    pub(crate) fn is_met(self, figure: f64, p99_ms: Option<f64>, beside: Option<f64>) -> Option<bool> {
        match self {
            Self::None => None,
            Self::AtLeastWithin(least, limit) => p99_ms.map(|p99_ms| figure >= least && p99_ms < limit),
            Self::AtLeast(least) => Some(figure >= least),
            Self::Below(limit) => Some(figure < limit),
            Self::Share(share) => beside
                .filter(|&beside| beside > 0.0)
                .map(|beside| figure / beside >= share),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_at_its_limit_and_not_short_of_it() {
        assert_eq!(Goal::AtLeast(100_000.0).is_met(100_000.0, None, None), Some(true));
        assert_eq!(Goal::AtLeast(100_000.0).is_met(99_999.9, None, None), Some(false));
        assert_eq!(Goal::Below(10.0).is_met(9.99, None, None), Some(true));
        assert_eq!(Goal::Below(10.0).is_met(10.0, None, None), Some(false));
        assert_eq!(Goal::Share(0.6).is_met(59.9, None, Some(100.0)), Some(false));
        assert_eq!(Goal::Share(0.6).is_met(60.0, None, Some(100.0)), Some(true));
    }

    #[test]
    fn a_goal_with_a_latency_needs_both() {
        let goal = Goal::AtLeastWithin(12_000.0, 20.0);
        assert_eq!(goal.is_met(12_000.0, Some(19.99), None), Some(true));
        assert_eq!(goal.is_met(11_999.9, Some(1.0), None), Some(false));
        assert_eq!(goal.is_met(99_000.0, Some(20.0), None), Some(false));
        assert_eq!(goal.is_met(99_000.0, None, None), None);
    }

    #[test]
    fn without_a_goal_or_something_beside_it_nothing_is_met() {
        assert_eq!(Goal::None.is_met(1.0, None, Some(1.0)), None);
        assert_eq!(Goal::Share(0.6).is_met(1.0, None, None), None);
        assert_eq!(Goal::Share(0.6).is_met(1.0, None, Some(0.0)), None);
    }
}
