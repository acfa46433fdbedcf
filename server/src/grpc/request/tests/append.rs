//! Appends to one stream.

use annals_proto::v1::{self as pb, expected_revision};

use super::{ID, assert_refused, event, limits};
use crate::grpc::{
    request::{append_to_stream, pipelined_append},
    status::Fault::{Invalid, TooLarge},
};

fn appending(events: Vec<pb::NewEvent>) -> pb::AppendToStreamRequest {
    pb::AppendToStreamRequest {
        stream: "order-1".into(),
        expected: None,
        events,
        recorded_at: None,
    }
}

/// An append whose third event is `event`.
fn third(event: pb::NewEvent) -> pb::AppendToStreamRequest {
    appending(vec![self::event(), self::event(), event])
}

#[test]
fn each_bad_field_of_an_append_is_named_by_its_path() {
    let named = |stream: &str| pb::AppendToStreamRequest {
        stream: stream.into(),
        ..appending(vec![event()])
    };
    let empty_expected = pb::AppendToStreamRequest {
        expected: Some(pb::ExpectedRevision { expected: None }),
        ..appending(vec![event()])
    };
    let with = |change: &dyn Fn(&mut pb::NewEvent)| {
        let mut event = event();
        change(&mut event);
        third(event)
    };
    let tags = |tags: &[&str]| {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        third(pb::NewEvent { tags, ..event() })
    };
    let id = |id: &str| {
        third(pb::NewEvent {
            id: id.into(),
            ..event()
        })
    };
    let twice = pb::NewEvent {
        id: ID.into(),
        ..event()
    };
    for (request, field, fault) in [
        (named(""), "stream", Invalid),
        (named(&"s".repeat(513)), "stream", Invalid),
        (named(&"s".repeat(1 << 20)), "stream", Invalid),
        (named("$all"), "stream", Invalid),
        (named("order\n1"), "stream", Invalid),
        (named("order\0"), "stream", Invalid),
        (empty_expected, "expected", Invalid),
        (appending(vec![]), "events", Invalid),
        (appending(vec![event(); 10_001]), "events", TooLarge),
        (
            appending(vec![
                pb::NewEvent {
                    data: vec![0; 900].into(),
                    ..event()
                };
                3
            ]),
            "events",
            TooLarge,
        ),
        (
            with(&|event| event.data = vec![0; 1_001].into()),
            "events[2].data",
            TooLarge,
        ),
        (
            with(&|event| event.metadata = vec![0; 65_537].into()),
            "events[2].metadata",
            TooLarge,
        ),
        (
            with(&|event| event.r#type = String::new()),
            "events[2].type",
            Invalid,
        ),
        (
            with(&|event| event.r#type = "t".repeat(257)),
            "events[2].type",
            Invalid,
        ),
        (
            with(&|event| event.r#type = "$deleted".into()),
            "events[2].type",
            Invalid,
        ),
        (tags(&["a", ""]), "events[2].tags[1]", Invalid),
        (tags(&["a", "b\u{7F}"]), "events[2].tags[1]", Invalid),
        (tags(&["a", "b", "a"]), "events[2].tags", Invalid),
        (
            with(&|event| event.tags = (0..33).map(|n| n.to_string()).collect()),
            "events[2].tags",
            Invalid,
        ),
        (id("1"), "events[2].id", Invalid),
        (id(&"x".repeat(36)), "events[2].id", Invalid),
        (id("0190a3c27d5e7b3a9c1f2e4d6f8a0b1c"), "events[2].id", Invalid),
        (
            id("{0190a3c2-7d5e-7b3a-9c1f-2e4d6f8a0b1c}"),
            "events[2].id",
            Invalid,
        ),
        (
            id("urn:uuid:0190a3c2-7d5e-7b3a-9c1f-2e4d6f8a0b1c"),
            "events[2].id",
            Invalid,
        ),
        (
            appending(vec![event(), twice.clone(), twice]),
            "events[2].id",
            Invalid,
        ),
    ] {
        assert_refused(append_to_stream(&request.clone().into(), &limits()), field, fault);
        let in_pipeline = pb::PipelinedAppend {
            append: Some(pb::pipelined_append::Append::AppendToStream(request)),
        };
        assert_refused(pipelined_append(in_pipeline.into(), &limits()), field, fault);
    }
    assert_refused(
        pipelined_append(pb::PipelinedAppend::default().into(), &limits()),
        "append",
        Invalid,
    );
}

#[test]
fn an_append_within_the_limits_is_taken_with_its_ids_in_order() {
    let mut request = third(pb::NewEvent {
        id: ID.to_uppercase(),
        ..event()
    });
    request.expected = Some(pb::ExpectedRevision {
        expected: Some(expected_revision::Expected::Revision(7)),
    });
    let append = append_to_stream(&request.into(), &limits()).unwrap();
    let ids: Vec<_> = append.ids().collect();
    assert_eq!((append.stream().as_str(), append.len()), ("order-1", 3));
    assert_eq!(ids[2].to_string(), ID);
    assert!(ids[0] != ids[1], "generated ids are distinct");
    assert_eq!(ids[0].get_version_num(), 7);
}
