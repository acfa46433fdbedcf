use annals_client::{Event, Uuid};

use super::{Parsed, Times, check_size, parse};
use crate::import::identity::Identities;
use crate::record::{Record, tests::event};

fn parsed(line: &str) -> Result<Parsed, String> {
    parse(line.as_bytes(), Times::InMetadata, |stream: &str, line: &[u8]| {
        Identities::default().next(stream, line)
    })
    .map_err(|bad| bad.to_string())
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn good_lines_keep_what_they_say() {
    let table = [
        (
            r#"{"stream":"s","type":"T","data":{"b":1.10,"a":[1e400]}}"#,
            r#"{"b":1.10,"a":[1e400]}"#,
            "",
        ),
        (
            r#"{"data": null, "type":"T","stream":"s","metadata":null,"tags":null}"#,
            "null",
            "",
        ),
        (
            r#"{"stream":"s","type":"T","data":"x","metadata":{"u":1}}"#,
            "\"x\"",
            r#"{"u":1}"#,
        ),
        (
            r#"{"stream":"s","type":"T","data":1,"time":"2010"}"#,
            "1",
            r#"{"original_time":"2010"}"#,
        ),
        (
            r#"{"stream":"s","type":"T","data":1,"time":"2010","metadata":{}}"#,
            "1",
            r#"{"original_time":"2010"}"#,
        ),
        (
            r#"{"stream":"s","type":"T","data":1,"time":"2010","metadata":{"z":1.0, "a":2 } }"#,
            "1",
            r#"{"z":1.0, "a":2,"original_time":"2010"}"#,
        ),
        (
            r#"{"stream":"s","type":"T","data":1,"time":"2010","metadata":{"original_time":"1999"}}"#,
            "1",
            r#"{"original_time":"1999"}"#,
        ),
        (
            r#"{"stream":"s","type":"T","data_base64":"cGxhaW4=","metadata_base64":"eA=="}"#,
            "plain",
            "x",
        ),
        (
            r#"{"position":9,"revision":3,"stream":"s","type":"T","data":1,"time":"2010","metadata":7}"#,
            "1",
            "7",
        ),
    ];
    for (line, data, metadata) in table {
        let Parsed { stream, event, .. } = parsed(line).unwrap();
        let found = (
            stream.as_str(),
            event.event_type.as_str(),
            text(&event.data),
            text(&event.metadata),
        );
        assert_eq!(found, ("s", "T", data, metadata), "{line}");
    }
}

#[test]
fn bad_lines_say_why() {
    let table = [
        ("garbage", "not a valid line: expected value"),
        (r#"{"stream":"s""#, "not a valid line: EOF"),
        (r#"["s"]"#, "not a valid line"),
        (
            r#"{"stream":"s","type":"T","data":1} x"#,
            "not a valid line: trailing characters",
        ),
        (r#"{"type":"T","data":1}"#, "\"stream\" is missing"),
        (r#"{"stream":"s","data":1}"#, "\"type\" is missing"),
        (r#"{"stream":"s","type":"T"}"#, "\"data\" is missing"),
        (
            r#"{"stream":7,"type":"T","data":1}"#,
            "not a valid line: invalid type: integer",
        ),
        (
            r#"{"stream":"s","type":"T","data":1,"metdata":{}}"#,
            "not a valid line: unknown field `metdata`",
        ),
        (
            r#"{"stream":"s","type":"T","data":1,"data":2}"#,
            "not a valid line: duplicate field `data`",
        ),
        (
            r#"{"stream":"s","type":"T","data":1,"data_base64":""}"#,
            "both \"data\" and \"data_base64\"",
        ),
        (
            r#"{"stream":"s","type":"T","data_base64":"*"}"#,
            "\"data\" is not base64",
        ),
        (
            r#"{"stream":"s","type":"T","data":1,"id":"42"}"#,
            "\"id\" \"42\" is not a UUID",
        ),
        (
            r#"{"stream":"s","type":"T","data":1,"time":"2010","metadata":[1]}"#,
            "\"metadata\" is not an object",
        ),
        (
            r#"{"stream":"s","type":"T","data":1,"time":2010}"#,
            "not a valid line: invalid type: integer",
        ),
        (
            r#"{"stream":"s","type":"T","data":1,"tags":"x"}"#,
            "not a valid line: invalid type: string",
        ),
    ];
    for (line, reason) in table {
        let told = parsed(line).unwrap_err();
        assert!(told.starts_with(reason), "{line}: {told}");
    }
    assert!(
        parse(
            b"{\"stream\":\"\xff\"}",
            Times::InMetadata,
            |stream: &str, line: &[u8]| Identities::default().next(stream, line)
        )
        .is_err()
    );
}

#[test]
fn what_export_writes_is_taken_back() {
    for (data, metadata) in [
        (&b"{\"a\":1.0}"[..], &b"{\"original_time\":\"t\"}"[..]),
        (b"\x00", b"\xff"),
        (b"", b"7"),
    ] {
        let mut exported = event(data, metadata);
        exported.tags = vec!["a:1".into()];
        let Parsed { stream, event, .. } =
            parsed(&serde_json::to_string(&Record(&exported)).unwrap()).unwrap();
        assert_eq!(stream, exported.stream);
        let back = (
            event.id,
            &event.event_type,
            &event.data,
            &event.metadata,
            &event.tags,
        );
        assert_eq!(
            back,
            (
                exported.id,
                &exported.event_type,
                &exported.data,
                &exported.metadata,
                &exported.tags
            )
        );
    }
}

#[test]
fn a_given_id_is_kept_and_a_bad_line_uses_up_none() {
    let given = r#"{"stream":"s","type":"T","data":1,"id":"018F4A3C-0000-7000-8000-000000000001"}"#;
    let id = Uuid::from_u128(0x018f_4a3c_0000_7000_8000_0000_0000_0001);
    assert_eq!(parsed(given).unwrap().event.id, id);
    let mut identities = Identities::default();
    let good = br#"{"stream":"s","type":"T","data":1}"#;
    parse(
        br#"{"stream":"s","type":"T"}"#,
        Times::InMetadata,
        |stream: &str, line: &[u8]| identities.next(stream, line),
    )
    .unwrap_err();
    let first = parse(good, Times::InMetadata, |stream: &str, line: &[u8]| {
        identities.next(stream, line)
    })
    .unwrap()
    .event
    .id;
    let second = parse(good, Times::InMetadata, |stream: &str, line: &[u8]| {
        identities.next(stream, line)
    })
    .unwrap()
    .event
    .id;
    assert_eq!(first, parsed(text(good)).unwrap().event.id);
    assert_ne!(first, second);
}

#[test]
fn what_is_larger_than_the_server_takes_is_found_here() {
    let limits = annals_client::Limits {
        max_event_bytes: 10,
        max_append_bytes: 15,
        max_metadata_bytes: 8,
        max_append_events: 1,
        max_stream_name_bytes: 1,
        max_event_type_bytes: 1,
        max_tag_bytes: 1,
        max_tags: 1,
        max_subscriptions: 1,
        max_append_checks: 0,
        max_snapshot_bytes: 1 << 20,
        max_prefix_retentions: 1_000,
        max_state_scope_bytes: 256,
        max_state_key_bytes: 512,
        max_state_value_bytes: 65_536,
        max_state_changes: 1_000,
    };
    let event = |data, metadata| Event::new("T", vec![0; data]).with_metadata(vec![0; metadata]);
    for (data, metadata, told) in [
        (10, 4, None),
        (11, 0, Some("data has 11 bytes; the server takes at most 10")),
        (0, 9, Some("metadata has 9 bytes; the server takes at most 8")),
        (10, 8, Some("the event has 19 bytes; the server takes at most 15")),
    ] {
        let refused = check_size(&event(data, metadata), &limits)
            .err()
            .map(|bad| bad.to_string());
        assert_eq!(refused.as_deref(), told);
    }
}
