//! Events that are to be appended, and their limits.

use std::ops::Range;

use uuid::Uuid;

use super::AppendError;
use crate::{
    format::record::{self, Parts},
    values::{
        event::NewEvent,
        limits::{self, Limits},
        maps::set_for,
        name::StreamName,
    },
};

/// An event with its encoded body, before it gets a revision and a position. `body` is a range in the bodies of its
/// append.
#[derive(Clone, Debug)]
pub(crate) struct PreparedEvent {
    pub id: Uuid,
    pub body: Range<usize>,
    /// Offsets of the indexed parts of the body.
    pub parts: Parts,
    /// Index of the event's stream among those of the append.
    pub stream: u32,
    /// Number of events that the append has for that stream before this one.
    pub nth: u32,
}

/// Checks that the events of an append, each with its stream, are within the limits. Returns the maximum number of
/// bytes that they take in the log.
pub(super) fn check_all<'a>(
    events: impl Iterator<Item = (&'a NewEvent, &'a StreamName)> + Clone,
    limits: &Limits,
) -> Result<usize, AppendError> {
    let count = events.clone().count();
    if count == 0 {
        return Err(AppendError::NoEvents);
    }
    if count > limits::APPEND_EVENTS_MAX {
        return Err(AppendError::TooManyEvents {
            events: count,
            events_max: limits::APPEND_EVENTS_MAX,
        });
    }
    let mut bytes = 0;
    for (index, (event, stream)) in events.clone().enumerate() {
        check_event(index, event, limits)?;
        bytes += record::entry_len_max(record::body_len(event), stream);
    }
    if bytes > limits.append_bytes_max {
        return Err(AppendError::AppendTooLarge {
            bytes,
            bytes_max: limits.append_bytes_max,
        });
    }
    match repeated_id(events.map(|(event, _)| event.id), count) {
        Some((index, id)) => Err(AppendError::RepeatedId { index, id }),
        None => Ok(bytes),
    }
}

pub(crate) fn check_event(index: usize, event: &NewEvent, limits: &Limits) -> Result<(), AppendError> {
    let bytes = event.data.len() + event.unknown.len();
    if bytes > limits.event_bytes_max {
        let bytes_max = limits.event_bytes_max;
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
    // At most 32 tags: comparing each with those before it is faster than a set.
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

/// Returns the first repeated id and its index. `count` is the number of ids.
pub(super) fn repeated_id(ids: impl Iterator<Item = Uuid>, count: usize) -> Option<(usize, Uuid)> {
    if count == 1 {
        return None;
    }
    let mut seen = set_for(count);
    ids.enumerate().find(|(_, id)| !seen.insert(*id))
}
