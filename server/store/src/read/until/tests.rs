use std::sync::atomic::Ordering;

use crate::{
    Direction, Error, Expected, Position, Query, QueryItem, ReadAll, ReadStream, Record, Result, Revision,
    StreamUntil, Timestamp, Until,
    testing::{Fixture, append, ids, read_log, small, stream},
};

const PAUSE: u64 = 25_000_000;

/// Three streams, of which one began late; two events at each time, some times half a minute apart.
async fn filled() -> Fixture {
    let fixture = Fixture::new(small()).await;
    for id in 0..100_u128 {
        let name = match id {
            40.. if id % 3 == 0 => "late",
            _ if id % 2 == 0 => "even",
            _ => "odd",
        };
        if id % 2 == 0 {
            fixture.clock.0.fetch_add(PAUSE, Ordering::Relaxed);
        }
        fixture
            .store
            .append(append(name, Expected::Any, &[id]))
            .await
            .unwrap();
    }
    fixture.indexed(96).await;
    fixture
}

async fn log(fixture: &Fixture, read: ReadAll) -> Result<(Position, Vec<Record>)> {
    let mut reader = fixture.store.read_all(read).await?;
    let mut records = Vec::new();
    while let Some(batch) = reader.next().await? {
        records.extend(batch.records()?);
    }
    Ok((reader.head(), records))
}

async fn events(fixture: &Fixture, read: ReadStream) -> Result<(Revision, Vec<Record>)> {
    let mut reader = fixture.store.read_stream(read).await?;
    assert_eq!(
        reader.head(),
        Position(100),
        "the head is that of the log for every read"
    );
    let mut records = Vec::new();
    while let Some(batch) = reader.next().await? {
        records.extend(batch.records()?);
    }
    Ok((reader.last_revision(), records))
}

fn all(direction: Direction, until: Until) -> ReadAll {
    ReadAll {
        direction,
        from: None,
        limit: None,
        query: Query::default(),
        until: Some(until),
    }
}

fn of(name: &str, direction: Direction, until: StreamUntil) -> ReadStream {
    ReadStream {
        stream: stream(name),
        direction,
        from: None,
        limit: None,
        query: Query::default(),
        until: Some(until),
    }
}

fn tagged() -> Query {
    Query {
        items: vec![QueryItem {
            tags: vec!["mod3:1".to_owned()],
            ..QueryItem::default()
        }],
    }
}

/// Positions of the log, and times at which it was there.
fn pasts(log: &[Record]) -> Vec<(u64, Until)> {
    let mut pasts: Vec<(u64, Until)> = (0..=100).map(|n| (n, Until::Position(Position(n)))).collect();
    for time in log.iter().map(|record| record.recorded_at.micros) {
        for time in [time - 1, time, time + 1].map(Timestamp::from_micros) {
            let reached = log.iter().filter(|record| record.recorded_at <= time).count();
            pasts.push((reached as u64, Until::Time(time)));
        }
    }
    pasts
}

#[tokio::test]
async fn a_read_of_the_log_as_it_was_is_a_read_of_its_beginning() {
    let mut fixture = filled().await;
    for _ in 0..2 {
        let whole = read_log(&fixture.store, Direction::Forwards, None, Query::default()).await;
        for (reached, until) in pasts(&whole) {
            let past = &whole[..reached as usize];
            let (head, forwards) = log(&fixture, all(Direction::Forwards, until)).await.unwrap();
            assert_eq!(head, Position(100), "the head is that of now");
            assert_eq!(forwards, past, "{until:?}");
            let (_, mut backwards) = log(&fixture, all(Direction::Backwards, until)).await.unwrap();
            backwards.reverse();
            assert_eq!(backwards, past, "{until:?} backwards");

            let from = reached.div_ceil(2).max(1);
            let read = ReadAll {
                from: Some(Position(from)),
                limit: Some(3),
                query: tagged(),
                ..all(Direction::Forwards, until)
            };
            let matches = |record: &&Record| record.tags == ["mod3:1"] && record.position.0 >= from;
            let wanted: Vec<Record> = past.iter().filter(matches).take(3).cloned().collect();
            assert_eq!(
                log(&fixture, read).await.unwrap().1,
                wanted,
                "{until:?} from {from}"
            );
            let read = ReadAll {
                limit: Some(2),
                query: tagged(),
                ..all(Direction::Backwards, until)
            };
            let matches = |record: &&Record| record.tags == ["mod3:1"];
            let wanted: Vec<Record> = past.iter().rev().filter(matches).take(2).cloned().collect();
            assert_eq!(
                log(&fixture, read).await.unwrap().1,
                wanted,
                "{until:?} backwards, tagged"
            );
        }
        fixture.reopen().await;
    }
}

#[tokio::test]
async fn a_read_of_a_stream_as_it_was_is_a_read_of_its_beginning() {
    let mut fixture = filled().await;
    for _ in 0..2 {
        let whole = read_log(&fixture.store, Direction::Forwards, None, Query::default()).await;
        for name in ["even", "odd", "late"] {
            for (reached, until) in pasts(&whole) {
                let until = StreamUntil::Log(until);
                let past: Vec<Record> = whole[..reached as usize]
                    .iter()
                    .filter(|record| record.stream == name)
                    .cloned()
                    .collect();
                let read = events(&fixture, of(name, Direction::Forwards, until)).await;
                let Some(last) = past.last() else {
                    assert_eq!(read, Err(Error::StreamNotFound(stream(name))), "{name} {until:?}");
                    continue;
                };
                assert_eq!(read, Ok((last.revision, past.clone())), "{name} {until:?}");
                let revision = StreamUntil::Revision(last.revision);
                let read = events(&fixture, of(name, Direction::Forwards, revision)).await;
                assert_eq!(read, Ok((last.revision, past.clone())), "{name} {revision:?}");
                let read = ReadStream {
                    from: Some(last.revision.next()),
                    limit: Some(5),
                    ..of(name, Direction::Backwards, until)
                };
                let backwards = events(&fixture, read).await.unwrap().1;
                let wanted: Vec<Record> = past.iter().rev().take(5).cloned().collect();
                assert_eq!(ids(&backwards), ids(&wanted), "{name} {until:?} backwards");
            }
        }
        fixture.reopen().await;
    }
}

#[tokio::test]
async fn what_lies_beyond_the_past_is_refused_as_what_lies_beyond_the_end_is() {
    let fixture = filled().await;
    let until = Until::Position(Position(50));
    for direction in [Direction::Forwards, Direction::Backwards] {
        let from = |from| ReadAll {
            from: Some(Position(from)),
            ..all(direction, until)
        };
        assert!(log(&fixture, from(51)).await.is_ok());
        let refused = log(&fixture, from(52)).await;
        let (position, head) = (Position(52), Position(50));
        assert_eq!(refused, Err(Error::PositionBeyondHead { position, head }));
    }
    let refused = log(&fixture, all(Direction::Forwards, Until::Position(Position(101)))).await;
    let (position, head) = (Position(101), Position(100));
    assert_eq!(refused, Err(Error::PositionBeyondHead { position, head }));

    let beyond = |revision, last| {
        Err(Error::RevisionBeyondEnd {
            stream: stream("late"),
            revision: Revision(revision),
            last: Some(Revision(last)),
        })
    };
    let read = of("late", Direction::Forwards, StreamUntil::Revision(Revision(20)));
    assert_eq!(events(&fixture, read).await, beyond(20, 19));
    let read = ReadStream {
        from: Some(Revision(5)),
        ..of("late", Direction::Forwards, StreamUntil::Revision(Revision(3)))
    };
    assert_eq!(events(&fixture, read).await, beyond(5, 3));
    let read = of("never", Direction::Forwards, StreamUntil::Revision(Revision(0)));
    assert_eq!(
        events(&fixture, read).await,
        Err(Error::StreamNotFound(stream("never")))
    );
}
