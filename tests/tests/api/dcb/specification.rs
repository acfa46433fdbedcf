//! The rules of the specification of dynamic consistency boundaries, <https://dcb.events/specification/>, in its
//! order. Its sequence position is a position here; its append condition is a check that no event matches.

use std::collections::HashSet;

use annals_client::{Error, Event, Position, Query, QueryItem, RecordedEvent};
use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Refusal, Server},
    on_every_engine,
};
use futures::future::join_all;
use serde_json::json;
use tonic::Code;

use super::store::{Condition, Fact, Store, fact, to_append};

on_every_engine!(
    reading_filters_events_by_type_and_by_tag,
    reading_starts_from_a_given_position,
    reading_takes_an_order_and_a_limit,
    appending_persists_several_events_atomically,
    appending_fails_if_an_event_matches_the_condition,
    appending_needs_no_condition,
    a_query_without_items_matches_all_events,
    the_items_of_a_query_are_combined_with_or,
    an_item_matches_one_of_its_types_and_all_of_its_tags,
    the_query_of_the_specification_matches_what_it_says,
    a_sequenced_event_has_its_position_and_the_event,
    positions_are_unique_and_increase,
    events_must_not_be_empty,
    events_are_persisted_in_their_order,
    an_event_must_have_a_type,
    event_data_is_opaque,
    an_event_may_have_tags_that_mean_nothing_to_the_store,
    tags_do_not_contain_the_same_one_twice,
    a_condition_must_have_a_query,
    a_condition_ignores_events_up_to_its_position,
    a_condition_may_have_a_position_behind_the_last_match,
    a_condition_without_a_position_ignores_no_event,
    a_condition_guarantees_that_the_decision_model_is_still_the_same,
);

/// An event of this type with these tags, in a stream of its type.
fn tagged(kind: &str, tags: &[&str]) -> Fact {
    fact(format!("of-{kind}"), kind, &json!({}), tags)
}

fn positions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position.0).collect()
}

async fn matched(store: &Store, query: impl Into<Query>) -> Vec<u64> {
    positions(&store.read(query).await.events)
}

fn of_type(kind: &str) -> QueryItem {
    QueryItem::new().of_type(kind)
}

fn with_tag(tag: &str) -> QueryItem {
    QueryItem::new().tagged(tag)
}

fn condition(query: impl Into<Query>, after: u64) -> Option<Condition> {
    let query = query.into();
    Some(Condition { query, after })
}

/// Sends a message that no client would send, and returns the field for which it is refused.
async fn refused_field(server: &Server, request: pb::AppendToManyRequest) -> String {
    let refused = Refusal::of(server.stub().append_to_many(request).await);
    refused.expect(Code::InvalidArgument, "INVALID_FIELD").field()
}

fn request(facts: Vec<Fact>) -> pb::AppendToManyRequest {
    to_append(facts, None).into()
}

async fn reading_filters_events_by_type_and_by_tag(server: Server) {
    let store = Store::of(&server);
    store
        .given([
            tagged("A", &["x"]),
            tagged("B", &["x", "y"]),
            tagged("A", &["y"]),
            tagged("C", &[]),
        ])
        .await;
    assert_eq!(matched(&store, of_type("A")).await, [1, 3]);
    assert_eq!(matched(&store, with_tag("y")).await, [2, 3]);
    assert_eq!(matched(&store, of_type("A").tagged("y")).await, [3]);
    assert_eq!(matched(&store, of_type("D")).await, [] as [u64; 0]);
}

async fn reading_starts_from_a_given_position(server: Server) {
    let store = Store::of(&server);
    store.given((0..10).map(|_| tagged("A", &["x"]))).await;
    let read = store.client().read_all().query(with_tag("x")).from_position(7);
    let events = read.await.unwrap().collect().await.unwrap();
    assert_eq!(positions(&events), [7, 8, 9, 10]);
}

async fn reading_takes_an_order_and_a_limit(server: Server) {
    let store = Store::of(&server);
    store.given((0..10).map(|_| tagged("A", &["x"]))).await;
    let read = store
        .client()
        .read_all()
        .query(with_tag("x"))
        .backwards()
        .limit(3);
    let events = read.await.unwrap().collect().await.unwrap();
    assert_eq!(positions(&events), [10, 9, 8]);
}

async fn appending_persists_several_events_atomically(server: Server) {
    let store = Store::of(&server);
    store.given([tagged("A", &["x"])]).await;
    let several = || ["B", "C", "D"].map(|kind| tagged(kind, &["y"])).to_vec();
    // All of them.
    let appended = store
        .append(several(), condition(with_tag("x"), 1))
        .await
        .unwrap();
    assert_eq!(
        (appended.first_position, appended.last_position),
        (Position(2), Position(4))
    );
    assert_eq!(matched(&store, with_tag("y")).await, [2, 3, 4]);
    // None of them: because of the condition, or because one event is invalid.
    store
        .append(several(), condition(with_tag("x"), 0))
        .await
        .unwrap_err();
    let mut request = request(several());
    request.writes[2].events[0].r#type.clear();
    assert_eq!(refused_field(&server, request).await, "writes[2].events[0].type");
    assert_eq!(matched(&store, Query::all()).await, [1, 2, 3, 4]);
}

async fn appending_fails_if_an_event_matches_the_condition(server: Server) {
    let store = Store::of(&server);
    store
        .given([tagged("A", &["x"]), tagged("B", &["y"]), tagged("B", &["x", "y"])])
        .await;
    let next = || vec![tagged("N", &["n"])];
    for (query, first) in [
        (Query::from(of_type("B")), 2),
        (with_tag("x").into(), 1),
        (of_type("B").tagged("x").into(), 3),
        (Query::from(of_type("C")).or(with_tag("y")), 2),
        (Query::all(), 1),
    ] {
        let found = store
            .append(next(), condition(query.clone(), 0))
            .await
            .unwrap_err();
        assert_eq!((found.after, found.position), (0, first), "{query:?}");
    }
    assert_eq!(matched(&store, Query::all()).await.len(), 3);
    store
        .append(next(), condition(of_type("A").tagged("y"), 0))
        .await
        .unwrap();
}

async fn appending_needs_no_condition(server: Server) {
    let store = Store::of(&server);
    store.append(vec![tagged("A", &["x"])], None).await.unwrap();
    store.append(vec![tagged("A", &["x"])], None).await.unwrap();
    assert_eq!(matched(&store, with_tag("x")).await, [1, 2]);
}

async fn a_query_without_items_matches_all_events(server: Server) {
    let store = Store::of(&server);
    store.given([tagged("A", &["x"]), tagged("B", &[])]).await;
    assert_eq!(matched(&store, Query::all()).await, [1, 2]);
    let found = store
        .append(vec![tagged("C", &[])], condition(Query::all(), 1))
        .await;
    assert_eq!(found.unwrap_err().position, 2);
    store
        .append(vec![tagged("C", &[])], condition(Query::all(), 2))
        .await
        .unwrap();
}

async fn the_items_of_a_query_are_combined_with_or(server: Server) {
    let store = Store::of(&server);
    store
        .given([tagged("A", &["x"]), tagged("B", &["y"]), tagged("C", &["z"])])
        .await;
    let one = Query::from(of_type("A"));
    assert_eq!(matched(&store, one.clone()).await, [1]);
    let two = one.or(with_tag("z"));
    assert_eq!(matched(&store, two.clone()).await, [1, 3]);
    // An event that several items match is returned once.
    let three = two.or(with_tag("x")).or(of_type("B"));
    assert_eq!(matched(&store, three).await, [1, 2, 3]);
}

async fn an_item_matches_one_of_its_types_and_all_of_its_tags(server: Server) {
    let store = Store::of(&server);
    store
        .given([
            tagged("A", &["x", "y"]),
            tagged("B", &["y", "x", "z"]),
            tagged("C", &["x", "y"]),
            tagged("A", &["x"]),
        ])
        .await;
    let types = of_type("A").of_type("B");
    assert_eq!(matched(&store, types.clone()).await, [1, 2, 4]);
    let tags = with_tag("x").tagged("y");
    assert_eq!(matched(&store, tags).await, [1, 2, 3]);
    let both = types.tagged("x").tagged("y");
    assert_eq!(matched(&store, both.clone()).await, [1, 2]);
    let found = store.append(vec![tagged("N", &[])], condition(both, 1)).await;
    assert_eq!(found.unwrap_err().position, 2);
}

async fn the_query_of_the_specification_matches_what_it_says(server: Server) {
    let store = Store::of(&server);
    let query = Query::from(of_type("EventType1").of_type("EventType2"))
        .or(with_tag("tag1").tagged("tag2"))
        .or(of_type("EventType2")
            .of_type("EventType3")
            .tagged("tag1")
            .tagged("tag3"));
    store
        .given([
            tagged("EventType1", &[]),
            tagged("EventType2", &["tag9"]),
            tagged("EventType3", &[]),
            tagged("EventType4", &["tag1", "tag2"]),
            tagged("EventType3", &["tag1"]),
            tagged("EventType3", &["tag3", "tag1"]),
            tagged("EventType4", &["tag1", "tag3"]),
            tagged("EventType5", &["tag2", "tag0", "tag1"]),
        ])
        .await;
    assert_eq!(matched(&store, query).await, [1, 2, 4, 6, 8]);
}

async fn a_sequenced_event_has_its_position_and_the_event(server: Server) {
    let store = Store::of(&server);
    let mut sent = tagged("A", &["x", "y"]);
    sent.event = sent.event.with_metadata(r#"{"user":"ada"}"#);
    let appended = store.append(vec![sent.clone()], None).await.unwrap();
    let seen = store.read(with_tag("x")).await;
    let event = &seen.events[0];
    assert_eq!(event.position, appended.first_position);
    assert_eq!(
        (
            event.id,
            &event.event_type,
            &event.data,
            &event.metadata,
            &event.tags
        ),
        (
            sent.event.id,
            &sent.event.event_type,
            &sent.event.data,
            &sent.event.metadata,
            &sent.event.tags
        )
    );
}

async fn positions_are_unique_and_increase(server: Server) {
    let store = Store::of(&server);
    let append = |n: usize| {
        let facts = (0..=n % 3).map(|_| tagged("A", &["x"])).collect();
        store.append(facts, None)
    };
    let mut told = Vec::new();
    for appended in join_all((0..60).map(append)).await {
        let appended = appended.unwrap();
        told.extend(appended.first_position.0..=appended.last_position.0);
    }
    assert_eq!(told.iter().collect::<HashSet<_>>().len(), told.len());
    let read = matched(&store, Query::all()).await;
    assert!(read.is_sorted_by(|a, b| a < b), "{read:?}");
    told.sort_unstable();
    assert_eq!(read, told);
    // A later append gets later positions.
    let later = store.append(vec![tagged("A", &[])], None).await.unwrap();
    assert!(told.iter().all(|position| *position < later.first_position.0));
}

async fn events_must_not_be_empty(server: Server) {
    let store = Store::of(&server);
    assert_eq!(refused_field(&server, request(vec![])).await, "writes");
    let mut empty = request(vec![tagged("A", &[]), tagged("B", &[])]);
    empty.writes[1].events.clear();
    assert_eq!(refused_field(&server, empty).await, "writes[1].events");
    store.assert_nothing_after(0).await;
}

async fn events_are_persisted_in_their_order(server: Server) {
    let store = Store::of(&server);
    let facts: Vec<Fact> = (0..50)
        .map(|n| fact(format!("s{}", n % 3), "A", &json!({"n": n}), &["x"]))
        .collect();
    store.append(facts, None).await.unwrap();
    let numbers: Vec<u64> = store
        .happened()
        .await
        .iter()
        .map(|(_, data)| data["n"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (0..50).collect::<Vec<_>>());
}

async fn an_event_must_have_a_type(server: Server) {
    let without = request(vec![tagged("", &[])]);
    assert_eq!(refused_field(&server, without).await, "writes[0].events[0].type");
}

async fn event_data_is_opaque(server: Server) {
    let store = Store::of(&server);
    let bodies: [&'static [u8]; 4] = [b"", b"\x00\xFF not json \x80", b"{\"some\":\"data\"}", b"null"];
    for body in bodies {
        let event = Event::new("A", body);
        let stream = "s".to_owned();
        store.append(vec![Fact { stream, event }], None).await.unwrap();
    }
    let seen = store.read(Query::all()).await;
    let read: Vec<&[u8]> = seen.events.iter().map(|event| &event.data[..]).collect();
    assert_eq!(read, bodies);
}

async fn an_event_may_have_tags_that_mean_nothing_to_the_store(server: Server) {
    let store = Store::of(&server);
    let tags = [
        "product:123",
        "no-key",
        "a:b:c",
        ":",
        "für alle",
        "with space",
        "PRODUCT:123",
    ];
    store.given([tagged("A", &[])]).await;
    store.given(tags.map(|tag| tagged("A", &[tag]))).await;
    for (position, tag) in (2..).zip(tags) {
        assert_eq!(matched(&store, with_tag(tag)).await, [position], "{tag}");
        let found = store
            .append(vec![tagged("B", &[])], condition(with_tag(tag), 0))
            .await;
        assert_eq!(found.unwrap_err().position, position, "{tag}");
    }
    assert_eq!(matched(&store, with_tag("product:12")).await, [] as [u64; 0]);
}

async fn tags_do_not_contain_the_same_one_twice(server: Server) {
    let twice = request(vec![tagged("A", &["x", "y", "x"])]);
    assert_eq!(refused_field(&server, twice).await, "writes[0].events[0].tags");
}

async fn a_condition_must_have_a_query(server: Server) {
    let store = Store::of(&server);
    let mut without = request(vec![tagged("A", &[])]);
    without.checks.push(pb::Check { check: None });
    assert_eq!(refused_field(&server, without).await, "checks[0].check");
    store.assert_nothing_after(0).await;
}

async fn a_condition_ignores_events_up_to_its_position(server: Server) {
    let store = Store::of(&server);
    store.given((0..5).map(|_| tagged("A", &["x"]))).await;
    for after in 0..5 {
        let found = store
            .append(vec![tagged("B", &[])], condition(with_tag("x"), after))
            .await
            .unwrap_err();
        // The event at the position itself was known to the client.
        assert_eq!((found.after, found.position), (after, after + 1));
    }
    store
        .append(vec![tagged("B", &[])], condition(with_tag("x"), 5))
        .await
        .unwrap();
}

async fn a_condition_may_have_a_position_behind_the_last_match(server: Server) {
    let store = Store::of(&server);
    store.given([tagged("A", &["x"])]).await;
    store.given((0..20).map(|_| tagged("B", &["y"]))).await;
    let seen = store.read(with_tag("x")).await;
    assert_eq!((positions(&seen.events), seen.head), (vec![1], 21));
    store
        .append(vec![tagged("A", &["x"])], condition(with_tag("x"), seen.head))
        .await
        .unwrap();
    let found = store
        .append(vec![tagged("A", &["x"])], condition(with_tag("x"), seen.head))
        .await;
    assert_eq!(found.unwrap_err().position, 22);
    // But a position that the client cannot have seen is reported as an error.
    let beyond = to_append(vec![tagged("A", &["x"])], condition(with_tag("x"), 23));
    match store.client().append_to_many(beyond).await {
        Err(Error::PositionBeyondHead { position, head }) => {
            assert_eq!((position, head), (Position(23), Position(22)))
        }
        other => panic!("{other:?}"),
    }
}

async fn a_condition_without_a_position_ignores_no_event(server: Server) {
    let store = Store::of(&server);
    let first = || vec![tagged("A", &["only"])];
    store
        .append(first(), condition(with_tag("only"), 0))
        .await
        .unwrap();
    store.given((0..200).map(|_| tagged("B", &["y"]))).await;
    let found = store.append(first(), condition(with_tag("only"), 0)).await;
    assert_eq!(found.unwrap_err().position, 1);
}

async fn a_condition_guarantees_that_the_decision_model_is_still_the_same(server: Server) {
    let store = Store::of(&server);
    store.given([tagged("A", &["x"]), tagged("B", &["x"])]).await;
    let model = Query::from(of_type("A").of_type("B").tagged("x"));
    let seen = store.read(model.clone()).await;
    // Another client appends events that are irrelevant to the model: another type, another tag.
    store.given([tagged("C", &["x"]), tagged("A", &["y"])]).await;
    let decided = store.append(vec![tagged("B", &["x"])], condition(model.clone(), seen.head));
    assert_eq!(decided.await.unwrap().first_position, 5);
    // A second decision on the same model comes too late.
    let too_late = store.append(vec![tagged("B", &["x"])], condition(model.clone(), seen.head));
    assert_eq!(too_late.await.unwrap_err().position, 5);
    assert_eq!(matched(&store, model).await, [1, 2, 5]);
}
