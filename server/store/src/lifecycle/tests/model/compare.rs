//! Comparison of a store with the model.

use std::time::Duration;

use super::{Event, Model, STREAMS};
use crate::{
    Check, Direction, Error, Expected, FailedCheck, Notice, Position, Query, QueryItem, Record, Rejection,
    Start, Store, StreamName, SubscribeAll, SubscribeStream, Subscription,
    testing::{append, ids, read_log, read_stream, stream},
};

fn theirs(records: &[Record]) -> Vec<u128> {
    let records: Vec<Record> = records
        .iter()
        .filter(|record| !record.stream.starts_with('$'))
        .cloned()
        .collect();
    ids(&records)
}

fn query(item: QueryItem) -> Query {
    Query { items: vec![item] }
}

fn queries() -> Vec<Query> {
    let streams = |names: &[&str]| QueryItem {
        streams: names.iter().map(|name| (*name).to_owned()).collect(),
        ..QueryItem::default()
    };
    let tagged = QueryItem {
        tags: vec!["mod3:1".to_owned()],
        ..QueryItem::default()
    };
    let typed = QueryItem {
        types: vec!["Odd".to_owned()],
        ..streams(&["a", "c"])
    };
    vec![
        Query::default(),
        query(streams(&["a"])),
        query(tagged),
        query(typed),
    ]
}

fn matches(query: &Query, event: &Event) -> bool {
    query.items.is_empty()
        || query.items.iter().any(|item| {
            let kind = if event.id.is_multiple_of(2) { "Even" } else { "Odd" };
            (item.streams.is_empty() || item.streams.contains(&event.stream))
                && (item.types.is_empty() || item.types.iter().any(|wanted| wanted == kind))
                && item
                    .tags
                    .iter()
                    .all(|tag| *tag == format!("mod3:{}", event.id % 3))
        })
}

/// Compares every way to read events with the model.
pub(super) async fn compare(store: &Store, model: &Model) {
    assert_eq!(store.info().head.0, model.head);
    for query in queries() {
        let mut kept = model.kept(|event| matches(&query, event));
        let log = read_log(store, Direction::Forwards, None, query.clone()).await;
        assert_eq!(theirs(&log), kept, "{query:?}");
        assert_eq!(
            theirs(&subscribed(store, &query).await),
            kept,
            "subscription, {query:?}"
        );
        check(store, model, &query).await;
        kept.reverse();
        let log = read_log(store, Direction::Backwards, None, query.clone()).await;
        assert_eq!(theirs(&log), kept, "backwards, {query:?}");
    }
    compare_prefixes(store, model).await;
    let mut listed = Vec::new();
    for name in STREAMS {
        compare_stream(store, model, name).await;
        listed.extend(model.present(name).then(|| name.to_owned()));
    }
    for page in 1..4 {
        assert_eq!(names(store, page).await, listed, "in pages of {page}");
    }
}

/// Compares the listed retentions of prefixes with the model.
async fn compare_prefixes(store: &Store, model: &Model) {
    let told = store.prefix_retentions(None, 100).await.unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|told| {
            (
                told.prefix.to_string(),
                told.retention.max_count,
                told.retention.max_age_seconds,
            )
        })
        .collect();
    let set = model
        .prefixes
        .iter()
        .map(|(prefix, rule)| (prefix.clone(), rule.count, rule.age));
    let set: Vec<_> = set
        .filter(|(_, count, age)| count.is_some() || age.is_some())
        .collect();
    assert_eq!(told, set);
}

async fn compare_stream(store: &Store, model: &Model, name: &str) {
    let info = store.stream(&stream(name)).await;
    if !model.present(name) {
        let error = info.unwrap_err();
        assert_eq!(
            matches!(error, Error::StreamTombstoned(_)),
            model.of(name).tombstoned
        );
        return;
    }
    let info = info.unwrap();
    let next = model.next_revision(name);
    let mut kept = model.kept(|event| event.stream == name);
    assert_eq!(
        (info.last_revision.0, info.first_revision.0),
        (next - 1, next - kept.len() as u64)
    );
    let began = model.of(name).deleted_before;
    let began = model
        .events
        .iter()
        .find(|event| event.stream == name && event.revision == began);
    assert_eq!(Some(info.first_position.0), began.map(|event| event.position));
    assert_eq!(
        ids(&read_stream(store, name, Direction::Forwards, None, None).await),
        kept
    );
    assert_eq!(
        ids(&read_stream(store, name, Direction::Forwards, Some(0), None).await),
        kept
    );
    assert_eq!(ids(&stream_subscribed(store, name).await), kept);
    kept.reverse();
    assert_eq!(
        ids(&read_stream(store, name, Direction::Backwards, None, None).await),
        kept
    );
    kept.truncate(2);
    assert_eq!(
        ids(&read_stream(store, name, Direction::Backwards, None, Some(2)).await),
        kept
    );
}

/// A check reports the first match that is kept. Its append is rejected for another reason too, so that nothing is
/// written.
async fn check(store: &Store, model: &Model, query: &Query) {
    if query.matches_all() {
        return;
    }
    let never = Check::Stream {
        stream: stream("neither"),
        expected: Expected::StreamExists,
    };
    let no_match = Check::NoMatch {
        query: query.clone(),
        after: Position::START,
    };
    let judged = append("never", Expected::NoStream, &[u128::MAX]).with_checks(vec![no_match, never]);
    let rejection = store.append(judged.unwrap()).await.unwrap_err();
    let Error::Rejected(Rejection::ChecksFailed { failed, .. }) = rejection else {
        panic!("{rejection}");
    };
    let found = failed.iter().find_map(|failed| match failed {
        FailedCheck::Match { position, .. } => Some(position.0),
        FailedCheck::Stream { .. } | FailedCheck::State { .. } => None,
    });
    let first = model
        .events
        .iter()
        .find(|event| model.keeps(event) && matches(query, event));
    assert_eq!(found, first.map(|event| event.position), "{query:?}");
}

async fn names(store: &Store, page: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut after: Option<StreamName> = None;
    loop {
        let infos = store.streams("", after.as_ref(), page).await.unwrap();
        let last = infos.last().map(|info| info.name.clone());
        names.extend(infos.iter().map(|info| info.name.to_string()));
        if infos.len() < page {
            return names;
        }
        after = last;
    }
}

async fn subscribed(store: &Store, query: &Query) -> Vec<Record> {
    let subscribe = SubscribeAll {
        start: Start::Beginning,
        query: query.clone(),
    };
    until_caught_up(store.subscribe_all(subscribe).await.unwrap()).await
}

async fn stream_subscribed(store: &Store, name: &str) -> Vec<Record> {
    let subscribe = SubscribeStream {
        stream: stream(name),
        start: Start::Beginning,
        query: Query::default(),
    };
    until_caught_up(store.subscribe_stream(subscribe).await.unwrap()).await
}

async fn until_caught_up(mut subscription: Subscription) -> Vec<Record> {
    let mut records = Vec::new();
    loop {
        let notice = tokio::time::timeout(Duration::from_secs(60), subscription.next()).await;
        match notice.unwrap().unwrap() {
            Notice::Events(batch) => records.extend(batch.records().unwrap()),
            Notice::CaughtUp { .. } => return records,
            Notice::FellBehind { .. } | Notice::Checkpoint { .. } => {}
        }
    }
}
