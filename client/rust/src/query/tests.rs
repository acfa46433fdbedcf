use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Query, QueryItem};
use crate::event::RecordedEvent;
use crate::position::{Position, Revision};

fn event(event_type: &str, stream: &str, tags: &[&str]) -> RecordedEvent {
    RecordedEvent {
        id: Uuid::nil(),
        stream: stream.to_owned(),
        revision: Revision(0),
        position: Position(1),
        event_type: event_type.to_owned(),
        data: Bytes::new(),
        metadata: Bytes::new(),
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        recorded_at: Timestamp::UNIX_EPOCH,
        content_type: crate::json::CONTENT_TYPE.into(),
    }
}

#[test]
fn an_event_matches_as_the_store_judges_it() {
    let item = QueryItem::new;
    let placed = event("Placed", "order-1", &["customer:7", "shop:2"]);
    for (query, expected) in [
        (item(), true),
        (item().of_type("Placed").of_type("Paid"), true),
        (item().of_type("Paid"), false),
        (item().of_type("Paid").of_type_prefix("Pla"), true),
        (item().in_stream("order-10").in_stream_prefix("order-"), true),
        (item().in_stream("order-10"), false),
        (item().tagged("customer:7").tagged("shop:2"), true),
        (item().tagged("customer:7").tagged("shop:3"), false),
        (item().of_type("Paid").tagged("customer:7"), false),
    ] {
        assert_eq!(query.matches(&placed), expected, "{query:?}");
    }
}

#[test]
fn a_query_matches_what_one_of_its_items_does() {
    let placed = event("Placed", "order-1", &[]);
    let (paid, of_order) = (
        QueryItem::new().of_type("Paid"),
        QueryItem::new().in_stream("order-1"),
    );
    assert!(Query::all().matches(&placed));
    assert!(!Query::from(paid.clone()).matches(&placed));
    assert!(Query::from([paid.clone(), of_order.clone()]).matches(&placed));
    let mut collected: Query = [paid.clone()].into_iter().collect();
    collected.extend([of_order.clone()]);
    assert_eq!(collected, Query::from(paid).or(of_order));
}
