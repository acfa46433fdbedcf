//! What a handler gets, and what it returns.

use std::time::Duration;

use annals_proto::v1::{self as pb, nack::Action};

use crate::event::{self, RecordedEvent};

/// The most bytes of a reason, from the protocol.
const REASON_BYTES_MAX: usize = 1_024;

/// An event that a consumer is to process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The event.
    pub event: RecordedEvent,
    /// Number of the attempt, from 1.
    pub attempt: u32,
}

impl Delivery {
    pub(super) fn new(event: RecordedEvent, attempt: u32) -> Self {
        Delivery { event, attempt }
    }
}

/// What becomes of an event that a handler has processed, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settlement {
    /// It is done.
    Ack,
    /// It is delivered again after this time, up to 1 day; parked after the last attempt. To retry after the group's
    /// delay, return an error.
    Retry(Duration),
    /// It is parked, with this reason.
    Park(String),
    /// It is done without having been processed.
    Skip,
}

impl From<()> for Settlement {
    fn from((): ()) -> Self {
        Settlement::Ack
    }
}

/// What is sent about a delivery.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    Ack,
    Nack { reason: String, action: Option<Action> },
}

impl Reply {
    /// The reply to a handler that has failed.
    pub(super) fn failed(reason: &str) -> Self {
        Reply::Nack {
            reason: cut(reason),
            action: None,
        }
    }

    /// Whether the server answers it with a withdrawal.
    pub(super) fn is_answered(&self) -> bool {
        match self {
            Reply::Ack => false,
            Reply::Nack { action, .. } => !matches!(action, Some(Action::Skip(()))),
        }
    }

    pub(super) fn into_nack(self, delivery: u64) -> Option<pb::Nack> {
        match self {
            Reply::Ack => None,
            Reply::Nack { reason, action } => Some(pb::Nack {
                deliveries: vec![delivery],
                reason,
                action,
            }),
        }
    }
}

impl From<Settlement> for Reply {
    fn from(settlement: Settlement) -> Self {
        let nack = |reason: &str, action| Reply::Nack {
            reason: cut(reason),
            action: Some(action),
        };
        match settlement {
            Settlement::Ack => Reply::Ack,
            Settlement::Retry(after) => nack("", Action::RetryAfter(event::to_duration(after))),
            Settlement::Park(reason) => nack(&reason, Action::Park(())),
            Settlement::Skip => nack("", Action::Skip(())),
        }
    }
}

/// A reason that the server accepts: cut at the end of a character.
fn cut(reason: &str) -> String {
    reason[..reason.floor_char_boundary(REASON_BYTES_MAX)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_cut_between_characters() {
        let reason = |text: &str| match Reply::failed(text) {
            Reply::Nack { reason, .. } => reason,
            Reply::Ack => unreachable!("a failure is no ack"),
        };
        assert_eq!(reason("short"), "short");
        assert_eq!(reason(&"é".repeat(600)).len(), 1_024);
        assert_eq!(reason(&format!("a{}", "é".repeat(600))).len(), 1_023);
    }

    #[test]
    fn the_server_answers_nacks_that_do_not_skip() {
        let settlements = [
            Settlement::Ack,
            Settlement::Skip,
            Settlement::Retry(Duration::ZERO),
            Settlement::Park(String::new()),
        ];
        let answered = settlements.map(|settlement| Reply::from(settlement).is_answered());
        assert_eq!(answered, [false, false, true, true]);
        assert!(Reply::failed("x").is_answered());
    }
}
