//! Positions in the log, revisions in a stream, and timestamps.

use std::{fmt, time::Duration};

use jiff::civil::DateTime;

/// Position of an event in the log, counted from 1 without gaps. [`Position::START`] (0) is before all events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl Position {
    /// The position before all events.
    pub const START: Self = Self(0);

    /// Returns the next position.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Revision of an event in its stream, counted from 0 without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// The first revision of every stream.
    pub const FIRST: Self = Self(0);

    /// Returns the next revision.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the revision of the next event of a stream whose last revision is `last`.
    #[must_use]
    pub const fn after(last: Option<Self>) -> Self {
        match last {
            None => Self::FIRST,
            Some(revision) => revision.next(),
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A point in time: microseconds since 1970-01-01T00:00:00Z. The store records no earlier times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub micros: u64,
}

impl Timestamp {
    /// Creates a timestamp from microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self { micros }
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.micros / 1_000_000
    }

    /// Nanoseconds within the second.
    #[must_use]
    pub const fn nanos(self) -> u32 {
        ((self.micros % 1_000_000) * 1_000) as u32
    }

    /// Whole minutes since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn minute(self) -> u64 {
        self.micros / 60_000_000
    }
}

/// Formats the time as in RFC 3339, in UTC: `2026-11-21T04:31:36.790766Z`. A time after the year 9999, which only
/// damaged bytes can contain, is formatted as its microseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A civil time, because jiff's timestamps end two days earlier.
        let time = DateTime::constant(1970, 1, 1, 0, 0, 0, 0).checked_add(Duration::from_micros(self.micros));
        match time {
            Ok(time) => write!(f, "{time:.6}Z"),
            Err(_) => write!(f, "{} µs after 1970-01-01T00:00:00Z", self.micros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn times_are_shown_as_in_rfc_3339() {
        let table = [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399_999_999, "2000-02-28T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (951_868_800_000_001, "2000-03-01T00:00:00.000001Z"),
            (1_700_000_000_123_456, "2023-11-14T22:13:20.123456Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        ];
        for (micros, shown) in table {
            assert_eq!(Timestamp::from_micros(micros).to_string(), shown);
        }
        // Values that a damaged file may hold.
        for micros in [253_402_300_800_000_000, u64::MAX] {
            let shown = Timestamp::from_micros(micros).to_string();
            assert_eq!(shown, format!("{micros} µs after 1970-01-01T00:00:00Z"));
        }
    }
}
