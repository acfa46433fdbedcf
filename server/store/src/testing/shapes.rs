//! Random events, and queries about them.

use bytes::Bytes;
use proptest::prelude::*;
use uuid::Uuid;

use crate::{
    Append, ContentType, EventType, Expected, Limits, NewEvent, QueryItem, Record, Store, Tag,
    testing::stream,
};

/// Type, stream and tags (one per bit) of an event.
pub(crate) type Shape = (u8, u8, u8);

/// Builds the event of a shape.
pub(crate) fn shaped(id: u128, (kind, _, tags): Shape) -> NewEvent {
    NewEvent {
        id: Uuid::from_u128(id),
        kind: EventType::new(&format!("type{kind}")).unwrap(),
        data: Bytes::from(vec![b'x'; usize::from(kind) * 40]),
        metadata: Bytes::new(),
        tags: (0..3)
            .filter(|bit| tags & (1 << bit) != 0)
            .map(|bit| Tag::new(&format!("tag{bit}")).unwrap())
            .collect(),
        content_type: ContentType::default(),
        unknown: Bytes::new(),
    }
}

/// Appends events; consecutive events of one stream share an append.
pub(crate) async fn fill(store: &Store, shapes: &[Shape]) {
    let mut id = u128::from(store.info().head.0);
    for run in shapes.chunk_by(|a, b| a.1 == b.1) {
        let events = run.iter().map(|shape| {
            id += 1;
            shaped(id, *shape)
        });
        let name = stream(&format!("stream{}", run[0].1));
        let append = Append::new(name, Expected::Any, events.collect(), &Limits::default()).unwrap();
        store.append(append).await.unwrap();
    }
}

/// Whether a record matches a query item, by the definition of queries.
pub(crate) fn matches(item: &QueryItem, record: &Record) -> bool {
    let any = |names: &[String], prefixes: &[String], name: &String| {
        names.is_empty() && prefixes.is_empty()
            || names.contains(name)
            || prefixes.iter().any(|prefix| name.starts_with(prefix))
    };
    any(&item.types, &item.type_prefixes, &record.kind)
        && any(&item.streams, &item.stream_prefixes, &record.stream)
        && item.tags.iter().all(|tag| record.tags.contains(tag))
}

fn names(prefix: &'static str, kinds: u8) -> impl Strategy<Value = Vec<String>> {
    // One name more than exist.
    let name = (0..=kinds).prop_map(move |n| format!("{prefix}{n}"));
    prop_oneof![2 => Just(Vec::new()), 3 => proptest::collection::vec(name, 1..3)]
}

/// Generates query items about shaped events.
pub(crate) fn item() -> impl Strategy<Value = QueryItem> {
    let prefixes = prop_oneof![9 => Just(Vec::new()), 1 => Just(vec!["type1".to_owned()])];
    (names("type", 3), names("stream", 4), names("tag", 3), prefixes).prop_map(
        |(types, streams, tags, type_prefixes)| QueryItem {
            types,
            streams,
            tags,
            type_prefixes,
            ..QueryItem::default()
        },
    )
}

/// Generates events, some kinds of which are much rarer than others.
pub(crate) fn shapes(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Shape>> {
    let rare = |n: u8| prop_oneof![12 => Just(0), 4 => Just(1), 1 => 0..n];
    let tags = prop_oneof![6 => Just(0), 3 => Just(1), 1 => Just(2), 2 => Just(3), 1 => 0..8_u8];
    proptest::collection::vec((rare(3), rare(4), tags), len)
}
