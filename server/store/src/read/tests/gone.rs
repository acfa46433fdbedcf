//! Reads with removed events: whichever events are removed, the remaining ones are read, from everywhere and by every
//! kind of read.

use std::collections::BTreeSet;

use annals_engine::{Commit, Engine};
use proptest::prelude::*;

use crate::{
    Direction, Error, Notice, Position, Query, QueryItem, ReadAll, ReadStream, Record, Revision, Settings,
    Start, Store, SubscribeAll, SubscribeStream,
    format::keys,
    testing::{
        Fixture, read_all, read_log, remove,
        shapes::{self, Shape, item, matches},
        small, stream,
    },
};

/// Creates a store with removed events. Returns all events that it had, and the remaining ones.
async fn scavenged(
    shapes: &[Shape],
    dead: &BTreeSet<Position>,
    run: usize,
) -> (Fixture, Vec<Record>, Vec<Record>) {
    // A ring of one frame, because events in memory are not removed.
    let settings = Settings {
        tail_bytes_max: 1,
        ..small()
    };
    let mut fixture = Fixture::new(settings).await;
    shapes::fill(&fixture.store, shapes).await;
    let indexed = fixture.store.info().head.0 / 8 * 8;
    fixture.indexed(indexed).await;
    let all = read_log(&fixture.store, Direction::Forwards, None, Query::default()).await;
    fixture.store.close().await;
    let to = remove(&*fixture.engine, dead, Position(indexed), run).await;
    fixture.reopen().await;
    let is_left = |record: &&Record| record.position > to || !dead.contains(&record.position);
    let left = all.iter().filter(is_left).cloned().collect();
    (fixture, all, left)
}

async fn read(store: &Store, direction: Direction, from: u64, limit: u64, query: Query) -> Vec<Record> {
    let read = ReadAll {
        direction,
        from: Some(Position(from)),
        limit: Some(limit),
        query,
        until: None,
    };
    read_all(store, read).await
}

async fn check_log(store: &Store, left: &[Record], head: u64, query: &QueryItem, limit: u64) {
    let all = Query::default();
    let items = Query {
        items: vec![query.clone()],
    };
    for from in 1..=head {
        for query in [&all, &items] {
            let wanted = |record: &&Record| query.matches_all() || matches(&query.items[0], record);
            let behind = left.iter().filter(|record| record.position.0 >= from);
            let behind: Vec<Record> = behind.filter(wanted).take(limit as usize).cloned().collect();
            let found = read(store, Direction::Forwards, from, limit, query.clone()).await;
            assert_eq!(found, behind, "from {from}");
            let before = left.iter().rev().filter(|record| record.position.0 <= from);
            let before: Vec<Record> = before.filter(wanted).take(limit as usize).cloned().collect();
            let found = read(store, Direction::Backwards, from, limit, query.clone()).await;
            assert_eq!(found, before, "backwards from {from}");
        }
    }
}

async fn check_streams(store: &Store, all: &[Record], left: &[Record]) {
    let names: BTreeSet<&str> = all.iter().map(|record| record.stream.as_str()).collect();
    for name in names {
        let last = all.iter().rfind(|record| record.stream == name).unwrap().revision;
        for from in 0..=last.0 {
            for direction in [Direction::Forwards, Direction::Backwards] {
                let mut reader = store
                    .read_stream(ReadStream {
                        stream: stream(name),
                        direction,
                        from: Some(Revision(from)),
                        limit: None,
                        query: Query::default(),
                        until: None,
                    })
                    .await
                    .unwrap();
                assert_eq!(reader.last_revision(), last);
                let mut found = Vec::new();
                while let Some(batch) = reader.next().await.unwrap() {
                    found.extend(batch.records().unwrap());
                }
                let of_stream = left.iter().filter(|record| record.stream == name);
                let wanted: Vec<Record> = match direction {
                    Direction::Forwards => of_stream.filter(|r| r.revision.0 >= from).cloned().collect(),
                    Direction::Backwards => of_stream
                        .rev()
                        .filter(|r| r.revision.0 <= from)
                        .cloned()
                        .collect(),
                };
                assert_eq!(found, wanted, "{name} {direction:?} from {from}");
            }
        }
    }
}

async fn until_caught_up(mut subscription: crate::Subscription) -> (Vec<Record>, Position) {
    let mut found = Vec::new();
    loop {
        match subscription.next().await.unwrap() {
            Notice::Events(batch) => found.extend(batch.records().unwrap()),
            Notice::CaughtUp { position, .. } => return (found, position),
            Notice::Checkpoint { .. } | Notice::FellBehind { .. } => {}
        }
    }
}

async fn check_subscriptions(store: &Store, left: &[Record], head: u64, query: &QueryItem) {
    for after in 0..head {
        for query in [
            Query::default(),
            Query {
                items: vec![query.clone()],
            },
        ] {
            let wanted = |record: &&Record| {
                record.position.0 > after && (query.matches_all() || matches(&query.items[0], record))
            };
            let wanted: Vec<Record> = left.iter().filter(wanted).cloned().collect();
            let start = Start::After(Position(after));
            let subscription = store.subscribe_all(SubscribeAll { start, query }).await.unwrap();
            assert_eq!(
                until_caught_up(subscription).await,
                (wanted, Position(head)),
                "after {after}"
            );
        }
    }
    let name = "stream0";
    let subscribe = SubscribeStream {
        stream: stream(name),
        start: Start::Beginning,
        query: Query::default(),
    };
    let subscription = store.subscribe_stream(subscribe).await.unwrap();
    let wanted: Vec<Record> = left.iter().filter(|r| r.stream == name).cloned().collect();
    assert_eq!(until_caught_up(subscription).await, (wanted, Position(head)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_rest_is_read_whatever_is_gone(
        shapes in shapes::shapes(9..70),
        dead in prop_oneof![
            proptest::collection::btree_set((1..70_u64).prop_map(Position), 0..70),
            (1..70_u64, 1..70_u64).prop_map(|(a, b)| (a.min(b)..=a.max(b)).map(Position).collect()),
        ],
        run in 1..9_usize,
        query in item(),
        limit in prop_oneof![Just(1_u64), Just(3), Just(1_000)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (fixture, all, left) = scavenged(&shapes, &dead, run).await;
            let head = all.len() as u64;
            check_log(&fixture.store, &left, head, &query, limit).await;
            check_streams(&fixture.store, &all, &left).await;
            check_subscriptions(&fixture.store, &left, head, &query).await;
            // New events follow as if nothing were removed.
            shapes::fill(&fixture.store, &shapes[..1]).await;
            assert_eq!(fixture.store.info().head, Position(head + 1));
        });
    }
}

#[tokio::test]
async fn a_missing_frame_is_still_corruption() {
    let shapes = vec![(1, 0, 1); 40];
    let dead: BTreeSet<Position> = (9..=14).map(Position).collect();
    let (mut fixture, ..) = scavenged(&shapes, &dead, 100).await;
    let snapshot = fixture.engine.snapshot().await.unwrap();
    let frames = crate::model::log::holding_in(&*snapshot, &[Position(10)])
        .await
        .unwrap();
    fixture.store.close().await;
    let clear = Commit::durable().clear_range(keys::frame_chunks(frames[0].last));
    fixture.engine.commit(clear).await.unwrap();
    fixture.reopen().await;
    let (first, last) = (frames[0].first.0, frames[0].last.0);
    let kinds = QueryItem {
        types: vec!["type1".to_owned()],
        ..QueryItem::default()
    };
    for (direction, from) in [(Direction::Forwards, first), (Direction::Backwards, last)] {
        for query in [
            Query::default(),
            Query {
                items: vec![kinds.clone()],
            },
        ] {
            let read = ReadAll {
                direction,
                from: Some(Position(from)),
                limit: None,
                query,
                until: None,
            };
            let mut reader = fixture.store.read_all(read).await.unwrap();
            let mut result = reader.next().await;
            while let Ok(Some(_)) = result {
                result = reader.next().await;
            }
            assert!(
                matches!(result, Err(Error::Corrupt(_))),
                "{direction:?}: {result:?}"
            );
        }
    }
}
