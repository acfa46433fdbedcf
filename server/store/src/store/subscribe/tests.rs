use std::time::Duration;

use super::{Notice, Start, SubscribeAll, SubscribeStream, Subscription};
use crate::{
    Direction, Error, Expected, Position, Query, QueryItem, Revision, Settings, StreamName,
    testing::{Fixture, append, ids, read_log, small, stream},
};

fn odd() -> Query {
    Query {
        items: vec![QueryItem {
            types: vec!["Odd".to_owned()],
            ..QueryItem::default()
        }],
    }
}

/// Ids received until the subscription caught up, and the position that it reported then.
async fn until_caught_up(subscription: &mut Subscription) -> (Vec<u128>, Position) {
    let mut found = Vec::new();
    loop {
        match subscription.next().await.unwrap() {
            Notice::Events(batch) => found.extend(ids(&batch.records().unwrap())),
            Notice::CaughtUp { position, .. } => return (found, position),
            Notice::FellBehind { .. } | Notice::Checkpoint { .. } => {}
        }
    }
}

#[tokio::test]
async fn a_subscription_gives_what_there_is_and_then_what_comes() {
    let mut fixture = Fixture::new(small()).await;
    fixture.fill("s", 0..50).await;
    for after in [0_u64, 1, 17, 49, 50] {
        let subscribe = SubscribeAll {
            start: Start::After(Position(after)),
            query: Query::default(),
        };
        let mut subscription = fixture.store.subscribe_all(subscribe).await.unwrap();
        let (found, position) = until_caught_up(&mut subscription).await;
        assert_eq!(
            (found, position),
            ((u128::from(after)..50).collect(), Position(50))
        );
    }
    let mut subscription = fixture
        .store
        .subscribe_all(SubscribeAll {
            start: Start::End,
            query: Query::default(),
        })
        .await
        .unwrap();
    assert_eq!(
        until_caught_up(&mut subscription).await,
        (Vec::new(), Position(50))
    );
    fixture.fill("s", 50..53).await;
    let mut live = Vec::new();
    while live.len() < 3 {
        if let Notice::Events(batch) = subscription.next().await.unwrap() {
            live.extend(ids(&batch.records().unwrap()));
        }
    }
    assert_eq!(live, [50, 51, 52]);
    fixture.reopen().await;
    assert_eq!(subscription.next().await, Err(Error::Closed));
}

#[tokio::test]
async fn one_that_falls_behind_is_told_and_misses_nothing() {
    let fixture = Fixture::new(small()).await;
    let subscribe = SubscribeAll {
        start: Start::Beginning,
        query: Query::default(),
    };
    let mut subscription = fixture.store.subscribe_all(subscribe).await.unwrap();
    assert_eq!(until_caught_up(&mut subscription).await.1, Position(0));
    // Far more than the ring holds.
    fixture.fill("s", 0..100).await;
    assert_eq!(
        subscription.next().await.unwrap(),
        Notice::FellBehind {
            position: Position(0),
            head: Position(100),
            revision: None,
        }
    );
    let (found, position) = until_caught_up(&mut subscription).await;
    assert_eq!((found, position), ((0..100).collect(), Position(100)));
}

#[tokio::test]
async fn a_stream_is_followed_even_before_it_exists() {
    let fixture = Fixture::new(small()).await;
    let subscribe = SubscribeStream {
        stream: stream("s"),
        start: Start::Beginning,
        query: Query::default(),
    };
    let mut subscription = fixture.store.subscribe_stream(subscribe.clone()).await.unwrap();
    until_caught_up(&mut subscription).await;
    for id in 0..60 {
        let name = if id % 2 == 0 { "s" } else { "other" };
        fixture
            .store
            .append(append(name, Expected::Any, &[id]))
            .await
            .unwrap();
    }
    let even: Vec<u128> = (0..60).filter(|id| id % 2 == 0).collect();
    assert_eq!(until_caught_up(&mut subscription).await.0, even);
    for after in 0..30_u64 {
        let subscribe = SubscribeStream {
            start: Start::After(Revision(after)),
            ..subscribe.clone()
        };
        let mut subscription = fixture.store.subscribe_stream(subscribe).await.unwrap();
        assert_eq!(
            until_caught_up(&mut subscription).await.0,
            even[after as usize + 1..]
        );
    }
    let beyond = SubscribeStream {
        start: Start::After(Revision(30)),
        ..subscribe
    };
    assert!(matches!(
        fixture.store.subscribe_stream(beyond).await.err(),
        Some(Error::RevisionBeyondEnd {
            last: Some(Revision(29)),
            ..
        })
    ));
}

/// Ids received until the subscription ended, and the error with which it ended.
async fn until_the_end(mut subscription: Subscription) -> (Vec<u128>, Error) {
    let mut found = Vec::new();
    loop {
        let next = tokio::time::timeout(Duration::from_secs(60), subscription.next());
        match next.await.expect("it ends") {
            Ok(Notice::Events(batch)) => found.extend(ids(&batch.records().unwrap())),
            Ok(_) => {}
            Err(error) => {
                assert_eq!(subscription.next().await, Err(error.clone()));
                return (found, error);
            }
        }
    }
}

/// Covers a subscription that waits for events, one that still has to read those before the tombstone from memory,
/// and one that has fallen behind. A subscription to another stream, and one to the stream's settings, continue.
#[tokio::test]
async fn a_subscription_ends_where_its_stream_does() {
    let fixture = Fixture::new(Settings {
        tail_bytes_max: 2_000,
        ..small()
    })
    .await;
    fixture.fill("s", 0..3).await;
    let subscribe = |name| {
        let subscribe = SubscribeStream {
            stream: StreamName::to_read(name).unwrap(),
            start: Start::Beginning,
            query: Query::default(),
        };
        let store = fixture.store.clone();
        async move {
            let mut subscription = store.subscribe_stream(subscribe).await.unwrap();
            let (found, _) = until_caught_up(&mut subscription).await;
            (subscription, found)
        }
    };
    let (behind, found) = subscribe("s").await;
    assert_eq!(found, [0, 1, 2]);
    // Far more than the ring holds.
    fixture.fill("other", 100..200).await;
    let (waiting, _) = subscribe("s").await;
    let waiting = tokio::spawn(until_the_end(waiting));
    let ((near, _), (mut other, _), (mut set, _)) =
        tokio::join!(subscribe("s"), subscribe("other"), subscribe("$$s"));
    fixture.fill("s", 3..5).await;
    fixture
        .store
        .tombstone_stream(&stream("s"), Expected::Any)
        .await
        .unwrap();
    fixture.fill("other", 200..201).await;
    let tombstoned = || Error::StreamTombstoned(stream("s"));
    assert_eq!(waiting.await.unwrap(), (vec![3, 4], tombstoned()));
    assert_eq!(until_the_end(near).await, (vec![3, 4], tombstoned()));
    assert_eq!(until_the_end(behind).await, (vec![], tombstoned()));
    for (subscription, position) in [(&mut other, 107), (&mut set, 106)] {
        let Notice::Events(batch) = subscription.next().await.unwrap() else {
            panic!("no event")
        };
        assert_eq!(batch.records().unwrap()[0].position, Position(position));
    }
}

#[tokio::test(start_paused = true)]
async fn a_filtered_subscription_sends_checkpoints_that_grow() {
    let fixture = Fixture::new(Settings {
        window_events: 4_096,
        ..Settings::default()
    })
    .await;
    let nothing = Query {
        items: vec![QueryItem {
            types: vec!["None".to_owned()],
            ..QueryItem::default()
        }],
    };
    let subscribe = SubscribeAll {
        start: Start::Beginning,
        query: nothing,
    };
    let mut subscription = fixture.store.subscribe_all(subscribe).await.unwrap();
    assert_eq!(
        subscription.next().await.unwrap(),
        Notice::CaughtUp {
            position: Position(0),
            revision: None,
        }
    );
    let mut last = Position(0);
    for round in 1..=3_u64 {
        fixture
            .fill("s", u128::from(round) * 100..u128::from(round) * 100 + 10)
            .await;
        let Notice::Checkpoint { position, .. } = subscription.next().await.unwrap() else {
            panic!("a checkpoint")
        };
        assert!(position > last && position <= Position(round * 10));
        last = position;
    }
    // No more without growth.
    assert_eq!(last, Position(30));
    let more = tokio::time::timeout(Duration::from_secs(60), subscription.next()).await;
    assert!(more.is_err(), "{more:?}");
    let mut events: Vec<crate::NewEvent> = (0..10_000_u128)
        .map(|n| crate::testing::event(10_000 + n))
        .collect();
    events.iter_mut().for_each(|event| event.data.clear());
    for half in events.chunks(5_000) {
        let append =
            crate::Append::new(stream("t"), Expected::Any, half.to_vec(), fixture.store.limits()).unwrap();
        fixture.store.append(append).await.unwrap();
    }
    let Notice::Checkpoint { position, .. } = subscription.next().await.unwrap() else {
        panic!("a checkpoint")
    };
    assert!(position > Position(30));
}

#[tokio::test]
async fn filtered_ones_give_what_a_filtered_read_gives() {
    let fixture = Fixture::new(small()).await;
    fixture.fill("s", 0..90).await;
    let subscribe = SubscribeAll {
        start: Start::Beginning,
        query: odd(),
    };
    let mut subscription = fixture.store.subscribe_all(subscribe).await.unwrap();
    let read = read_log(&fixture.store, Direction::Forwards, None, odd()).await;
    assert_eq!(
        until_caught_up(&mut subscription).await,
        (ids(&read), Position(90))
    );
}

#[tokio::test]
async fn there_are_no_more_than_allowed_and_a_dropped_one_makes_room() {
    let mut settings = small();
    settings.limits.subscriptions_max = 2;
    let fixture = Fixture::new(settings).await;
    let subscribe = || SubscribeAll {
        start: Start::Beginning,
        query: Query::default(),
    };
    let first = fixture.store.subscribe_all(subscribe()).await.unwrap();
    let _second = fixture.store.subscribe_all(subscribe()).await.unwrap();
    assert_eq!(
        fixture.store.subscribe_all(subscribe()).await.err(),
        Some(Error::Overloaded("subscriptions"))
    );
    drop(first);
    assert!(fixture.store.subscribe_all(subscribe()).await.is_ok());
    let beyond = SubscribeAll {
        start: Start::After(Position(1)),
        query: Query::default(),
    };
    assert_eq!(
        fixture.store.subscribe_all(beyond).await.err(),
        Some(Error::PositionBeyondHead {
            position: Position(1),
            head: Position(0)
        })
    );
}
