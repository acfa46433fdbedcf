use annals_client::{Position, RecordedEvent, Revision, Timestamp, Uuid};

use super::Record;

/// An event with this data and metadata.
pub fn event(data: &[u8], metadata: &[u8]) -> RecordedEvent {
    RecordedEvent {
        id: Uuid::from_u128(0x018f_4a3c_0000_7000_8000_0000_0000_0001),
        stream: "order-1".into(),
        revision: Revision(0),
        position: Position(17),
        event_type: "Placed".into(),
        data: data.to_vec().into(),
        metadata: metadata.to_vec().into(),
        tags: Vec::new(),
        content_type: annals_client::json::CONTENT_TYPE.into(),
        recorded_at: Timestamp::new(1_700_000_000, 120_000_000).unwrap(),
    }
}

fn line(event: &RecordedEvent) -> String {
    serde_json::to_string(&Record(event)).unwrap()
}

const FRONT: &str = concat!(
    r#"{"position":17,"stream":"order-1","revision":0,"id":"018f4a3c-0000-7000-8000-000000000001","#,
    r#""type":"Placed","time":"2023-11-14T22:13:20.120000Z","#
);

#[test]
fn events_are_written_as_documented() {
    let table: [(&[u8], &[u8], &str); 9] = [
        (b"{}", b"", r#""data":{},"metadata":null,"tags":[]}"#),
        (
            br#"{"b":1.10,"a":10000000000000000000000}"#,
            br#"{"z":1,"a":2}"#,
            r#""data":{"b":1.10,"a":10000000000000000000000},"metadata":{"z":1,"a":2},"tags":[]}"#,
        ),
        (b"\"text\"", b"", r#""data":"text","metadata":null,"tags":[]}"#),
        (b"null", b"", r#""data":null,"metadata":null,"tags":[]}"#),
        (b"", b"", r#""data_base64":"","metadata":null,"tags":[]}"#),
        (
            b"\x00\xff",
            b"\xfe",
            r#""data_base64":"AP8=","metadata_base64":"/g==","tags":[]}"#,
        ),
        (
            b"plain",
            b"null",
            r#""data_base64":"cGxhaW4=","metadata_base64":"bnVsbA==","tags":[]}"#,
        ),
        (
            b"{\n  \"a\": \"b\\nc\"\r\n}\n",
            b"",
            r#""data":{   "a": "b\nc"  },"metadata":null,"tags":[]}"#,
        ),
        (
            b"{} {}",
            b"",
            r#""data_base64":"e30ge30=","metadata":null,"tags":[]}"#,
        ),
    ];
    for (data, metadata, rest) in table {
        assert_eq!(line(&event(data, metadata)), format!("{FRONT}{rest}"));
    }
}

#[test]
fn tags_and_odd_names_are_kept() {
    let mut odd = event(b"1", b"");
    odd.tags = vec!["course:c1".into(), "ü".into()];
    odd.stream = "a \"b\"".into();
    let written: serde_json::Value = serde_json::from_str(&line(&odd)).unwrap();
    assert_eq!(written["tags"], serde_json::json!(["course:c1", "ü"]));
    assert_eq!(written["stream"], "a \"b\"");
}

#[test]
fn nesting_without_end_is_no_danger() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert!(line(&event(deep.as_bytes(), b"")).contains(&deep));
}
