//! Retention of streams, and their deletion.

use std::time::Duration;

use annals_proto::v1 as pb;

use crate::error::{Error, Result};
use crate::position::{Position, Revision};

/// How much of a stream is kept. An event is removed if any of these limits applies. The stream remains, and its
/// revisions continue.
///
/// ```
/// use std::time::Duration;
///
/// use annals_client::Retention;
///
/// let last_hundred_of_a_month = Retention::new().max_count(100).max_age(Duration::from_secs(30 * 24 * 60 * 60));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Maximum number of events to keep, at least 1. `None`: no limit.
    pub max_count: Option<u64>,
    /// Maximum age of events from the time at which they were recorded: whole seconds, at least one. `None`: no limit.
    pub max_age: Option<Duration>,
    /// Events before this revision are removed. It only increases, and is at most one after the stream's last
    /// revision.
    pub truncate_before: Revision,
}

impl Retention {
    /// Keeps everything that is not removed yet.
    #[must_use]
    pub fn new() -> Self {
        Retention::default()
    }

    /// Keeps the last `count` events.
    #[must_use]
    pub fn max_count(mut self, count: u64) -> Self {
        self.max_count = Some(count);
        self
    }

    /// Keeps events for this time: whole seconds, at least one.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Keeps this revision and later ones.
    #[must_use]
    pub fn truncate_before(mut self, revision: impl Into<Revision>) -> Self {
        self.truncate_before = revision.into();
        self
    }
}

impl From<Retention> for pb::Retention {
    fn from(retention: Retention) -> Self {
        pb::Retention {
            max_count: retention.max_count,
            // A value that does not fit exceeds the server's maximum, and the server rejects it.
            max_age: retention.max_age.map(|age| prost_types::Duration {
                seconds: i64::try_from(age.as_secs()).unwrap_or(i64::MAX),
                nanos: age.subsec_nanos().try_into().unwrap_or_default(),
            }),
            truncate_before: retention.truncate_before.into(),
        }
    }
}

impl TryFrom<pb::Retention> for Retention {
    type Error = Error;

    fn try_from(retention: pb::Retention) -> Result<Self> {
        let duration = |age: prost_types::Duration| {
            Duration::try_from(age).map_err(|_| Error::protocol(format!("a max_age of {} s", age.seconds)))
        };
        Ok(Retention {
            max_count: retention.max_count,
            max_age: retention.max_age.map(duration).transpose()?,
            truncate_before: retention.truncate_before.into(),
        })
    }
}

/// The retention of a stream at a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionInfo {
    /// How much of the stream is kept.
    pub retention: Retention,
    /// The number of changes, including deletions; 0: never changed, everything is kept.
    pub version: u64,
    /// Whether the stream was permanently deleted.
    pub tombstoned: bool,
}

impl TryFrom<pb::GetRetentionResponse> for RetentionInfo {
    type Error = Error;

    fn try_from(response: pb::GetRetentionResponse) -> Result<Self> {
        Ok(RetentionInfo {
            retention: response.retention.unwrap_or_default().try_into()?,
            version: response.version,
            tombstoned: response.tombstoned,
        })
    }
}

impl TryFrom<pb::SetRetentionResponse> for RetentionInfo {
    type Error = Error;

    fn try_from(response: pb::SetRetentionResponse) -> Result<Self> {
        Ok(RetentionInfo {
            retention: response.retention.unwrap_or_default().try_into()?,
            version: response.version,
            tombstoned: false,
        })
    }
}

/// The result of deleting a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// The stream's last revision; the next append gets the one after it.
    pub last_revision: Revision,
    /// The position of the event that records the deletion.
    pub position: Position,
    /// Whether the stream had been deleted already, with no append since.
    pub already_deleted: bool,
}

impl From<pb::DeleteStreamResponse> for Deleted {
    fn from(response: pb::DeleteStreamResponse) -> Self {
        Deleted {
            last_revision: response.last_revision.into(),
            position: response.position.into(),
            already_deleted: response.already_deleted,
        }
    }
}

/// The result of permanently deleting a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstoned {
    /// The position of the event that records the deletion.
    pub position: Position,
    /// Whether the stream had been permanently deleted already.
    pub already_tombstoned: bool,
}

impl From<pb::TombstoneStreamResponse> for Tombstoned {
    fn from(response: pb::TombstoneStreamResponse) -> Self {
        Tombstoned {
            position: response.position.into(),
            already_tombstoned: response.already_tombstoned,
        }
    }
}
