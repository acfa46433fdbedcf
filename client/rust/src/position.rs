//! Positions in the log and revisions in a stream, as two types that the compiler distinguishes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Numbers an event in the log: 1, 2, 3, … without gaps. 0 ([`Position::START`]) is before the first event.
///
/// Methods that take a position also take a number:
///
/// ```no_run
/// # async fn example(client: annals_client::Client, stored: u64) -> Result<(), annals_client::Error> {
/// let subscription = client.subscribe_all().after(stored).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

/// Numbers an event in its stream: 0, 1, 2, … without gaps.
///
/// It is not a position, and can't be passed for one:
///
/// ```compile_fail
/// # async fn example(client: annals_client::Client, event: annals_client::RecordedEvent) {
/// let rest = client.read_all().from_position(event.revision).await;
/// # }
/// ```
///
/// Methods that take a revision also take a number:
///
/// ```no_run
/// # async fn example(client: annals_client::Client) -> Result<(), annals_client::Error> {
/// let events = client.read_stream("order-42").from_revision(5).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Position {
    /// The position before the first event of the log: 0.
    pub const START: Position = Position(0);

    /// Returns the position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Position(self.0 + 1)
    }
}

impl Revision {
    /// The revision of a stream's first event: 0.
    pub const FIRST: Revision = Revision(0);

    /// Returns the revision after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Revision(self.0 + 1)
    }
}

/// Conversions from and to numbers, comparisons with them, and text.
macro_rules! number {
    ($type:ident) => {
        impl From<u64> for $type {
            fn from(number: u64) -> Self {
                $type(number)
            }
        }

        impl From<$type> for u64 {
            fn from(value: $type) -> Self {
                value.0
            }
        }

        impl PartialEq<u64> for $type {
            fn eq(&self, number: &u64) -> bool {
                self.0 == *number
            }
        }

        impl PartialOrd<u64> for $type {
            fn partial_cmp(&self, number: &u64) -> Option<std::cmp::Ordering> {
                self.0.partial_cmp(number)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(Position);
number!(Revision);

#[cfg(test)]
mod tests {
    use super::{Position, Revision};

    #[test]
    fn they_are_shown_and_encoded_as_numbers() {
        assert_eq!(format!("{:>3}, {}", Position(7), Revision(7)), "  7, 7");
        assert_eq!(
            serde_json::to_string(&(Position(7), Revision(0))).unwrap(),
            "[7,0]"
        );
        let decoded: (Position, Option<Revision>) = serde_json::from_str("[7,null]").unwrap();
        assert_eq!(decoded, (Position(7), None));
    }
}
