use annals_client::{Position, RecordedEvent, Revision, Timestamp, Uuid};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{DomainEvent, Schema, SchemaError};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all_fields = "camelCase")]
enum OrderEvent {
    OrderCreated { customer_id: String, currency: String },
    ItemAdded(Item),
    OrderConfirmed,
    OrderDelivered {},
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    sku: String,
}

impl DomainEvent for OrderEvent {
    fn schema(schema: Schema) -> Schema {
        schema
            .upcast("OrderCreated", 1, |data| json!({"customer": data["name"]}))
            .upcast(
                "OrderCreated",
                2,
                |data| json!({"customerId": data["customer"], "currency": "EUR"}),
            )
            .renamed("OrderAccepted", "OrderConfirmed")
    }
}

fn stored(event_type: &str, data: &str, metadata: &str) -> RecordedEvent {
    RecordedEvent {
        id: Uuid::nil(),
        stream: "order-1".to_owned(),
        revision: Revision(0),
        position: Position(7),
        event_type: event_type.to_owned(),
        data: data.to_owned().into(),
        metadata: metadata.to_owned().into(),
        tags: vec![],
        recorded_at: Timestamp::UNIX_EPOCH,
        content_type: annals_client::json::CONTENT_TYPE.into(),
    }
}

fn created() -> OrderEvent {
    OrderEvent::OrderCreated {
        customer_id: "ada".to_owned(),
        currency: "EUR".to_owned(),
    }
}

#[test]
fn an_event_is_stored_under_its_variant_and_comes_back() {
    let item = OrderEvent::ItemAdded(Item {
        sku: "tea".to_owned(),
    });
    for (event, event_type, data, metadata) in [
        (
            created(),
            "OrderCreated",
            r#"{"customerId":"ada","currency":"EUR"}"#,
            r#"{"schemaVersion":3}"#,
        ),
        (item, "ItemAdded", r#"{"sku":"tea"}"#, ""),
        (OrderEvent::OrderConfirmed, "OrderConfirmed", "{}", ""),
        (OrderEvent::OrderDelivered {}, "OrderDelivered", "{}", ""),
    ] {
        let encoded = event.encode().unwrap();
        let said = (&encoded.event_type[..], &encoded.data[..], &encoded.metadata[..]);
        assert_eq!(said, (event_type, data.as_bytes(), metadata.as_bytes()));
        assert_eq!(
            OrderEvent::decode(&stored(event_type, data, metadata)).unwrap(),
            event
        );
    }
}

#[test]
fn old_forms_are_read_as_the_present_one() {
    for (data, metadata) in [
        (r#"{"name":"ada"}"#, ""),
        (r#"{"name":"ada"}"#, "not json"),
        (r#"{"name":"ada"}"#, r#"{"userId":"eve"}"#),
        (r#"{"customer":"ada"}"#, r#"{"schemaVersion":2}"#),
        (
            r#"{"customerId":"ada","currency":"EUR","new":1}"#,
            r#"{"schemaVersion":3}"#,
        ),
    ] {
        let read = OrderEvent::decode(&stored("OrderCreated", data, metadata));
        assert_eq!(read.unwrap(), created(), "{data} {metadata}");
    }
    let renamed = OrderEvent::decode(&stored("OrderAccepted", "{}", ""));
    assert_eq!(renamed.unwrap(), OrderEvent::OrderConfirmed);
}

#[test]
fn what_is_not_known_is_told_apart() {
    let read =
        |event_type, data, metadata| OrderEvent::decode(&stored(event_type, data, metadata)).unwrap_err();
    assert!(matches!(
        read("Other", "{}", ""),
        SchemaError::UnknownType {
            position: Position(7),
            ..
        }
    ));
    assert!(matches!(
        read("ItemAdded", "{}", r#"{"schemaVersion":2}"#),
        SchemaError::NewerVersion {
            version: 2,
            known: 1,
            ..
        }
    ));
    for data in ["", "{", "[]", r#"{"sku":7}"#, r#"{"sku":"a"},"more":{}"#] {
        assert!(
            matches!(read("ItemAdded", data, ""), SchemaError::Unreadable { .. }),
            "{data}"
        );
    }
}

#[test]
fn queries_ask_for_old_names_too() {
    assert_eq!(
        OrderEvent::query().types,
        [
            "OrderCreated",
            "ItemAdded",
            "OrderConfirmed",
            "OrderDelivered",
            "OrderAccepted"
        ]
    );
    assert_eq!(
        OrderEvent::query_of(["OrderConfirmed"]).types,
        ["OrderConfirmed", "OrderAccepted"]
    );
    assert_eq!(OrderEvent::query_of(["ItemAdded"]).types, ["ItemAdded"]);
}

#[test]
#[should_panic(expected = "has no type \"ItemsAdded\"")]
fn a_query_of_a_type_that_does_not_exist_is_a_mistake_in_the_program() {
    let _ = OrderEvent::query_of(["ItemsAdded"]);
}

#[derive(Debug, Serialize, Deserialize)]
enum Untagged {
    Something,
}

impl DomainEvent for Untagged {}

#[test]
#[should_panic(expected = "must be an enum with #[serde(tag")]
fn an_enum_that_is_not_tagged_is_a_mistake_in_the_program() {
    let _ = Untagged::Something.encode();
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
enum Measured {
    Temperature { celsius: f64 },
}

impl DomainEvent for Measured {}

#[test]
fn a_value_that_json_can_not_hold_is_not_stored_as_another() {
    for celsius in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let refused = Measured::Temperature { celsius }.encode().unwrap_err();
        assert!(matches!(refused, SchemaError::Unwritable { .. }), "{refused:?}");
        let said = refused.to_string();
        assert!(
            said.contains(&format!("celsius: JSON has no number for {celsius}")),
            "{said}"
        );
    }
    let event = Measured::Temperature { celsius: -0.0 }.encode().unwrap();
    assert_eq!(event.data, r#"{"celsius":-0.0}"#);
}
