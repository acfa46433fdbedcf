use std::collections::BTreeSet;

use annals_engine::Direction;
use proptest::prelude::*;

use super::{Rank, Run, UNCHECKED_MAX};
use crate::values::position::Position;

const FORWARDS: Direction = Direction::Forwards;

/// The positions of a run, and the last position up to which they are known.
fn parts(run: &Run) -> (Vec<u64>, u64) {
    let until = run.until().unwrap();
    let ranks = run.ranks.iter().map(|rank| rank.position(FORWARDS).0);
    (ranks.collect(), until.position(FORWARDS).0)
}

fn run(positions: &[u64], until: u64) -> Run {
    let rank = |position: u64| Rank::of(Position(position), FORWARDS);
    Run::new(positions.iter().copied().map(rank), rank(until))
}

/// Positions in a run that ends at the last of them or later.
fn known() -> impl Strategy<Value = (Vec<u64>, u64)> {
    (proptest::collection::btree_set(1..400_u64, 0..200), 1..400_u64).prop_map(|(set, until)| {
        let until = until.max(set.last().copied().unwrap_or(1));
        (set.into_iter().collect(), until)
    })
}

proptest! {
    #[test]
    fn a_union_is_exact_as_far_as_all_are_known(runs in proptest::collection::vec(known(), 1..5)) {
        let made: Vec<Run> = runs.iter().map(|(positions, until)| run(positions, *until)).collect();
        let until = runs.iter().map(|(_, until)| *until).min().unwrap();
        let all: BTreeSet<u64> = runs.iter().flat_map(|(positions, _)| positions.iter().copied()).collect();
        let wanted: Vec<u64> = all.into_iter().filter(|position| *position <= until).collect();
        prop_assert_eq!(parts(&Run::union(made.iter())), (wanted, until));
    }

    #[test]
    fn narrowing_is_exact_where_both_are_known_and_goes_on_unchecked_for_a_while(
        (own, until) in known(), (other, other_until) in known(),
    ) {
        let mut narrowed = run(&own, until);
        narrowed.narrow(&run(&other, other_until));
        let (found, reached) = parts(&narrowed);
        let proposed = own.iter().filter(|position| **position <= reached).count();
        let wanted: Vec<u64> = own
            .iter()
            .copied()
            .filter(|position| *position <= reached && (*position > other_until || other.contains(position)))
            .collect();
        prop_assert_eq!(found, wanted);
        prop_assert!(reached >= until.min(other_until));
        prop_assert!(reached == until || proposed >= UNCHECKED_MAX, "{reached} of {until} with {proposed}");
        prop_assert!(reached <= until.min(other_until) || proposed <= UNCHECKED_MAX, "{reached} with {proposed}");
    }

    #[test]
    fn what_is_passed_is_forgotten_and_nothing_else((positions, until) in known(), from in 1..450_u64) {
        let mut passed = run(&positions, until);
        let from_rank = Rank::of(Position(from), FORWARDS);
        passed.pass(from_rank);
        prop_assert_eq!(passed.knows(from_rank), from <= until);
        if from <= until {
            let left: Vec<u64> = positions.into_iter().filter(|position| *position >= from).collect();
            prop_assert_eq!(parts(&passed), (left, until));
        }
    }
}

#[test]
fn backwards_what_comes_later_is_greater() {
    let rank = |position| Rank::of(Position(position), Direction::Backwards);
    assert!(rank(7) < rank(3));
    assert_eq!(rank(7).position(Direction::Backwards), Position(7));
}
