//! Appends as values: what a client asks for, and what it gets.

use bytes::Bytes;
use uuid::Uuid;

use crate::{
    check::{self, Check},
    limits::{self, Limits},
    name::{EventType, StreamName, Tag},
    position::{Position, Revision, Timestamp},
    record,
};

/// What a stream must be like for an append to be written. What happens otherwise is told in [`crate::decide`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it is like.
    Any,
    /// It has no events.
    NoStream,
    /// It has events.
    StreamExists,
    /// Its last event has this revision.
    Exactly(Revision),
}

impl Expected {
    /// Whether a stream with this last revision is as expected.
    pub(crate) fn holds(self, last: Option<Revision>) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => last.is_none(),
            Self::StreamExists => last.is_some(),
            Self::Exactly(revision) => last == Some(revision),
        }
    }
}

/// An event to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its identity; appends are idempotent by it.
    pub id: Uuid,
    /// What happened.
    pub kind: EventType,
    /// The event itself.
    pub data: Bytes,
    /// What is said about it.
    pub metadata: Bytes,
    /// Its labels.
    pub tags: Vec<Tag>,
}

/// An event that is ready to be placed: its identity, and the body of its record.
#[derive(Clone, Debug)]
pub(crate) struct PreparedEvent {
    pub id: Uuid,
    pub body: Bytes,
}

/// Events for one stream, within all limits.
#[derive(Clone, Debug)]
pub struct Append {
    pub(crate) stream: StreamName,
    pub(crate) expected: Expected,
    pub(crate) events: Vec<PreparedEvent>,
    pub(crate) bytes: usize,
    pub(crate) checks: Vec<Check>,
    /// When they were recorded, if it is not to be now.
    pub(crate) recorded_at: Option<Timestamp>,
}

/// Why an append is not taken. The index counts the append's events from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// There is nothing to append.
    #[error("an append needs at least one event")]
    NoEvents,
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

impl Append {
    /// Takes events for a stream if they are within the limits.
    ///
    /// # Errors
    /// [`AppendError`] says which limit is exceeded, and by what.
    pub fn new(
        stream: StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
        limits: &Limits,
    ) -> Result<Self, AppendError> {
        if events.is_empty() {
            return Err(AppendError::NoEvents);
        }
        if events.len() > limits::APPEND_EVENTS_MAX {
            return Err(AppendError::TooManyEvents {
                events: events.len(),
                events_max: limits::APPEND_EVENTS_MAX,
            });
        }
        let mut bytes = 0;
        for (index, event) in events.iter().enumerate() {
            check_event(index, event, limits)?;
            bytes += record::entry_len_max(event, &stream);
        }
        if bytes > limits.append_bytes_max {
            return Err(AppendError::AppendTooLarge {
                bytes,
                bytes_max: limits.append_bytes_max,
            });
        }
        check_ids(&events)?;
        let events = events.into_iter().map(record::prepare).collect();
        Ok(Self {
            stream,
            expected,
            events,
            bytes,
            checks: Vec::new(),
            recorded_at: None,
        })
    }

    /// The same append, of events that were recorded at this time in the store from which they are moved. Written only
    /// with [`Settings::accept_recorded_times`](crate::Settings::accept_recorded_times), and if the log's times do not go
    /// backwards or beyond now with it; see [`Rejection`].
    #[must_use]
    pub fn recorded_at(mut self, recorded_at: Timestamp) -> Self {
        self.recorded_at = Some(recorded_at);
        self
    }

    /// The same append, written only if these hold too. If not, the rejection lists all that do not.
    ///
    /// Such an append with [`Expected::Any`] or [`Expected::StreamExists`] is compared only with what was appended after
    /// the greatest position behind which it allows no match, as one with an exact revision is only compared with what
    /// stands behind that: it can't have been written before.
    ///
    /// # Errors
    /// [`AppendError`] if there are too many, or one has a query that the indexes can't answer.
    pub fn with_checks(mut self, checks: Vec<Check>) -> Result<Self, AppendError> {
        check::validate(&checks)?;
        self.checks = checks;
        Ok(self)
    }

    /// What must hold besides.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Bytes that it takes while it waits.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.bytes + self.checks.iter().map(Check::bytes).sum::<usize>()
    }

    /// The position before which it can't have been written: that up to which the caller knew the log.
    pub(crate) fn known_to(&self) -> Position {
        self.checks
            .iter()
            .filter_map(Check::after)
            .max()
            .unwrap_or_default()
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &StreamName {
        &self.stream
    }

    /// What the stream must be like.
    #[must_use]
    pub const fn expected(&self) -> Expected {
        self.expected
    }

    /// The events, as they were given.
    ///
    /// # Panics
    /// Never: they were encoded here.
    pub fn events(&self) -> impl Iterator<Item = NewEvent> + '_ {
        self.events
            .iter()
            .map(|event| record::unprepare(event).expect("a body that was encoded can be decoded"))
    }

    /// When its events were recorded in the store that they come from, if it was given.
    #[must_use]
    pub const fn given_time(&self) -> Option<Timestamp> {
        self.recorded_at
    }

    /// The ids of the events, in order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = Uuid> + '_ {
        self.events.iter().map(|event| event.id)
    }

    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// The most bytes that it can take in the log.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Never: an append has events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether the append is remembered by its first event's id, because no revision tells a retry from a new append.
    pub(crate) fn is_keyed(&self) -> bool {
        matches!(self.expected, Expected::Any | Expected::StreamExists)
    }
}

fn check_event(index: usize, event: &NewEvent, limits: &Limits) -> Result<(), AppendError> {
    if event.data.len() > limits.event_bytes_max {
        let (bytes, bytes_max) = (event.data.len(), limits.event_bytes_max);
        return Err(AppendError::DataTooLarge {
            index,
            bytes,
            bytes_max,
        });
    }
    if event.metadata.len() > limits::METADATA_BYTES_MAX {
        let (bytes, bytes_max) = (event.metadata.len(), limits::METADATA_BYTES_MAX);
        return Err(AppendError::MetadataTooLarge {
            index,
            bytes,
            bytes_max,
        });
    }
    if event.tags.len() > limits::TAGS_MAX {
        return Err(AppendError::TooManyTags {
            index,
            tags: event.tags.len(),
            tags_max: limits::TAGS_MAX,
        });
    }
    // At most 32 tags: comparing each with those before it is quicker than a set.
    for (n, tag) in event.tags.iter().enumerate() {
        if event.tags[..n].contains(tag) {
            return Err(AppendError::RepeatedTag {
                index,
                tag: tag.to_string(),
            });
        }
    }
    Ok(())
}

fn check_ids(events: &[NewEvent]) -> Result<(), AppendError> {
    if events.len() == 1 {
        return Ok(());
    }
    let mut seen = std::collections::HashSet::with_capacity(events.len());
    match events.iter().position(|event| !seen.insert(event.id)) {
        Some(index) => Err(AppendError::RepeatedId {
            index,
            id: events[index].id,
        }),
        None => Ok(()),
    }
}

/// Where the events of an append stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Revision of its first event.
    pub first_revision: Revision,
    /// Revision of its last event.
    pub last_revision: Revision,
    /// Position of its first event.
    pub first_position: Position,
    /// Position of its last event.
    pub last_position: Position,
    /// When they were recorded.
    pub recorded_at: Timestamp,
    /// Whether an earlier append with the same ids wrote them, and this one wrote nothing.
    pub already_appended: bool,
}
