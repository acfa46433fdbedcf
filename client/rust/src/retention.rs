//! How much of a stream is kept, and its end.

use annals_proto::v1 as pb;

use crate::error::{Error, Result};

/// How much of a stream is kept. An event is gone if any of these says so; the stream stays, and its revisions go on.
///
/// ```
/// use annals_client::Retention;
///
/// let last_hundred_of_a_month = Retention::new().max_count(100).max_age_seconds(30 * 24 * 60 * 60);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Keeps the last so many events, 1 or more. `None`: any number.
    pub max_count: Option<u64>,
    /// Keeps events for so many seconds after they were recorded, 1 or more. `None`: for ever.
    pub max_age_seconds: Option<u64>,
    /// Events before this revision are gone. It only grows, and is at most one after the stream's last revision.
    pub truncate_before: u64,
}

impl Retention {
    /// Keeps everything that is not gone yet.
    #[must_use]
    pub fn new() -> Self {
        Retention::default()
    }

    /// Keeps the last so many events.
    #[must_use]
    pub fn max_count(mut self, count: u64) -> Self {
        self.max_count = Some(count);
        self
    }

    /// Keeps events for so many seconds.
    #[must_use]
    pub fn max_age_seconds(mut self, seconds: u64) -> Self {
        self.max_age_seconds = Some(seconds);
        self
    }

    /// Keeps events from this revision on.
    #[must_use]
    pub fn truncate_before(mut self, revision: u64) -> Self {
        self.truncate_before = revision;
        self
    }
}

impl From<Retention> for pb::Retention {
    fn from(retention: Retention) -> Self {
        pb::Retention {
            max_count: retention.max_count,
            // More than fits is refused by the server as more than it takes.
            max_age: retention.max_age_seconds.map(|seconds| prost_types::Duration {
                seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
                nanos: 0,
            }),
            truncate_before: retention.truncate_before,
        }
    }
}

impl TryFrom<pb::Retention> for Retention {
    type Error = Error;

    fn try_from(retention: pb::Retention) -> Result<Self> {
        let seconds = |age: prost_types::Duration| {
            u64::try_from(age.seconds).map_err(|_| Error::protocol(format!("a max_age of {} s", age.seconds)))
        };
        Ok(Retention {
            max_count: retention.max_count,
            max_age_seconds: retention.max_age.map(seconds).transpose()?,
            truncate_before: retention.truncate_before,
        })
    }
}

/// How much of a stream is kept, as of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionInfo {
    /// What is kept.
    pub retention: Retention,
    /// How often it was changed, deletions included; 0: never, everything is kept.
    pub version: u64,
    /// Whether the stream was deleted for ever.
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

/// A stream that was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// Its last revision; an append to it gets the next.
    pub last_revision: u64,
    /// The position at which the log says that it is deleted.
    pub position: u64,
    /// Whether it was deleted before, and nothing was appended since.
    pub already_deleted: bool,
}

impl From<pb::DeleteStreamResponse> for Deleted {
    fn from(response: pb::DeleteStreamResponse) -> Self {
        Deleted {
            last_revision: response.last_revision,
            position: response.position,
            already_deleted: response.already_deleted,
        }
    }
}

/// A stream that was deleted for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstoned {
    /// The position at which the log says so.
    pub position: u64,
    /// Whether it was before.
    pub already_tombstoned: bool,
}

impl From<pb::TombstoneStreamResponse> for Tombstoned {
    fn from(response: pb::TombstoneStreamResponse) -> Self {
        Tombstoned {
            position: response.position,
            already_tombstoned: response.already_tombstoned,
        }
    }
}
