//! Events as plain data, as sent and as observed, and filters that select them.

use uuid::Uuid;

/// The state that an append expects of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Any state.
    Any,
    /// It has no events.
    NoStream,
    /// It has events.
    StreamExists,
    /// Its last event has this revision.
    Exactly(u64),
}

impl Expected {
    /// True if a stream with this last revision is in the expected state.
    pub(super) fn allows(self, last: Option<u64>) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => last.is_none(),
            Self::StreamExists => last.is_some(),
            Self::Exactly(revision) => last == Some(revision),
        }
    }
}

/// An event as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its identity.
    pub id: Uuid,
    /// Its type.
    pub kind: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// [`digest`] of its data and metadata.
    pub digest: u64,
}

/// An event as a read or a subscription returned it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Its position in the log.
    pub position: u64,
    /// Its stream.
    pub stream: String,
    /// Its revision in the stream.
    pub revision: u64,
    /// Its identity.
    pub id: Uuid,
    /// Its type.
    pub kind: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// [`digest`] of its data and metadata.
    pub digest: u64,
    /// When it was recorded, in microseconds since 1970.
    pub recorded_at: u64,
}

impl Observed {
    /// True if its content equals a sent event.
    #[must_use]
    pub fn is(&self, sent: &Sent) -> bool {
        self.id == sent.id && self.kind == sent.kind && self.tags == sent.tags && self.digest == sent.digest
    }

    pub(super) fn place(&self) -> String {
        format!(
            "{} ({} at revision {}, id {})",
            self.position, self.stream, self.revision, self.id
        )
    }
}

/// A number that differs for different data and metadata: FNV-1a of 64 bits
/// (<http://www.isthe.com/chongo/tech/comp/fnv/>), taken eight bytes at a time.
#[must_use]
pub fn digest(data: &[u8], metadata: &[u8]) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    let mut hash: u64 = 0xCBF2_9CE4_8422_2325;
    for part in [data, metadata] {
        // Hash the length first, so that bytes cannot move from one part to the other.
        hash = (hash ^ part.len() as u64).wrapping_mul(PRIME);
        for chunk in part.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(PRIME);
            hash ^= hash >> 32;
        }
    }
    hash
}

/// Selects the events that match any of its items; without items, all events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The items.
    pub items: Vec<FilterItem>,
}

/// One alternative of a [`Filter`]; an empty group of names is no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterItem {
    /// The type is one of these.
    pub types: Vec<String>,
    /// Or begins with one of these.
    pub type_prefixes: Vec<String>,
    /// The stream is one of these.
    pub streams: Vec<String>,
    /// Or begins with one of these.
    pub stream_prefixes: Vec<String>,
    /// All of these tags are there.
    pub tags: Vec<String>,
}

impl Filter {
    /// True if an event is selected.
    #[must_use]
    pub fn matches(&self, event: &Observed) -> bool {
        self.items.is_empty() || self.items.iter().any(|item| item.matches(event))
    }
}

impl FilterItem {
    fn matches(&self, event: &Observed) -> bool {
        let kind = (self.types.is_empty() && self.type_prefixes.is_empty())
            || self.types.contains(&event.kind)
            || self
                .type_prefixes
                .iter()
                .any(|prefix| event.kind.starts_with(prefix));
        let stream = (self.streams.is_empty() && self.stream_prefixes.is_empty())
            || self.streams.contains(&event.stream)
            || self
                .stream_prefixes
                .iter()
                .any(|prefix| event.stream.starts_with(prefix));
        kind && stream && self.tags.iter().all(|tag| event.tags.contains(tag))
    }
}
