use annals_proto::v1::{self as pb, expected_revision::Expected as OneOf};
use annals_store::{Expected, Retention, Revision};

use super::{AGE_SECONDS_MAX, delete, retention_of, set_retention, tombstone};

fn setting(retention: Option<pb::Retention>) -> pb::SetRetentionRequest {
    pb::SetRetentionRequest {
        stream: "order-1".into(),
        retention,
        expected_version: Some(3),
    }
}

fn aged(seconds: i64, nanos: i32) -> pb::Retention {
    pb::Retention {
        max_age: Some(prost_types::Duration { seconds, nanos }),
        ..pb::Retention::default()
    }
}

fn expecting(expected: OneOf) -> Option<pb::ExpectedRevision> {
    Some(pb::ExpectedRevision {
        expected: Some(expected),
    })
}

#[test]
fn what_is_to_be_kept_is_taken_as_it_is_given() {
    let wanted = pb::Retention {
        max_count: Some(u64::MAX),
        truncate_before: 7,
        ..aged(AGE_SECONDS_MAX, 0)
    };
    let set = set_retention(&setting(Some(wanted))).unwrap();
    assert_eq!((set.stream.as_str(), set.expected_version), ("order-1", Some(3)));
    let kept = Retention {
        max_count: Some(u64::MAX),
        max_age_seconds: Some(AGE_SECONDS_MAX.unsigned_abs()),
        truncate_before: Revision(7),
    };
    assert_eq!(set.retention, kept);
    let everything = set_retention(&setting(Some(pb::Retention::default()))).unwrap();
    assert_eq!(everything.retention, Retention::default());
}

#[test]
fn each_bad_field_is_named() {
    let none = pb::Retention {
        max_count: Some(0),
        ..pb::Retention::default()
    };
    let own = pb::SetRetentionRequest {
        stream: "$$order-1".into(),
        ..setting(Some(pb::Retention::default()))
    };
    let cases = [
        (setting(None), "retention"),
        (setting(Some(none)), "retention.max_count"),
        (setting(Some(aged(0, 0))), "retention.max_age"),
        (setting(Some(aged(0, 500_000_000))), "retention.max_age"),
        (setting(Some(aged(1, 1))), "retention.max_age"),
        (setting(Some(aged(-1, 0))), "retention.max_age"),
        (setting(Some(aged(AGE_SECONDS_MAX + 1, 0))), "retention.max_age"),
        (own, "stream"),
    ];
    for (request, field) in cases {
        assert_eq!(set_retention(&request).unwrap_err().field, field, "{request:?}");
    }
}

#[test]
fn streams_of_the_store_itself_are_asked_about_and_not_changed() {
    let own = || "$$order-1".to_owned();
    let asked = retention_of(&pb::GetRetentionRequest { stream: own() }).unwrap();
    assert_eq!(asked.as_str(), "$$order-1");
    let (stream, expected) = (own(), None);
    let deleted = delete(pb::DeleteStreamRequest { stream, expected });
    assert_eq!(deleted.unwrap_err().field, "stream");
    let (stream, expected) = (own(), None);
    let tombstoned = tombstone(pb::TombstoneStreamRequest { stream, expected });
    assert_eq!(tombstoned.unwrap_err().field, "stream");
}

#[test]
fn a_stream_without_events_is_tombstoned_and_not_deleted() {
    let stream = || "order-1".to_owned();
    let deleting = |expected| {
        delete(pb::DeleteStreamRequest {
            stream: stream(),
            expected,
        })
    };
    assert_eq!(deleting(None).unwrap().1, Expected::Any);
    assert_eq!(
        deleting(expecting(OneOf::Revision(5))).unwrap().1,
        Expected::Exactly(Revision(5))
    );
    assert_eq!(
        deleting(expecting(OneOf::NoStream(()))).unwrap_err().field,
        "expected"
    );
    let tombstoned = tombstone(pb::TombstoneStreamRequest {
        stream: stream(),
        expected: expecting(OneOf::NoStream(())),
    });
    assert_eq!(tombstoned.unwrap().1, Expected::NoStream);
}
