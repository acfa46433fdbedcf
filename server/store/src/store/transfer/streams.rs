//! States of streams whose events may have been removed, as of a position.

use std::collections::BTreeMap;

use annals_engine::{Direction, PageLimit};

use super::StreamState;
use crate::{
    format::{keys, wire::Malformed},
    index::{self, NewStream},
    model::error::Result,
    read::{places, stored_end},
    shared::Shared,
    values::{
        name::StreamName,
        position::{Position, Revision},
    },
};

/// Number of names that are read at a time.
const PAGE_NAMES: usize = 500;

/// Returns the states of the next streams after a name, and the last name that was read; `None` at the end.
pub(super) async fn page(
    shared: &Shared,
    after: Option<&StreamName>,
    up_to: Position,
) -> Result<(Vec<StreamState>, Option<StreamName>)> {
    let names = names(shared, after.map(StreamName::as_str)).await?;
    let last = names.last_key_value().map(|(name, _)| name.clone());
    let mut states = Vec::new();
    for (name, began) in names {
        // A stream loses events only if it or its prefix has settings.
        let lifecycles = shared.tail.lifecycles();
        if lifecycles.has_prefixes() || lifecycles.get(name.as_str()).is_some() {
            states.extend(state(shared, name, &began, up_to).await?);
        }
    }
    Ok((states, last))
}

/// Returns the next streams that ever began, including deleted and internal ones.
async fn names(shared: &Shared, after: Option<&str>) -> Result<BTreeMap<StreamName, NewStream>> {
    // The tail is read first: entries that it drops meanwhile are already on disk.
    let mut names = shared.tail.new_streams("", after, PAGE_NAMES, |_| true);
    let limit = PageLimit::entries(PAGE_NAMES);
    let snapshot = shared.engine.snapshot().await?;
    let range = keys::names("", after);
    let page = snapshot.range(range, Direction::Forwards, limit).await?;
    for entry in page.entries {
        let name = keys::parse_name(&entry.key).ok_or(Malformed("index: key of a name"))?;
        let began = index::parse_name(&entry.value)?;
        let known = names
            .entry(StreamName::trusted(name))
            .or_insert_with(|| began.clone());
        // The latest start of the stream counts.
        if known.first_position < began.first_position {
            *known = began;
        }
    }
    while names.len() > PAGE_NAMES {
        names.pop_last();
    }
    Ok(names)
}

async fn state(
    shared: &Shared,
    stream: StreamName,
    began: &NewStream,
    up_to: Position,
) -> Result<Option<StreamState>> {
    let end = match shared.tail.last_placed(stream.as_str()) {
        Some(end) => Some(end),
        None => stored_end(shared, &stream).await?,
    };
    let end = match end {
        Some((last, position)) if position > up_to => end_up_to(shared, &stream, last, up_to).await?,
        end => end,
    };
    let began = (began.first_position, began.created_at);
    Ok(end.map(|(last_revision, last_position)| StreamState {
        stream,
        began: Some(began).filter(|(first, _)| *first <= up_to),
        last_revision,
        last_position,
    }))
}

/// Returns the last event of a stream at or before `up_to`. The stream now has events up to `last`. If the position
/// of that event is no longer known, returns `up_to` instead.
async fn end_up_to(
    shared: &Shared,
    stream: &StreamName,
    last: Revision,
    up_to: Position,
) -> Result<Option<(Revision, Position)>> {
    let (mut low, mut high) = (Revision::FIRST, last);
    while low < high {
        let middle = Revision(low.0 + (high.0 - low.0) / 2);
        // Events that no longer exist come first in the stream.
        let is_later = place(shared, stream, middle)
            .await?
            .is_some_and(|position| position > up_to);
        if is_later {
            high = middle;
        } else {
            low = middle.next();
        }
    }
    let Some(end) = low.0.checked_sub(1).map(Revision) else {
        return Ok(None);
    };
    Ok(Some((end, place(shared, stream, end).await?.unwrap_or(up_to))))
}

async fn place(shared: &Shared, stream: &StreamName, revision: Revision) -> Result<Option<Position>> {
    let places = places(shared, stream, revision, revision).await?;
    Ok(places.first().map(|(_, position)| *position))
}
