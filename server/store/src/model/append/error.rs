//! Reasons why an append is not valid.

use uuid::Uuid;

use crate::values::name::StreamName;

/// The reason why an append is not valid. `index` counts the append's events from 0 if the error is about an event,
/// and its checks if it is about a check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The append has no events.
    #[error("an append needs at least one event")]
    NoEvents,
    /// The append has too many writes.
    #[error("an append of {writes} writes is over the limit of {writes_max}; split it")]
    TooManyWrites {
        /// Number of writes.
        writes: usize,
        /// Maximum number of writes.
        writes_max: usize,
    },
    /// A write has no events.
    #[error("a write needs at least one event; remove the empty write")]
    EmptyWrite {
        /// Index of the write in the append, counted from 0.
        write: usize,
    },
    /// The append has too many events.
    #[error("an append of {events} events is over the limit of {events_max}; split it")]
    TooManyEvents {
        /// Number of events.
        events: usize,
        /// Maximum number of events.
        events_max: usize,
    },
    /// An event has too much data.
    #[error("data of {bytes} bytes is over the limit of {bytes_max}; keep the large part elsewhere")]
    DataTooLarge {
        /// Index of the event.
        index: usize,
        /// Size of its data.
        bytes: usize,
        /// Maximum size of its data.
        bytes_max: usize,
    },
    /// An event has too much metadata.
    #[error("metadata of {bytes} bytes is over the limit of {bytes_max}")]
    MetadataTooLarge {
        /// Index of the event.
        index: usize,
        /// Size of its metadata.
        bytes: usize,
        /// Maximum size of its metadata.
        bytes_max: usize,
    },
    /// An event has too many tags.
    #[error("{tags} tags are over the limit of {tags_max} for an event")]
    TooManyTags {
        /// Index of the event.
        index: usize,
        /// Number of its tags.
        tags: usize,
        /// Maximum number of tags.
        tags_max: usize,
    },
    /// A tag occurs twice on one event.
    #[error("tag {tag:?} occurs twice; give each tag once")]
    RepeatedTag {
        /// Index of the event.
        index: usize,
        /// The tag.
        tag: String,
    },
    /// An id occurs twice in the append.
    #[error("event id {id} occurs twice in the append; give each event its own id")]
    RepeatedId {
        /// Index of the second event with the id.
        index: usize,
        /// The id.
        id: Uuid,
    },
    /// The append has too many checks.
    #[error("{checks} checks are over the limit of {checks_max} for an append")]
    TooManyChecks {
        /// Number of checks.
        checks: usize,
        /// Maximum number of checks.
        checks_max: usize,
    },
    /// Two checks are about the same stream, or one is about the stream of which the append itself expects a state.
    #[error("the append expects a state of stream {stream:?} twice; give one expectation for it")]
    RepeatedCheck {
        /// Index of the second check about the stream, counted from 0.
        index: usize,
        /// The stream.
        stream: StreamName,
    },
    /// The indexes can't answer the query of a check.
    #[error(
        "check {index} has a query that the indexes can't answer; name types, streams or tags in each of its items, \
         at most 4,096 in all, and no prefixes"
    )]
    CheckNotListed {
        /// Index of the check.
        index: usize,
    },
    /// The append has too many bytes in all.
    #[error("an append of {bytes} bytes is over the limit of {bytes_max}; split it")]
    AppendTooLarge {
        /// Size of the append.
        bytes: usize,
        /// Maximum size of the append.
        bytes_max: usize,
    },
}
