//! Converts responses to the format of the README of the cases. Missing values are left out.

use annals_client::{
    Appended, AppendedToMany, Error, ExpectedRevision, FieldViolation, Found, Position, PrefixRetention,
    RecordedEvent, Retention, RetentionInfo, Revision, ServerInfo, Snapshot, StateEntry, StateItem,
    StreamInfo, SubscriptionItem,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

/// An object without the fields that are null.
fn without_nulls(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    object
}

pub(super) fn server_info(info: &ServerInfo) -> Value {
    let limits = &info.limits;
    json!({
        "version": info.version,
        "engine": info.engine,
        "head": info.head,
        "limits": {
            "max_event_bytes": limits.max_event_bytes,
            "max_append_bytes": limits.max_append_bytes,
            "max_metadata_bytes": limits.max_metadata_bytes,
            "max_append_events": limits.max_append_events,
            "max_stream_name_bytes": limits.max_stream_name_bytes,
            "max_event_type_bytes": limits.max_event_type_bytes,
            "max_tag_bytes": limits.max_tag_bytes,
            "max_tags": limits.max_tags,
            "max_subscriptions": limits.max_subscriptions,
            "max_append_checks": limits.max_append_checks,
            "max_snapshot_bytes": limits.max_snapshot_bytes,
            "max_prefix_retentions": limits.max_prefix_retentions,
            "max_state_scope_bytes": limits.max_state_scope_bytes,
            "max_state_key_bytes": limits.max_state_key_bytes,
            "max_state_value_bytes": limits.max_state_value_bytes,
            "max_state_changes": limits.max_state_changes,
        },
    })
}

pub(super) fn appended(appended: &Appended) -> Value {
    json!({
        "first_revision": appended.first_revision,
        "last_revision": appended.last_revision,
        "first_position": appended.first_position,
        "last_position": appended.last_position,
        "recorded_at": appended.recorded_at.as_microsecond(),
        "already_appended": appended.already_appended,
    })
}

pub(super) fn appended_all(appended: &AppendedToMany) -> Value {
    let streams = appended.streams.iter().map(|written| {
        json!({
            "stream": written.stream,
            "first_revision": written.first_revision,
            "last_revision": written.last_revision,
        })
    });
    let versions = &appended.state_versions;
    without_nulls(json!({
        "first_position": appended.first_position,
        "last_position": appended.last_position,
        "recorded_at": appended.recorded_at.as_microsecond(),
        "already_appended": appended.already_appended,
        "streams": streams.collect::<Vec<_>>(),
        "state_versions": (!versions.is_empty()).then_some(versions),
    }))
}

pub(super) fn event(event: &RecordedEvent) -> Value {
    let content_type = Some(&event.content_type).filter(|found| *found != annals_client::json::CONTENT_TYPE);
    without_nulls(json!({
        "id": event.id.to_string(),
        "stream": event.stream,
        "revision": event.revision,
        "position": event.position,
        "type": event.event_type,
        "data": BASE64.encode(&event.data),
        "metadata": BASE64.encode(&event.metadata),
        "tags": event.tags,
        "content_type": content_type,
        "recorded_at": event.recorded_at.as_microsecond(),
    }))
}

pub(super) fn read(head: Position, last_revision: Option<Revision>, events: &[RecordedEvent]) -> Value {
    let events: Vec<Value> = events.iter().map(event).collect();
    without_nulls(json!({"head": head, "last_revision": last_revision, "events": events}))
}

pub(super) fn item(item: &SubscriptionItem) -> Value {
    match item {
        SubscriptionItem::Event(found) => json!({"event": event(found)}),
        SubscriptionItem::CaughtUp { position, revision } => notice("caught_up", *position, *revision),
        SubscriptionItem::Checkpoint { position, revision } => notice("checkpoint", *position, *revision),
        SubscriptionItem::FellBehind {
            position, revision, ..
        } => notice("fell_behind", *position, *revision),
        other => json!({"other": format!("{other:?}")}),
    }
}

fn notice(kind: &str, position: Position, revision: Option<Revision>) -> Value {
    without_nulls(json!({kind: position, "revision": revision}))
}

pub(super) fn state_entry(entry: &StateEntry) -> Value {
    json!({
        "key": entry.key,
        "data": BASE64.encode(&entry.value),
        "version": entry.version,
        "changed_at": entry.changed_at.as_microsecond(),
    })
}

pub(super) fn state_item(item: &StateItem) -> Value {
    match item {
        StateItem::Put(entry) => json!({"put": state_entry(entry)}),
        StateItem::Deletion { key, version } => json!({"deletion": {"key": key, "version": version}}),
        StateItem::CaughtUp { version } => json!({"caught_up": version}),
        StateItem::Checkpoint { version } => json!({"checkpoint": version}),
        other => json!({"other": format!("{other:?}")}),
    }
}

pub(super) fn stream_info(stream: &StreamInfo) -> Value {
    without_nulls(json!({
        "name": stream.name,
        "first_revision": stream.first_revision,
        "last_revision": stream.last_revision,
        "first_position": stream.first_position,
        "last_position": stream.last_position,
        "created_at": stream.created_at.as_microsecond(),
        "retention": retention(&stream.retention),
        "retention_prefix": stream.retention_prefix,
    }))
}

fn retention(retention: &Retention) -> Value {
    without_nulls(json!({
        "max_count": retention.max_count,
        "max_age_seconds": retention.max_age.map(|age| age.as_secs()),
        "truncate_before": retention.truncate_before,
    }))
}

pub(super) fn prefix_retention(kept: &PrefixRetention) -> Value {
    json!({"prefix": kept.prefix, "retention": retention(&kept.retention), "version": kept.version})
}

pub(super) fn retention_info(info: &RetentionInfo) -> Value {
    json!({"retention": retention(&info.retention), "version": info.version, "tombstoned": info.tombstoned})
}

pub(super) fn snapshot(snapshot: &Snapshot) -> Value {
    json!({
        "stream": snapshot.stream,
        "revision": snapshot.revision,
        "schema_version": snapshot.schema_version,
        "data": BASE64.encode(&snapshot.data),
        "saved_at": snapshot.saved_at.as_microsecond(),
    })
}

/// An error by its reason, with the fields of the client's typed error.
pub(super) fn error(error: &Error) -> Value {
    let message = error.to_string();
    without_nulls(match error {
        Error::InvalidValue { .. } => json!({"reason": "INVALID_VALUE"}),
        Error::InvalidField(violations) => json!({"reason": "INVALID_FIELD", "fields": fields(violations)}),
        Error::TooLarge(violations) => json!({"reason": "TOO_LARGE", "fields": fields(violations)}),
        Error::RevisionConflict {
            stream,
            expected: wanted,
            actual,
        } => {
            json!({"reason": "REVISION_CONFLICT", "stream": stream, "expected": expected(*wanted), "actual": actual})
        }
        Error::EventIdConflict {
            id,
            stream,
            revision,
            position,
        } => {
            let id = id.to_string();
            json!({
                "reason": "EVENT_ID_CONFLICT",
                "id": id,
                "stream": stream,
                "revision": revision,
                "position": position,
            })
        }
        Error::ChecksFailed { failed, count } => {
            let failed = failed.iter().map(|failed| match &failed.found {
                Found::Stream { stream, expected: wanted, actual } => json!({
                    "index": failed.index,
                    "stream": without_nulls(json!({"stream": stream, "expected": expected(*wanted), "actual": actual})),
                }),
                Found::Match { after, position } => {
                    json!({"index": failed.index, "match": {"after": after, "position": position}})
                }
                Found::State { scope, key, expected, actual } => json!({
                    "index": failed.index,
                    "state": without_nulls(
                        json!({"scope": scope, "key": key, "expected": expected, "actual": actual}),
                    ),
                }),
            });
            json!({
                "reason": "CHECKS_FAILED",
                "count": count,
                "failed": failed.collect::<Vec<_>>(),
                "message": message,
            })
        }
        Error::StreamNotFound { stream } => json!({"reason": "STREAM_NOT_FOUND", "stream": stream}),
        Error::StreamTombstoned { stream } => json!({"reason": "STREAM_TOMBSTONED", "stream": stream}),
        Error::SnapshotNotFound { stream } => json!({"reason": "SNAPSHOT_NOT_FOUND", "stream": stream}),
        Error::VersionConflict {
            stream,
            expected,
            actual,
        } => {
            json!({"reason": "VERSION_CONFLICT", "stream": stream, "expected": expected, "actual": actual})
        }
        Error::PrefixVersionConflict {
            prefix,
            expected,
            actual,
        } => {
            json!({"reason": "VERSION_CONFLICT", "prefix": prefix, "expected": expected, "actual": actual})
        }
        Error::StateIdConflict { .. } => json!({"reason": "STATE_ID_CONFLICT", "message": message}),
        Error::StateVersionExpired {
            scope,
            version,
            first,
            last,
        } => json!({
            "reason": "STATE_VERSION_EXPIRED", "scope": scope, "version": version, "first": first, "last": last,
            "message": message,
        }),
        Error::StateVersionBeyondEnd { scope, version, last } => json!({
            "reason": "STATE_VERSION_BEYOND_END", "scope": scope, "version": version, "last": last, "message": message,
        }),
        Error::CheckpointConflict {
            name,
            expected,
            actual,
        } => json!({
            "reason": "CHECKPOINT_CONFLICT", "name": name, "expected": expected, "actual": actual,
        }),
        Error::PositionBeyondHead { position, head } => {
            json!({"reason": "POSITION_BEYOND_HEAD", "position": position, "head": head})
        }
        Error::RevisionBeyondEnd {
            stream,
            revision,
            last_revision,
        } => json!({
            "reason": "REVISION_BEYOND_END", "stream": stream, "revision": revision, "last_revision": last_revision,
        }),
        _ => json!({"reason": "OTHER", "message": message}),
    })
}

fn fields(violations: &[FieldViolation]) -> Vec<&str> {
    violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect()
}

fn expected(expected: ExpectedRevision) -> Value {
    match expected {
        ExpectedRevision::Any => json!("any"),
        ExpectedRevision::NoStream => json!("no-stream"),
        ExpectedRevision::StreamExists => json!("stream-exists"),
        ExpectedRevision::Exactly(revision) => json!(revision),
    }
}
