//! Converts the store's results to messages of the protocol.

mod group;

use annals_proto::v1::{self as pb, expected_revision};
use annals_services::checkpoints::{Checkpoint, CheckpointStatus};
use annals_store::{
    Appended, EVENT_TYPE_BYTES_MAX, Expected, Limits, PrefixRetention, Retention, SCOPE_NAME_BYTES_MAX,
    STATE_KEY_BYTES_MAX, STREAM_NAME_BYTES_MAX, Scavenge, ScavengeState, ScopeChanges, Snapshot, StateChange,
    StateCheck, StateEntry, StateNotice, StateUpdate, StateWritten, StreamInfo, StreamName, TAG_BYTES_MAX,
    Timestamp,
    limits::{
        APPEND_EVENTS_MAX, CHECKS_MAX, METADATA_BYTES_MAX, PREFIXES_MAX, STATE_CHANGES_MAX,
        STATE_VALUE_BYTES_MAX, TAGS_MAX,
    },
};

pub(super) use group::{group, group_status, mode, parked_event};

pub(crate) fn duration(duration: std::time::Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).expect("nanoseconds within a second fit in 31 bits"),
    }
}

pub(crate) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: i64::try_from(at.seconds()).unwrap_or(i64::MAX),
        nanos: i32::try_from(at.nanos()).expect("nanoseconds within a second fit in 31 bits"),
    }
}

pub(crate) fn expected(expected: Expected) -> pb::ExpectedRevision {
    use expected_revision::Expected as OneOf;

    let expected = match expected {
        Expected::Any => OneOf::Any(()),
        Expected::NoStream => OneOf::NoStream(()),
        Expected::StreamExists => OneOf::StreamExists(()),
        Expected::Exactly(revision) => OneOf::Revision(revision.0),
    };
    pb::ExpectedRevision {
        expected: Some(expected),
    }
}

pub(super) fn appended(appended: &Appended) -> pb::AppendToStreamResponse {
    pb::AppendToStreamResponse {
        first_revision: appended.first_revision.0,
        last_revision: appended.last_revision.0,
        first_position: appended.first_position.0,
        last_position: appended.last_position.0,
        recorded_at: Some(timestamp(appended.recorded_at)),
        already_appended: appended.already_appended,
    }
}

/// `streams`: the streams of the append, in the order in which they first occur in it.
pub(super) fn appended_to_many(appended: &Appended, streams: &[StreamName]) -> pb::AppendToManyResponse {
    let written = streams.iter().zip(appended.revisions());
    pb::AppendToManyResponse {
        first_position: appended.first_position.0,
        last_position: appended.last_position.0,
        recorded_at: Some(timestamp(appended.recorded_at)),
        already_appended: appended.already_appended,
        streams: written
            .map(|(stream, revisions)| pb::WrittenStream {
                stream: stream.to_string(),
                first_revision: revisions.first.0,
                last_revision: revisions.last.0,
            })
            .collect(),
        state_versions: appended.state_versions.to_vec(),
    }
}

pub(super) fn stream(info: &StreamInfo) -> pb::Stream {
    pb::Stream {
        name: info.name.to_string(),
        last_revision: info.last_revision.0,
        last_position: info.last_position.0,
        first_position: info.first_position.0,
        created_at: Some(timestamp(info.created_at)),
        first_revision: info.first_revision.0,
        retention: Some(retention(&info.retention)),
        retention_prefix: info.retention_prefix.clone().unwrap_or_default(),
    }
}

pub(super) fn prefix_retention(kept: &PrefixRetention) -> pb::PrefixRetention {
    pb::PrefixRetention {
        prefix: kept.prefix.to_string(),
        retention: Some(retention(&kept.retention)),
        version: kept.version,
    }
}

pub(super) fn retention(retention: &Retention) -> pb::Retention {
    pb::Retention {
        max_count: retention.max_count,
        max_age: retention.max_age_seconds.map(|seconds| prost_types::Duration {
            seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
            nanos: 0,
        }),
        truncate_before: retention.truncate_before.0,
    }
}

pub(super) fn state_entry(entry: StateEntry) -> pb::StateEntry {
    pb::StateEntry {
        key: entry.key.to_string(),
        value: entry.value,
        version: entry.version,
        changed_at: Some(timestamp(entry.changed_at)),
    }
}

pub(super) fn moved_state(changes: ScopeChanges) -> pb::TransferState {
    let (mut entries, mut deletions) = (Vec::new(), Vec::new());
    for update in changes.updates {
        match update {
            StateUpdate::Put(entry) => entries.push(state_entry(entry)),
            StateUpdate::Deletion { key, version } => deletions.push(pb::StateDeletion {
                key: key.to_string(),
                version,
            }),
        }
    }
    pb::TransferState {
        scope: changes.scope.to_string(),
        after_version: changes.after,
        version: changes.version,
        entries,
        deletions,
    }
}

pub(super) fn state_written(written: StateWritten) -> pb::WriteStateResponse {
    pb::WriteStateResponse {
        versions: written.versions,
        changed_at: Some(timestamp(written.changed_at)),
        already_written: written.already_written,
    }
}

pub(super) fn state_notice(notice: StateNotice) -> pb::SubscribeStateResponse {
    use pb::{state_update::Update, subscribe_state_response::Content};

    let update = |update| {
        let update = match update {
            StateUpdate::Put(entry) => Update::Put(state_entry(entry)),
            StateUpdate::Deletion { key, version } => Update::Deletion(pb::StateDeletion {
                key: key.to_string(),
                version,
            }),
        };
        pb::StateUpdate { update: Some(update) }
    };
    let content = match notice {
        StateNotice::Updates(updates) => Content::Updates(pb::StateUpdates {
            updates: updates.into_iter().map(update).collect(),
        }),
        StateNotice::CaughtUp(version) => Content::CaughtUp(version),
        StateNotice::Checkpoint(version) => Content::Checkpoint(version),
    };
    pb::SubscribeStateResponse {
        content: Some(content),
    }
}

pub(crate) fn state_change(change: &StateChange) -> pb::StateChange {
    use pb::state_change::Change;

    pb::StateChange {
        scope: change.entry.scope.to_string(),
        key: change.entry.key.to_string(),
        change: Some(change.value.clone().map_or(Change::Delete(()), Change::Put)),
    }
}

pub(crate) fn state_check(check: &StateCheck) -> pb::StateCheck {
    use pb::state_check::Expected;

    pb::StateCheck {
        scope: check.entry.scope.to_string(),
        key: check.entry.key.to_string(),
        expected: Some(check.expected.map_or(Expected::Absent(()), Expected::Version)),
    }
}

pub(super) fn checkpoint(checkpoint: Checkpoint) -> pb::NamedCheckpoint {
    pb::NamedCheckpoint {
        name: checkpoint.name.to_string(),
        consumer: checkpoint.consumer.into_string(),
        instance: checkpoint.instance.into_string(),
        position: checkpoint.position.0,
        updated_at: Some(timestamp(checkpoint.updated_at)),
    }
}

pub(super) fn checkpoint_status(status: CheckpointStatus) -> pb::CheckpointStatus {
    pb::CheckpointStatus {
        checkpoint: Some(checkpoint(status.checkpoint)),
        lag_events: status.lag_events,
        // Microseconds since 1970 at most, which the message can hold.
        lag: prost_types::Duration::try_from(status.lag).ok(),
    }
}

pub(super) fn snapshot(snapshot: Snapshot) -> pb::Snapshot {
    pb::Snapshot {
        stream: snapshot.stream.to_string(),
        revision: snapshot.revision.0,
        schema_version: snapshot.schema_version,
        data: snapshot.data,
        saved_at: Some(timestamp(snapshot.saved_at)),
    }
}

pub(super) fn scavenge(scavenge: &Scavenge) -> pb::Scavenge {
    let state = match scavenge.state {
        ScavengeState::Running => pb::ScavengeState::Running,
        ScavengeState::Stopped => pb::ScavengeState::Stopped,
        ScavengeState::Finished => pb::ScavengeState::Finished,
    };
    pb::Scavenge {
        state: state.into(),
        started_at: Some(timestamp(scavenge.started_at)),
        ended_at: scavenge.ended_at.map(timestamp),
        streams_done: scavenge.streams_done,
        streams_total: scavenge.streams_total,
        events_removed: scavenge.events_removed,
        bytes_removed: scavenge.bytes_removed,
        problem: scavenge.problem.clone(),
        through_position: scavenge.through.0,
        ids_kept: scavenge.ids_kept,
    }
}

pub(super) fn limits(limits: &Limits) -> pb::Limits {
    let number = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
    pb::Limits {
        max_event_bytes: number(limits.event_bytes_max),
        max_append_bytes: number(limits.append_bytes_max),
        max_metadata_bytes: number(METADATA_BYTES_MAX),
        max_append_events: number(APPEND_EVENTS_MAX),
        max_stream_name_bytes: number(STREAM_NAME_BYTES_MAX),
        max_event_type_bytes: number(EVENT_TYPE_BYTES_MAX),
        max_tag_bytes: number(TAG_BYTES_MAX),
        max_tags: number(TAGS_MAX),
        max_subscriptions: number(limits.subscriptions_max),
        max_append_checks: number(CHECKS_MAX),
        max_snapshot_bytes: number(limits.snapshot_bytes_max),
        max_prefix_retentions: number(PREFIXES_MAX),
        max_state_scope_bytes: number(SCOPE_NAME_BYTES_MAX),
        max_state_key_bytes: number(STATE_KEY_BYTES_MAX),
        max_state_value_bytes: number(STATE_VALUE_BYTES_MAX),
        max_state_changes: number(STATE_CHANGES_MAX),
    }
}
