//! The settings of a group.

use std::time::Duration;

use annals_store::{Query, Tag};

/// The most deliveries that a consumer holds at a time.
pub const PERMITS_MAX: u32 = 4_096;
/// The range of [`GroupSettings::ack_timeout`].
pub const ACK_TIMEOUT_MIN: Duration = Duration::from_secs(1);
/// See [`ACK_TIMEOUT_MIN`].
pub const ACK_TIMEOUT_MAX: Duration = Duration::from_secs(60 * 60);
/// The maximum of [`GroupSettings::attempts_max`].
pub const ATTEMPTS_MAX: u32 = 1_000;
/// The maximum of [`GroupSettings::retry_delay`].
pub const RETRY_DELAY_MAX: Duration = Duration::from_secs(60 * 60);
/// The maximum of [`GroupSettings::retry_delay_max`], and of a delay that a consumer asks for.
pub const RETRY_DELAY_CEILING: Duration = Duration::from_secs(24 * 60 * 60);

/// How a group distributes its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The events of one stream are delivered in order, to one consumer at a time.
    OrderedByStream,
    /// The events with one tag are delivered in order, to one consumer at a time: an event's first tag that begins
    /// with this prefix. Events without one are ordered by stream.
    OrderedByTag(String),
    /// Events are delivered to any consumer.
    Unordered,
    /// One consumer gets all events, in order. The others stand by.
    Exclusive,
}

/// The settings of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// The events of the group.
    pub query: Query,
    /// How they are distributed.
    pub mode: Mode,
    /// A delivery that is not settled within this time is withdrawn.
    pub ack_timeout: Duration,
    /// An event is parked after this number of failed attempts.
    pub attempts_max: u32,
    /// How long a failed event waits before its second attempt; the time doubles with each attempt.
    pub retry_delay: Duration,
    /// The longest time that a failed event waits.
    pub retry_delay_max: Duration,
    /// Whether later events of the stream of a parked event are parked too.
    pub park_following: bool,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            query: Query::default(),
            mode: Mode::OrderedByStream,
            ack_timeout: Duration::from_secs(30),
            attempts_max: 10,
            retry_delay: Duration::from_secs(1),
            retry_delay_max: Duration::from_secs(60),
            park_following: false,
        }
    }
}

/// A setting that is not valid: the name of its field in the protocol, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct SettingsError {
    /// Name of the field in `annals.v1.GroupSettings`.
    pub field: &'static str,
    /// What is wrong with its value, and what is allowed.
    pub problem: String,
}

impl GroupSettings {
    /// Checks that every setting is in its range.
    ///
    /// # Errors
    /// [`SettingsError`] with the first setting that is not.
    pub fn check(&self) -> Result<(), SettingsError> {
        let wrong = |field, problem: String| Err(SettingsError { field, problem });
        if let Mode::OrderedByTag(prefix) = &self.mode
            && let Err(error) = Tag::check(prefix)
        {
            return wrong("order_by_tag_prefix", error.to_string());
        }
        if !(ACK_TIMEOUT_MIN..=ACK_TIMEOUT_MAX).contains(&self.ack_timeout) {
            let problem = format!("is {:?}; it must be 1 second to 1 hour", self.ack_timeout);
            return wrong("ack_timeout", problem);
        }
        if !(1..=ATTEMPTS_MAX).contains(&self.attempts_max) {
            let problem = format!("is {}; it must be 1 to {ATTEMPTS_MAX}", self.attempts_max);
            return wrong("max_attempts", problem);
        }
        if self.retry_delay > RETRY_DELAY_MAX {
            let problem = format!("is {:?}; it must be at most 1 hour", self.retry_delay);
            return wrong("retry_delay", problem);
        }
        if !(self.retry_delay..=RETRY_DELAY_CEILING).contains(&self.retry_delay_max) {
            let problem = format!(
                "is {:?}; it must be at least retry_delay, which is {:?}, and at most 1 day",
                self.retry_delay_max, self.retry_delay
            );
            return wrong("max_retry_delay", problem);
        }
        let is_ordered = matches!(self.mode, Mode::OrderedByStream | Mode::OrderedByTag(_));
        if self.park_following && !is_ordered {
            let problem = "is set, but the group is not ordered; leave it out".to_owned();
            return wrong("park_following", problem);
        }
        Ok(())
    }

    /// Returns how long an event waits that has failed this number of times.
    pub(crate) fn delay_after(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let delay = self.retry_delay.saturating_mul(1 << doublings);
        delay.min(self.retry_delay_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_its_maximum() {
        let settings = GroupSettings::default();
        let seconds = |attempts| settings.delay_after(attempts).as_secs();
        assert_eq!([1, 2, 3, 6, 7, 1_000].map(seconds), [1, 2, 4, 32, 60, 60]);
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        type Change = fn(&mut GroupSettings);
        let cases: [(Change, Option<&str>); 8] = [
            (|_| {}, None),
            (
                |settings| settings.mode = Mode::OrderedByTag("$x".into()),
                Some("order_by_tag_prefix"),
            ),
            (
                |settings| settings.ack_timeout = Duration::from_millis(999),
                Some("ack_timeout"),
            ),
            (
                |settings| settings.ack_timeout = Duration::from_secs(3_601),
                Some("ack_timeout"),
            ),
            (|settings| settings.attempts_max = 0, Some("max_attempts")),
            (|settings| settings.attempts_max = 1_001, Some("max_attempts")),
            (
                |settings| settings.retry_delay_max = Duration::ZERO,
                Some("max_retry_delay"),
            ),
            (
                |settings| {
                    settings.mode = Mode::Unordered;
                    settings.park_following = true;
                },
                Some("park_following"),
            ),
        ];
        for (change, field) in cases {
            let mut settings = GroupSettings::default();
            change(&mut settings);
            assert_eq!(
                settings.check().err().map(|error| error.field),
                field,
                "{settings:?}"
            );
        }
    }
}
