use annals_client::{
    Position, Revision, StateEntry, Timestamp, TransferAppend, TransferGap, TransferPart, TransferState,
    TransferStream, Uuid,
};

use super::*;

fn at() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

#[test]
fn every_part_comes_back_from_its_lines() {
    let parts = [
        TransferPart::Gap(TransferGap {
            first_position: Position(2),
            last_position: Position(9),
            recorded_at: None,
        }),
        TransferPart::Gap(TransferGap {
            first_position: Position(2),
            last_position: Position(2),
            recorded_at: Some(at()),
        }),
        TransferPart::State(TransferState {
            scope: "$group/\"a\"".into(),
            after_version: 0,
            version: 9,
            entries: vec![StateEntry {
                key: "k".into(),
                value: vec![0, 255].into(),
                version: 7,
                changed_at: at(),
            }],
            deletions: vec![("d".into(), 8)],
        }),
        TransferPart::State(TransferState {
            scope: "s".into(),
            after_version: 9,
            version: 10,
            entries: Vec::new(),
            deletions: Vec::new(),
        }),
        TransferPart::Streams(vec![TransferStream {
            stream: "order \"1\"".into(),
            began: Some((Position(3), at())),
            last_revision: Revision(7),
            last_position: Position(8),
        }]),
        TransferPart::Appends(vec![TransferAppend {
            id: Uuid::from_u128(5),
            position: Position(3),
            events: 2,
        }]),
        TransferPart::Snapshot(Snapshot {
            stream: "s".into(),
            revision: Revision(3),
            schema_version: 1,
            data: vec![0, 255].into(),
            saved_at: at(),
        }),
        TransferPart::End(Position(9)),
    ];
    for part in parts {
        let lines = lines(part.clone());
        assert_eq!(lines.len(), 1);
        let line = lines[0].to_string();
        assert!(is_other(line.as_bytes()), "{line}");
        assert_eq!(parse(line.as_bytes()).unwrap(), part, "{line}");
    }
}

#[test]
fn the_first_line_is_told_from_others_and_of_one_format() {
    let written = Header {
        store_id: Uuid::from_u128(7),
        head: Position(12),
    };
    let line = serde_json::to_vec(&written).unwrap();
    assert_eq!(header(&line), Some(Ok(written)));
    assert_eq!(header(b"{\"stream\":\"s\"}"), None);
    assert!(
        header(b"{\"annals_export\":2}")
            .unwrap()
            .unwrap_err()
            .contains("format 2")
    );
    assert!(header(b"{\"annals_export\":1}").unwrap().is_err());
}

#[test]
fn what_is_neither_an_event_nor_a_part_is_refused() {
    for line in [
        "{\"gap\":{\"first\":1}}",
        "{\"gap\":{\"first\":1,\"last\":2,\"more\":3}}",
        "{\"other\":1}",
        "{\"position\":1,\"stream\":\"s\",\"type\":\"T\",\"data\":1,\"time\":\"2024-05-01T09:30:00Z\"}",
    ] {
        assert!(parse(line.as_bytes()).is_err(), "{line}");
    }
}
