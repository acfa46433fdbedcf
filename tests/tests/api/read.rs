//! Reads over gRPC: their results, order, start and limits, compared with the log itself.

use annals_client::{
    Client, Direction, Error, Event, ExpectedRevision as Expected, Position, Query, QueryItem, Read,
    RecordedEvent, Revision,
};
use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Server, seed},
    on_every_engine, on_every_engine_that_persists,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

on_every_engine!(
    reads_return_exactly_what_was_asked_for,
    an_empty_log_is_read_as_empty,
    a_read_ends_at_the_head_it_saw_first,
    a_read_of_large_events_comes_in_parts,
    an_acknowledged_event_is_visible_to_another_client_at_once,
);
on_every_engine_that_persists!(reads_after_a_restart_return_the_same);

const STREAMS: [&str; 5] = ["order-1", "order-2", "order-10", "user-1", "user-\u{e9}"];
const KINDS: [&str; 4] = ["OrderPlaced", "OrderPaid", "UserSeen", "Order"];
const TAGS: [&str; 3] = ["customer:7", "customer:8", "vip"];

/// Appends some hundred events, with all streams, types and tags mixed.
async fn fill(client: &Client, random: &mut StdRng) {
    let pipeline = client.append_pipeline();
    let mut pending = Vec::new();
    for n in 0..150 {
        let events = (0..random.random_range(1..4)).map(|_| {
            let mut event = Event::new(*KINDS.choose(random).unwrap(), format!("{n}"));
            event.tags = TAGS
                .iter()
                .filter(|_| random.random_bool(0.4))
                .map(|tag| (*tag).to_owned())
                .collect();
            event
        });
        let events: Vec<Event> = events.collect();
        pending.push(
            pipeline
                .append(*STREAMS.choose(random).unwrap(), Expected::Any, events)
                .await
                .unwrap(),
        );
    }
    for appended in pending {
        appended.await.unwrap();
    }
}

fn some_query(random: &mut StdRng) -> Query {
    let mut query = Query::all();
    for _ in 0..random.random_range(0..3) {
        let mut item = QueryItem::new();
        if random.random_bool(0.4) {
            item = item.of_type(*KINDS.choose(random).unwrap());
        }
        if random.random_bool(0.3) {
            item = item.of_type_prefix(*["Order", "User", "OrderP", "X"].choose(random).unwrap());
        }
        if random.random_bool(0.3) {
            item = item.in_stream(*STREAMS.choose(random).unwrap());
        }
        if random.random_bool(0.4) {
            item = item.in_stream_prefix(*["order-", "order-1", "user-", "absent-"].choose(random).unwrap());
        }
        if random.random_bool(0.3) {
            item = item.tagged(*TAGS.choose(random).unwrap());
        }
        query = query.or(item);
    }
    query
}

fn matches(query: &Query, event: &RecordedEvent) -> bool {
    let item = |item: &QueryItem| {
        let one_of = |names: &[String], prefixes: &[String], name: &str| {
            (names.is_empty() && prefixes.is_empty())
                || names.iter().any(|wanted| wanted == name)
                || prefixes.iter().any(|prefix| name.starts_with(prefix))
        };
        one_of(&item.types, &item.type_prefixes, &event.event_type)
            && one_of(&item.streams, &item.stream_prefixes, &event.stream)
            && item.tags.iter().all(|tag| event.tags.contains(tag))
    };
    query.items.is_empty() || query.items.iter().any(item)
}

/// Compares random reads with the log.
async fn compare_random_reads(client: &Client, log: &[RecordedEvent], random: &mut StdRng) {
    for _ in 0..120 {
        let query = some_query(random);
        let stream = random.random_bool(0.4).then(|| *STREAMS.choose(random).unwrap());
        let backwards = random.random_bool(0.5);
        let mut expected: Vec<RecordedEvent> = log
            .iter()
            .filter(|event| stream.is_none_or(|stream| event.stream == stream))
            .cloned()
            .collect();
        let place = |event: &RecordedEvent| {
            if stream.is_some() {
                event.revision.0
            } else {
                event.position.0
            }
        };
        let (first, last) = (place(&expected[0]), place(expected.last().unwrap()));
        let from = random
            .random_bool(0.6)
            .then(|| random.random_range(first..=last + 1));
        let limit = random.random_bool(0.5).then(|| random.random_range(1..40_usize));
        expected.retain(|event| {
            let behind = |from: u64| {
                if backwards {
                    place(event) <= from
                } else {
                    place(event) >= from
                }
            };
            from.is_none_or(behind) && matches(&query, event)
        });
        if backwards {
            expected.reverse();
        }
        expected.truncate(limit.unwrap_or(usize::MAX));

        let read = match stream {
            Some(stream) => {
                let mut read = client.read_stream(stream);
                if let Some(from) = from {
                    read = read.from_revision(from);
                }
                with_options(read, &query, backwards, limit).into_future()
            }
            None => {
                let mut read = client.read_all();
                if let Some(from) = from {
                    read = read.from_position(from);
                }
                with_options(read, &query, backwards, limit).into_future()
            }
        };
        let events = read.await.unwrap();
        assert_eq!(events.head(), log.len() as u64);
        assert_eq!(events.last_revision(), stream.map(|_| last).map(Revision));
        let asked = format!("{stream:?} backwards {backwards} from {from:?} limit {limit:?} {query:?}");
        assert_eq!(events.collect().await.unwrap(), expected, "{asked}");
    }
}

fn with_options<Of>(read: Read<Of>, query: &Query, backwards: bool, limit: Option<usize>) -> Read<Of> {
    let read = read.query(query.clone()).direction(if backwards {
        Direction::Backwards
    } else {
        Direction::Forwards
    });
    match limit {
        Some(limit) => read.limit(limit as u64),
        None => read,
    }
}

async fn whole_log(client: &Client) -> Vec<RecordedEvent> {
    client.read_all().await.unwrap().collect().await.unwrap()
}

async fn reads_return_exactly_what_was_asked_for(server: Server) {
    let mut random = StdRng::seed_from_u64(seed());
    let client = server.client();
    fill(&client, &mut random).await;
    let log = whole_log(&client).await;
    assert!(log.iter().map(|event| event.position).eq(1..=log.len() as u64));
    compare_random_reads(&client, &log, &mut random).await;
}

async fn reads_after_a_restart_return_the_same(mut server: Server) {
    let mut random = StdRng::seed_from_u64(seed());
    let client = server.client();
    fill(&client, &mut random).await;
    let log = whole_log(&client).await;
    server.restart();
    assert_eq!(whole_log(&client).await, log);
    compare_random_reads(&client, &log, &mut random).await;
}

async fn an_empty_log_is_read_as_empty(server: Server) {
    let client = server.client();
    for direction in [Direction::Forwards, Direction::Backwards] {
        let events = client.read_all().direction(direction).await.unwrap();
        assert_eq!(
            (events.head(), events.collect().await.unwrap()),
            (Position(0), Vec::new())
        );
    }
    assert!(
        client.read_all().from_position(1).await.is_ok(),
        "the next position may be read from"
    );
    assert!(matches!(
        client.read_all().from_position(2).await,
        Err(Error::PositionBeyondHead {
            position: Position(2),
            head: Position(0)
        })
    ));
    assert!(matches!(
        client.read_stream("order-1").await,
        Err(Error::StreamNotFound { .. })
    ));
}

async fn a_read_ends_at_the_head_it_saw_first(server: Server) {
    let client = server.client();
    let large = || Event::new("T", vec![1; 200_000]);
    for _ in 0..20 {
        client.append("order-1", Expected::Any, [large()]).await.unwrap();
    }
    let mut events = client.read_all().await.unwrap();
    let first = events.next().await.unwrap().unwrap();
    assert_eq!(first.position, 1);
    for _ in 0..20 {
        client.append("order-1", Expected::Any, [large()]).await.unwrap();
    }
    assert_eq!(events.head(), 20);
    assert_eq!(events.collect().await.unwrap().len(), 19);
}

async fn a_read_of_large_events_comes_in_parts(server: Server) {
    let (client, mut stub) = (server.client(), server.stub());
    for n in 0..24_u8 {
        client
            .append("order-1", Expected::Any, [Event::new("T", vec![n; 1 << 20])])
            .await
            .unwrap();
    }
    let mut parts = stub
        .read_all(pb::ReadAllRequest::default())
        .await
        .unwrap()
        .into_inner();
    let (mut count, mut next) = (0, 0_u8);
    while let Some(part) = parts.message().await.unwrap() {
        assert_eq!(part.head, 24, "each part has the head");
        count += 1;
        for event in part.events {
            assert!(event.data.len() == 1 << 20 && event.data.iter().all(|byte| *byte == next));
            next += 1;
        }
    }
    assert_eq!(next, 24);
    assert!(count >= 4, "24 MiB came in {count} messages");
}

async fn an_acknowledged_event_is_visible_to_another_client_at_once(server: Server) {
    let (writer, reader) = (server.client(), server.client());
    for n in 1..=100 {
        let appended = writer
            .append("order-1", Expected::Any, [Event::new("T", "{}")])
            .await
            .unwrap();
        assert_eq!(appended.last_position, n);
        let events = reader
            .read_all()
            .from_position(n)
            .await
            .unwrap()
            .collect()
            .await
            .unwrap();
        assert_eq!(events.len(), 1);
        let info = reader.stream_info("order-1").await.unwrap();
        assert_eq!(
            (info.last_revision, info.last_position),
            (Revision(n - 1), Position(n))
        );
    }
}
