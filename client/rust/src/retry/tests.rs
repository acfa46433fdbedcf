use std::time::Duration;

use super::{RetryPolicy, Tries};
use crate::connection::Connection;

fn tries(endpoints: usize, policy: &RetryPolicy) -> Tries {
    let endpoints: Vec<_> = (0..endpoints)
        .map(|nth| format!("http://host-{nth}:2113"))
        .collect();
    Tries::new(
        policy,
        &Connection::new(&endpoints, Duration::from_secs(1)).unwrap(),
    )
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
