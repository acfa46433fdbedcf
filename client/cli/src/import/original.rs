//! Appends of the log that is moved: groups the lines that one append had written.
//!
//! A file does not contain the boundaries of appends. Lines are grouped if they are consecutive in their log and in
//! their stream and have the same recorded time: events of one append always do, and those of two appends only if
//! both were in one commit. The boundaries depend on the file and on the server's limits, so importing the file again
//! produces the same appends, which are recognised by the id of their first event; events that the store already has
//! are not grouped again (see [`super::standing`]).

use annals_client::{Event, Limits, Position, Revision, Timestamp};

use super::line::{self, Parsed};

/// Maximum bytes of an event beside those provided by the client, as the protocol defines the limit: its id, its
/// stream's name, and 60 bytes.
const PLACE_BYTES: usize = 36 + 60;

/// One append, or the part of it read so far.
#[derive(Debug)]
pub struct Original {
    /// The number of its first line.
    pub line: u64,
    pub stream: String,
    pub recorded_at: Timestamp,
    /// The position of its first event, if the file contains it.
    pub first_position: Option<Position>,
    pub first_revision: Option<Revision>,
    pub events: Vec<Event>,
    bytes: usize,
}

impl Original {
    /// Starts an append with an event.
    pub fn begin(line: u64, parsed: Parsed, recorded_at: Timestamp) -> Self {
        let bytes = bytes_of(&parsed);
        Original {
            line,
            stream: parsed.stream,
            recorded_at,
            first_position: parsed.position,
            first_revision: parsed.revision,
            events: vec![parsed.event],
            bytes,
        }
    }

    /// Adds the next event, or returns it if it belongs to another append.
    pub fn take(&mut self, parsed: Parsed, recorded_at: Timestamp, limits: &Limits) -> Option<Parsed> {
        let count = self.events.len() as u64;
        let follows = |first: Option<u64>, next: Option<u64>| match (first, next) {
            (Some(first), Some(next)) => first.checked_add(count) == Some(next),
            _ => false,
        };
        let bytes = self.bytes + bytes_of(&parsed);
        let belongs = parsed.stream == self.stream
            && recorded_at == self.recorded_at
            && follows(self.first_position.map(u64::from), parsed.position.map(u64::from))
            && follows(self.first_revision.map(u64::from), parsed.revision.map(u64::from))
            && bytes <= limits.max_append_bytes as usize
            && count < u64::from(limits.max_append_events);
        if !belongs {
            return Some(parsed);
        }
        self.bytes = bytes;
        self.events.push(parsed.event);
        None
    }
}

fn bytes_of(parsed: &Parsed) -> usize {
    line::size(&parsed.event) + parsed.stream.len() + PLACE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            max_event_bytes: 1_000,
            max_append_bytes: 1_000,
            max_metadata_bytes: 1_000,
            max_append_events: 3,
            max_stream_name_bytes: 512,
            max_event_type_bytes: 256,
            max_tag_bytes: 256,
            max_tags: 32,
            max_subscriptions: 1,
            max_append_checks: 0,
            max_snapshot_bytes: 1 << 20,
            max_prefix_retentions: 1_000,
            max_state_scope_bytes: 256,
            max_state_key_bytes: 512,
            max_state_value_bytes: 65_536,
            max_state_changes: 1_000,
        }
    }

    fn event(stream: &str, position: Option<u64>, revision: u64, data_bytes: usize) -> Parsed {
        Parsed {
            stream: stream.into(),
            event: Event::new("T", vec![b'1'; data_bytes]),
            recorded_at: None,
            position: position.map(Position),
            revision: Some(Revision(revision)),
        }
    }

    #[test]
    fn only_neighbours_of_one_time_belong_together_within_the_limits() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let later = Timestamp::from_second(1_700_000_001).unwrap();
        let first = || Original::begin(1, event("s", Some(5), 2, 1), now);
        let table = [
            ("the next of both", event("s", Some(6), 3, 1), now, true),
            ("another stream", event("t", Some(6), 3, 1), now, false),
            ("another time", event("s", Some(6), 3, 1), later, false),
            ("not the next in the log", event("s", Some(7), 3, 1), now, false),
            (
                "not the next in its stream",
                event("s", Some(6), 4, 1),
                now,
                false,
            ),
            ("no position", event("s", None, 3, 1), now, false),
            ("too large together", event("s", Some(6), 3, 850), now, false),
        ];
        for (what, next, time, belongs) in table {
            assert_eq!(first().take(next, time, &limits()).is_none(), belongs, "{what}");
        }
        let mut full = first();
        assert!(full.take(event("s", Some(6), 3, 1), now, &limits()).is_none());
        assert!(full.take(event("s", Some(7), 4, 1), now, &limits()).is_none());
        assert!(
            full.take(event("s", Some(8), 5, 1), now, &limits()).is_some(),
            "three is the maximum"
        );
    }
}
