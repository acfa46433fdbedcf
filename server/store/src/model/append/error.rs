//! Why appends are not taken.

use uuid::Uuid;

use crate::values::name::StreamName;

/// Why an append is not taken. `index` counts the append's events from 0 where it is about one, and its checks where it is
/// about one of those.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// There is nothing to append.
    #[error("an append needs at least one event")]
    NoEvents,
    /// Too many writes.
    #[error("{writes} writes are more than the {writes_max} that one append may have; split it")]
    TooManyWrites {
        /// How many there are.
        writes: usize,
        /// How many there may be.
        writes_max: usize,
    },
    /// A write has no events.
    #[error("a write needs at least one event; leave it out")]
    EmptyWrite {
        /// Which of the append's writes, counted from 0.
        write: usize,
    },
    /// Too many events.
    #[error("{events} events are more than the {events_max} that one append may have; split it")]
    TooManyEvents {
        /// How many there are.
        events: usize,
        /// How many there may be.
        events_max: usize,
    },
    /// Too much data in one event.
    #[error("data of {bytes} bytes is over the limit of {bytes_max}; keep the large part elsewhere")]
    DataTooLarge {
        /// Which event.
        index: usize,
        /// How much it has.
        bytes: usize,
        /// How much it may have.
        bytes_max: usize,
    },
    /// Too much metadata in one event.
    #[error("metadata of {bytes} bytes is over the limit of {bytes_max}")]
    MetadataTooLarge {
        /// Which event.
        index: usize,
        /// How much it has.
        bytes: usize,
        /// How much it may have.
        bytes_max: usize,
    },
    /// Too many tags on one event.
    #[error("{tags} tags are more than the {tags_max} that an event may have")]
    TooManyTags {
        /// Which event.
        index: usize,
        /// How many it has.
        tags: usize,
        /// How many it may have.
        tags_max: usize,
    },
    /// A tag occurs twice on one event.
    #[error("the tag {tag:?} occurs twice; give each once")]
    RepeatedTag {
        /// Which event.
        index: usize,
        /// The tag.
        tag: String,
    },
    /// An id occurs twice in the append.
    #[error("the id {id} occurs twice in the append; give each event its own")]
    RepeatedId {
        /// The second event with it.
        index: usize,
        /// The id.
        id: Uuid,
    },
    /// Too many checks.
    #[error("{checks} checks are more than the {checks_max} that an append may have")]
    TooManyChecks {
        /// How many there are.
        checks: usize,
        /// How many there may be.
        checks_max: usize,
    },
    /// Two checks are about the same stream, or one is about that of which the append expects something itself.
    #[error("what stream {stream:?} must be like is said twice; say it once")]
    RepeatedCheck {
        /// The second check about it, counted from 0.
        index: usize,
        /// The stream.
        stream: StreamName,
    },
    /// The query of a check is not answered by the indexes.
    #[error(
        "check {index} has a query that the indexes can't answer; name types, streams or tags in each of its items, at most \
         4,096 in all, and no prefixes"
    )]
    CheckNotListed {
        /// Which check.
        index: usize,
    },
    /// Too much in all.
    #[error("an append of {bytes} bytes is over the limit of {bytes_max}; split it")]
    AppendTooLarge {
        /// How much it has.
        bytes: usize,
        /// How much it may have.
        bytes_max: usize,
    },
}
