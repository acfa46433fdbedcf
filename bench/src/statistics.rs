//! Summarizes several runs of the same workload in three numbers.

use serde::Serialize;

/// Median and extremes of some runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// The median; for an even number of runs, the mean of the two in the middle.
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Summary {
    /// Summarizes the runs; `None` if there are none.
    pub(crate) fn of(runs: &[f64]) -> Option<Self> {
        let mut sorted = runs.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let (below, above) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Self {
            median: f64::midpoint(below, above),
            min,
            max,
        })
    }

    /// Returns the distance of the extremes as a share of the median. Above about 0.15, other programs kept the
    /// machine busy.
    pub(crate) fn spread(&self) -> f64 {
        if self.median == 0.0 {
            0.0
        } else {
            (self.max - self.min) / self.median
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_odd_number_is_one_of_them() {
        assert_eq!(
            Summary::of(&[9.0, 1.0, 4.0]),
            Some(Summary {
                median: 4.0,
                min: 1.0,
                max: 9.0
            })
        );
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_two() {
        assert_eq!(Summary::of(&[4.0, 1.0, 2.0, 9.0]).unwrap().median, 3.0);
    }

    #[test]
    fn nothing_has_no_summary_and_one_run_no_spread() {
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(Summary::of(&[5.0]).unwrap().spread(), 0.0);
    }

    #[test]
    fn the_spread_is_relative_to_the_median() {
        assert_eq!(Summary::of(&[90.0, 100.0, 110.0]).unwrap().spread(), 0.2);
        assert_eq!(Summary::of(&[0.0, 0.0]).unwrap().spread(), 0.0);
    }
}
