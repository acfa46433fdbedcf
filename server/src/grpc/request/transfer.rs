//! Parses the parts of a log that is moved here.

use annals_proto::v1 as pb;
use annals_store::{
    ContentType, EventType, Gap, KnownAppend, MovedEvent, NewEvent, Position, Revision, ScopeChanges,
    ScopeName, Snapshot, StateEntry, StateKey, StateUpdate, StreamState, Tag, Timestamp,
};
use bytes::Bytes;
use uuid::Uuid;

use super::{append::recorded_at, parse_stream, parse_stream_to_read};
use crate::grpc::status::Invalid;

/// Parses the identity of a store.
pub(in crate::grpc) fn store_id(field: &str, id: &str) -> Result<Uuid, Invalid> {
    parse_id(field, id)
}

fn parse_id(field: &str, id: &str) -> Result<Uuid, Invalid> {
    Uuid::try_parse(id).map_err(|error| Invalid::field(field, format!("is not a UUID: {error}")))
}

fn time(field: &str, time: Option<&prost_types::Timestamp>) -> Result<Timestamp, Invalid> {
    let time = time.ok_or_else(|| Invalid::field(field, "is missing; set a time"))?;
    recorded_at(time).map_err(|invalid| Invalid::field(field, invalid.problem))
}

/// Parses the next events.
pub(in crate::grpc) fn moved_events(batch: pb::EventBatch) -> Result<Vec<MovedEvent>, Invalid> {
    let events = batch.events.into_iter().enumerate();
    events.map(|(index, event)| moved_event(index, event)).collect()
}

fn moved_event(index: usize, event: pb::RecordedEvent) -> Result<MovedEvent, Invalid> {
    let path = |field: &str| format!("part.events.events[{index}].{field}");
    let mut tags = Vec::with_capacity(event.tags.len());
    for tag in &event.tags {
        tags.push(Tag::new(tag).map_err(|error| Invalid::name(path("tags"), &error))?);
    }
    Ok(MovedEvent {
        stream: parse_stream_to_read(&path("stream"), &event.stream)?,
        revision: Revision(event.revision),
        position: Position(event.position),
        recorded_at: time(&path("recorded_at"), event.recorded_at.as_ref())?,
        event: NewEvent {
            id: parse_id(&path("id"), &event.id)?,
            kind: EventType::to_read(&event.r#type).map_err(|error| Invalid::name(path("type"), &error))?,
            data: event.data,
            metadata: event.metadata,
            tags,
            content_type: ContentType::new(&event.content_type)
                .map_err(|error| Invalid::field(path("content_type"), error.to_string()))?,
            unknown: Bytes::new(),
        },
    })
}

/// Parses a range of positions whose events have been removed.
pub(in crate::grpc) fn gap(gap: &pb::TransferGap) -> Result<Gap, Invalid> {
    let recorded_at = gap.recorded_at.as_ref();
    Ok(Gap {
        first: Position(gap.first_position),
        last: Position(gap.last_position),
        recorded_at: recorded_at
            .map(|at| time("part.gap.recorded_at", Some(at)))
            .transpose()?,
    })
}

/// Parses changes of a scope of state.
pub(in crate::grpc) fn moved_state(state: pb::TransferState) -> Result<ScopeChanges, Invalid> {
    let key = |field: &str, key: &str| {
        StateKey::new(key).map_err(|error| Invalid::name(format!("part.state.{field}.key"), &error))
    };
    let mut updates = Vec::with_capacity(state.entries.len() + state.deletions.len());
    for (index, entry) in state.entries.into_iter().enumerate() {
        let field = format!("entries[{index}]");
        let changed_at = format!("part.state.{field}.changed_at");
        updates.push(StateUpdate::Put(StateEntry {
            key: key(&field, &entry.key)?,
            changed_at: time(&changed_at, entry.changed_at.as_ref())?,
            value: entry.value,
            version: entry.version,
        }));
    }
    for (index, deletion) in state.deletions.into_iter().enumerate() {
        updates.push(StateUpdate::Deletion {
            key: key(&format!("deletions[{index}]"), &deletion.key)?,
            version: deletion.version,
        });
    }
    updates.sort_by_key(StateUpdate::version);
    Ok(ScopeChanges {
        scope: ScopeName::to_move(&state.scope).map_err(|error| Invalid::name("part.state.scope", &error))?,
        after: state.after_version,
        version: state.version,
        updates,
    })
}

/// Parses the properties of streams.
pub(in crate::grpc) fn states(streams: pb::TransferStreams) -> Result<Vec<StreamState>, Invalid> {
    let state = |(index, state): (usize, pb::TransferStream)| {
        let path = |field: &str| format!("part.streams.streams[{index}].{field}");
        let began = match state.first_position {
            0 => None,
            first => Some((
                Position(first),
                time(&path("created_at"), state.created_at.as_ref())?,
            )),
        };
        Ok(StreamState {
            stream: parse_stream_to_read(&path("stream"), &state.stream)?,
            began,
            last_revision: Revision(state.last_revision),
            last_position: Position(state.last_position),
        })
    };
    streams.streams.into_iter().enumerate().map(state).collect()
}

/// Parses appends that are recognised by their ids.
pub(in crate::grpc) fn known_appends(appends: &pb::TransferAppends) -> Result<Vec<KnownAppend>, Invalid> {
    let append = |(index, append): (usize, &pb::TransferAppend)| {
        Ok(KnownAppend {
            id: parse_id(&format!("part.appends.appends[{index}].id"), &append.id)?,
            position: Position(append.position),
            events: append.events,
        })
    };
    appends.appends.iter().enumerate().map(append).collect()
}

/// Parses a snapshot of another store.
pub(in crate::grpc) fn moved_snapshot(snapshot: pb::Snapshot) -> Result<Snapshot, Invalid> {
    Ok(Snapshot {
        stream: parse_stream("part.snapshot.stream", &snapshot.stream)?,
        revision: Revision(snapshot.revision),
        schema_version: snapshot.schema_version,
        saved_at: time("part.snapshot.saved_at", snapshot.saved_at.as_ref())?,
        data: snapshot.data,
    })
}
