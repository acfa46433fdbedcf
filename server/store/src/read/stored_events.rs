//! Reads stored events, to compare an append with an earlier one. Removed events are left out.

use crate::{
    format::{record::Entry, wire::Parsed},
    index::Request,
    model::{error::Result, stored_event::StoredEvent},
    read::{all_records_at, last_revision, places},
    shared::Shared,
    values::{
        name::StreamName,
        position::{Position, Revision},
    },
};

/// Returns the events of an earlier append.
pub(crate) async fn of_request(shared: &Shared, request: Request) -> Result<Vec<StoredEvent>> {
    let positions: Vec<Position> = (0..u64::from(request.events))
        .map(|n| Position(request.first.0 + n))
        .collect();
    at(shared, &positions).await
}

/// Returns up to `count` events of a stream, from a revision on.
pub(crate) async fn of_revisions(
    shared: &Shared,
    stream: &StreamName,
    from: Revision,
    count: usize,
) -> Result<Vec<StoredEvent>> {
    let Some(last) = last_revision(shared, stream).await?.filter(|last| *last >= from) else {
        return Ok(Vec::new());
    };
    let to = Revision(last.0.min(from.0 + count as u64 - 1));
    let places = places(shared, stream, from, to).await?;
    let positions: Vec<Position> = places.into_iter().map(|(_, position)| position).collect();
    at(shared, &positions).await
}

/// Returns the events from one position of the log to another.
pub(crate) async fn between(shared: &Shared, first: Position, last: Position) -> Result<Vec<StoredEvent>> {
    let positions: Vec<Position> = (first.0..=last.0).map(Position).collect();
    at(shared, &positions).await
}

/// Returns the position of a stream's event with the given revision.
pub(crate) async fn position_of(
    shared: &Shared,
    stream: &StreamName,
    revision: Revision,
) -> Result<Option<Position>> {
    if last_revision(shared, stream)
        .await?
        .is_none_or(|last| last < revision)
    {
        return Ok(None);
    }
    let places = places(shared, stream, revision, revision).await?;
    Ok(places.first().map(|(_, position)| *position))
}

async fn at(shared: &Shared, positions: &[Position]) -> Result<Vec<StoredEvent>> {
    let entries = all_records_at(shared, positions).await?;
    Ok(of_entries(&entries)?)
}

/// Converts entries of the log.
pub(crate) fn of_entries(entries: &[Entry]) -> Parsed<Vec<StoredEvent>> {
    let standing = entries.iter().map(|entry| {
        let event = entry.view()?;
        Ok(StoredEvent {
            id: event.id()?,
            stream: StreamName::trusted(event.stream),
            revision: event.revision,
            position: event.position,
            recorded_at: event.recorded_at,
        })
    });
    standing.collect()
}
