//! Appends with checks.

use std::sync::Arc;

use futures::future::join_all;
use proptest::prelude::*;

use super::{failed, found};
use crate::{
    Append, AppendError, Check, Direction, Error, Expected, FailedCheck, Limits, Position, Query, QueryItem,
    Record, Rejection, Revision, Settings, Write,
    testing::{
        Counted, Fixture, append, expect, open_counted, place, read_log,
        shapes::{Shape, fill, item, matches, shaped, shapes},
        small, stream, until_indexed,
    },
};

fn tagged(tag: &str) -> Query {
    Query {
        items: vec![QueryItem {
            tags: vec![tag.to_owned()],
            ..QueryItem::default()
        }],
    }
}

fn no_match(query: Query, after: u64) -> Check {
    let after = Position(after);
    Check::NoMatch { query, after }
}

/// Events 1 to 3 have the tags `mod3:1`, `mod3:2` and `mod3:0`.
#[tokio::test]
async fn a_match_after_the_position_refuses_the_append_wherever_it_is() {
    let mut fixture = Fixture::new(small()).await;
    fixture.fill("s", 1..4).await;
    let attempt = |id, tag: &str, after| {
        let checked = append("t", Expected::Any, &[id]).with_checks(vec![no_match(tagged(tag), after)]);
        fixture.store.append(checked.unwrap())
    };
    assert_eq!(failed(attempt(90, "mod3:2", 0).await), [found(0, 0, 2)]);
    assert_eq!(failed(attempt(91, "mod3:2", 1).await), [found(0, 1, 2)]);
    assert_eq!(place(&attempt(92, "mod3:2", 2).await), (0, 4, false));
    assert_eq!(place(&attempt(93, "unknown", 0).await), (1, 5, false));
    fixture.fill("filler", 1_000..1_080).await;
    fixture.indexed(80).await;
    for _ in 0..2 {
        let attempt = |tag: &str, after| {
            let checked = append("t", Expected::Any, &[99]).with_checks(vec![no_match(tagged(tag), after)]);
            fixture.store.append(checked.unwrap())
        };
        assert_eq!(failed(attempt("mod3:2", 0).await), [found(0, 0, 2)]);
        assert_eq!(failed(attempt("mod3:1", 1).await), [found(0, 1, 6)]);
        // Every event matches: the first one after the position is found.
        let all = append("t", Expected::Any, &[99]).with_checks(vec![no_match(Query::default(), 7)]);
        assert_eq!(failed(fixture.store.append(all.unwrap()).await), [found(0, 7, 8)]);
        fixture.reopen().await;
    }
}

#[tokio::test]
async fn all_checks_that_fail_are_listed_with_what_was_found() {
    let fixture = Fixture::new(small()).await;
    fixture.fill("s", 1..4).await;
    let checks = vec![
        expect("r", Expected::NoStream),
        expect("s", Expected::Exactly(Revision(1))),
        no_match(tagged("mod3:2"), 2),
        no_match(tagged("mod3:0"), 2),
        expect("u", Expected::StreamExists),
    ];
    let checked = append("t", Expected::StreamExists, &[9])
        .with_checks(checks)
        .unwrap();
    let result = fixture.store.append(checked).await;
    let message = result.as_ref().unwrap_err().to_string();
    let of_stream = |index, name: &str, expected, actual| FailedCheck::Stream {
        index,
        stream: stream(name),
        expected,
        actual,
    };
    let wanted = [
        of_stream(None, "t", Expected::StreamExists, None),
        of_stream(Some(1), "s", Expected::Exactly(Revision(1)), Some(Revision(2))),
        found(3, 2, 3),
        of_stream(Some(4), "u", Expected::StreamExists, None),
    ];
    assert_eq!(failed(result), wanted);
    assert!(
        message.contains("check 3 allows no match after position 2, but the event at 3 matches"),
        "{message}"
    );
    assert_eq!(fixture.store.info().head, Position(3));
}

#[tokio::test]
async fn a_retry_is_not_refused_because_of_what_it_wrote_itself() {
    let mut fixture = Fixture::new(small()).await;
    fixture.fill("s", 1..4).await;
    let attempts = |fixture: &Fixture| {
        let store = fixture.store.clone();
        async move {
            let mut places = Vec::new();
            for (name, expected, id) in [
                ("a", Expected::Any, 301),
                ("s", Expected::StreamExists, 304),
                ("b", Expected::NoStream, 307),
                ("s", Expected::Exactly(Revision(3)), 310),
            ] {
                // All have the tag `mod3:1`; each one knows the earlier ones.
                let after = 3 + (id as u64 - 301) / 3;
                let checks = vec![no_match(tagged("mod3:1"), after)];
                let checked = append(name, expected, &[id]).with_checks(checks).unwrap();
                places.push(place(&store.append(checked).await));
            }
            places
        }
    };
    assert_eq!(
        attempts(&fixture).await,
        [(0, 4, false), (3, 5, false), (0, 6, false), (4, 7, false)]
    );
    for round in 0..3 {
        let again = [(0, 4, true), (3, 5, true), (0, 6, true), (4, 7, true)];
        assert_eq!(attempts(&fixture).await, again, "round {round}");
        match round {
            0 => {
                fixture.fill("filler", 1_000..1_060).await;
                fixture.indexed(64).await;
            }
            _ => fixture.reopen().await,
        }
    }
}

#[tokio::test]
async fn a_position_beyond_the_head_is_refused() {
    let fixture = Fixture::new(small()).await;
    fixture.fill("s", 1..4).await;
    let checked = append("t", Expected::Any, &[9])
        .with_checks(vec![no_match(tagged("x"), 4)])
        .unwrap();
    let refused = fixture.store.append(checked).await;
    let wanted = Rejection::CheckBeyondHead {
        after: Position(4),
        head: Position(3),
    };
    assert_eq!(refused, Err(Error::Rejected(wanted)));
}

#[test]
fn checks_that_would_look_at_all_of_the_log_are_not_taken() {
    let by_prefix = QueryItem {
        tags: vec!["a".to_owned()],
        stream_prefixes: vec!["order-".to_owned()],
        ..QueryItem::default()
    };
    let query = Query {
        items: vec![tagged("a").items[0].clone(), by_prefix],
    };
    let checks = vec![expect("s", Expected::NoStream), no_match(query, 0)];
    let refused = append("t", Expected::Any, &[1]).with_checks(checks).unwrap_err();
    assert_eq!(refused, AppendError::CheckNotListed { index: 1 });
    let refused = append("t", Expected::Any, &[1]).with_checks(vec![expect("s", Expected::Any); 65]);
    assert!(matches!(
        refused,
        Err(AppendError::TooManyChecks { checks: 65, .. })
    ));
}

#[tokio::test]
async fn a_recent_position_needs_no_read_of_storage() {
    let counted = Arc::new(Counted::default());
    let settings = Settings {
        window_events: 64,
        ..small()
    };
    let store = open_counted(&counted, settings).await;
    let shapes: Vec<Shape> = (0..1_000).map(|n| (0, (n / 10 % 2) as u8, 1)).collect();
    fill(&store, &shapes).await;
    until_indexed(&store, Position(960)).await;
    let mut query = tagged("tag0");
    query.items[0].types = vec!["type0".to_owned(), "type1".to_owned()];
    for (n, expected, after) in [
        (0_u64, Expected::Any, 1_000),
        (1, Expected::StreamExists, 1_001),
        (2, Expected::Any, 970),
    ] {
        counted.take();
        let events = vec![shaped(u128::from(2_000 + n), (2, 0, 1))];
        let query = if after < 1_000 {
            tagged("tag2")
        } else {
            query.clone()
        };
        let checked =
            Append::new(stream("stream0"), expected, events, &Limits::default()).and_then(|append| {
                append.with_checks(vec![
                    no_match(query, after),
                    expect("stream1", Expected::StreamExists),
                ])
            });
        store.append(checked.unwrap()).await.unwrap();
        assert_eq!(counted.take().trips, 0, "after {after}");
    }
}

/// The events of an append; its conditions, each with the distance of its position from the head; and the stream that
/// it requires to exist.
type Attempt = (Vec<Shape>, Vec<(QueryItem, u64)>, Option<u8>);

fn attempt() -> impl Strategy<Value = Attempt> {
    // Names only: prefixes are not accepted.
    let listed = item().prop_filter_map("has an index list", |item| {
        let item = QueryItem {
            type_prefixes: Vec::new(),
            ..item
        };
        (item != QueryItem::default()).then_some(item)
    });
    let back = prop_oneof![2 => Just(0_u64), 2 => 0..20_u64, 1 => 0..600_u64];
    let conditions = proptest::collection::vec((listed, back), 0..3);
    (shapes(1..4), conditions, proptest::option::weighted(0.2, 0..5_u8))
}

fn to_append(id: u128, (shapes, conditions, exists): &Attempt, head: u64) -> Append {
    let of_item = |(item, back): &(QueryItem, u64)| {
        no_match(
            Query {
                items: vec![item.clone()],
            },
            head.saturating_sub(*back),
        )
    };
    let mut checks: Vec<Check> = conditions.iter().map(of_item).collect();
    checks.extend(exists.map(|name| expect(&format!("stream{name}"), Expected::StreamExists)));
    let writes = (id..).zip(shapes).map(|(id, shape)| Write {
        stream: stream(&format!("stream{}", shape.1)),
        events: vec![shaped(id, *shape)],
    });
    Append::to_many(writes.collect(), checks, &Limits::default()).unwrap()
}

/// Returns the checks that must fail on this log if the head was `head` when the attempt was made.
fn wanted(log: &[Record], (_, conditions, exists): &Attempt, head: u64) -> Vec<FailedCheck> {
    let mut failed = Vec::new();
    for (index, (item, back)) in conditions.iter().enumerate() {
        let after = head.saturating_sub(*back);
        let first = log
            .iter()
            .find(|record| record.position.0 > after && matches(item, record));
        failed.extend(first.map(|record| found(index, after, record.position.0)));
    }
    if let Some(name) = exists.map(|name| format!("stream{name}"))
        && !log.iter().any(|record| record.stream == name)
    {
        failed.push(FailedCheck::Stream {
            index: Some(conditions.len()),
            stream: stream(&name),
            expected: Expected::StreamExists,
            actual: None,
        });
    }
    failed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn appends_are_refused_by_exactly_the_checks_that_fail_when_it_is_their_turn(
        log in shapes(0..300),
        groups in proptest::collection::vec(proptest::collection::vec(attempt(), 1..12), 1..6),
        lookup_positions_max in prop_oneof![Just(0_usize), Just(400)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::new(Settings { lookup_positions_max, ..small() }).await;
            fill(&fixture.store, &log).await;
            fixture.indexed(log.len() as u64 / 8 * 8).await;
            let mut known = read_log(&fixture.store, Direction::Forwards, None, Query::default()).await;
            let mut id = 1_000;
            for group in groups {
                let head = known.len() as u64;
                let mut pending = Vec::new();
                for attempt in &group {
                    id += 10;
                    pending.push(fixture.store.submit(to_append(id, attempt, head)).await.unwrap());
                }
                for (attempt, result) in group.iter().zip(join_all(pending).await) {
                    let wanted = wanted(&known, attempt, head);
                    if wanted.is_empty() {
                        let appended = result.unwrap();
                        let from = Some(appended.first_position.0);
                        let written = read_log(&fixture.store, Direction::Forwards, from, Query::default()).await;
                        prop_assert_eq!(written[0].position.0, known.len() as u64 + 1);
                        known.extend(written.into_iter().take(attempt.0.len()));
                        prop_assert_eq!(appended.last_position.0, known.len() as u64);
                    } else {
                        prop_assert_eq!(failed(result), wanted);
                    }
                }
            }
            prop_assert_eq!(fixture.store.info().head.0, known.len() as u64);
            Ok(())
        })?;
    }
}
