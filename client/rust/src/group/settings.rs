//! The settings of groups.

use std::time::Duration;

use annals_proto::v1::{self as pb, group_start::Start};
use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::event;
use crate::position::Position;
use crate::query::Query;

/// How a group distributes its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum GroupMode {
    /// The events of one stream, or with one tag if [`GroupSettings::order_by_tag_prefix`] is set, are delivered in
    /// order, to one consumer at a time. Other streams proceed independently.
    #[default]
    Ordered,
    /// Events are delivered to any consumer, about in order.
    Unordered,
    /// One consumer gets all events, in order. The others stand by: when it leaves, the one that has waited longest
    /// takes its place.
    Exclusive,
}

impl From<GroupMode> for pb::GroupMode {
    fn from(mode: GroupMode) -> Self {
        match mode {
            GroupMode::Ordered => pb::GroupMode::Ordered,
            GroupMode::Unordered => pb::GroupMode::Unordered,
            GroupMode::Exclusive => pb::GroupMode::Exclusive,
        }
    }
}

impl From<pb::GroupMode> for GroupMode {
    fn from(mode: pb::GroupMode) -> Self {
        match mode {
            pb::GroupMode::Unspecified | pb::GroupMode::Ordered => GroupMode::Ordered,
            pb::GroupMode::Unordered => GroupMode::Unordered,
            pb::GroupMode::Exclusive => GroupMode::Exclusive,
        }
    }
}

/// The settings of a group. The server fills in its defaults for those that are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupSettings {
    /// The events of the group; every event unless it has items.
    pub query: Query,
    /// How they are distributed.
    pub mode: GroupMode,
    /// For ordered groups: order by the first tag that begins with this prefix (`customer:`), and by stream where there
    /// is none. Empty: by stream.
    pub order_by_tag_prefix: String,
    /// A delivery that is not settled within this time is withdrawn and counts as a failed attempt. 1 second to 1 hour;
    /// 30 seconds by default.
    pub ack_timeout: Option<Duration>,
    /// An event is parked after this number of failed attempts. 1 to 1,000; 10 by default.
    pub max_attempts: Option<u32>,
    /// How long a failed event waits before its second attempt. The time doubles with each attempt. Up to 1 hour;
    /// 1 second by default.
    pub retry_delay: Option<Duration>,
    /// The longest time that a failed event waits: at least `retry_delay`, up to 1 day. By default 1 minute, or
    /// `retry_delay` if that is longer.
    pub max_retry_delay: Option<Duration>,
    /// For ordered groups: while an event of a stream is parked, park the later events of the stream as well, to replay
    /// them in order.
    pub park_following: bool,
}

impl GroupSettings {
    /// Creates the settings of an ordered group of all events, with the defaults of the server.
    pub fn new() -> Self {
        GroupSettings::default()
    }

    /// Sets the events of the group.
    #[must_use]
    pub fn query(mut self, query: impl Into<Query>) -> Self {
        self.query = query.into();
        self
    }

    /// Sets how events are distributed.
    #[must_use]
    pub fn mode(mut self, mode: GroupMode) -> Self {
        self.mode = mode;
        self
    }

    /// Orders by the first tag that begins with this prefix instead of by stream.
    #[must_use]
    pub fn order_by_tag_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.order_by_tag_prefix = prefix.into();
        self
    }

    /// Sets the time within which deliveries are settled.
    #[must_use]
    pub fn ack_timeout(mut self, timeout: Duration) -> Self {
        self.ack_timeout = Some(timeout);
        self
    }

    /// Sets the number of failed attempts after which an event is parked.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// Sets how long a failed event waits before its second attempt.
    #[must_use]
    pub fn retry_delay(mut self, delay: Duration) -> Self {
        self.retry_delay = Some(delay);
        self
    }

    /// Sets the longest time that a failed event waits.
    #[must_use]
    pub fn max_retry_delay(mut self, delay: Duration) -> Self {
        self.max_retry_delay = Some(delay);
        self
    }

    /// Parks the later events of the stream of a parked event as well.
    #[must_use]
    pub fn park_following(mut self, following: bool) -> Self {
        self.park_following = following;
        self
    }
}

impl From<GroupSettings> for pb::GroupSettings {
    fn from(settings: GroupSettings) -> Self {
        pb::GroupSettings {
            query: Some(settings.query.into()),
            mode: pb::GroupMode::from(settings.mode).into(),
            order_by_tag_prefix: settings.order_by_tag_prefix,
            ack_timeout: settings.ack_timeout.map(event::to_duration),
            max_attempts: settings.max_attempts,
            retry_delay: settings.retry_delay.map(event::to_duration),
            max_retry_delay: settings.max_retry_delay.map(event::to_duration),
            park_following: settings.park_following,
        }
    }
}

impl TryFrom<pb::GroupSettings> for GroupSettings {
    type Error = Error;

    fn try_from(settings: pb::GroupSettings) -> Result<Self> {
        let duration = |value: Option<prost_types::Duration>, field| {
            value
                .map(|value| event::parse_duration(Some(value), field))
                .transpose()
        };
        Ok(GroupSettings {
            mode: settings.mode().into(),
            query: settings.query.unwrap_or_default().into(),
            order_by_tag_prefix: settings.order_by_tag_prefix,
            ack_timeout: duration(settings.ack_timeout, "ack_timeout")?,
            max_attempts: settings.max_attempts,
            retry_delay: duration(settings.retry_delay, "retry_delay")?,
            max_retry_delay: duration(settings.max_retry_delay, "max_retry_delay")?,
            park_following: settings.park_following,
        })
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its settings, with the defaults filled in.
    pub settings: GroupSettings,
    /// The number of its settings: 1 when the group is created, and 1 more with each update.
    pub version: u64,
    /// When it was created, by the server's clock.
    pub created_at: Timestamp,
}

impl Group {
    pub(super) fn of(group: Option<pb::Group>) -> Result<Self> {
        let group = group.ok_or_else(|| Error::protocol("a group without content"))?;
        Ok(Group {
            name: group.name,
            settings: group.settings.unwrap_or_default().try_into()?,
            version: group.version,
            created_at: event::parse_time(group.created_at.as_ref(), "created_at")?,
        })
    }
}

/// The place in the log at which a group starts or continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupStart {
    /// Before the first event.
    #[default]
    Beginning,
    /// After the last event.
    End,
    /// After this position.
    After(Position),
    /// Before the first event that was recorded at this time or later.
    Time(Timestamp),
}

impl From<GroupStart> for pb::GroupStart {
    fn from(start: GroupStart) -> Self {
        let start = match start {
            GroupStart::Beginning => Start::Beginning(()),
            GroupStart::End => Start::End(()),
            GroupStart::After(position) => Start::AfterPosition(position.into()),
            GroupStart::Time(time) => Start::Time(event::to_time(time)),
        };
        pb::GroupStart { start: Some(start) }
    }
}
