//! The time against which ages are measured: the server's clock, unless the log contradicts it.
//!
//! 1. The age of an event is the server's clock minus the event's recorded time. The log's last recorded time is
//!    never used as the present: recorded times never decrease along the log, so a single append while a clock was
//!    ahead would age every event by that much, permanently.
//! 2. While the last recorded time is more than [`CLOCK_SKEW_MAX`] ahead of the clock, one of the two is wrong, and
//!    no event is removed by age, neither from reads nor by scavenging. Expiry resumes when the clock has caught up.
//! 3. Smaller differences are normal between servers, and after a clock was adjusted. They suspend nothing: the clock
//!    is used, and it is off by no more than that.
//!
//! Expiry is suspended as a whole instead of frozen at some time, because this rule needs no memory of the past, so
//! all servers agree on it, also after a restart. Events that had expired and were not scavenged yet are returned
//! again during the suspension.
//!
//! Limits: a clock that is ahead is not detected before an append has recorded its time, nor while it is still ahead.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tracing::{info, warn};

use crate::{shared::Shared, values::position::Timestamp};

/// How far the log's last recorded time may be ahead of a server's clock before expiry by age is suspended.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(5);
/// How often the clock is compared with the log.
const INTERVAL: Duration = Duration::from_secs(1);
/// Time without suspension after which an episode ends. Where two servers append whose clocks differ by more than the
/// skew, each append starts another short suspension.
const CALM: Duration = Duration::from_secs(60);

/// Comparison of the server's clock with the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockState {
    /// How far the log's last recorded time is ahead of the clock; zero if it is not.
    pub log_ahead: Duration,
}

impl ClockState {
    fn new(now: Timestamp, last_recorded: Timestamp) -> Self {
        Self {
            log_ahead: Duration::from_micros(last_recorded.micros.saturating_sub(now.micros)),
        }
    }

    /// Whether no event is removed by age, because the log is ahead of the clock by more than [`CLOCK_SKEW_MAX`].
    #[must_use]
    pub fn expiry_suspended(&self) -> bool {
        self.log_ahead > CLOCK_SKEW_MAX
    }
}

/// Compares the clock with the current end of the log.
pub(crate) fn state(shared: &Shared) -> ClockState {
    ClockState::new(shared.environment.clock.now(), shared.tail.recorded_at())
}

/// Returns the time against which ages are measured; `None` while expiry by age is suspended.
pub(crate) fn now(shared: &Shared) -> Option<Timestamp> {
    let now = shared.environment.clock.now();
    let state = ClockState::new(now, shared.tail.recorded_at());
    (!state.expiry_suspended()).then_some(now)
}

/// Whether events that were found expired at `judged_at` may no longer be removed: expiry is suspended now, or the
/// clock was set back since.
pub(crate) fn contradicts(shared: &Shared, judged_at: Option<Timestamp>) -> bool {
    let skew = Duration::as_micros(&CLOCK_SKEW_MAX) as u64;
    judged_at.is_some_and(|judged_at| {
        now(shared).is_none_or(|now| now.micros.saturating_add(skew) < judged_at.micros)
    })
}

/// Reports when expiry by age is suspended and when it resumes, until the store closes.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut closing = shared.closing.watch();
    let mut episode = Episode::default();
    loop {
        let state = state(&shared);
        match episode.see(state.expiry_suspended(), Instant::now()) {
            Some(Report::Suspended) => warn!(
                ahead_seconds = state.log_ahead.as_secs(),
                last_recorded = %shared.tail.recorded_at(),
                clock = %shared.environment.clock.now(),
                "the log's last recorded time is ahead of this server's clock; no event is removed by age until the \
                 clock has caught up. Check the clocks of all servers"
            ),
            Some(Report::Resumed) => {
                info!("the clock has caught up with the log; events are removed by age again")
            }
            None => {}
        }
        tokio::select! {
            biased;
            _ = closing.until(|closing| *closing) => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

/// Reports about an episode: one when it begins, and one when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Report {
    Suspended,
    Resumed,
}

/// A period in which expiry by age is suspended, with interruptions shorter than [`CALM`].
#[derive(Debug, Default)]
struct Episode {
    is_on: bool,
    caught_up_since: Option<Instant>,
}

impl Episode {
    fn see(&mut self, suspended: bool, now: Instant) -> Option<Report> {
        if suspended {
            self.caught_up_since = None;
            let begins = !self.is_on;
            self.is_on = true;
            return begins.then_some(Report::Suspended);
        }
        let since = *self.caught_up_since.get_or_insert(now);
        if self.is_on && now.duration_since(since) >= CALM {
            self.is_on = false;
            return Some(Report::Resumed);
        }
        None
    }
}

#[cfg(test)]
mod tests;
