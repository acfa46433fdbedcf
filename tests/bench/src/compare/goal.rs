//! What Annals must reach, as the product set it itself.

use super::workload::Workload;
use crate::stores::Name;

/// A bound of a figure of Annals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Goal {
    /// So much or more.
    AtLeast(f64),
    /// Less than this.
    Below(f64),
    /// So many times as good as this store or better; of UmaDB, whichever setting is better.
    Times(f64, Name),
    /// So many times UmaDB's best rate of single appends, or more.
    TimesBestOfUmaDb(f64),
}

/// The goals of a workload, all of which count.
pub(super) fn goals(workload: Workload) -> Vec<Goal> {
    use Goal::{AtLeast, Below, Times, TimesBestOfUmaDb};
    use Name::{Echo, MessageDb, Nats, Umadb};
    let mut goals = match workload.name().as_str() {
        "append-1x64" => vec![Times(1.3, Umadb), Times(0.75, Echo)],
        "append-1x1" => vec![Times(1.5, Umadb)],
        "pipelined" => vec![AtLeast(250_000.0), TimesBestOfUmaDb(10.0)],
        "append-100x16" => vec![Times(1.5, Umadb), Times(0.5, Echo)],
        "conditional-64" => vec![Times(1.3, Umadb)],
        "read-all" => vec![Times(1.5, Umadb), Times(0.7, Echo)],
        "load-100" => vec![Times(0.5, Echo)],
        "live-1000" => vec![Below(5.0)],
        "growth" => vec![AtLeast(0.85)],
        _ => Vec::new(),
    };
    // Ahead on everything that they can run.
    goals.extend([Times(1.0, MessageDb), Times(1.0, Nats)]);
    goals
}

impl Goal {
    /// Whether it is met; `None` if there is nothing to compare with. `times` is how many times as good Annals is as a store.
    pub(super) fn is_met(
        self,
        figure: f64,
        times: impl Fn(Name) -> Option<f64>,
        best_of_umadb: Option<f64>,
    ) -> Option<bool> {
        match self {
            Self::AtLeast(least) => Some(figure >= least),
            Self::Below(limit) => Some(figure < limit),
            Self::Times(least, name) => times(name).map(|times| times >= least),
            Self::TimesBestOfUmaDb(least) => best_of_umadb.map(|best| figure >= least * best),
        }
    }

    /// For people.
    pub(super) fn words(self) -> String {
        match self {
            Self::AtLeast(least) => format!(">= {}", crate::report::table::number(least)),
            Self::Below(limit) => format!("< {limit}"),
            Self::Times(least, name) => format!("{least}x {}", name.text()),
            Self::TimesBestOfUmaDb(least) => format!("{least}x umadb's best single appends"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_at_its_limit_and_not_short_of_it() {
        let times = |times: f64| move |_| Some(times);
        assert_eq!(
            Goal::Times(1.3, Name::Umadb).is_met(1.0, times(1.3), None),
            Some(true)
        );
        assert_eq!(
            Goal::Times(1.3, Name::Umadb).is_met(1.0, times(1.29), None),
            Some(false)
        );
        assert_eq!(Goal::Times(1.3, Name::Umadb).is_met(1.0, |_| None, None), None);
        assert_eq!(Goal::Below(5.0).is_met(5.0, |_| None, None), Some(false));
        assert_eq!(Goal::AtLeast(5.0).is_met(5.0, |_| None, None), Some(true));
        assert_eq!(
            Goal::TimesBestOfUmaDb(10.0).is_met(99.0, |_| None, Some(10.0)),
            Some(false)
        );
    }

    #[test]
    fn every_goal_of_the_product_names_a_workload_that_there_is() {
        let all = super::super::workload::chosen(&["all".to_owned(), "growth".to_owned()]).unwrap();
        let with_goals = all.iter().filter(|&&workload| goals(workload).len() > 2);
        assert_eq!(with_goals.count(), 9);
    }
}
