use std::time::Duration;

use super::{RetryPolicy, Tries};
use crate::connection::{Connection, Patience};

fn tries(endpoints: usize, policy: &RetryPolicy) -> Tries {
    let endpoints: Vec<_> = (0..endpoints)
        .map(|nth| format!("http://host-{nth}:2113"))
        .collect();
    let patience = Patience {
        connect: Duration::from_secs(1),
        silence: Duration::from_secs(1),
        home: Duration::ZERO,
    };
    Tries::new(policy, &Connection::new(&endpoints, patience).unwrap())
}

#[test]
fn pauses_grow_to_their_bound_and_stay_between_half_and_all_of_it() {
    let policy = RetryPolicy::default();
    let mut tries = tries(1, &policy);
    for nominal_ms in [50, 100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000] {
        let pause = tries.after_failure().unwrap();
        let nominal = Duration::from_millis(nominal_ms);
        assert!(
            (nominal / 2..=nominal).contains(&pause),
            "{pause:?} for {nominal:?}"
        );
    }
}

#[test]
fn there_is_no_pause_before_every_endpoint_was_tried() {
    let mut tries = tries(3, &RetryPolicy::default());
    let paused: Vec<_> = (0..6)
        .map(|_| !tries.after_failure().unwrap().is_zero())
        .collect();
    assert_eq!(paused, [false, false, true, false, false, true]);
}

#[test]
fn the_tries_are_bounded_and_begin_anew_after_progress() {
    let policy = RetryPolicy {
        tries_max: Some(2),
        ..RetryPolicy::default()
    };
    let mut tries = tries(1, &policy);
    assert!(tries.after_failure().is_some());
    assert!(tries.after_failure().is_none());
    tries.reset();
    assert!(tries.after_failure().is_some());
}

#[test]
fn pauses_never_overflow() {
    let mut tries = tries(
        1,
        &RetryPolicy {
            pause_max: Duration::MAX,
            ..RetryPolicy::default()
        },
    );
    tries.failed = u32::MAX - 2;
    for _ in 0..5 {
        tries.after_failure_without_end();
    }
}

#[test]
fn endpoints_that_accept_and_then_fail_are_not_gone_round_without_a_pause() {
    let mut tries = tries(3, &RetryPolicy::default());
    let mut pauses = 0;
    for _ in 0..30 {
        let pause = tries.after_failure().unwrap();
        assert!(pause <= Duration::from_millis(50), "they stay short: {pause:?}");
        pauses += usize::from(!pause.is_zero());
        tries.reset();
    }
    assert_eq!(pauses, 10, "one in each round");
}

#[test]
fn what_is_tried_without_end_never_moves_on_in_step() {
    let mut tries = tries(3, &RetryPolicy::default());
    let moves: Vec<_> = (0..2).map(|_| tries.after_failure_without_end()).collect();
    assert!(
        moves.iter().all(|pause| *pause <= Duration::from_millis(50)),
        "{moves:?}"
    );
    assert_ne!(moves[0], moves[1]);
}
