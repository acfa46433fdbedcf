//! Goals that Annals must reach.
//!
//! A goal is a bound of a quantity, so that the report can show the measured value beside the required one. Bounds
//! apply to the measured value, before it is truncated for the table.

use super::workload::Workload;
use crate::{report::table::number, stores::Name};

/// A bound of a quantity measured of Annals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Goal {
    pub(super) quantity: Quantity,
    pub(super) bound: Bound,
}

/// The quantity that a goal bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Quantity {
    /// The workload's figure.
    Figure,
    /// The figure as a multiple of this store's; for UmaDB, of its better setting.
    Times(Name),
    /// How many times better the figure is than this store's, whether more or less is better.
    Ahead(Name),
    /// The figure as a multiple of UmaDB's best rate of single appends, with any number of clients.
    TimesBestOfUmaDb,
    /// p99.9 of the appends of a growing log, in the million where it was highest, in milliseconds.
    GrowthP999,
    /// The longest append of a growing log, in milliseconds.
    GrowthLongest,
    /// Peak memory of the server while a log grew, in MiB.
    GrowthMemory,
}

/// The bound of a quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bound {
    /// This much or more.
    AtLeast(f64),
    /// More than this.
    Above(f64),
    /// Less than this.
    Below(f64),
}

impl Bound {
    pub(super) fn is_met(self, reached: f64) -> bool {
        match self {
            Self::AtLeast(least) => reached >= least,
            Self::Above(limit) => reached > limit,
            Self::Below(limit) => reached < limit,
        }
    }

    fn words(self) -> String {
        let plain = |value: f64| {
            if value < 1_000.0 {
                value.to_string()
            } else {
                number(value)
            }
        };
        match self {
            Self::AtLeast(least) => format!("{} or more", plain(least)),
            Self::Above(limit) => format!("more than {}", plain(limit)),
            Self::Below(limit) => format!("less than {}", plain(limit)),
        }
    }
}

impl Quantity {
    /// Whether the quantity is a ratio rather than a value in the workload's unit.
    pub(super) const fn is_ratio(self) -> bool {
        matches!(self, Self::Times(_) | Self::Ahead(_) | Self::TimesBestOfUmaDb)
    }

    /// Whether the quantity is derived from the workload's figure.
    pub(super) const fn is_of_figure(self) -> bool {
        self.is_ratio() || matches!(self, Self::Figure)
    }
}

impl Goal {
    const fn new(quantity: Quantity, bound: Bound) -> Self {
        Self { quantity, bound }
    }

    /// Describes the goal; `unit` is the unit of the workload's figure.
    pub(super) fn words(self, unit: &str) -> String {
        let bound = self.bound.words();
        match self.quantity {
            Quantity::Figure if unit == "share" => format!("{bound} of the first million's rate"),
            Quantity::Figure => format!("{bound} {unit}"),
            Quantity::Times(name) => format!("{bound} times {}", name.text()),
            Quantity::Ahead(name) => format!("ahead of {}", name.text()),
            Quantity::TimesBestOfUmaDb => format!("{bound} times umadb's best single appends"),
            Quantity::GrowthP999 => format!("p99.9 {bound} ms"),
            Quantity::GrowthLongest => format!("longest {bound} ms"),
            Quantity::GrowthMemory => format!("memory {bound} MiB"),
        }
    }
}

/// Returns the goals of this workload; all of them must be met.
pub(super) fn goals(workload: Workload) -> Vec<Goal> {
    use Bound::{AtLeast, Below};
    use Name::{Echo, Umadb};
    use Quantity::{Figure, GrowthLongest, GrowthMemory, GrowthP999, Times, TimesBestOfUmaDb};
    let bounds = match workload.name().as_str() {
        "append-1x64" => vec![(Times(Umadb), AtLeast(1.3)), (Times(Echo), AtLeast(0.75))],
        "append-1x1" => vec![(Times(Umadb), AtLeast(1.5))],
        "pipelined" => vec![(Figure, AtLeast(250_000.0)), (TimesBestOfUmaDb, AtLeast(10.0))],
        "append-100x16" => vec![(Times(Umadb), AtLeast(1.5)), (Times(Echo), AtLeast(0.5))],
        "conditional-64" => vec![(Times(Umadb), AtLeast(1.3))],
        "read-all" => vec![(Times(Umadb), AtLeast(1.5)), (Times(Echo), AtLeast(0.7))],
        "load-100" => vec![(Times(Echo), Below(2.0))],
        "live-1000" => vec![(Figure, Below(5.0))],
        "growth" => vec![
            (Figure, AtLeast(0.85)),
            (GrowthP999, Below(50.0)),
            (GrowthLongest, Below(250.0)),
            (GrowthMemory, Below(1_024.0)),
        ],
        _ => Vec::new(),
    };
    let goal = |(quantity, bound)| Goal::new(quantity, bound);
    bounds.into_iter().map(goal).collect()
}

/// Stores that Annals must be ahead of in every workload that they support.
pub(super) const BEHIND: [Name; 2] = [Name::MessageDb, Name::Nats];

/// Returns the goal to be ahead of a store.
pub(super) const fn ahead_of(name: Name) -> Goal {
    Goal::new(Quantity::Ahead(name), Bound::Above(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_met_where_its_words_say_so_and_not_short_of_it() {
        for (bound, reached, met) in [
            (Bound::AtLeast(1.3), 1.3, true),
            (Bound::AtLeast(1.3), 1.299_999, false),
            (Bound::Above(1.0), 1.0, false),
            (Bound::Above(1.0), 1.000_001, true),
            (Bound::Below(5.0), 5.0, false),
            (Bound::Below(5.0), 4.999_999, true),
            (Bound::AtLeast(1.0), f64::NAN, false),
        ] {
            assert_eq!(bound.is_met(reached), met, "{bound:?} of {reached}");
        }
    }

    #[test]
    fn every_goal_of_the_product_names_a_workload_that_there_is() {
        let all = super::super::workload::chosen(&["all".to_owned(), "growth".to_owned()]).unwrap();
        let with_goals = all.iter().filter(|&&workload| !goals(workload).is_empty());
        assert_eq!(with_goals.count(), 9);
    }

    #[test]
    fn goals_are_told_in_words() {
        let words: Vec<String> = goals(Workload::Pipelined)
            .into_iter()
            .map(|goal| goal.words("events/s"))
            .collect();
        assert_eq!(
            words,
            [
                "250,000 or more events/s",
                "10 or more times umadb's best single appends"
            ]
        );
        assert_eq!(ahead_of(Name::Nats).words("ms"), "ahead of nats");
    }
}
