use annals_proto::v1::{self as pb, expected_revision::Expected as OneOf};
use annals_store::{Expected, Retention, Revision};

use super::{
    AGE_SECONDS_MAX, delete, list_prefix_retentions, prefix_retention_of, retention_of, set_prefix_retention,
    set_retention, tombstone,
};

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

fn setting_prefix(prefix: &str, retention: Option<pb::Retention>) -> pb::SetPrefixRetentionRequest {
    pb::SetPrefixRetentionRequest {
        prefix: prefix.into(),
        retention,
        expected_version: Some(3),
    }
}

#[test]
fn what_is_to_be_kept_of_a_prefix_is_taken_as_it_is_given() {
    let set = set_prefix_retention(&setting_prefix("session-", Some(aged(60, 0)))).unwrap();
    assert_eq!((set.prefix.as_str(), set.expected_version), ("session-", Some(3)));
    assert_eq!(set.retention.max_age_seconds, Some(60));
    let removed = set_prefix_retention(&setting_prefix("session-", Some(pb::Retention::default())));
    assert_eq!(removed.unwrap().retention, Retention::default());
}

#[test]
fn each_bad_field_of_a_prefix_is_named() {
    let truncating = pb::Retention {
        truncate_before: 1,
        ..pb::Retention::default()
    };
    let long = "x".repeat(513);
    let kept = Some(aged(60, 0));
    let cases = [
        (setting_prefix("", kept), "prefix"),
        (setting_prefix("$", kept), "prefix"),
        (setting_prefix("$$session-", kept), "prefix"),
        (setting_prefix("a\nb", kept), "prefix"),
        (setting_prefix(&long, kept), "prefix"),
        (setting_prefix("session-", None), "retention"),
        (
            setting_prefix("session-", Some(truncating)),
            "retention.truncate_before",
        ),
        (setting_prefix("session-", Some(aged(0, 0))), "retention.max_age"),
    ];
    for (request, field) in cases {
        assert_eq!(
            set_prefix_retention(&request).unwrap_err().field,
            field,
            "{request:?}"
        );
    }
    let asked = prefix_retention_of(&pb::GetPrefixRetentionRequest { prefix: "$a".into() });
    assert_eq!(asked.unwrap_err().field, "prefix");
}

#[test]
fn prefixes_are_listed_page_by_page() {
    let page = |page_size, page_token: &str| {
        list_prefix_retentions(&pb::ListPrefixRetentionsRequest {
            page_size,
            page_token: page_token.into(),
        })
    };
    assert_eq!(page(None, "").unwrap(), (None, 100));
    let (after, size) = page(Some(5), "session-").unwrap();
    assert_eq!((after.unwrap().as_str(), size), ("session-", 5));
    assert_eq!(page(Some(1_001), "").unwrap_err().field, "page_size");
    assert_eq!(page(Some(1), "$").unwrap_err().field, "page_token");
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
