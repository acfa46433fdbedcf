use std::sync::Arc;

use proptest::prelude::*;

use crate::{
    Direction, Notice, Position, Query, QueryItem, ReadAll, Record, Settings, Start, Store, SubscribeAll,
    testing::{
        Cost, Counted, Fixture, open_counted,
        shapes::{Shape, fill, item, matches, shapes},
        small, until_indexed,
    },
};

async fn read(store: &Store, read: ReadAll, meanwhile: &[Shape]) -> Vec<Record> {
    let mut reader = store.read_all(read).await.unwrap();
    let mut records = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        assert!(!batch.is_empty());
        if records.is_empty() {
            fill(store, meanwhile).await;
        }
        records.extend(batch.records().unwrap());
    }
    records
}

/// Returns the events that a subscription sends until it has caught up, and the position that it has then reached.
async fn subscribe(store: &Store, after: u64, query: &Query) -> (Vec<Record>, Position) {
    let start = Start::After(Position(after));
    let query = query.clone();
    let mut subscription = store.subscribe_all(SubscribeAll { start, query }).await.unwrap();
    let (mut records, mut told): (Vec<Record>, _) = (Vec::new(), Position(after));
    loop {
        match subscription.next().await.unwrap() {
            Notice::Events(batch) => {
                records.extend(batch.records().unwrap());
                let last = records.last().unwrap().position;
                assert!(last > told, "{last} after {told}");
                told = last;
            }
            Notice::Checkpoint { position, .. } | Notice::FellBehind { position, .. } => {
                assert!(position >= told, "{position} after {told}");
                told = position;
            }
            Notice::CaughtUp { position, .. } => {
                assert!(position >= told, "{position} after {told}");
                return (records, position);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_looked_up_is_what_a_scan_finds(
        log in shapes(1..600),
        meanwhile in shapes(0..60),
        items in proptest::collection::vec(item(), 1..4),
        window_events in prop_oneof![Just(8_u64), Just(64)],
        lookup_positions_max in prop_oneof![Just(0_usize), Just(400)],
        from in 0..=600_u64,
        limit in proptest::option::of(1..80_u64),
        reopens: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let settings = Settings { window_events, lookup_positions_max, ..small() };
            let mut fixture = Fixture::new(settings).await;
            fill(&fixture.store, &log).await;
            fixture.indexed(log.len() as u64 / window_events * window_events).await;
            if reopens {
                fixture.reopen().await;
            }
            let query = Query { items };
            let from = from.min(log.len() as u64 + 1);
            let everything = |direction| ReadAll {
                direction,
                from: Some(Position(from)),
                limit: None,
                query: Query::default(), until: None };
            for direction in [Direction::Forwards, Direction::Backwards] {
                let mut wanted = read(&fixture.store, everything(direction), &[]).await;
                wanted.retain(|record| query.items.iter().any(|item| matches(item, record)));
                wanted.truncate(limit.unwrap_or(u64::MAX) as usize);
                let by_query = ReadAll { limit, query: query.clone(), ..everything(direction) };
                prop_assert_eq!(read(&fixture.store, by_query, &meanwhile).await, wanted);
            }
            let after = from.saturating_sub(1);
            let rest = ReadAll { from: Some(Position(after + 1)), ..everything(Direction::Forwards) };
            let mut wanted = read(&fixture.store, rest, &[]).await;
            wanted.retain(|record| query.items.iter().any(|item| matches(item, record)));
            let may_match = fixture.store.shared().tail.look().may_match(&query, Position(after));
            prop_assert!(may_match || wanted.is_empty());
            let (found, reached) = subscribe(&fixture.store, after, &query).await;
            prop_assert_eq!(found, wanted);
            prop_assert_eq!(reached, fixture.store.info().head);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn the_tail_excludes_matches_only_after_positions_it_covers() {
    let fixture = Fixture::new(small()).await;
    // The tags are bits.
    fill(&fixture.store, &[(0, 0, 1), (1, 1, 2), (0, 0, 2)]).await;
    let may_match = |item: QueryItem, after: u64| {
        let query = Query { items: vec![item] };
        fixture
            .store
            .shared()
            .tail
            .look()
            .may_match(&query, Position(after))
    };
    let tagged = |tag: &str| QueryItem {
        tags: vec![tag.to_owned()],
        ..QueryItem::default()
    };
    assert!(may_match(tagged("tag0"), 0));
    assert!(!may_match(tagged("tag0"), 1));
    assert!(may_match(tagged("tag1"), 1));
    assert!(!may_match(tagged("tag2"), 0));
    let of_type = QueryItem {
        types: vec!["type1".to_owned()],
        ..tagged("tag1")
    };
    assert!(may_match(of_type.clone(), 1));
    assert!(!may_match(of_type, 2), "one of two lists has no later event");
    assert!(may_match(QueryItem::default(), 2));
    // After a whole window was written to the index and left the tail, the first positions are on disk only.
    fill(&fixture.store, &[(0, 0, 0); 40]).await;
    fixture.indexed(40).await;
    assert!(may_match(tagged("tag2"), 0));
    assert!(!may_match(tagged("tag2"), 40));
}

/// Returns the cost of a query in a log with the given number of events, of which ten have the tag `tag0`, and how
/// many events it finds.
async fn cost(events: u64, query: &Query, direction: Direction) -> (Cost, usize) {
    let counted = Arc::new(Counted::default());
    let settings = Settings {
        window_events: 256,
        ..small()
    };
    let store = open_counted(&counted, settings).await;
    let tenth = events / 10;
    let shapes: Vec<Shape> = (0..events)
        .map(|n| (0, (n / 20 % 2) as u8, u8::from(n % tenth == tenth / 2)))
        .collect();
    fill(&store, &shapes).await;
    until_indexed(&store, Position(events / 256 * 256)).await;
    counted.take();
    let read_all = ReadAll {
        direction,
        from: None,
        limit: None,
        query: query.clone(),
        until: None,
    };
    let found = read(&store, read_all, &[]).await.len();
    (counted.take(), found)
}

#[tokio::test]
async fn ten_matches_cost_no_more_in_a_long_log_than_in_a_short_one() {
    let tagged = QueryItem {
        tags: vec!["tag0".to_owned()],
        ..QueryItem::default()
    };
    // A type that all events have must not increase the cost.
    let typed = QueryItem {
        types: vec!["type0".to_owned()],
        ..tagged.clone()
    };
    let nowhere = QueryItem {
        streams: vec!["stream9".to_owned()],
        ..tagged.clone()
    };
    let queries = [
        (vec![tagged.clone()], 10),
        (vec![typed.clone()], 10),
        (vec![nowhere.clone()], 0),
        (vec![nowhere, typed], 10),
    ];
    for (items, matches) in queries {
        let query = Query { items };
        for direction in [Direction::Forwards, Direction::Backwards] {
            let (short, found) = cost(3_000, &query, direction).await;
            assert_eq!(found, matches);
            let (long, found) = cost(60_000, &query, direction).await;
            assert_eq!(found, matches);
            assert!(long.trips <= 4 && long.reads <= 24, "{query:?}: {long:?}");
            assert!(
                long.bytes <= 2 * short.bytes.max(4_096),
                "{query:?}: a short log costs {short:?}, a long one {long:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_another_server_appends_and_indexes_meanwhile_is_not_read() {
    let settings = Settings {
        shared_engine: true,
        lookup_positions_max: 0,
        ..small()
    };
    for direction in [Direction::Forwards, Direction::Backwards] {
        let fixture = Fixture::new(settings.clone()).await;
        // Too far apart to be read in whole pages.
        let shapes: Vec<Shape> = (0..2_000).map(|n| (u8::from(n % 20 == 0), 0, 0)).collect();
        fill(&fixture.store, &shapes).await;
        let query = Query {
            items: vec![QueryItem {
                types: vec!["type1".to_owned()],
                streams: vec!["stream0".to_owned()],
                ..QueryItem::default()
            }],
        };
        let read_all = ReadAll {
            direction,
            from: None,
            limit: None,
            query,
            until: None,
        };
        let mut reader = fixture.store.read_all(read_all).await.unwrap();
        let mut records = reader.next().await.unwrap().unwrap().records().unwrap();
        assert!(records.len() < 100, "the first page is not all");
        let other = fixture.another().await;
        fill(&other, &shapes).await;
        until_indexed(&other, Position(4_000)).await;
        while let Some(batch) = reader.next().await.unwrap() {
            records.extend(batch.records().unwrap());
        }
        let mut wanted: Vec<u64> = (0..100).map(|n| n * 20 + 1).collect();
        if direction == Direction::Backwards {
            wanted.reverse();
        }
        let found: Vec<u64> = records.iter().map(|record| record.position.0).collect();
        assert_eq!(found, wanted);
    }
}
