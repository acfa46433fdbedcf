mod checks;

use annals_proto::v1::{self as pb, expected_revision::Expected as OneOf};
use annals_store::{Error, Expected, Position, Rejection, Revision, StreamName, StreamPrefix, Timestamp};
use prost::Message;
use tonic::{Code, Status};
use tonic_types::pb as rpc;

use super::{Invalid, Refusal, any, explain, explained};

fn stream() -> StreamName {
    StreamName::new("order-1").unwrap()
}

fn conflict(expected: Expected, actual: Option<u64>) -> Error {
    Rejection::RevisionConflict {
        stream: stream(),
        expected,
        actual: actual.map(Revision),
    }
    .into()
}

fn conflict_detail(expected: OneOf, actual_revision: Option<u64>) -> prost_types::Any {
    let detail = pb::RevisionConflict {
        stream: "order-1".into(),
        expected: Some(pb::ExpectedRevision {
            expected: Some(expected),
        }),
        actual_revision,
    };
    any("annals.v1.RevisionConflict", &detail)
}

/// An error, and the expected code, reason, metadata and typed detail.
type Row = (
    Error,
    Code,
    &'static str,
    Vec<(&'static str, &'static str)>,
    Option<prost_types::Any>,
);

/// Code, reason, metadata and typed detail of a status, as a client reads them.
struct Read {
    code: Code,
    reason: String,
    metadata: Vec<(String, String)>,
    detail: Option<prost_types::Any>,
}

fn read(status: &Status) -> Read {
    let rpc = rpc::Status::decode(status.details()).unwrap();
    assert_eq!(
        rpc.code,
        i32::from(status.code()),
        "the details have the code of the call"
    );
    assert_eq!(rpc.message, status.message());
    assert_eq!(
        rpc.details[0].type_url,
        "type.googleapis.com/google.rpc.ErrorInfo"
    );
    let info = rpc::ErrorInfo::decode(&*rpc.details[0].value).unwrap();
    assert_eq!(info.domain, "annals");
    assert!(
        pb::ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason)).is_some(),
        "{} is not a reason of the protocol",
        info.reason
    );
    assert!(rpc.details.len() <= 2);
    let mut metadata: Vec<_> = info.metadata.into_iter().collect();
    metadata.sort();
    Read {
        code: status.code(),
        reason: info.reason,
        metadata,
        detail: rpc.details.get(1).cloned(),
    }
}

#[test]
fn every_error_of_the_store_has_its_code_reason_values_and_detail() {
    let id = uuid::Uuid::from_u128(7);
    let id_conflict = Rejection::EventIdConflict {
        id,
        stream: stream(),
        revision: Some(Revision(3)),
        position: Position(9),
    };
    let id_detail = pb::EventIdConflict {
        id: id.to_string(),
        stream: "order-1".into(),
        revision: Some(3),
        position: 9,
    };
    let beyond = |last: Option<u64>| Error::RevisionBeyondEnd {
        stream: stream(),
        revision: Revision(8),
        last: last.map(Revision),
    };
    let beyond_detail = |last_revision| {
        let detail = pb::RevisionBeyondEnd {
            stream: "order-1".into(),
            revision: 8,
            last_revision,
        };
        any("annals.v1.RevisionBeyondEnd", &detail)
    };
    let time = |seconds| {
        Some(prost_types::Timestamp {
            seconds,
            nanos: 5_000,
        })
    };
    let out_of_range = pb::RecordedTimeOutOfRange {
        recorded_at: time(1),
        earliest: time(2),
        latest: time(3),
    };
    let table: Vec<Row> = vec![
        (
            Rejection::RecordedTimeNotAccepted.into(),
            Code::FailedPrecondition,
            "RECORDED_TIME_NOT_ACCEPTED",
            vec![],
            None,
        ),
        (
            Rejection::RecordedTimeOutOfRange {
                recorded_at: Timestamp::from_micros(1_000_005),
                earliest: Some(Timestamp::from_micros(2_000_005)),
                latest: Timestamp::from_micros(3_000_005),
            }
            .into(),
            Code::FailedPrecondition,
            "RECORDED_TIME_OUT_OF_RANGE",
            vec![
                ("earliest", "1970-01-01T00:00:02.000005Z"),
                ("latest", "1970-01-01T00:00:03.000005Z"),
                ("recorded_at", "1970-01-01T00:00:01.000005Z"),
            ],
            Some(any("annals.v1.RecordedTimeOutOfRange", &out_of_range)),
        ),
        (
            conflict(Expected::Exactly(Revision(4)), Some(5)),
            Code::Aborted,
            "REVISION_CONFLICT",
            vec![("actual", "5"), ("expected", "4"), ("stream", "order-1")],
            Some(conflict_detail(OneOf::Revision(4), Some(5))),
        ),
        (
            conflict(Expected::NoStream, Some(0)),
            Code::Aborted,
            "REVISION_CONFLICT",
            vec![("actual", "0"), ("expected", "no_stream"), ("stream", "order-1")],
            Some(conflict_detail(OneOf::NoStream(()), Some(0))),
        ),
        (
            conflict(Expected::StreamExists, None),
            Code::Aborted,
            "REVISION_CONFLICT",
            vec![
                ("actual", "no_stream"),
                ("expected", "stream_exists"),
                ("stream", "order-1"),
            ],
            Some(conflict_detail(OneOf::StreamExists(()), None)),
        ),
        (
            id_conflict.into(),
            Code::Aborted,
            "EVENT_ID_CONFLICT",
            vec![
                ("id", "00000000-0000-0000-0000-000000000007"),
                ("position", "9"),
                ("revision", "3"),
                ("stream", "order-1"),
            ],
            Some(any("annals.v1.EventIdConflict", &id_detail)),
        ),
        (
            Error::StreamTombstoned(stream()),
            Code::FailedPrecondition,
            "STREAM_TOMBSTONED",
            vec![("stream", "order-1")],
            Some(any(
                "annals.v1.StreamTombstoned",
                &pb::StreamTombstoned {
                    stream: "order-1".into(),
                },
            )),
        ),
        (
            Rejection::Tombstoned { stream: stream() }.into(),
            Code::FailedPrecondition,
            "STREAM_TOMBSTONED",
            vec![("stream", "order-1")],
            Some(any(
                "annals.v1.StreamTombstoned",
                &pb::StreamTombstoned {
                    stream: "order-1".into(),
                },
            )),
        ),
        (
            Error::VersionConflict {
                stream: stream(),
                expected: 3,
                actual: 5,
            },
            Code::Aborted,
            "VERSION_CONFLICT",
            vec![("actual", "5"), ("expected", "3"), ("stream", "order-1")],
            Some(any(
                "annals.v1.VersionConflict",
                &pb::VersionConflict {
                    group: String::new(),
                    stream: "order-1".into(),
                    expected_version: 3,
                    actual_version: 5,
                    prefix: String::new(),
                },
            )),
        ),
        (
            Error::PrefixVersionConflict {
                prefix: StreamPrefix::new("pipeline-").unwrap(),
                expected: 3,
                actual: 5,
            },
            Code::Aborted,
            "VERSION_CONFLICT",
            vec![("actual", "5"), ("expected", "3"), ("prefix", "pipeline-")],
            Some(any(
                "annals.v1.VersionConflict",
                &pb::VersionConflict {
                    group: String::new(),
                    stream: String::new(),
                    expected_version: 3,
                    actual_version: 5,
                    prefix: "pipeline-".into(),
                },
            )),
        ),
        (
            Error::StreamNotFound(stream()),
            Code::NotFound,
            "STREAM_NOT_FOUND",
            vec![("stream", "order-1")],
            Some(any(
                "annals.v1.StreamNotFound",
                &pb::StreamNotFound {
                    stream: "order-1".into(),
                },
            )),
        ),
        (
            Error::StreamTombstoned(stream()),
            Code::FailedPrecondition,
            "STREAM_TOMBSTONED",
            vec![("stream", "order-1")],
            Some(any(
                "annals.v1.StreamTombstoned",
                &pb::StreamTombstoned {
                    stream: "order-1".into(),
                },
            )),
        ),
        (
            Error::SnapshotNotFound(stream()),
            Code::NotFound,
            "SNAPSHOT_NOT_FOUND",
            vec![("stream", "order-1")],
            Some(any(
                "annals.v1.SnapshotNotFound",
                &pb::SnapshotNotFound {
                    stream: "order-1".into(),
                },
            )),
        ),
        (
            Error::PositionBeyondHead {
                position: Position(10),
                head: Position(2),
            },
            Code::OutOfRange,
            "POSITION_BEYOND_HEAD",
            vec![("head", "2"), ("position", "10")],
            Some(any(
                "annals.v1.PositionBeyondHead",
                &pb::PositionBeyondHead {
                    position: 10,
                    head: 2,
                },
            )),
        ),
        (
            beyond(Some(2)),
            Code::OutOfRange,
            "REVISION_BEYOND_END",
            vec![("last_revision", "2"), ("revision", "8"), ("stream", "order-1")],
            Some(beyond_detail(Some(2))),
        ),
        (
            beyond(None),
            Code::OutOfRange,
            "REVISION_BEYOND_END",
            vec![
                ("last_revision", "no_stream"),
                ("revision", "8"),
                ("stream", "order-1"),
            ],
            Some(beyond_detail(None)),
        ),
        (
            Error::Overloaded("subscriptions"),
            Code::ResourceExhausted,
            "OVERLOADED",
            vec![("bound", "subscriptions")],
            None,
        ),
        (Error::Closed, Code::Unavailable, "SHUTTING_DOWN", vec![], None),
        (
            Error::Unavailable("slow".into()),
            Code::Unavailable,
            "ENGINE_UNAVAILABLE",
            vec![],
            None,
        ),
        (
            Error::Failed("EIO".into()),
            Code::Unavailable,
            "STORAGE_FAILED",
            vec![],
            None,
        ),
        (
            Error::Corrupt("frame".into()),
            Code::DataLoss,
            "CORRUPT",
            vec![],
            None,
        ),
        (
            Error::Internal("bug".into()),
            Code::Internal,
            "INTERNAL",
            vec![],
            None,
        ),
    ];
    for (error, code, reason, metadata, detail) in table {
        let message = error.to_string();
        let status = Status::from(Refusal::from(error));
        assert_eq!(status.message(), message, "the message is the store's");
        let read = read(&status);
        assert_eq!((read.code, read.reason.as_str()), (code, reason), "{message}");
        let metadata: Vec<_> = metadata
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        assert_eq!(read.metadata, metadata, "{message}");
        assert_eq!(read.detail, detail, "{message}");
    }
}

fn bad_request(status: &Status) -> (String, String, String) {
    let read = read(status);
    assert_eq!(read.code, Code::InvalidArgument);
    let detail = read.detail.unwrap();
    assert_eq!(detail.type_url, "type.googleapis.com/google.rpc.BadRequest");
    let violation = rpc::BadRequest::decode(&*detail.value)
        .unwrap()
        .field_violations
        .remove(0);
    (read.reason, violation.field, violation.description)
}

#[test]
fn a_bad_field_is_a_bad_request_that_names_it() {
    let deleted = Error::SnapshotOfDeleted {
        stream: stream(),
        revision: Revision(3),
        first: Revision(7),
    };
    let (reason, field, description) = bad_request(&Refusal::from(deleted.clone()).into());
    assert_eq!((reason.as_str(), field.as_str()), ("INVALID_FIELD", "revision"));
    assert_eq!(description, deleted.to_string());

    let (reason, field, description) = bad_request(&Invalid::field("limit", "is 0").into());
    assert_eq!(
        (reason.as_str(), field.as_str(), description.as_str()),
        ("INVALID_FIELD", "limit", "is 0")
    );
    let (reason, field, _) = bad_request(&Invalid::too_large("events[2].data", "is much").into());
    assert_eq!((reason.as_str(), field.as_str()), ("TOO_LARGE", "events[2].data"));
}

#[test]
fn the_longest_names_fit_into_a_trailer() {
    let name = StreamName::new(&"\u{10FFFF}".repeat(128)).unwrap();
    let error: Error = Rejection::RevisionConflict {
        stream: name,
        expected: Expected::Exactly(Revision(u64::MAX)),
        actual: Some(Revision(u64::MAX)),
    }
    .into();
    let headers = Status::from(Refusal::from(error)).into_http::<()>();
    let bytes: usize = headers
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    assert!(bytes < 7_000, "{bytes} bytes of trailers");
}

#[test]
fn a_message_over_tonics_limit_is_too_large_in_the_protocols_terms() {
    let said = "Error, decoded message length too large: found 9 bytes, the limit is: 5 bytes";
    let response = Status::out_of_range(said).into_http::<()>();
    let status = Status::from_header_map(explain(response).headers()).unwrap();
    let (reason, _, description) = bad_request(&status);
    assert_eq!(reason, "TOO_LARGE");
    assert!(description.contains("found 9 bytes"), "{description}");
    assert_eq!(bad_request(&explained(Status::out_of_range(said))).0, "TOO_LARGE");
}

#[test]
fn other_responses_pass_as_they_are() {
    let error = Error::PositionBeyondHead {
        position: Position(10),
        head: Position(2),
    };
    let status = Status::from(Refusal::from(error));
    let passed = explain(status.clone().into_http::<()>());
    assert_eq!(
        Status::from_header_map(passed.headers()).unwrap().message(),
        status.message()
    );
    assert!(explain(http::Response::new(())).headers().is_empty());
}
