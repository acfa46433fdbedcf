//! What a client that ends its streams knows of each of them.

use std::ops::RangeInclusive;

use annals_store::{Append, Appended, Retention, StreamName};
use uuid::Uuid;

/// The expected visible state of a stream.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub name: StreamName,
    /// The ids of all events that were ever appended, by revision.
    pub ids: Vec<Uuid>,
    pub max_count: Option<u64>,
    /// Whether a maximum age of a day is set.
    pub aged: bool,
    /// The retention of its prefix, in the same form, which applies if the stream itself has none.
    pub of_prefix: (Option<u64>, bool),
    /// The first revision that was never removed. Events before it that a prefix retains again may or may not be
    /// scavenged.
    pub gone_before: u64,
    pub truncate_before: u64,
    pub deleted_before: u64,
    pub tombstoned: bool,
    /// Every append that was written, with its first result.
    pub written: Vec<(Append, Appended)>,
}

impl Known {
    pub fn new(name: StreamName) -> Self {
        Self {
            name,
            ids: Vec::new(),
            max_count: None,
            aged: false,
            of_prefix: (None, false),
            gone_before: 0,
            truncate_before: 0,
            deleted_before: 0,
            tombstoned: false,
            written: Vec::new(),
        }
    }

    pub fn next(&self) -> u64 {
        self.ids.len() as u64
    }

    pub fn is_present(&self) -> bool {
        !self.tombstoned && self.next() > self.deleted_before
    }

    pub fn floor(&self) -> u64 {
        let (count, _) = self.holds(self.max_count, self.aged);
        let by_count = count.map_or(0, |count| self.next().saturating_sub(count));
        if self.tombstoned {
            self.next()
        } else {
            self.truncate_before.max(by_count)
        }
    }

    /// The effective maximum count, and whether a maximum age applies, if this is set for the stream itself.
    fn holds(&self, max_count: Option<u64>, aged: bool) -> (Option<u64>, bool) {
        if max_count.is_some() || aged {
            (max_count, aged)
        } else {
            self.of_prefix
        }
    }

    /// Records which events are removed by now.
    pub fn settle(&mut self) {
        self.gone_before = self.gone_before.max(self.floor());
    }

    /// True if these are the events that must be visible: all that were never removed, none that is removed, and of
    /// those that are retained again only the last ones.
    pub fn shows(&self, seen: &[Uuid]) -> bool {
        let begin = self.ids.len().saturating_sub(seen.len());
        self.ids[begin..] == *seen && (self.floor()..=self.gone_before).contains(&(begin as u64))
    }

    /// The values of `truncate_before` that may be in force after a change to `wanted`. `begin`: the first revision
    /// that was visible just before, if it is known. `was_aged`: whether a prefix ever had a maximum age.
    ///
    /// 1. A change that keeps more records which events are removed, because these stay removed. Events that a prefix
    ///    kept again are removed if they were scavenged before that, which may also happen after `begin` was read; no
    ///    event from `gone_before` on was ever removed.
    /// 2. So does one that gives up the age of a prefix, even if the stream keeps less.
    /// 3. Any other change only sets what it is given.
    pub fn truncations(&self, wanted: &Retention, was_aged: bool, begin: Option<u64>) -> RangeInclusive<u64> {
        let (old_count, old_aged) = self.holds(self.max_count, self.aged);
        let (new_count, new_aged) = self.holds(wanted.max_count, wanted.max_age_seconds.is_some());
        let keeps_more =
            old_count.is_some_and(|old| new_count.is_none_or(|new| new > old)) || old_aged && !new_aged;
        let given = self.truncate_before.max(wanted.truncate_before.0);
        let lowest = if keeps_more {
            given.max(self.floor()).max(begin.unwrap_or(0))
        } else {
            given
        };
        let highest = if keeps_more || was_aged {
            lowest.max(self.gone_before)
        } else {
            lowest
        };
        lowest..=highest
    }
}

#[cfg(test)]
mod tests {
    use annals_store::Revision;

    use super::*;

    /// A stream of eight events, of which its prefix kept only the last three when there were eight, and then all for
    /// a day.
    fn kept_again() -> Known {
        Known {
            ids: (0..8).map(Uuid::from_u128).collect(),
            of_prefix: (None, true),
            gone_before: 5,
            ..Known::new(StreamName::new("s").unwrap())
        }
    }

    fn wanted(max_count: Option<u64>, truncate_before: u64) -> Retention {
        Retention {
            max_count,
            max_age_seconds: None,
            truncate_before: Revision(truncate_before),
        }
    }

    #[test]
    fn a_change_that_keeps_more_may_record_scavenged_events_and_no_others() {
        let stream = kept_again();
        assert_eq!(stream.truncations(&wanted(Some(1), 3), true, None), 3..=5);
        // None were scavenged, some, or all.
        assert_eq!(stream.truncations(&wanted(Some(1), 3), true, Some(0)), 3..=5);
        assert_eq!(stream.truncations(&wanted(Some(1), 3), true, Some(4)), 4..=5);
        assert_eq!(stream.truncations(&wanted(Some(1), 3), true, Some(5)), 5..=5);
        // More is truncated than was ever removed.
        assert_eq!(stream.truncations(&wanted(Some(1), 6), true, Some(5)), 6..=6);
    }

    #[test]
    fn a_change_that_keeps_no_more_records_nothing_unless_an_age_was_given_up() {
        let stream = Known {
            of_prefix: (Some(4), false),
            ..kept_again()
        };
        assert_eq!(stream.truncations(&wanted(Some(2), 3), false, Some(5)), 3..=3);
        assert_eq!(stream.truncations(&wanted(Some(2), 3), true, Some(5)), 3..=5);
        // It keeps more than its prefix: at least what the prefix removes is recorded.
        assert_eq!(stream.truncations(&wanted(Some(6), 3), false, None), 4..=5);
    }
}
