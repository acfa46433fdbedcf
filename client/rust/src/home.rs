//! A client's home: its preferred endpoint, to which it returns after a failover.
//!
//! While it uses another endpoint, the client probes its home from time to time, and returns when the home answers: a
//! restarted server gets its clients back, instead of another server keeping all of them. A home that fails again
//! soon after a return is probed less and less often. Probes are jittered, so that clients that lost the same server
//! do not return in step.
//!
//! Limitation: an idle client, without calls and subscriptions, does not probe before its next call.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Maximum mean pause between probes; also the time after which a return counts as lasting.
const LOOK_PAUSE_MAX: Duration = Duration::from_secs(60);

/// State that decides when a client returns to its home.
#[derive(Debug)]
pub(crate) struct Home {
    /// The mean pause before a probe; zero disables probes.
    return_after: Duration,
    returns: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    returned_at: Option<Instant>,
    pause: Duration,
    look_at: Option<Instant>,
    looking: bool,
}

impl Home {
    pub(crate) fn new(return_after: Duration) -> Self {
        Home {
            return_after,
            returns: AtomicU64::new(0),
            state: Mutex::new(State {
                returned_at: None,
                pause: return_after,
                look_at: None,
                looking: false,
            }),
        }
    }

    /// The number of times the client has returned. Long-lived calls on another endpoint compare it to detect that
    /// they should move.
    pub(crate) fn returns(&self) -> u64 {
        self.returns.load(Ordering::Acquire)
    }

    /// Records that the client has left its home because it failed.
    pub(crate) fn left(&self, now: Instant) {
        let mut state = self.state();
        let lasted = state.returned_at.map(|returned_at| now - returned_at);
        state.pause = match lasted.is_some_and(|lasted| lasted < LOOK_PAUSE_MAX) {
            true => (state.pause * 2).min(LOOK_PAUSE_MAX),
            false => self.return_after,
        };
        state.look_later(now);
    }

    /// Returns true if a probe is due. The caller then probes, and calls [`looked`](Home::looked) afterwards.
    pub(crate) fn begin_look(&self, now: Instant) -> bool {
        if self.return_after.is_zero() {
            return false;
        }
        let mut state = self.state();
        let due = !state.looking && state.look_at.is_none_or(|look_at| now >= look_at);
        state.looking |= due;
        due
    }

    /// Ends a probe. If the home answered, the client has already returned to it.
    pub(crate) fn looked(&self, answered: bool, now: Instant) {
        let mut state = self.state();
        state.looking = false;
        state.look_later(now);
        if answered {
            state.returned_at = Some(now);
            self.returns.fetch_add(1, Ordering::Release);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn look_later(&mut self, now: Instant) {
        self.look_at = Some(now + self.pause.mul_f64(rand::random_range(0.5..=1.5)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);

    /// Seconds after `from` until a probe is due.
    fn seconds_until_look(home: &Home, from: Instant) -> u64 {
        let due = |seconds: &u64| home.begin_look(from + Duration::from_secs(*seconds));
        let seconds = (0..=200).find(due).expect("a probe is due eventually");
        home.looked(false, from);
        seconds
    }

    #[test]
    fn looks_are_spread_around_the_pause_and_one_at_a_time() {
        let (home, now) = (Home::new(PAUSE), Instant::now());
        home.left(now);
        for _ in 0..50 {
            assert!((5..=15).contains(&seconds_until_look(&home, now)));
        }
        let later = now + PAUSE * 2;
        assert!(home.begin_look(later));
        assert!(!home.begin_look(later), "one is in progress");
        home.looked(false, later);
        assert_eq!(home.returns(), 0);
    }

    #[test]
    fn a_home_that_fails_again_soon_is_looked_for_less_often() {
        let home = Home::new(PAUSE);
        let mut now = Instant::now();
        for (nth, mean) in [10, 20, 40, 60, 60].into_iter().enumerate() {
            home.left(now);
            let seconds = seconds_until_look(&home, now);
            assert!(
                (mean / 2..=mean * 3 / 2).contains(&seconds),
                "{seconds} s, mean {mean} s"
            );
            now += Duration::from_secs(200);
            assert!(home.begin_look(now));
            home.looked(true, now);
            assert_eq!(home.returns(), nth as u64 + 1);
            now += LOOK_PAUSE_MAX / 2;
        }
        home.left(now + LOOK_PAUSE_MAX);
        let seconds = seconds_until_look(&home, now + LOOK_PAUSE_MAX);
        assert!((5..=15).contains(&seconds), "a return that lasted counts as one");
    }

    #[test]
    fn a_client_that_is_to_stay_away_never_looks() {
        let (home, now) = (Home::new(Duration::ZERO), Instant::now());
        home.left(now);
        assert!(!home.begin_look(now + LOOK_PAUSE_MAX * 10));
    }
}
