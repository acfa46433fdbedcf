use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{Event, RecordedEvent};
use crate::{Error, Position, Revision};

fn recorded(data: &'static [u8], metadata: &'static [u8]) -> RecordedEvent {
    RecordedEvent {
        id: Uuid::nil(),
        stream: "order-1".to_owned(),
        revision: Revision(3),
        position: Position(17),
        event_type: "OrderPlaced".to_owned(),
        data: Bytes::from_static(data),
        metadata: Bytes::from_static(metadata),
        tags: Vec::new(),
        recorded_at: Timestamp::UNIX_EPOCH,
        content_type: crate::json::CONTENT_TYPE.into(),
    }
}

#[test]
fn data_that_is_not_json_names_the_event() {
    let place = "event \"OrderPlaced\" at revision 3 of stream \"order-1\" (position 17)";
    for (data, problem) in [
        (b"".as_slice(), "it is empty"),
        (b"{", "EOF while parsing an object at line 1 column 1"),
    ] {
        let event = recorded(data, data);
        for (error, of) in [
            (event.json::<Value>().unwrap_err(), "data"),
            (event.json_metadata::<Value>().unwrap_err(), "metadata"),
        ] {
            let said = format!("the {of} of {place} is not the expected JSON: {problem}");
            assert_eq!(error.to_string(), said);
            assert!(matches!(error, Error::Json { .. }), "{error:?}");
        }
    }
}

#[test]
fn a_value_that_json_can_not_hold_names_the_type_of_the_event() {
    let numberless = "JSON has no number for inf; store it as text, or as null with an Option";
    let refused = Event::json("Measured", &f64::INFINITY).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("an event of type \"Measured\" can't be stored as JSON: {numberless}")
    );
    let metadata = Event::new("Measured", "1").with_json_metadata(&f64::INFINITY);
    assert_eq!(
        metadata.unwrap_err().to_string(),
        format!("the metadata of an event of type \"Measured\" can't be stored as JSON: {numberless}")
    );
}
