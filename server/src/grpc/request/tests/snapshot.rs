//! Snapshots.

use annals_proto::v1 as pb;
use annals_store::{Limits, Revision};

use super::assert_refused;
use crate::grpc::{
    request::{load_snapshot, save_snapshot},
    status::Fault,
};

#[test]
fn snapshots_are_of_valid_streams_within_the_limits_and_three_are_kept_unless_said_otherwise() {
    let limits = Limits {
        snapshot_bytes_max: 4,
        ..Limits::default()
    };
    let snapshot = |len: usize, keep| pb::SaveSnapshotRequest {
        stream: "order-1".into(),
        revision: 7,
        schema_version: 2,
        data: vec![1; len].into(),
        keep,
    };
    let save = save_snapshot(snapshot(4, None), &limits).unwrap();
    assert_eq!(
        (save.revision, save.schema_version, save.keep),
        (Revision(7), 2, 3)
    );
    for keep in [1, 100] {
        assert_eq!(
            save_snapshot(snapshot(0, Some(keep)), &limits).unwrap().keep,
            keep as usize
        );
    }
    assert_refused(save_snapshot(snapshot(5, None), &limits), "data", Fault::TooLarge);
    assert_refused(
        save_snapshot(snapshot(0, Some(101)), &limits),
        "keep",
        Fault::Invalid,
    );
    let unnamed = pb::SaveSnapshotRequest::default();
    assert_refused(save_snapshot(unnamed, &limits), "stream", Fault::Invalid);

    let request = pb::LoadSnapshotRequest {
        stream: "order-1".into(),
        at_or_before: Some(0),
        schema_version: Some(0),
    };
    let load = load_snapshot(&request).unwrap();
    assert_eq!(
        (load.at_or_before, load.schema_version),
        (Some(Revision(0)), Some(0))
    );
    let unnamed = pb::LoadSnapshotRequest::default();
    assert_refused(load_snapshot(&unnamed), "stream", Fault::Invalid);
}
