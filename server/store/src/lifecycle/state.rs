//! Settings of a stream. Pure: no clock, no I/O.
//!
//! ```text
//! data of an event in `$$S`, about the stream `S`:
//!   {"max_count":10,"max_age_seconds":60,"truncate_before":5,"deleted_before":5,"tombstoned":true}
//! data of an event in `$$$P`, about the prefix `P`:
//!   {"max_count":10,"max_age_seconds":60,"removed_before_micros":1700000000000000}
//! ```
//!
//! Fields with default values are omitted. `deleted_from` was written by earlier versions and has no meaning now. An
//! unknown field is an error: a server that ignored it might return removed events.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Rule;
use crate::{
    format::wire::{Malformed, Parsed},
    values::position::{Revision, Timestamp},
};

/// Type of the event that sets the retention of a stream.
pub(crate) const KIND_RETENTION: &str = "$retention-set";
/// Type of the event that sets the retention of the streams whose names begin with a prefix.
pub(crate) const KIND_PREFIX_RETENTION: &str = "$prefix-retention-set";
/// Type of the event that deletes a stream.
pub(crate) const KIND_DELETED: &str = "$stream-deleted";
/// Type of the event that permanently deletes a stream.
pub(crate) const KIND_TOMBSTONED: &str = "$stream-tombstoned";

/// How much of a stream is kept. An event is removed if any of these limits excludes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Number of last events that are kept, 1 or more. `None`: no limit.
    pub max_count: Option<u64>,
    /// Seconds for which events are kept after they were recorded, 1 or more. `None`: permanently.
    pub max_age_seconds: Option<u64>,
    /// Events before this revision are removed.
    pub truncate_before: Revision,
}

impl Retention {
    /// Whether count or age is limited.
    pub(crate) const fn is_limited(&self) -> bool {
        self.max_count.is_some() || self.max_age_seconds.is_some()
    }

    /// Whether this retention keeps, by count or by age, events that `other` does not keep.
    fn keeps_more_than(&self, other: &Self) -> bool {
        let others = other.max_count;
        let more = others.is_some_and(|others| self.max_count.is_none_or(|mine| mine > others));
        more || self.keeps_longer_than(other)
    }

    /// Whether this retention keeps, by age, events that `other` does not keep.
    pub(crate) fn keeps_longer_than(&self, other: &Self) -> bool {
        let others = other.max_age_seconds;
        others.is_some_and(|others| self.max_age_seconds.is_none_or(|mine| mine > others))
    }
}

/// Settings of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lifecycle {
    pub retention: Retention,
    /// Events recorded before this time are removed. Set only where a prefix's retention applies.
    pub removed_before: Timestamp,
    /// The revision that the next append would have got when the stream was deleted. Earlier events are removed, and
    /// without later ones the stream has no events. 0: it was never deleted.
    pub deleted_before: Revision,
    /// Whether the stream was permanently deleted.
    pub tombstoned: bool,
}

impl Lifecycle {
    /// Returns the settings of the store's own streams, which hold the settings of others.
    pub(crate) const fn keeping_last() -> Self {
        Self {
            retention: Retention {
                max_count: Some(1),
                max_age_seconds: None,
                truncate_before: Revision::FIRST,
            },
            removed_before: Timestamp::from_micros(0),
            deleted_before: Revision::FIRST,
            tombstoned: false,
        }
    }

    /// Returns the first revision that is kept by revision and count, given the stream's last one; one after the last
    /// if none is kept. [`Self::since`] covers ages.
    pub(crate) fn floor(&self, last: Option<Revision>) -> Revision {
        let next = Revision::after(last);
        if self.tombstoned {
            return next;
        }
        let by_count = self
            .retention
            .max_count
            .map_or(0, |count| next.0.saturating_sub(count));
        self.retention.truncate_before.max(Revision(by_count))
    }

    /// Returns the time before which events are removed by their age, or were when their prefix kept less.
    pub(crate) fn since(&self, now: Timestamp) -> Timestamp {
        let age = self.retention.max_age_seconds;
        let by_age = age.map_or(0, |seconds| {
            now.micros.saturating_sub(seconds.saturating_mul(1_000_000))
        });
        Timestamp::from_micros(by_age).max(self.removed_before)
    }

    /// Returns the last revision as appends and checks see it: none, if there are no events since the stream was
    /// deleted.
    pub(crate) fn present(&self, last: Option<Revision>) -> Option<Revision> {
        last.filter(|last| !self.tombstoned && *last >= self.deleted_before)
    }

    /// Returns the state with another retention. `floor`: the first revision that is kept now, if more would be kept
    /// otherwise ([`Self::needs_floor`]); if not, the first revision of a stream.
    pub(crate) fn with_retention(&self, wanted: Retention, floor: Revision) -> Self {
        let truncate_before = self.retention.truncate_before.max(wanted.truncate_before);
        Self {
            retention: Retention {
                truncate_before: truncate_before.max(floor),
                ..wanted
            },
            ..*self
        }
    }

    /// Whether `wanted` keeps more than the current settings, given the rule for the stream's name. The first kept
    /// revision must then be determined, because removed events stay removed.
    pub(crate) fn needs_floor(&self, wanted: &Retention, rule: Option<&Rule>) -> bool {
        let now = Rule::holds_for(rule, self);
        let then = Rule::holds_for(rule, &self.with_retention(*wanted, Revision::FIRST));
        then.retention.keeps_more_than(&now.retention) || then.removed_before < now.removed_before
    }

    /// Returns the state of the stream after it is deleted with `last` as its last revision.
    pub(crate) fn after_deletion(&self, last: Revision) -> Self {
        Self {
            retention: Retention {
                truncate_before: last.next(),
                ..self.retention
            },
            deleted_before: last.next(),
            ..*self
        }
    }

    /// Returns the state of the stream after it is permanently deleted.
    pub(crate) fn after_tombstone(&self) -> Self {
        Self {
            tombstoned: true,
            ..*self
        }
    }

    pub(crate) fn to_json(self) -> Bytes {
        let written = Written {
            max_count: self.retention.max_count,
            max_age_seconds: self.retention.max_age_seconds,
            truncate_before: self.retention.truncate_before.0,
            removed_before_micros: self.removed_before.micros,
            deleted_before: self.deleted_before.0,
            deleted_from: 0,
            tombstoned: self.tombstoned,
        };
        serde_json::to_vec(&written)
            .expect("numbers and booleans are always JSON")
            .into()
    }

    pub(crate) fn from_json(data: &[u8]) -> Parsed<Self> {
        let written: Written =
            serde_json::from_slice(data).map_err(|_| Malformed("lifecycle: settings of a stream"))?;
        if written.max_count == Some(0) || written.max_age_seconds == Some(0) {
            return Err(Malformed("lifecycle: nothing is kept"));
        }
        Ok(Self {
            retention: Retention {
                max_count: written.max_count,
                max_age_seconds: written.max_age_seconds,
                truncate_before: Revision(written.truncate_before),
            },
            removed_before: Timestamp::from_micros(written.removed_before_micros),
            deleted_before: Revision(written.deleted_before),
            tombstoned: written.tombstoned,
        })
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age_seconds: Option<u64>,
    #[serde(skip_serializing_if = "is_zero")]
    truncate_before: u64,
    #[serde(skip_serializing_if = "is_zero")]
    removed_before_micros: u64,
    #[serde(skip_serializing_if = "is_zero")]
    deleted_before: u64,
    #[serde(skip_serializing)]
    deleted_from: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tombstoned: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde requires a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
