mod gone;

use crate::{
    Direction, Error, Expected, Position, Query, QueryItem, ReadAll, ReadStream, Revision,
    testing::{Fixture, append, ids, read_log, read_stream, small, stream},
};

/// Three streams of 40 events each, interleaved; a part of them indexed on disk.
async fn filled() -> Fixture {
    let fixture = Fixture::new(small()).await;
    for id in 0..120_u128 {
        let name = format!("cat{}-{}", id % 2, id % 3);
        fixture
            .store
            .append(append(&name, Expected::Any, &[id]))
            .await
            .unwrap();
    }
    fixture.indexed(112).await;
    fixture
}

#[tokio::test]
async fn the_log_is_read_from_any_position_in_both_directions() {
    let mut fixture = filled().await;
    for _ in 0..2 {
        for from in 1..=121_u64 {
            let forwards = read_log(&fixture.store, Direction::Forwards, Some(from), Query::default()).await;
            assert_eq!(ids(&forwards), (u128::from(from) - 1..120).collect::<Vec<_>>());
            let backwards =
                read_log(&fixture.store, Direction::Backwards, Some(from), Query::default()).await;
            assert_eq!(
                ids(&backwards),
                (0..u128::from(from).min(120)).rev().collect::<Vec<_>>()
            );
        }
        fixture.reopen().await;
    }
}

#[tokio::test]
async fn a_stream_is_read_from_any_revision_in_both_directions_with_any_limit() {
    let mut fixture = filled().await;
    let all: Vec<u128> = (0..120).filter(|id| id % 6 == 4).collect();
    for _ in 0..2 {
        for from in 0..=20_u64 {
            for limit in [1, 3, 100] {
                let at = from as usize;
                let forwards = read_stream(
                    &fixture.store,
                    "cat0-1",
                    Direction::Forwards,
                    Some(from),
                    Some(limit),
                )
                .await;
                let wanted: Vec<u128> = all[at..].iter().take(limit as usize).copied().collect();
                assert_eq!(ids(&forwards), wanted, "from {from}, limit {limit}");
                let backwards = read_stream(
                    &fixture.store,
                    "cat0-1",
                    Direction::Backwards,
                    Some(from),
                    Some(limit),
                )
                .await;
                let wanted: Vec<u128> = all[..(at + 1).min(20)]
                    .iter()
                    .rev()
                    .take(limit as usize)
                    .copied()
                    .collect();
                assert_eq!(ids(&backwards), wanted, "from {from}, limit {limit}");
            }
        }
        fixture.reopen().await;
    }
}

#[tokio::test]
async fn queries_select_by_type_stream_prefix_and_tag() {
    let fixture = filled().await;
    let strings = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    type Wanted = fn(u128) -> bool;
    let cases: [(&str, Vec<QueryItem>, Wanted); 7] = [
        (
            "type",
            vec![QueryItem {
                types: strings(&["Even"]),
                ..QueryItem::default()
            }],
            |id| id % 2 == 0,
        ),
        (
            "type prefix",
            vec![QueryItem {
                type_prefixes: strings(&["Od", "x"]),
                ..QueryItem::default()
            }],
            |id| id % 2 == 1,
        ),
        (
            "category",
            vec![QueryItem {
                stream_prefixes: strings(&["cat1-"]),
                ..QueryItem::default()
            }],
            |id| id % 2 == 1,
        ),
        (
            "stream",
            vec![QueryItem {
                streams: strings(&["cat0-2"]),
                ..QueryItem::default()
            }],
            |id| id % 6 == 2,
        ),
        (
            "tag and type",
            vec![QueryItem {
                tags: strings(&["mod3:1"]),
                types: strings(&["Odd"]),
                ..QueryItem::default()
            }],
            |id| id % 6 == 1,
        ),
        (
            "either of two items",
            vec![
                QueryItem {
                    tags: strings(&["mod3:1"]),
                    ..QueryItem::default()
                },
                QueryItem {
                    types: strings(&["Odd"]),
                    ..QueryItem::default()
                },
            ],
            |id| id % 3 == 1 || id % 2 == 1,
        ),
        (
            "nothing",
            vec![QueryItem {
                tags: strings(&["mod3:1", "mod3:2"]),
                ..QueryItem::default()
            }],
            |_| false,
        ),
    ];
    for (name, items, wanted) in cases {
        let query = Query { items };
        let mut expected: Vec<u128> = (0..120).filter(|id| wanted(*id)).collect();
        let forwards = read_log(&fixture.store, Direction::Forwards, None, query.clone()).await;
        assert_eq!(ids(&forwards), expected, "{name}");
        expected.reverse();
        let backwards = read_log(&fixture.store, Direction::Backwards, None, query).await;
        assert_eq!(ids(&backwards), expected, "{name}");
    }
}

#[tokio::test]
async fn a_limit_counts_only_events_that_match() {
    let fixture = filled().await;
    let query = Query {
        items: vec![QueryItem {
            types: vec!["Odd".to_owned()],
            ..QueryItem::default()
        }],
    };
    let read = ReadAll {
        direction: Direction::Forwards,
        from: None,
        limit: Some(7),
        query,
        until: None,
    };
    let mut reader = fixture.store.read_all(read).await.unwrap();
    let mut found = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        found.extend(ids(&batch.records().unwrap()));
    }
    assert_eq!(found, [1, 3, 5, 7, 9, 11, 13]);
}

#[tokio::test]
async fn a_read_ends_at_the_head_it_began_with() {
    let fixture = filled().await;
    let read = ReadAll {
        direction: Direction::Forwards,
        from: None,
        limit: None,
        query: Query::default(),
        until: None,
    };
    let mut reader = fixture.store.read_all(read).await.unwrap();
    fixture.fill("late", 500..520).await;
    let mut count = 0;
    while let Some(batch) = reader.next().await.unwrap() {
        count += batch.events;
    }
    assert_eq!((reader.head(), count), (Position(120), 120));
}

#[tokio::test]
async fn an_empty_log_is_read_from_its_beginning() {
    let fixture = Fixture::new(small()).await;
    for direction in [Direction::Forwards, Direction::Backwards] {
        for from in [None, Some(0), Some(1)] {
            let log = read_log(&fixture.store, direction, from, Query::default()).await;
            assert_eq!(ids(&log), [], "{direction:?} from {from:?}");
        }
    }
}

#[tokio::test]
async fn what_lies_beyond_the_end_is_refused() {
    let fixture = filled().await;
    let read = ReadAll {
        direction: Direction::Forwards,
        from: Some(Position(122)),
        limit: None,
        query: Query::default(),
        until: None,
    };
    let refused = fixture.store.read_all(read).await.err();
    assert_eq!(
        refused,
        Some(Error::PositionBeyondHead {
            position: Position(122),
            head: Position(120)
        })
    );
    let mut read = ReadStream {
        stream: stream("cat0-1"),
        direction: Direction::Forwards,
        from: Some(Revision(21)),
        limit: None,
        query: Query::default(),
        until: None,
    };
    let refused = fixture.store.read_stream(read.clone()).await.err();
    assert!(
        matches!(
            refused,
            Some(Error::RevisionBeyondEnd {
                last: Some(Revision(19)),
                ..
            })
        ),
        "{refused:?}"
    );
    read.stream = stream("unknown");
    let refused = fixture.store.read_stream(read).await.err();
    assert_eq!(refused, Some(Error::StreamNotFound(stream("unknown"))));
}

#[tokio::test]
async fn streams_are_listed_in_order_and_page_by_page_wherever_they_began() {
    let mut fixture = filled().await;
    for name in ["cat0-9", "a", "zz"] {
        fixture
            .store
            .append(append(
                name,
                Expected::NoStream,
                &[u128::from(name.as_bytes()[0]) + 1_000],
            ))
            .await
            .unwrap();
    }
    let all = [
        "a", "cat0-0", "cat0-1", "cat0-2", "cat0-9", "cat1-0", "cat1-1", "cat1-2", "zz",
    ];
    for _ in 0..2 {
        for page in [1, 2, 4, 100] {
            for (prefix, wanted) in [
                ("", &all[..]),
                ("cat0-", &all[1..5]),
                ("cat", &all[1..8]),
                ("x", &[]),
            ] {
                let mut found = Vec::new();
                let mut after = None;
                loop {
                    let streams = fixture.store.streams(prefix, after.as_ref(), page).await.unwrap();
                    found.extend(streams.iter().map(|info| info.name.to_string()));
                    match streams.last() {
                        Some(last) => after = Some(last.name.clone()),
                        None => break,
                    }
                }
                assert_eq!(found, wanted, "prefix {prefix:?}, pages of {page}");
            }
        }
        let info = fixture.store.stream(&stream("cat0-1")).await.unwrap();
        assert_eq!(
            (info.first_position, info.last_position),
            (Position(5), Position(119))
        );
        assert_eq!(info.last_revision, Revision(19));
        let unknown = fixture.store.stream(&stream("cat0-")).await;
        assert_eq!(unknown, Err(Error::StreamNotFound(stream("cat0-"))));
        fixture.reopen().await;
    }
}
