//! Converts the store's results to messages of the protocol.

use annals_proto::v1::{self as pb, expected_revision};
use annals_store::{
    Appended, EVENT_TYPE_BYTES_MAX, Expected, Limits, PrefixRetention, Retention, STREAM_NAME_BYTES_MAX,
    Scavenge, ScavengeState, Snapshot, StreamInfo, StreamName, TAG_BYTES_MAX, Timestamp,
    limits::{APPEND_EVENTS_MAX, CHECKS_MAX, METADATA_BYTES_MAX, PREFIXES_MAX, TAGS_MAX},
};

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
    }
}
