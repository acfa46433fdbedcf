use std::collections::HashMap;

use annals_proto::v1 as pb;
use prost::Message;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt, pb as rpc};

use super::{from_result, from_status};

/// The status as the server sends it: an ErrorInfo, then the typed detail.
fn rpc_status(code: Code, reason: &str, detail: Option<(&str, Vec<u8>)>) -> rpc::Status {
    let info = rpc::ErrorInfo {
        reason: reason.into(),
        domain: "annals".into(),
        metadata: HashMap::new(),
    };
    let any = |name: &str, value| prost_types::Any {
        type_url: format!("type.googleapis.com/{name}"),
        value,
    };
    let mut details = vec![any("google.rpc.ErrorInfo", info.encode_to_vec())];
    details.extend(detail.map(|(name, value)| any(name, value)));
    rpc::Status {
        code: code.into(),
        message: "told".into(),
        details,
    }
}

fn decoded(code: Code, reason: &str, detail: Option<(&str, Vec<u8>)>) -> String {
    let status = rpc_status(code, reason, detail);
    let bytes = status.encode_to_vec().into();
    let unary = format!(
        "{:?}",
        from_status(&Status::with_details(code, "told", bytes), "http://a")
    );
    let pipeline = format!("{:?}", from_result(&status));
    assert_eq!(unary, pipeline, "both paths decode alike");
    unary
}

#[test]
fn every_reason_becomes_its_variant() {
    let conflict = |expected| pb::RevisionConflict {
        stream: "s".into(),
        expected: Some(pb::ExpectedRevision { expected }),
        actual_revision: Some(4),
    };
    use pb::expected_revision::Expected;
    let id = "018f4a3c-0000-7000-8000-000000000001";
    let known = pb::EventIdConflict {
        id: id.into(),
        stream: "s".into(),
        revision: Some(1),
        position: 2,
    };
    let checkpoint = pb::CheckpointConflict {
        name: "c".into(),
        expected_position: None,
        actual_position: Some(3),
    };
    let time = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
    let out_of_range = pb::RecordedTimeOutOfRange {
        recorded_at: time(1, 0),
        earliest: None,
        latest: time(2, 500_000_000),
    };
    let not_found = pb::StreamNotFound { stream: "s".into() };
    let beyond_head = pb::PositionBeyondHead { position: 9, head: 3 };
    let beyond_end = pb::RevisionBeyondEnd {
        stream: "s".into(),
        revision: 9,
        last_revision: None,
    };
    let violation = rpc::bad_request::FieldViolation {
        field: "stream".into(),
        description: "empty".into(),
        ..Default::default()
    };
    let bad = rpc::BadRequest {
        field_violations: vec![violation],
    }
    .encode_to_vec();
    let bad = || Some(("google.rpc.BadRequest", bad.clone()));
    let revision = |expected| {
        Some((
            "annals.v1.RevisionConflict",
            conflict(Some(expected)).encode_to_vec(),
        ))
    };
    let conflicted = |expected: &str| {
        format!("RevisionConflict {{ stream: \"s\", expected: {expected}, actual: Some(Revision(4)) }}")
    };
    let fields = "([FieldViolation { field: \"stream\", description: \"empty\" }])";
    let table = [
        (
            Code::InvalidArgument,
            "INVALID_FIELD",
            bad(),
            format!("InvalidField{fields}"),
        ),
        (
            Code::InvalidArgument,
            "TOO_LARGE",
            bad(),
            format!("TooLarge{fields}"),
        ),
        (
            Code::Aborted,
            "REVISION_CONFLICT",
            revision(Expected::Revision(7)),
            conflicted("Exactly(Revision(7))"),
        ),
        (
            Code::Aborted,
            "REVISION_CONFLICT",
            revision(Expected::NoStream(())),
            conflicted("NoStream"),
        ),
        (
            Code::Aborted,
            "REVISION_CONFLICT",
            revision(Expected::StreamExists(())),
            conflicted("StreamExists"),
        ),
        (
            Code::Aborted,
            "EVENT_ID_CONFLICT",
            Some(("annals.v1.EventIdConflict", known.encode_to_vec())),
            format!(
                "EventIdConflict {{ id: {id}, stream: \"s\", revision: Some(Revision(1)), position: Position(2) }}"
            ),
        ),
        (
            Code::FailedPrecondition,
            "RECORDED_TIME_NOT_ACCEPTED",
            None,
            "RecordedTimeNotAccepted { message: \"told\" }".into(),
        ),
        (
            Code::FailedPrecondition,
            "RECORDED_TIME_OUT_OF_RANGE",
            Some(("annals.v1.RecordedTimeOutOfRange", out_of_range.encode_to_vec())),
            "RecordedTimeOutOfRange { recorded_at: 1970-01-01T00:00:01Z, earliest: None, \
             latest: 1970-01-01T00:00:02.5Z }"
                .into(),
        ),
        (
            Code::NotFound,
            "STREAM_NOT_FOUND",
            Some(("annals.v1.StreamNotFound", not_found.encode_to_vec())),
            "StreamNotFound { stream: \"s\" }".into(),
        ),
        (
            Code::OutOfRange,
            "POSITION_BEYOND_HEAD",
            Some(("annals.v1.PositionBeyondHead", beyond_head.encode_to_vec())),
            "PositionBeyondHead { position: Position(9), head: Position(3) }".into(),
        ),
        (
            Code::OutOfRange,
            "REVISION_BEYOND_END",
            Some(("annals.v1.RevisionBeyondEnd", beyond_end.encode_to_vec())),
            "RevisionBeyondEnd { stream: \"s\", revision: Revision(9), last_revision: None }".into(),
        ),
        (
            Code::Aborted,
            "CHECKPOINT_CONFLICT",
            Some(("annals.v1.CheckpointConflict", checkpoint.encode_to_vec())),
            "CheckpointConflict { name: \"c\", expected: None, actual: Some(Position(3)) }".into(),
        ),
        (
            Code::NotFound,
            "CHECKPOINT_NOT_FOUND",
            None,
            "CheckpointNotFound { message: \"told\" }".into(),
        ),
        (
            Code::Unavailable,
            "SHUTTING_DOWN",
            None,
            "Unavailable { reason: ShuttingDown, message: \"told\" }".into(),
        ),
        (
            Code::Unavailable,
            "ENGINE_UNAVAILABLE",
            None,
            "Unavailable { reason: Engine, message: \"told\" }".into(),
        ),
        (
            Code::Unavailable,
            "STORAGE_FAILED",
            None,
            "Unavailable { reason: StorageFailed, message: \"told\" }".into(),
        ),
        (
            Code::ResourceExhausted,
            "OVERLOADED",
            None,
            "Overloaded { message: \"told\" }".into(),
        ),
        (
            Code::DataLoss,
            "CORRUPT",
            None,
            "Corrupt { message: \"told\" }".into(),
        ),
        (
            Code::Internal,
            "INTERNAL",
            None,
            "Internal { message: \"told\" }".into(),
        ),
    ];
    for (code, reason, detail, expected) in table {
        assert_eq!(decoded(code, reason, detail), expected, "{reason}");
    }
}

#[test]
fn no_reason_of_the_protocol_is_forgotten() {
    for number in 1.. {
        let Ok(reason) = pb::ErrorReason::try_from(number) else {
            break;
        };
        let name = reason.as_str_name().trim_start_matches("ERROR_REASON_");
        let empty = |kind| Some((kind, Vec::new()));
        // Those whose detail is required get an empty one, so that only the reason is tested.
        let detail = match reason {
            pb::ErrorReason::RevisionConflict => Some((
                "annals.v1.RevisionConflict",
                pb::RevisionConflict {
                    expected: Some(pb::ExpectedRevision {
                        expected: Some(pb::expected_revision::Expected::NoStream(())),
                    }),
                    ..Default::default()
                }
                .encode_to_vec(),
            )),
            pb::ErrorReason::EventIdConflict => Some((
                "annals.v1.EventIdConflict",
                pb::EventIdConflict {
                    id: uuid::Uuid::nil().to_string(),
                    ..Default::default()
                }
                .encode_to_vec(),
            )),
            pb::ErrorReason::RecordedTimeOutOfRange => Some((
                "annals.v1.RecordedTimeOutOfRange",
                pb::RecordedTimeOutOfRange {
                    recorded_at: Some(prost_types::Timestamp::default()),
                    earliest: None,
                    latest: Some(prost_types::Timestamp::default()),
                }
                .encode_to_vec(),
            )),
            pb::ErrorReason::ChecksFailed => {
                let found = pb::failed_check::Found::Match(pb::MatchFound {
                    after: 1,
                    position: 2,
                });
                let failed = pb::FailedCheck {
                    index: 0,
                    found: Some(found),
                };
                let detail = pb::ChecksFailed {
                    failed: vec![failed],
                    count: 1,
                };
                Some(("annals.v1.ChecksFailed", detail.encode_to_vec()))
            }
            pb::ErrorReason::StreamTombstoned => empty("annals.v1.StreamTombstoned"),
            pb::ErrorReason::VersionConflict => empty("annals.v1.VersionConflict"),
            pb::ErrorReason::SnapshotNotFound => empty("annals.v1.SnapshotNotFound"),
            pb::ErrorReason::StreamNotFound => empty("annals.v1.StreamNotFound"),
            pb::ErrorReason::PositionBeyondHead => empty("annals.v1.PositionBeyondHead"),
            pb::ErrorReason::StateVersionExpired | pb::ErrorReason::StateVersionBeyondEnd => {
                empty("annals.v1.StateVersionOutOfRange")
            }
            pb::ErrorReason::CheckpointConflict => empty("annals.v1.CheckpointConflict"),
            pb::ErrorReason::RevisionBeyondEnd => empty("annals.v1.RevisionBeyondEnd"),
            _ => None,
        };
        let variant = decoded(Code::Aborted, name, detail);
        assert!(!variant.starts_with("Status"), "{name} is {variant}");
    }
}

#[test]
fn a_status_without_a_reason_goes_by_its_code() {
    let error = |code| format!("{:?}", from_status(&Status::new(code, "told"), "http://a"));
    for code in [Code::Unavailable, Code::Unknown, Code::Cancelled] {
        assert_eq!(
            error(code),
            "Unreachable { endpoint: \"http://a\", message: \"told\" }"
        );
    }
    assert_eq!(
        error(Code::DeadlineExceeded),
        "Unavailable { reason: Unknown, message: \"told\" }"
    );
    for code in [
        Code::Internal,
        Code::Unimplemented,
        Code::PermissionDenied,
        Code::OutOfRange,
    ] {
        assert_eq!(
            error(code),
            format!("Status {{ code: {code:?}, message: \"told\" }}")
        );
    }
}

#[test]
fn a_foreign_or_broken_detail_hides_nothing() {
    let foreign = ErrorDetails::with_error_info("REVISION_CONFLICT", "elsewhere", HashMap::new());
    let foreign = Status::with_error_details(Code::Aborted, "told", foreign);
    let garbage = Status::with_details(Code::Aborted, "told", vec![0xff; 9].into());
    for status in [foreign, garbage] {
        let error = format!("{:?}", from_status(&status, "http://a"));
        assert_eq!(error, "Status { code: Aborted, message: \"told\" }");
    }
    let missing = decoded(Code::Aborted, "REVISION_CONFLICT", None);
    assert_eq!(missing, "Status { code: Aborted, message: \"told\" }");
    let unlisted = decoded(Code::InvalidArgument, "TOO_LARGE", None);
    assert_eq!(
        unlisted,
        "TooLarge([FieldViolation { field: \"\", description: \"told\" }])"
    );
}

#[test]
fn conflicts_tell_people_what_was_expected_and_what_is() {
    let conflict = pb::RevisionConflict {
        stream: "order-1".into(),
        expected: Some(pb::ExpectedRevision {
            expected: Some(pb::expected_revision::Expected::NoStream(())),
        }),
        actual_revision: Some(4),
    };
    let detail = Some(("annals.v1.RevisionConflict", conflict.encode_to_vec()));
    assert_eq!(
        from_result(&rpc_status(Code::Aborted, "REVISION_CONFLICT", detail)).to_string(),
        "stream \"order-1\" is not as expected: expected no stream, but it is at revision 4"
    );
}
