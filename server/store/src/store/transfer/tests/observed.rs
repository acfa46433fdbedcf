//! All responses of a store, so that two stores can be compared.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    Check, Direction, Error, Expected, FailedCheck, ListState, LoadSnapshot, Notice, Position, Query,
    QueryItem, ReadAll, ReadStream, Record, Rejection, Result, RetentionInfo, Revision, ScopeName, Snapshot,
    Start, Store, StreamInfo, StreamName, StreamUntil, SubscribeAll, SubscribeStream, Subscription,
    Timestamp, Until, testing::append,
};

pub(super) const STREAMS: [&str; 4] = ["a", "b", "c", "d"];
/// The scopes of state; the last one is that of a service.
pub(super) const SCOPES: [&str; 3] = ["s", "s2", "$checkpoints"];

/// Collects the responses of a store as text, so that a difference can be read.
pub(super) async fn observe(store: &Store, seconds: u64) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    let head = store.info().head.0;
    note(&mut seen, "head".to_owned(), &head);
    for (n, query) in queries().into_iter().enumerate() {
        for direction in [Direction::Forwards, Direction::Backwards] {
            for from in (0..=head + 1).step_by(3) {
                let read = log(store, direction, Some(from), None, &query).await;
                note(&mut seen, format!("log {n} {direction:?} from {from}"), &read);
            }
            let read = log(
                store,
                direction,
                None,
                Some(Until::Position(Position(head / 2))),
                &query,
            )
            .await;
            note(
                &mut seen,
                format!("log {n} {direction:?} until {}", head / 2),
                &read,
            );
            for second in (60..=seconds + 1).step_by(9) {
                let until = Until::Time(Timestamp::from_micros(second * 1_000_000));
                let read = log(store, direction, None, Some(until), &query).await;
                note(&mut seen, format!("log {n} {direction:?} at {second} s"), &read);
            }
        }
        for after in [0, head / 2, head] {
            let subscribe = SubscribeAll {
                start: Start::After(Position(after)),
                query: query.clone(),
            };
            let got = subscribed(store.subscribe_all(subscribe).await).await;
            note(&mut seen, format!("subscription {n} after {after}"), &got);
            let found = first_match(store, &query, after).await;
            note(&mut seen, format!("check {n} after {after}"), &found);
        }
    }
    for prefix in ["", "$", "a"] {
        note(
            &mut seen,
            format!("streams {prefix}"),
            &listed(store, prefix).await,
        );
    }
    for name in STREAMS {
        for name in [name.to_owned(), format!("$${name}")] {
            stream(store, &StreamName::to_read(&name).unwrap(), seconds, &mut seen).await;
        }
    }
    stream(
        store,
        &StreamName::to_read("$groups").unwrap(),
        seconds,
        &mut seen,
    )
    .await;
    for name in SCOPES {
        note(&mut seen, format!("scope {name}"), &scope(store, name).await);
    }
    seen
}

/// Returns the entries of a scope, with their versions and times, and the scope's last version.
pub(super) async fn scope(store: &Store, name: &str) -> String {
    let list = ListState {
        scope: ScopeName::to_move(name).unwrap(),
        prefix: String::new(),
        after: None,
        limit: 1_000,
    };
    format!("{:?}", store.list_state(&list).await.unwrap())
}

fn note(seen: &mut Vec<(String, String)>, what: String, answer: &impl std::fmt::Debug) {
    seen.push((what, format!("{answer:?}")));
}

/// Collects the responses about one stream.
async fn stream(store: &Store, name: &StreamName, seconds: u64, seen: &mut Vec<(String, String)>) {
    let info: Result<StreamInfo> = store.stream(name).await;
    note(seen, format!("stream {name}"), &info);
    let retention: Result<RetentionInfo> = store.retention(name).await;
    note(seen, format!("retention {name}"), &retention);
    for direction in [Direction::Forwards, Direction::Backwards] {
        for from in [None, Some(0), Some(2), Some(7)] {
            let read = events(store, name, direction, from, None).await;
            note(seen, format!("read {name} {direction:?} from {from:?}"), &read);
        }
        for second in (60..=seconds + 1).step_by(5) {
            let at = Until::Time(Timestamp::from_micros(second * 1_000_000));
            let read = events(store, name, direction, None, Some(StreamUntil::Log(at))).await;
            // Whether a stream without remaining events had begun is not known any more.
            let read = read.or_else(|error| match error {
                Error::StreamNotFound(_) => Ok(Vec::new()),
                error => Err(error),
            });
            note(seen, format!("read {name} {direction:?} at {second} s"), &read);
        }
        let until = StreamUntil::Revision(Revision(2));
        let read = events(store, name, direction, None, Some(until)).await;
        note(seen, format!("read {name} {direction:?} until 2"), &read);
    }
    for start in [Start::Beginning, Start::End, Start::After(Revision(1))] {
        let subscribe = SubscribeStream {
            stream: name.clone(),
            start,
            query: Query::default(),
        };
        let got = subscribed(store.subscribe_stream(subscribe).await).await;
        note(seen, format!("subscription {name} {start:?}"), &got);
    }
    for (at_or_before, schema_version) in [(None, None), (None, Some(1)), (Some(2), None), (Some(4), Some(0))]
    {
        let load = LoadSnapshot {
            stream: name.clone(),
            at_or_before: at_or_before.map(Revision),
            schema_version,
        };
        let snapshot: Result<Snapshot> = store.load_snapshot(load).await;
        note(
            seen,
            format!("snapshot {name} {at_or_before:?} {schema_version:?}"),
            &snapshot,
        );
    }
}

fn queries() -> Vec<Query> {
    let items = [
        QueryItem {
            streams: vec!["a".to_owned(), "$$b".to_owned()],
            ..QueryItem::default()
        },
        QueryItem {
            tags: vec!["mod3:1".to_owned()],
            ..QueryItem::default()
        },
        QueryItem {
            types: vec!["Odd".to_owned(), "$retention-set".to_owned()],
            ..QueryItem::default()
        },
    ];
    let named = items.into_iter().map(|item| Query { items: vec![item] });
    std::iter::once(Query::default()).chain(named).collect()
}

async fn log(
    store: &Store,
    direction: Direction,
    from: Option<u64>,
    until: Option<Until>,
    query: &Query,
) -> Result<Vec<Record>> {
    let read = ReadAll {
        direction,
        from: from.map(Position),
        limit: None,
        query: query.clone(),
        until,
    };
    let mut reader = store.read_all(read).await?;
    let mut records = Vec::new();
    while let Some(batch) = reader.next().await? {
        records.extend(batch.records()?);
    }
    Ok(records)
}

async fn events(
    store: &Store,
    name: &StreamName,
    direction: Direction,
    from: Option<u64>,
    until: Option<StreamUntil>,
) -> Result<Vec<Record>> {
    let read = ReadStream {
        stream: name.clone(),
        direction,
        from: from.map(Revision),
        limit: None,
        query: Query::default(),
        until,
    };
    let mut reader = store.read_stream(read).await?;
    let mut records = Vec::new();
    while let Some(batch) = reader.next().await? {
        records.extend(batch.records()?);
    }
    Ok(records)
}

async fn listed(store: &Store, prefix: &str) -> Vec<StreamInfo> {
    let (mut infos, mut after) = (Vec::new(), None);
    loop {
        let page = store.streams(prefix, after.as_ref(), 3).await.unwrap();
        let Some(last) = page.last() else { return infos };
        after = Some(last.name.clone());
        infos.extend(page);
    }
}

async fn subscribed(subscription: Result<Subscription>) -> Result<Vec<Record>> {
    let mut subscription = subscription?;
    let mut records = Vec::new();
    loop {
        let notice = tokio::time::timeout(Duration::from_secs(60), subscription.next()).await;
        match notice.unwrap()? {
            Notice::Events(batch) => records.extend(batch.records()?),
            Notice::CaughtUp { .. } => return Ok(records),
            Notice::FellBehind { .. } | Notice::Checkpoint { .. } => {}
        }
    }
}

/// Returns the first match that a check finds. Its append is also refused for another reason, so nothing is written.
async fn first_match(store: &Store, query: &Query, after: u64) -> Option<Position> {
    let never = Check::Stream {
        stream: StreamName::new("neither").unwrap(),
        expected: Expected::StreamExists,
    };
    let no_match = Check::NoMatch {
        query: query.clone(),
        after: Position(after),
    };
    let judged = append("never", Expected::NoStream, &[u128::MAX]).with_checks(vec![no_match, never]);
    match store.append(judged.unwrap()).await.unwrap_err() {
        Error::Rejected(Rejection::ChecksFailed { failed, .. }) => {
            failed.iter().find_map(|failed| match failed {
                FailedCheck::Match { position, .. } => Some(*position),
                FailedCheck::Stream { .. } | FailedCheck::State { .. } => None,
            })
        }
        other => panic!("{other}"),
    }
}

/// Returns snapshot bytes that differ from those of every other number.
pub(super) fn state(n: u128) -> Bytes {
    Bytes::from(format!("state {n}"))
}
