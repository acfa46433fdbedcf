//! Parses snapshot requests.

use annals_proto::v1 as pb;
use annals_store::{
    Limits, LoadSnapshot, Revision, SaveSnapshot,
    limits::{SNAPSHOTS_KEPT_DEFAULT, SNAPSHOTS_MAX},
};

use super::parse_stream;
use crate::grpc::status::Invalid;

/// Parses a snapshot to save.
pub(crate) fn save_snapshot(
    request: pb::SaveSnapshotRequest,
    limits: &Limits,
) -> Result<SaveSnapshot, Invalid> {
    let stream = parse_stream("stream", &request.stream)?;
    let (bytes, bytes_max) = (request.data.len(), limits.snapshot_bytes_max);
    if bytes > bytes_max {
        let problem =
            format!("has {bytes} bytes, over the limit of {bytes_max}; keep the large part elsewhere");
        return Err(Invalid::too_large("data", problem));
    }
    let keep = request.keep.map_or(SNAPSHOTS_KEPT_DEFAULT, |keep| keep as usize);
    if !(1..=SNAPSHOTS_MAX).contains(&keep) {
        let problem =
            format!("is {keep}; it must be 1 to {SNAPSHOTS_MAX}; leave it out for {SNAPSHOTS_KEPT_DEFAULT}");
        return Err(Invalid::field("keep", problem));
    }
    Ok(SaveSnapshot {
        stream,
        revision: Revision(request.revision),
        schema_version: request.schema_version,
        data: request.data,
        keep,
    })
}

/// Parses the selection of a snapshot.
pub(crate) fn load_snapshot(request: &pb::LoadSnapshotRequest) -> Result<LoadSnapshot, Invalid> {
    Ok(LoadSnapshot {
        stream: parse_stream("stream", &request.stream)?,
        at_or_before: request.at_or_before.map(Revision),
        schema_version: request.schema_version,
    })
}
